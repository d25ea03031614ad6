//! The transactions of list-append clients: which lists they read, and which elements they append.

use crate::id::LaneId;

use super::register_value;

/// The most steps of a transaction.
const STEPS_MAX: u64 = 4;

/// Transactions of each lane after which lists are given up for new ones, so that none grows long: at eight lanes and four
/// lists, a list ends with about eighty elements.
const TURN: u64 = 32;

/// One step of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TxnStep {
    /// Adds an element at the list's end; no other step of the run adds this one.
    Append { list: u32, element: u64 },
    /// Reads a whole list.
    Read { list: u32 },
}

/// The steps of a lane's transaction of this number, over so many lists at a time: one to four of them, half of them
/// appends, each to any of the lists.
pub fn transaction(lane: LaneId, seq: u64, lists: u16) -> Vec<TxnStep> {
    let mut dice = mixed(register_value(lane, seq));
    let mut below = |sides: u64| {
        let rolled = dice % sides;
        dice /= sides;
        rolled
    };
    let lists = u64::from(lists.max(1));
    (0..=below(STEPS_MAX))
        .map(|index| {
            let list = list(seq, below(lists), lists);
            match below(2) {
                0 => TxnStep::Read { list },
                _ => TxnStep::Append {
                    list,
                    element: register_value(lane, seq * STEPS_MAX + index),
                },
            }
        })
        .collect()
}

/// The list that is in a place at a lane's transaction of this number. The places' lists are given up one after the other,
/// not all at the same time.
fn list(seq: u64, place: u64, lists: u64) -> u32 {
    let turn = (seq + place * TURN / lists) / TURN;
    u32::try_from(turn * lists + place).unwrap_or(u32::MAX)
}

/// A number whose bits all depend on all bits of the given one: the finalizer of SplitMix64 (Steele, Lea and Flood 2014).
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn elements_are_unique_lists_stay_short_and_every_length_and_mix_occurs() {
        let mut elements = BTreeSet::new();
        let mut lengths = BTreeMap::new();
        let mut lists: BTreeMap<u32, u64> = BTreeMap::new();
        let mut reads = 0;
        for lane in 0..8 {
            for seq in 0..1000 {
                let steps = transaction(LaneId(lane), seq, 4);
                assert_eq!(steps, transaction(LaneId(lane), seq, 4));
                *lengths.entry(steps.len()).or_insert(0) += 1;
                for step in steps {
                    match step {
                        TxnStep::Read { .. } => reads += 1,
                        TxnStep::Append { list, element } => {
                            assert!(elements.insert(element), "{element} twice");
                            *lists.entry(list).or_default() += 1;
                        }
                    }
                }
            }
        }
        assert!(lengths.values().all(|many| *many > 1800), "{lengths:?}");
        assert_eq!(lengths.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4]);
        let appends = elements.len();
        assert!(appends.abs_diff(reads) < appends / 10, "{appends} {reads}");
        let longest = lists.values().max();
        assert!(lists.len() > 100 && longest < Some(&130), "{longest:?}");
    }
}
