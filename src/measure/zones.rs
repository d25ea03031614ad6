//! Whether some order explains what was read from a register whose writes all carry different values: Gibbons' and
//! Korach's zones, in O(n log n).
//!
//! All operations of one value form a cluster. Its zone lies between the earliest end and the latest start in it: where
//! the end comes first, the value was there all that time (a forward zone); else all of them overlap (a backward zone),
//! and the value may have been there for a moment only. A history is linearizable exactly if no read ends before its
//! write starts, no two forward zones overlap, and no backward zone lies within a forward one.

use std::collections::HashMap;

use crate::{history::Access, time::Nanos};

/// One operation on the register. Reads were answered; writes were acknowledged, or may have been applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// What it does.
    pub access: Access,
    /// What it wrote or what it read. 0 is what the register held before the first operation.
    pub value: u64,
    /// When it started.
    pub sent: Nanos,
    /// When it ended. For a write that may have been applied, none: it may take effect at any time, or never.
    pub done: Option<Nanos>,
}

/// Two operations of one value, by their places among the operations; none stands for the beginning, before which
/// nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Ends first: from then on the value was there.
    pub by: Option<usize>,
    /// Starts last: the value was still there.
    pub until: Option<usize>,
}

/// What no order explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anomaly {
    /// A read saw a value that no operation wrote.
    Unwritten {
        /// The read.
        read: usize,
    },
    /// A read saw a value and ended before its write started.
    Foreseen {
        /// The read.
        read: usize,
        /// The write.
        write: usize,
    },
    /// Two values were there by turns, each of them again after the other.
    Crossed {
        /// The one that was there first.
        first: Held,
        /// The other one.
        second: Held,
    },
    /// A value was written, or seen, wholly between two moments at which another one was there.
    Undone {
        /// The value that came back, or never left.
        kept: Held,
        /// The value that is gone.
        gone: Held,
    },
}

/// Every anomaly of a register's history, those of single reads first; none if and only if the history is linearizable.
/// No two writes may carry the same value.
pub fn anomalies(operations: &[Operation]) -> Vec<Anomaly> {
    let mut found = Vec::new();
    let clusters = clusters(operations, &mut found);
    let (mut forward, mut backward): (Vec<Zone>, Vec<Zone>) = clusters
        .into_values()
        .map(|cluster| cluster.zone)
        .partition(|zone| zone.end < zone.start);
    forward.sort_unstable_by_key(|zone| (zone.end, zone.start));
    backward.sort_unstable_by_key(|zone| (zone.start, zone.end));
    let overlaps = forward.windows(2).filter(|two| two[1].end < two[0].start);
    found.extend(overlaps.map(|two| Anomaly::Crossed {
        first: two[0].held,
        second: two[1].held,
    }));
    for zone in &backward {
        let before = forward.partition_point(|around| around.end < zone.start);
        let around = before.checked_sub(1).and_then(|index| forward.get(index));
        if let Some(around) = around.filter(|around| zone.end < around.start) {
            found.push(Anomaly::Undone {
                kept: around.held,
                gone: zone.held,
            });
        }
    }
    found
}

/// A moment; one before all others is -1, and one that never comes the greatest.
type Moment = i64;

const BEGINNING: Moment = -1;
const NEVER: Moment = Moment::MAX;

fn moment(at: Nanos) -> Moment {
    Moment::try_from(at.0).unwrap_or(NEVER)
}

/// The earliest end and the latest start in a cluster.
#[derive(Debug, Clone, Copy)]
struct Zone {
    end: Moment,
    start: Moment,
    held: Held,
}

struct Cluster {
    write: Option<usize>,
    /// When its write started.
    began: Moment,
    zone: Zone,
    read: bool,
}

impl Cluster {
    fn new(write: Option<usize>, began: Moment, ended: Moment) -> Self {
        Self {
            write,
            began,
            zone: Zone {
                end: ended,
                start: began,
                held: Held {
                    by: write,
                    until: write,
                },
            },
            read: false,
        }
    }

    fn add(&mut self, read: usize, sent: Moment, done: Moment) {
        let zone = &mut self.zone;
        if done < zone.end {
            (zone.end, zone.held.by) = (done, Some(read));
        }
        if sent > zone.start {
            (zone.start, zone.held.until) = (sent, Some(read));
        }
        self.read = true;
    }
}

