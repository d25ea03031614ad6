//! The elements that a final read found of one lane, as ranges, and as few numbers in its event.

use std::{fmt, ops::Deref, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
    ser::SerializeSeq,
};

/// Up to so many ranges are written one by one, as a reader likes them; more are packed.
const PLAIN: usize = 64;

/// Elements `from..=to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The first.
    pub from: u64,
    /// The last.
    pub to: u64,
}

/// Disjoint ranges, ascending. Cheap to clone: final reads of the same elements share them.
///
/// In an event more than 64 of them are numbers, three for each run of like ones: the elements missing before a range, those
/// that it holds, and how often that comes in a row. A lane of which every other element is there takes three numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges(Arc<Vec<Range>>);

impl Ranges {
    /// Adds an element above all others.
    pub fn push(&mut self, seq: u64) {
        let ranges = Arc::make_mut(&mut self.0);
        match ranges.last_mut() {
            Some(last) if last.to.checked_add(1) == Some(seq) => last.to = seq,
            _ => ranges.push(Range { from: seq, to: seq }),
        }
    }

    /// The ranges, to be changed.
    pub fn all_mut(&mut self) -> &mut Vec<Range> {
        Arc::make_mut(&mut self.0)
    }

    /// Shares what another holds, where that is the same.
    pub fn share(&mut self, other: &Self) {
        if self == other {
            self.0 = Arc::clone(&other.0);
        }
    }
}

impl Deref for Ranges {
    type Target = [Range];

    fn deref(&self) -> &[Range] {
        &self.0
    }
}

impl From<Vec<Range>> for Ranges {
    fn from(ranges: Vec<Range>) -> Self {
        Self(Arc::new(ranges))
    }
}

impl Serialize for Ranges {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let ascends = |pair: &[Range]| pair[0].to < pair[1].from;
        let sound = self.iter().all(|range| range.from <= range.to);
        if self.len() <= PLAIN || !sound || !self.windows(2).all(ascends) {
            return to.collect_seq(self.iter());
        }
        let mut seq = to.serialize_seq(None)?;
        for run in runs(self) {
            for number in run {
                seq.serialize_element(&number)?;
            }
        }
        seq.end()
    }
}

/// Runs of like ranges: the gap before each, its length, and how often they come in a row.
fn runs(ranges: &[Range]) -> impl Iterator<Item = [u64; 3]> {
    let mut next = 0;
    let mut like = ranges.iter().map(move |range| {
        let run = [range.from - next, range.to - range.from];
        next = range.to.saturating_add(1);
        run
    });
    let mut held = like.next();
    std::iter::from_fn(move || {
        let [gap, length] = held?;
        let mut times = 1;
        loop {
            held = like.next();
            if held != Some([gap, length]) {
                // A length counts from 1 in the file; one of 2^64 elements cannot be.
                return Some([gap, length.saturating_add(1), times]);
            }
            times += 1;
        }
    })
}

/// One thing of a list of ranges.
#[derive(Deserialize)]
#[serde(untagged)]
enum Item {
    Number(u64),
    Plain(Range),
}

impl<'de> Deserialize<'de> for Ranges {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(InSeq)
    }
}

struct InSeq;

impl<'de> Visitor<'de> for InSeq {
    type Value = Ranges;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ranges, or three numbers for each run of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Ranges, A::Error> {
        let mut ranges: Vec<Range> = Vec::new();
        let mut next = 0_u64;
        while let Some(item) = seq.next_element()? {
            let gap = match item {
                Item::Plain(range) => {
                    ranges.push(range);
                    continue;
                }
                Item::Number(gap) => gap,
            };
            let (Some(length), Some(times)) = (seq.next_element()?, seq.next_element()?) else {
                return Err(A::Error::custom("a run of ranges that is cut off"));
            };
            unpack([gap, length, times], &mut next, &mut ranges).map_err(A::Error::custom)?;
        }
        ranges.shrink_to_fit();
        Ok(ranges.into())
    }
}

/// The most ranges of one lane: a file of a few bytes must not ask for all memory.
const MOST: u64 = 100_000_000;

fn unpack(
    [gap, length, times]: [u64; 3],
    next: &mut u64,
    ranges: &mut Vec<Range>,
) -> Result<(), &'static str> {
    const BEYOND: &str = "a run of ranges beyond all numbers";
    if length == 0 || times > MOST || ranges.len() as u64 + times > MOST {
        return Err("a run of ranges that cannot be");
    }
    for _ in 0..times {
        let from = next.checked_add(gap).ok_or(BEYOND)?;
        let to = from.checked_add(length - 1).ok_or(BEYOND)?;
        ranges.push(Range { from, to });
        *next = to.checked_add(1).ok_or(BEYOND)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(pairs: impl IntoIterator<Item = (u64, u64)>) -> Ranges {
        let all: Vec<Range> = pairs
            .into_iter()
            .map(|(from, to)| Range { from, to })
            .collect();
        all.into()
    }

    #[test]
    fn few_are_plain_and_every_other_of_many_takes_three_numbers() {
        let few = of([(1, 2), (4, 4)]);
        let text = serde_json::to_string(&few).unwrap();
        assert_eq!(text, r#"[{"from":1,"to":2},{"from":4,"to":4}]"#);
        let many = of((0..1000).map(|n| (2 * n + 1, 2 * n + 1)));
        let text = serde_json::to_string(&many).unwrap();
        assert_eq!(text, "[1,1,1000]");
        assert_eq!(serde_json::from_str::<Ranges>(&text).unwrap(), many);
    }

    #[test]
    fn what_no_read_can_hold_is_refused() {
        for text in [
            "[1]",
            "[1,2]",
            "[0,0,1]",
            "[0,1,100000001]",
            "[18446744073709551615,2,1]",
            "[1,1,50000001,1,1,50000001]",
        ] {
            assert!(serde_json::from_str::<Ranges>(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn all_come_back_as_they_were(steps in proptest::collection::vec((1..4_u64, 0..3_u64), 0..400)) {
            let mut next = 0;
            let pairs = steps.iter().map(|(gap, length)| {
                let from = next + gap;
                next = from + length + 1;
                (from, from + length)
            });
            let ranges = of(pairs.collect::<Vec<_>>());
            let text = serde_json::to_string(&ranges).unwrap();
            prop_assert_eq!(serde_json::from_str::<Ranges>(&text).unwrap(), ranges);
        }
    }
}
