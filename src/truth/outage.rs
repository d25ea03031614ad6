//! Outages of known length against the recovery time that was measured: C1 and C2.

use std::time::Duration;

use crate::{
    check::{Answer, complete},
    history::{Group, History, Op},
    measure::{EventFigures, Figures},
    record::Record,
    score::judge,
    time::{Bracket, Nanos, Span},
};

use super::{
    Line,
    line::{milliseconds, seconds},
};

/// An outage as its witness knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planted {
    /// How long it was.
    pub length: Span,
    /// By how much the measured recovery time may be longer, beside the probe interval of the lane that decides.
    pub beyond: Duration,
}

/// Judges a run whose headline event was this outage of every service lane.
pub fn recovery(mut line: Line, planted: Planted, record: &Record, history: &History) -> Line {
    let judgement = judge(record, history);
    line.truth = bracket(planted.length);
    let Some(event) = headline(&judgement.figures) else {
        line.undecide("the outage was not played");
        return line;
    };
    let whole = judgement
        .findings
        .iter()
        .any(|finding| finding.check == complete::NAME && finding.answer == Answer::Valid);
    line.ask(whole, || "the history is not whole".into());
    line.ask(on_schedule(record, history), || {
        "operations were not due at their lane's interval, whatever became of those before".into()
    });
    time(&mut line, planted, event);
    let strange = contradictions(planted.length, event.at, record, history);
    line.ask(strange == 0, || {
        format!("{strange} operations contradict the witness")
    });
    match judgement.figures.loss.value() {
        Some(loss) => {
            let lost = loss.total();
            line.ask(lost == 0, || format!("{lost} writes were reported lost"));
        }
        None => line.undecide("loss was not measured"),
    }
    line.excuse(record, history)
}

/// Whether each operation of a lane was due one interval after the one before.
fn on_schedule(record: &Record, history: &History) -> bool {
    record.lanes.iter().all(|lane| {
        let interval = Nanos::from_duration(lane.interval).0;
        let ops = history.lane(lane.id);
        let mut pairs = ops.iter().zip(ops.skip(1));
        pairs.all(|(before, op)| op.intended.0 == before.intended.0 + interval)
    })
}

fn headline(figures: &Figures) -> Option<&EventFigures> {
    figures.headline.and_then(|index| figures.events.get(index))
}

fn time(line: &mut Line, planted: Planted, event: &EventFigures) {
    let interval = Duration::from_nanos(event.uncertainty.interval_ns);
    let limit = Nanos::from_duration(interval + planted.beyond).0;
    line.limit = format!("0 to {}", milliseconds(i128::from(limit)));
    let Some(rto) = event.rto.value().filter(|rto| rto.high_ns.is_some()) else {
        line.measured = "no recovery".into();
        line.ask(false, || "the recovery was not measured".into());
        return;
    };
    line.measured = bracket(*rto);
    let high = rto.high_ns.unwrap_or(u64::MAX);
    let (least, most) = (planted.length.low_ns, planted.length.high_ns.unwrap_or(0));
    line.ask(rto.low_ns <= most && least <= high, || {
        "the truth is outside the bracket".into()
    });
    let error = i128::from(high) - i128::from(least);
    line.error = milliseconds(error);
    line.ask(error <= i128::from(limit), || {
        "the printed value is further off than asked".into()
    });
}

/// How many operations of service lanes cannot have come out as they did: answered while nobody answered, or
/// failed while everybody was answered.
fn contradictions(length: Span, at: Bracket, record: &Record, history: &History) -> usize {
    let ended = at.high.after(length.high().unwrap_or_default());
    let failed = service(record, history).filter(|op| {
        let sent = op.sent.unwrap_or(op.intended);
        let light = sent > ended || op.done.is_some_and(|done| done < at.low);
        light && !op.outcome.available()
    });
    answered(length, at, record, history) + failed.count()
}

/// How many operations of service lanes were sent and answered while nobody answered.
pub fn answered(length: Span, at: Bracket, record: &Record, history: &History) -> usize {
    let ended = at.low.after(length.low());
    let dark = service(record, history).filter(|op| {
        op.sent.is_some_and(|sent| sent > at.high) && op.done.is_some_and(|done| done < ended)
    });
    dark.filter(|op| op.outcome.available()).count()
}

fn service<'a>(record: &'a Record, history: &'a History) -> impl Iterator<Item = Op> {
    let lanes = record.lanes.iter();
    lanes
        .filter(|lane| lane.group == Group::Service)
        .flat_map(|lane| history.lane(lane.id))
}

/// A span in seconds, both ends where they differ.
fn bracket(span: Span) -> String {
    match span.high_ns {
        Some(high) if high - span.low_ns.min(high) < 100_000 => seconds(high),
        Some(high) => format!("{} to {}", seconds(span.low_ns), seconds(high)),
        None => format!("at least {}", seconds(span.low_ns)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        history::Outcome,
        id::LaneId,
        measure::fixture::{Bench, FAULT, R1, W1, W2, ms},
        truth::{Acceptance, line::SLACK},
    };

    fn planted() -> Planted {
        Planted {
            // The fixture's outage ends before the operation that is intended at 24,001 ms.
            length: Span::between(Duration::from_millis(3_998), Duration::from_millis(4_000)),
            beyond: SLACK,
        }
    }

    fn of(bench: Bench) -> Line {
        let (record, history) = bench.build();
        recovery(Line::new("C1", "a", "b"), planted(), &record, &history)
    }

    #[test]
    fn a_known_outage_is_accepted_and_one_operation_off_is_not() {
        let line = of(Bench::with_outage(ms(24_000)));
        assert_eq!(line.state, Acceptance::Accepted, "{line:#?}");
        for (lane, seq) in [(W1, 100), (W2, 550), (R1, 620), (W1, 599), (W2, 601)] {
            let mut bench = Bench::with_outage(ms(24_000));
            let op = bench.op(lane, seq);
            op.outcome = match op.outcome {
                Outcome::Ok => Outcome::Fail,
                _ => Outcome::Ok,
            };
            let line = of(bench);
            assert_eq!(line.state, Acceptance::Rejected, "{lane:?} {seq} {line:#?}");
        }
        let mut gap = Bench::with_outage(ms(24_000));
        gap.history
            .ops
            .retain(|op| (op.lane, op.seq) != (LaneId(0), 42));
        assert_eq!(of(gap).state, Acceptance::Rejected);
    }

    #[test]
    fn an_outage_measured_too_short_or_too_long_is_rejected() {
        for until in [23_900, 24_100] {
            assert_eq!(
                of(Bench::with_outage(ms(until))).state,
                Acceptance::Rejected
            );
        }
        let mut unplayed = Bench::new();
        unplayed.record.disruptions.clear();
        assert_eq!(of(unplayed).state, Acceptance::Undecided);
        let mut held = Bench::with_outage(ms(24_100));
        held.record.stalls.push((FAULT, Duration::from_millis(100)));
        assert_eq!(of(held).state, Acceptance::Undecided);
    }
}
