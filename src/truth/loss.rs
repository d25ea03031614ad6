//! Elements of known fate against the loss that was measured: C1, C3, C4 and C5.

use crate::{
    history::{Access, History, Outcome},
    id::LaneId,
    measure::{Loss, LostWrite},
    record::Record,
    score::judge,
    time::Span,
};

use super::{
    Line,
    definitions_loss::Ids,
    line::{milliseconds, seconds},
};

/// What must be found in a run in which every operation of a service lane was acknowledged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fate {
    /// Acknowledged and not kept.
    pub lost: Ids,
    /// Applied twice.
    pub twice: Ids,
}

/// Judges a run in which nothing failed and these elements met their fate.
pub fn fate(mut line: Line, fate: &Fate, record: &Record, history: &History) -> Line {
    let judgement = judge(record, history);
    line.truth = format!("{} lost, {} twice", fate.lost.len(), fate.twice.len());
    line.limit = "the same elements".into();
    let failed = failed(record, history);
    line.ask(failed == 0, || format!("{failed} operations were not ok"));
    let Some(loss) = judgement.figures.loss.value() else {
        line.ask(false, || "loss was not measured".into());
        return line.excuse(record, history);
    };
    let lost = ids(&loss.lost);
    let twice: Ids = loss.duplicate.iter().map(|d| (d.0, d.1)).collect();
    line.measured = format!("{} lost, {} twice", lost.len(), twice.len());
    line.error = format!(
        "{} elements",
        lost.symmetric_difference(&fate.lost).count()
            + twice.symmetric_difference(&fate.twice).count()
    );
    line.ask(lost == fate.lost, || "other elements are lost".into());
    line.ask(twice == fate.twice, || {
        "other elements are there twice".into()
    });
    line.ask(loss.split_brain.is_empty(), || {
        "writes after the event are reported lost".into()
    });
    nothing_else(&mut line, loss);
    line.excuse(record, history)
}

/// What the deposed of two primaries gave up when it followed the other one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GivenUp {
    /// Everything that it gave up.
    pub all: Ids,
    /// Of that, what it took after it had been cut off.
    pub after: Ids,
}

/// Judges a run in which two primaries took writes and every request was answered.
pub fn split_brain(mut line: Line, truth: &GivenUp, record: &Record, history: &History) -> Line {
    let judgement = judge(record, history);
    line.truth = format!("{} given up", truth.all.len());
    line.limit = "the same elements".into();
    let Some(loss) = judgement.figures.loss.value() else {
        line.ask(false, || "loss was not measured".into());
        return line.excuse(record, history);
    };
    let (before, after) = (ids(&loss.lost), ids(&loss.split_brain));
    line.measured = format!("split_brain {}, rpo_count {}", after.len(), before.len());
    let all: Ids = before.union(&after).copied().collect();
    let off = all.symmetric_difference(&truth.all).count();
    line.error = format!("{off} elements");
    line.ask(off == 0, || "other elements are lost".into());
    line.ask(after.is_subset(&truth.after), || {
        "split_brain holds writes taken before the nodes were cut off".into()
    });
    // A write in flight during the injecting call counts to RPO, wherever it was taken.
    let in_flight = truth.after.difference(&after).count();
    let writers = record.lanes.iter().filter(|lane| writes(lane)).count();
    line.ask(in_flight <= writers, || {
        format!("{in_flight} writes taken after the cut are not in split_brain")
    });
    line.ask(!truth.all.is_empty(), || "nothing was given up".into());
    nothing_else(&mut line, loss);
    line.excuse(record, history)
}

/// Judges a run in which the store logged the version that each read of one lane was given, in nanoseconds
/// how old the first element was that the read did not show, 0 where it showed all.
pub fn staleness(mut line: Line, truth: &[(u64, u64)], record: &Record, history: &History) -> Line {
    let judgement = judge(record, history);
    let oldest = truth.iter().map(|(_, age)| *age).max().unwrap_or(0);
    line.truth = seconds(oldest);
    line.limit = "inside the bracket".into();
    let failed = failed(record, history);
    line.ask(failed == 0, || format!("{failed} operations were not ok"));
    let lanes = record
        .lanes
        .iter()
        .filter(|lane| lane.access == Access::Read);
    // The lanes' order is not that of the nodes' logs.
    let mut told: Vec<u64> = lanes
        .flat_map(|lane| history.lane(lane.id))
        .filter_map(|op| op.version)
        .collect();
    let mut given: Vec<u64> = truth.iter().map(|(version, _)| *version).collect();
    told.sort_unstable();
    given.sort_unstable();
    line.ask(told == given, || {
        "the reads are not those that the store answered".into()
    });
    match judgement.figures.staleness.value() {
        None => line.ask(false, || "staleness was not measured".into()),
        Some(figure) => {
            // Reads pinned to a node are older reads as well.
            let pinned = judgement.figures.visibility.iter().map(|seen| seen.worst);
            let worst = pinned.fold(figure.worst, Span::max);
            let high = worst.high_ns.unwrap_or(u64::MAX);
            let low = worst.low_ns;
            line.measured = format!("{} to {}", seconds(low), seconds(high));
            line.error = milliseconds(i128::from(high) - i128::from(oldest));
            line.ask(low <= oldest && oldest <= high, || {
                "the truth is outside the bracket".into()
            });
        }
    }
    line.excuse(record, history)
}

