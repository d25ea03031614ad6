//! What the old primary's data directory holds alone against the loss that was measured: C3, C4 and C5.

use std::time::Duration;

use crate::{
    history::{Access, History, Op, Outcome},
    measure::LostWrite,
    record::Record,
    score::judge,
    time::Nanos,
};

use super::{
    Line,
    definitions_loss::Ids,
    line::{milliseconds, seconds},
};

/// What a plain client of the database listed on the two sides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disk {
    /// On the old primary alone.
    pub old: Ids,
    /// On the new primary.
    pub new: Ids,
    /// The time between the first and the last commit that the new primary lacks, by the old one's own log.
    pub age: Option<Duration>,
}

/// How a level loses writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loses {
    /// Replication was blocked and the primary killed: C3.
    Tail,
    /// The same where writes wait for a replica: C4.
    Nothing,
    /// A replica was promoted while the primary lived: C5.
    SplitBrain,
}

/// By how much the last commit on the old primary may lie before the kill.
const LAST_COMMIT: Duration = Duration::from_millis(100);

/// Judges a run after which this was found on the disks.
pub fn loss(mut line: Line, loses: Loses, disk: &Disk, record: &Record, history: &History) -> Line {
    let judgement = judge(record, history);
    let alone: Ids = disk.old.difference(&disk.new).copied().collect();
    line.truth = format!("{} on the old primary alone", alone.len());
    let Some(loss) = judgement.figures.loss.value() else {
        line.ask(false, || "loss was not measured".into());
        return line.excuse(record, history);
    };
    let (tail, split) = (ids(&loss.lost), ids(&loss.split_brain));
    let told: Ids = tail.union(&split).copied().collect();
    line.measured = format!("rpo_count {}, split_brain {}", tail.len(), split.len());
    // What was found alone and not reported must not have been acknowledged.
    let silent = alone.difference(&told);
    let silent = silent.filter_map(|(lane, seq)| history.lane(*lane).find(*seq));
    let (excused, strange): (Vec<Op>, Vec<Op>) =
        silent.partition(|op| unacknowledged(op, loses, record));
    line.error = format!(
        "{} elements",
        told.difference(&alone).count() + strange.len()
    );
    line.ask(told.is_subset(&alone), || {
        "writes are reported lost that the disks do not miss".into()
    });
    line.ask(strange.is_empty(), || {
        format!(
            "{} writes are missing on the new primary and not reported",
            strange.len()
        )
    });
    line.ask(disk.old.is_superset(&tail), || {
        "the old primary lacks lost writes".into()
    });
    line.ask(loss.later.is_empty(), || "a later event is blamed".into());
    let writers = record
        .lanes
        .iter()
        .filter(|lane| lane.access == Access::Write && lane.group.appends());
    match loses {
        Loses::Tail => {
            line.limit = "the same, a suffix".into();
            line.ask(!tail.is_empty(), || "nothing was lost".into());
            line.ask(split.is_empty(), || "split brain is reported".into());
            line.ask(loss.holes.is_empty(), || "the loss is no suffix".into());
        }
        Loses::Nothing => {
            line.limit = "0 lost, info > 0".into();
            line.measured = format!("{}, info {}", line.measured, loss.info);
            line.ask(told.is_empty(), || "acknowledged writes are lost".into());
            line.ask(!excused.is_empty(), || "no write was left undecided".into());
        }
        Loses::SplitBrain => {
            line.limit = "the same, after the cut".into();
            line.ask(!split.is_empty(), || "no split brain is reported".into());
            // What was in flight when replication was cut counts to RPO.
            line.ask(tail.len() <= writers.count(), || {
                "writes after the cut count to RPO".into()
            });
        }
    }
    line.excuse(record, history)
}

/// Judges `rpo_seconds` of the same run against the old primary's own log. That knows when its last commit was, not when it was
/// killed: the truth is a range, which the bracket must meet.
pub fn age(mut line: Line, disk: &Disk, record: &Record, history: &History) -> Line {
    let Some(age) = disk.age else {
        line.undecide("the old primary's log does not tell");
        return line;
    };
    let (least, most) = (
        Nanos::from_duration(age).0,
        Nanos::from_duration(age + LAST_COMMIT).0,
    );
    line.truth = format!("{} to {}", seconds(least), seconds(most));
    line.limit = "the bracket meets the truth's".into();
    let judgement = judge(record, history);
    match judgement.figures.loss.value() {
        None => line.ask(false, || "loss was not measured".into()),
        Some(loss) => {
            let span = loss.rpo_seconds;
            let high = span.high_ns.unwrap_or(u64::MAX);
            line.measured = format!("{} to {}", seconds(span.low_ns), seconds(high));
            line.error = milliseconds(i128::from(high) - i128::from(least));
            line.ask(span.low_ns <= most && least <= high, || {
                "the truth is outside the bracket".into()
            });
        }
    }
    line.excuse(record, history)
}

