//! Exact quantiles of a sample; a large one is gone through twice instead of being kept.

use std::collections::BTreeMap;

use super::order::{quantile, rank};

/// Leading bits by which values are told apart at first: values of one range differ by less than a thousandth.
const BITS: u32 = 11;

/// A sample of up to so many values is kept and sorted: that is faster.
const FEW: usize = 1 << 12;

/// A sample's size, its largest value, and some of its quantiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spread<const N: usize> {
    /// How many values there are.
    pub count: u64,
    /// The largest one.
    pub largest: u64,
    /// The quantiles that were asked for.
    pub quantiles: [u64; N],
}

/// The nearest-rank quantiles of a sample; none of an empty one. `sample` gives the same values each time.
pub fn spread<I: Iterator<Item = u64>, const N: usize>(
    sample: impl Fn() -> I,
    quantiles: [f64; N],
) -> Option<Spread<N>> {
    let few: Vec<u64> = sample().take(FEW + 1).collect();
    if few.len() > FEW {
        counted(sample, quantiles)
    } else {
        sorted(few, quantiles)
    }
}

fn sorted<const N: usize>(mut sample: Vec<u64>, quantiles: [f64; N]) -> Option<Spread<N>> {
    sample.sort_unstable();
    let largest = *sample.last()?;
    Some(Spread {
        count: sample.len() as u64,
        largest,
        quantiles: quantiles.map(|q| quantile(&sample, q).unwrap_or(largest)),
    })
}

/// What is kept are counts: of ranges first, then of the different values in the ranges that hold a quantile.
fn counted<I: Iterator<Item = u64>, const N: usize>(
    sample: impl Fn() -> I,
    quantiles: [f64; N],
) -> Option<Spread<N>> {
    let mut ranges: Vec<u64> = Vec::new();
    let (mut count, mut largest) = (0, 0);
    for value in sample() {
        let range = range(value);
        if ranges.len() <= range {
            ranges.resize(range + 1, 0);
        }
        ranges[range] += 1;
        count += 1;
        largest = largest.max(value);
    }
    let size = usize::try_from(count).ok().filter(|count| *count > 0)?;
    let ranks = quantiles.map(|q| rank(size, q) as u64);
    let held = ranks.map(|rank| within(&ranges, rank));
    let mut values: BTreeMap<u64, u64> = BTreeMap::new();
    for value in sample() {
        if held.iter().any(|(of, _)| *of == range(value)) {
            *values.entry(value).or_default() += 1;
        }
    }
    let quantiles = held.map(|(of, rank)| {
        let own = values.iter().filter(|(value, _)| range(**value) == of);
        let mut left = rank;
        let mut at = own.skip_while(|(_, times)| {
            let before = left > **times;
            left = left.saturating_sub(**times);
            before
        });
        at.next().map_or(largest, |(value, _)| *value)
    });
    Some(Spread {
        count,
        largest,
        quantiles,
    })
}

/// The range that a value belongs to: small values have one each.
fn range(value: u64) -> usize {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(BITS);
    (((u64::from(shift)) << (BITS - 1)) + (value >> shift)) as usize
}

/// The range that holds the value of this rank, from 1, and its rank there.
fn within(ranges: &[u64], rank: u64) -> (usize, u64) {
    let mut left = rank;
    for (range, count) in ranges.iter().enumerate() {
        if left <= *count {
            return (range, left);
        }
        left -= count;
    }
    (ranges.len(), left)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_ascend_without_gaps() {
        let near = (0..5_000).chain((13..64).flat_map(|bit| {
            let power = 1_u64 << bit;
            let step = 1 << (bit - 10);
            [power - 1, power, power + step - 1, power + step]
        }));
        let ranges: Vec<usize> = near.map(range).collect();
        assert!(ranges.is_sorted());
        assert_eq!(range(1 << 40) - range((1 << 40) - 1), 1);
        assert!(range(u64::MAX) < 60_000);
    }

    proptest! {
        #[test]
        fn quantiles_are_those_of_the_sorted_sample(
            small in proptest::collection::vec(0..5_000_u64, 0..300),
            large in proptest::collection::vec(any::<u64>(), 0..50),
            q in 0.0..1.0,
        ) {
            let sample: Vec<u64> = small.into_iter().chain(large).collect();
            let mut sorted = sample.clone();
            sorted.sort_unstable();
            let expected = quantile(&sorted, q).zip(quantile(&sorted, 0.99));
            let wanted = [q, 0.99];
            for found in [counted(|| sample.iter().copied(), wanted), spread(|| sample.iter().copied(), wanted)] {
                prop_assert_eq!(found.as_ref().map(|it| (it.quantiles[0], it.quantiles[1])), expected);
                prop_assert_eq!(found.map(|it| (it.count as usize, it.largest)), sorted.last().map(|it| (sorted.len(), *it)));
            }
        }
    }
}
