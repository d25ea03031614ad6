//! What the final reads found: for each write lane the elements present, compactly.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{LaneId, NodeName};

use super::Ranges;

/// One complete read of the workload's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinalRead {
    /// What was read, and when.
    pub source: Source,
    /// What it held, or why it could not be read.
    pub holdings: Result<Holdings, String>,
}

/// What a final read was of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The authoritative side through the clients' route, the first or second time.
    Authority { pass: u8 },
    /// One member before the convergence guard: how far they had drifted apart.
    Before { node: NodeName },
    /// One member after it: whoever still differs is a finding.
    After { node: NodeName },
}

/// The elements that a source holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holdings {
    /// Present elements per lane as disjoint ascending ranges; an element present several times is in it once.
    pub lanes: BTreeMap<LaneId, Ranges>,
    /// Elements present more than once.
    pub repeated: Vec<Repeated>,
    /// Elements whose checksum differs.
    pub corrupt: Vec<(LaneId, u64)>,
    /// Rows or elements that carry this run's name and cannot be read as an element at all.
    pub alien: u64,
    /// The total of all accounts, where there are some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The lists of list-append clients, where they were read: those of the authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lists: Option<BTreeMap<u32, Vec<u64>>>,
}

/// An element present more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeated {
    /// Its lane.
    pub lane: LaneId,
    /// Its number.
    pub seq: u64,
    /// How often it is present.
    pub times: u32,
}

impl Holdings {
    /// Collects elements in any order; `sound` says whether the element's checksum agrees.
    pub fn collect(elements: impl IntoIterator<Item = (LaneId, u64, bool)>) -> Self {
        let mut holdings = Self::default();
        let mut found = Vec::new();
        for (lane, seq, sound) in elements {
            found.push((lane, seq));
            if !sound {
                holdings.corrupt.push((lane, seq));
            }
        }
        found.sort_unstable();
        for same in found.chunk_by(|a, b| a == b) {
            let (lane, seq) = same[0];
            holdings.lanes.entry(lane).or_default().push(seq);
            if same.len() > 1 {
                let times = u32::try_from(same.len()).unwrap_or(u32::MAX);
                holdings.repeated.push(Repeated { lane, seq, times });
            }
        }
        holdings.corrupt.sort_unstable();
        holdings.corrupt.dedup();
        holdings
    }

    /// Whether the element is present.
    pub fn has(&self, lane: LaneId, seq: u64) -> bool {
        let Some(ranges) = self.lanes.get(&lane) else {
            return false;
        };
        let after = ranges.partition_point(|range| range.from <= seq);
        after > 0 && ranges[after - 1].to >= seq
    }

    /// How many different elements are present.
    pub fn len(&self) -> u64 {
        self.lanes
            .values()
            .flat_map(|ranges| ranges.iter())
            .map(|range| range.to - range.from + 1)
            .sum()
    }

    /// Shares what an earlier read found of the same lanes, where that is the same.
    pub fn share(&mut self, earlier: &Self) {
        for (lane, ranges) in &mut self.lanes {
            if let Some(other) = earlier.lanes.get(lane) {
                ranges.share(other);
            }
        }
    }

    /// What of it lies in lanes that fit.
    #[must_use]
    pub fn of_lanes(&self, fits: impl Fn(LaneId) -> bool) -> Self {
        let mut part = self.clone();
        part.lanes.retain(|lane, _| fits(*lane));
        part.repeated.retain(|repeated| fits(repeated.lane));
        part.corrupt.retain(|(lane, _)| fits(*lane));
        part
    }

    /// Whether nothing is present.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Range;

    #[test]
    fn elements_become_ranges_and_repeats_are_counted() {
        let lane = LaneId(0);
        let holdings = Holdings::collect([
            (lane, 4, true),
            (lane, 1, true),
            (lane, 2, false),
            (lane, 1, true),
        ]);
        assert_eq!(
            *holdings.lanes[&lane],
            [Range { from: 1, to: 2 }, Range { from: 4, to: 4 }]
        );
        assert_eq!(
            holdings.repeated,
            [Repeated {
                lane,
                seq: 1,
                times: 2
            }]
        );
        assert_eq!(holdings.corrupt, [(lane, 2)]);
        assert_eq!(holdings.len(), 3);
        assert!(holdings.has(lane, 4) && !holdings.has(lane, 3) && !holdings.has(lane, 0));
        assert!(!holdings.has(LaneId(9), 4));
    }
}