/// The operations by value. Reads without a write that came before them are noted and left out; so is a write that may
/// have been applied and that nobody saw, since never having been applied explains it, and a beginning that nobody saw.
fn clusters(operations: &[Operation], found: &mut Vec<Anomaly>) -> HashMap<u64, Cluster> {
    let mut clusters = HashMap::from([(0, Cluster::new(None, BEGINNING, BEGINNING))]);
    let mut optional = vec![0];
    for (index, it) in operations.iter().enumerate() {
        if it.access == Access::Write {
            let done = it.done.map_or(NEVER, moment);
            clusters.insert(it.value, Cluster::new(Some(index), moment(it.sent), done));
            if it.done.is_none() {
                optional.push(it.value);
            }
        }
    }
    for (index, it) in operations.iter().enumerate() {
        let (Access::Read, Some(done)) = (it.access, it.done) else {
            continue;
        };
        match clusters.get_mut(&it.value) {
            None => found.push(Anomaly::Unwritten { read: index }),
            Some(cluster) => match cluster.write {
                Some(write) if moment(done) < cluster.began => {
                    found.push(Anomaly::Foreseen { read: index, write });
                }
                _ => cluster.add(index, moment(it.sent), moment(done)),
            },
        }
    }
    for value in optional {
        if clusters.get(&value).is_some_and(|cluster| !cluster.read) {
            clusters.remove(&value);
        }
    }
    clusters
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use crate::seed::Seed;

    use super::*;

    fn op(access: Access, value: u64, sent: u64, done: Option<u64>) -> Operation {
        Operation {
            access,
            value,
            sent: Nanos(sent),
            done: done.map(Nanos),
        }
    }

    fn write(value: u64, sent: u64, done: u64) -> Operation {
        op(Access::Write, value, sent, Some(done))
    }

    fn read(value: u64, sent: u64, done: u64) -> Operation {
        op(Access::Read, value, sent, Some(done))
    }

    fn info(value: u64, sent: u64) -> Operation {
        op(Access::Write, value, sent, None)
    }

    /// The definition: operations are taken one after the other, each only while no other one has ended before it
    /// started; a write that may have been applied may also never be taken.
    fn explained(operations: &[Operation]) -> bool {
        let mut seen = HashSet::new();
        let mut left = vec![(0_u32, 0_u64)];
        while let Some(state) = left.pop() {
            if !seen.insert(state) {
                continue;
            }
            let (taken, value) = state;
            let rest = || (0..operations.len()).filter(|index| taken & (1 << index) == 0);
            if rest().all(|index| operations[index].done.is_none()) {
                return true;
            }
            let first_end = rest().filter_map(|index| operations[index].done).min();
            for index in rest() {
                let it = operations[index];
                let may = first_end.is_none_or(|end| it.sent <= end);
                match it.access {
                    Access::Write if may => left.push((taken | 1 << index, it.value)),
                    Access::Read if may && it.value == value => {
                        left.push((taken | 1 << index, value))
                    }
                    Access::Write | Access::Read => {}
                }
            }
        }
        false
    }

    #[test]
    fn thousands_of_small_histories_are_judged_as_by_trying_every_order() {
        let (mut linearizable, mut broken) = (0, 0);
        for round in 0..40_000_u64 {
            let mut random = Seed(round).stream("zones");
            // Few moments give many operations that start as others end.
            let moments = if round % 2 == 0 { 12 } else { 1000 };
            let count = 2 + random.index(6) as u64;
            let mut operations: Vec<Operation> = Vec::new();
            let mut values = vec![0];
            for value in 1..=count {
                let (a, b) = (random.index(moments) as u64, random.index(moments) as u64);
                let (sent, done) = (a.min(b), a.max(b));
                if random.unit() < 0.5 {
                    let certain = random.unit() < 0.75;
                    operations.push(op(Access::Write, value, sent, certain.then_some(done)));
                    values.push(value);
                } else {
                    operations.push(read(0, sent, done));
                }
            }
            // Now and then a value that nobody wrote.
            if random.unit() < 0.05 {
                values.push(99);
            }
            for it in operations.iter_mut().filter(|it| it.access == Access::Read) {
                it.value = values[random.index(values.len())];
            }
            let found = anomalies(&operations);
            assert_eq!(
                found.is_empty(),
                explained(&operations),
                "{operations:?}: {found:?}"
            );
            if found.is_empty() {
                linearizable += 1;
            } else {
                broken += 1;
            }
        }
        assert!(
            linearizable > 5_000 && broken > 5_000,
            "{linearizable} {broken}"
        );
    }

    #[test]
    fn a_lost_write_is_told_by_what_was_there_before_and_after_it() {
        let history = [write(1, 10, 20), write(2, 30, 40), read(1, 50, 60)];
        let kept = Held {
            by: Some(0),
            until: Some(2),
        };
        let gone = Held {
            by: Some(1),
            until: Some(1),
        };
        assert_eq!(anomalies(&history), [Anomaly::Undone { kept, gone }]);
        // It may have been applied before the other one, had they overlapped.
        assert_eq!(
            anomalies(&[write(1, 10, 20), write(2, 15, 40), read(1, 50, 60)]),
            []
        );
    }

    #[test]
    fn an_unknown_write_may_be_there_at_any_time_or_never_and_yet_not_go_again() {
        assert_eq!(
            anomalies(&[write(1, 10, 20), info(2, 30), read(1, 50, 60)]),
            []
        );
        assert_eq!(
            anomalies(&[info(2, 30), read(0, 50, 60), read(2, 70, 80)]),
            []
        );
        let gone = [
            write(1, 5, 8),
            info(2, 10),
            read(2, 50, 60),
            read(1, 70, 80),
        ];
        assert_eq!(anomalies(&gone).len(), 1);
    }

    #[test]
    fn values_by_turns_values_of_nobody_and_values_of_the_future_are_told() {
        let turns = [
            write(1, 0, 10),
            write(2, 0, 10),
            read(1, 20, 21),
            read(2, 30, 31),
            read(1, 40, 41),
        ];
        assert!(matches!(anomalies(&turns)[..], [Anomaly::Crossed { .. }]));
        assert_eq!(
            anomalies(&[read(7, 1, 2)]),
            [Anomaly::Unwritten { read: 0 }]
        );
        let early = [read(1, 1, 2), write(1, 3, 4)];
        assert_eq!(anomalies(&early), [Anomaly::Foreseen { read: 0, write: 1 }]);
    }

    #[test]
    fn a_million_operations_are_judged_within_a_test() {
        let history: Vec<Operation> = (0..500_000)
            .flat_map(|n| {
                [
                    write(n + 1, n * 10, n * 10 + 15),
                    read(n + 1, n * 10 + 2, n * 10 + 9),
                ]
            })
            .collect();
        assert_eq!(anomalies(&history), []);
    }
}