fn ids(list: &[LostWrite]) -> Ids {
    list.iter().map(|write| (write.lane, write.seq)).collect()
}

fn writes(lane: &crate::history::Lane) -> bool {
    lane.access == Access::Write && lane.group.appends()
}

/// How many operations of service and app lanes were not ok.
fn failed(record: &Record, history: &History) -> usize {
    let lanes = record.lanes.iter().filter(|l| l.group.appends());
    lanes
        .flat_map(|lane| history.lane(lane.id))
        .filter(|op| op.outcome != Outcome::Ok)
        .count()
}

fn nothing_else(line: &mut Line, loss: &Loss) {
    let strange: [(&str, &[(LaneId, u64)]); 3] = [
        ("resurrected", &loss.resurrected),
        ("phantom", &loss.phantom),
        ("corrupt", &loss.corrupt),
    ];
    line.ask(loss.later.is_empty(), || {
        "a later event is blamed for loss".into()
    });
    for (name, elements) in strange {
        line.ask(elements.is_empty(), || {
            format!("{} elements are {name}", elements.len())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measure::fixture::{Bench, P1, R1, W1, W2, control},
        truth::Acceptance,
    };

    fn line() -> Line {
        Line::new("C1", "a", "b")
    }

    /// A control in which no lane saw anything: the pinned probes apart.
    fn calm() -> Bench {
        let mut bench = control();
        bench.history.ops.retain(|op| op.lane < P1);
        bench.record.lanes.truncate(3);
        bench
    }

    #[test]
    fn elements_of_known_fate_are_accepted_and_one_off_is_not() {
        let fates = Fate {
            lost: [(W1, 100), (W2, 110)].into(),
            twice: [(W1, 200)].into(),
        };
        let of = |change: fn(&mut Bench)| {
            let mut bench = calm();
            bench.absent = vec![(W1, 100), (W2, 110)];
            bench.extra = vec![(W1, 200, true)];
            change(&mut bench);
            let (record, history) = bench.build();
            fate(line(), &fates, &record, &history).state
        };
        assert_eq!(of(|_| {}), Acceptance::Accepted);
        assert_eq!(of(|b| b.absent.truncate(1)), Acceptance::Rejected);
        assert_eq!(of(|b| b.absent.push((W1, 101))), Acceptance::Rejected);
        assert_eq!(of(|b| b.extra.clear()), Acceptance::Rejected);
        assert_eq!(
            of(|b| b.op(W1, 100).outcome = Outcome::Info),
            Acceptance::Rejected
        );
        assert_eq!(
            of(|b| b.op(R1, 7).outcome = Outcome::Fail),
            Acceptance::Rejected
        );
    }

    #[test]
    fn two_primaries_are_accepted_to_the_element() {
        let truth = GivenUp {
            all: [(W1, 499), (W1, 501), (W2, 502)].into(),
            after: [(W1, 501), (W2, 502)].into(),
        };
        let of = |absent: &[(LaneId, u64)]| {
            let mut bench = Bench::new();
            bench.absent = absent.to_vec();
            let (record, history) = bench.build();
            split_brain(line(), &truth, &record, &history).state
        };
        assert_eq!(of(&[(W1, 499), (W1, 501), (W2, 502)]), Acceptance::Accepted);
        assert_eq!(of(&[(W1, 501), (W2, 502)]), Acceptance::Rejected);
        assert_eq!(
            of(&[(W1, 499), (W1, 501), (W2, 502), (W2, 503)]),
            Acceptance::Rejected
        );
    }

    #[test]
    fn reads_of_known_age_are_accepted_and_one_off_is_not() {
        let mut bench = calm();
        for op in &mut bench.history.ops {
            if op.lane == R1 {
                op.version = Some(op.seq.saturating_sub(10));
            }
        }
        // Written at 40 ms times the number, read at 40 ms times the number of the read: 400 ms later.
        let truth: Vec<(u64, u64)> = (0..1500)
            .map(|seq: u64| (seq.saturating_sub(10), 40_000_000 * seq.min(10)))
            .collect();
        let (record, history) = bench.build();
        let told = staleness(line(), &truth, &record, &history);
        assert_eq!(told.state, Acceptance::Accepted, "{told:#?}");
        let mut off = history.draft();
        let read = off.ops.iter_mut().find(|op| op.lane == R1 && op.seq == 700);
        read.expect("a read").version = Some(691);
        assert_eq!(
            staleness(line(), &truth, &record, &off.into()).state,
            Acceptance::Rejected
        );
        let older: Vec<(u64, u64)> = truth.iter().map(|(v, age)| (*v, age + 9_000_000)).collect();
        assert_eq!(
            staleness(line(), &older, &record, &history).state,
            Acceptance::Rejected
        );
    }
}