fn ids(list: &[LostWrite]) -> Ids {
    list.iter().map(|write| (write.lane, write.seq)).collect()
}

/// Whether a write that is on the old primary alone need not be reported: its client was never told, and, where
/// writes do not wait for replicas, it was under way when something struck.
fn unacknowledged(op: &Op, loses: Loses, record: &Record) -> bool {
    let under_way = record.disruptions.iter().any(|(at, _)| {
        op.sent.is_some_and(|sent| sent <= at.high) && op.done.is_some_and(|done| done >= at.low)
    });
    op.outcome == Outcome::Info && (under_way || loses == Loses::Nothing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measure::fixture::{Bench, FAULT, W1, W2, ms},
        truth::Acceptance,
    };

    /// Both lanes' last three writes before the fault are on the old primary alone.
    fn lost_tail() -> (Bench, Disk) {
        let mut bench = Bench::with_outage(ms(24_000));
        let alone: Vec<_> = (497..500).flat_map(|seq| [(W1, seq), (W2, seq)]).collect();
        bench.absent = alone.clone();
        let disk = Disk {
            old: alone.into_iter().chain([(W1, 3)]).collect(),
            new: [(W1, 3), (W1, 700)].into(),
            age: Some(Duration::from_millis(100)),
        };
        (bench, disk)
    }

    fn of(loses: Loses, disk: &Disk, bench: Bench) -> Line {
        let (record, history) = bench.build();
        loss(Line::new("C3", "a", "b"), loses, disk, &record, &history)
    }

    #[test]
    fn a_lost_tail_is_accepted_and_one_write_off_is_not() {
        let (bench, disk) = lost_tail();
        let (record, history) = bench.build();
        let line = loss(
            Line::new("C3", "a", "b"),
            Loses::Tail,
            &disk,
            &record,
            &history,
        );
        assert_eq!(line.state, Acceptance::Accepted, "{line:#?}");
        let line = age(Line::new("C3", "a", "b"), &disk, &record, &history);
        assert_eq!(line.state, Acceptance::Accepted, "{line:#?}");
        assert_eq!(line.truth, "0.1000 s to 0.2000 s");
        for (told, state) in [
            (Some(Duration::from_millis(200)), Acceptance::Rejected),
            (None, Acceptance::Undecided),
        ] {
            let disk = Disk {
                age: told,
                ..disk.clone()
            };
            let line = age(Line::new("C3", "a", "b"), &disk, &record, &history);
            assert_eq!(line.state, state, "{line:#?}");
        }
        for outcome in [Outcome::Info, Outcome::Fail] {
            let (mut bench, disk) = lost_tail();
            bench.op(W1, 498).outcome = outcome;
            assert_eq!(of(Loses::Tail, &disk, bench).state, Acceptance::Rejected);
        }
        let (mut bench, disk) = lost_tail();
        bench.absent.push((W2, 490));
        assert_eq!(of(Loses::Tail, &disk, bench).state, Acceptance::Rejected);
        let (mut bench, disk) = lost_tail();
        bench.op(W1, 499).outcome = Outcome::Info;
        bench.op(W1, 499).done = Some(FAULT.high);
        let line = of(Loses::Tail, &disk, bench);
        assert_eq!(line.state, Acceptance::Accepted, "under way at the fault");
    }

    #[test]
    fn nothing_lost_is_accepted_and_one_acknowledged_write_off_is_not() {
        let plant = |acknowledged: bool| {
            let (mut bench, disk) = lost_tail();
            for (lane, seq) in bench.absent.clone() {
                bench.op(lane, seq).outcome = Outcome::Info;
            }
            if acknowledged {
                bench.op(W1, 498).outcome = Outcome::Ok;
            }
            of(Loses::Nothing, &disk, bench).state
        };
        assert_eq!(plant(false), Acceptance::Accepted);
        assert_eq!(plant(true), Acceptance::Rejected);
    }

    #[test]
    fn split_brain_is_accepted_and_one_write_off_is_not() {
        let plant = |absent: &[u64]| {
            let mut bench = Bench::new();
            bench.absent = absent.iter().map(|seq| (W1, *seq)).collect();
            let disk = Disk {
                old: (501..504).map(|seq| (W1, seq)).collect(),
                new: Ids::new(),
                age: None,
            };
            of(Loses::SplitBrain, &disk, bench).state
        };
        assert_eq!(plant(&[501, 502, 503]), Acceptance::Accepted);
        assert_eq!(plant(&[501, 502]), Acceptance::Rejected);
        assert_eq!(plant(&[501, 502, 503, 504]), Acceptance::Rejected);
    }
}
