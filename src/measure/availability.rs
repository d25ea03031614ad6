//! Figures over the whole run: availability, gaps, the union of outages, outcomes.

use std::time::Duration;

use crate::{
    history::{Access, History, Lane, Ops, Outcome, by_time},
    id::LaneId,
    record::Record,
    time::{Bracket, Nanos, Span},
};

use super::{
    Allowance, Availability, Figure,
    lane::{is_available, is_ok},
    outage::{NextOk, well_before},
    scan::{Scan, Scanned},
};

/// Minutes of a month: a twelfth of 365 days, by which 99.99 % leave 4.38 minutes (as the services' targets count).
const MONTH_MINUTES: f64 = 365.0 * 24.0 * 60.0 / 12.0;

/// Operations by outcome: ok, conflict, fail, info, shed.
pub fn outcomes(history: &History) -> [u64; 5] {
    let mut counts = [0; 5];
    for op in history.ops() {
        let place = match op.outcome {
            Outcome::Ok => 0,
            Outcome::Conflict => 1,
            Outcome::Fail => 2,
            Outcome::Info => 3,
            Outcome::Shed => 4,
        };
        counts[place] += 1;
    }
    counts
}

/// ok / (ok + fail + info + shed) of the service lanes over the clients' time, by intended slot.
pub fn availability(scan: &Scan<'_>) -> Figure<Availability> {
    let Some((start, end)) = scan.record.load else {
        return Figure::Missing("the clients did not start".into());
    };
    let (mut ok, mut total) = (0, 0);
    for op in scan.service.iter().flat_map(|scanned| scanned.ops) {
        match op.outcome {
            Outcome::Ok => {
                ok += 1;
                total += 1;
            }
            Outcome::Conflict => {}
            Outcome::Fail | Outcome::Info | Outcome::Shed => total += 1,
        }
    }
    if total == 0 {
        return Figure::Missing("no service operation was made".into());
    }
    Figure::Measured(Availability {
        ok,
        total,
        window: Bracket {
            low: start,
            high: end,
        },
    })
}

/// The longest time between two ok completions of a service lane, and the lane. Its lower end leaves
/// out one probe interval, in which nothing was asked. A lane that ends without a completion for
/// longer has an unseen end.
pub fn max_gap(scan: &Scan<'_>) -> Figure<(Span, LaneId)> {
    let mut worst: Option<(Span, LaneId)> = None;
    for scanned in &scan.service {
        let Some(span) = lane_gap(scanned, scan.record) else {
            return Figure::Missing(format!("{} has no operation", scanned.lane.name));
        };
        let length = |span: Span| span.high_ns.unwrap_or(u64::MAX);
        let is_longer = |w: Span| (length(span), span.low_ns) > (length(w), w.low_ns);
        let (longer, other) = match worst {
            Some((w, lane)) if !is_longer(w) => ((w, lane), span),
            Some((w, _)) => ((span, scanned.lane.id), w),
            None => ((span, scanned.lane.id), span),
        };
        // A gap that is still open may be shorter so far than what another lane was in for certain.
        worst = Some(match longer {
            (open, lane) if open.high_ns.is_none() => (open.max(other), lane),
            longer => longer,
        });
    }
    worst.map_or_else(
        || Figure::Missing("there is no service lane".into()),
        Figure::Measured,
    )
}

fn lane_gap(scanned: &Scanned<'_>, record: &Record) -> Option<Span> {
    let interval = scanned.lane.interval;
    let last_slot = scanned.ops.last()?.intended;
    let first_slot = scanned.ops.first()?.intended;
    let completions = by_time(scanned.ops.iter(), |op| {
        is_ok(scanned.lane, op).then_some((op.done?, ()))
    });
    let mut longest = Duration::ZERO;
    let mut newest: Option<Nanos> = None;
    for (done, ()) in completions {
        longest = longest.max(newest.map_or(Duration::ZERO, |before| done.since(before)));
        newest = Some(done);
    }
    let begun = record.load.map_or(first_slot, |(start, _)| start);
    let tail = last_slot.since(newest.unwrap_or(begun));
    // A last operation that was not acknowledged leaves a gap whose end was not seen, however short it was so far.
    let open = scanned
        .ops
        .last()
        .is_some_and(|op| !is_ok(scanned.lane, &op));
    Some(if open || newest.is_none() {
        Span::at_least(tail.max(longest).saturating_sub(interval))
    } else {
        Span::between(longest.saturating_sub(interval), longest)
    })
}

/// The union of the write outages of the run. Here an outage is a maximal run of non-ok operations of
/// a service write lane by intended time; it lasts at most from the start of the last ok one that
/// had ended before, to the end of the first ok one sent after, at least from the end of its first to the start of its last.
/// Where no write failed, one of up to the resolution could have gone unseen.
pub fn unavailable_total(scan: &Scan<'_>) -> Figure<Span> {
    let mut lanes = scan.service_of(Access::Write).peekable();
    if lanes.peek().is_none() {
        return Figure::Missing("there is no service write lane".into());
    }
    let (mut inner, mut outer) = (Vec::new(), Vec::new());
    let mut seen_end = true;
    let mut unseen = Duration::ZERO;
    for scanned in lanes {
        if scanned.ops.is_empty() {
            return Figure::Missing(format!("{} has no operation", scanned.lane.name));
        }
        unseen = unseen.max(resolution(scanned.lane, scanned.ops).unwrap_or_default());
        for run in runs(scanned) {
            inner.extend(run.inner);
            seen_end &= run.outer.1.is_some();
            outer.extend(run.outer.1.map(|end| (run.outer.0, end)));
        }
    }
    let low = length(&union(inner));
    Figure::Measured(if seen_end && outer.is_empty() {
        Span::between(Duration::ZERO, unseen)
    } else if seen_end {
        Span::between(low, length(&union(outer)))
    } else {
        Span::at_least(low)
    })
}

/// The longest outage that could go unseen among these operations: the longest time from the start of an available one to
/// the end of the next one.
pub fn resolution(lane: &Lane, ops: Ops<'_>) -> Option<Duration> {
    let available = || ops.iter().filter(|op| is_available(lane, op));
    let pairs = available().zip(available().skip(1));
    pairs
        .filter_map(|(one, next)| Some(next.done?.since(one.sent?)))
        .max()
}

/// The unavailability that the run's availability target allows in a month, and what the run would take of it.
pub fn allowance(record: &Record, unavailable: &Figure<Span>) -> Option<Allowance> {
    let target = record.opened.scenario.targets.availability?.limit()?.0;
    let minutes = |span: &Span| Some(Duration::from_nanos(span.high_ns?).as_secs_f64() / 60.0);
    Some(Allowance {
        target,
        minutes: monthly(target),
        used: unavailable.value().and_then(minutes),
    })
}

/// The minutes a month that an availability target, in percent, leaves without service.
pub fn monthly(target: f64) -> f64 {
    MONTH_MINUTES * (100.0 - target) / 100.0
}

/// A maximal run of non-ok operations.
struct Run {
    /// From the end of its first to the start of its last operation that was sent.
    inner: Option<(Nanos, Nanos)>,
    /// From the start of the last ok operation that had ended before to the end of the first ok one sent after.
    outer: (Nanos, Option<Nanos>),
}

fn runs(scanned: &Scanned<'_>) -> Vec<Run> {
    let (lane, ops) = (scanned.lane, scanned.ops);
    let mut found = Vec::new();
    let mut rest = ops.iter().enumerate();
    let mut next_ok = NextOk::default();
    let mut newest_ok: Option<usize> = None;
    while let Some((_, op)) = rest.find(|(place, op)| {
        if is_ok(lane, op) {
            newest_ok = Some(*place);
        }
        !is_available(lane, op)
    }) {
        let before = newest_ok.and_then(|ok| well_before(lane, ops.part(0..ok + 1), &op));
        let (mut first, mut last, mut next) = (op.done, op.sent, ops.len());
        for (place, op) in rest.by_ref() {
            if is_available(lane, &op) {
                next = place;
                if is_ok(lane, &op) {
                    newest_ok = Some(place);
                }
                break;
            }
            first = first.or(op.done);
            last = op.sent.or(last);
        }
        let after = ops
            .skip(next_ok.from(lane, ops, next))
            .iter()
            .find(|op| is_ok(lane, op) && op.sent >= last)
            .and_then(|op| op.done);
        let begun = || ops.first().map_or(op.intended, |first| first.intended);
        found.push(Run {
            inner: first.zip(last).filter(|(first, last)| first < last),
            outer: (before.unwrap_or_else(begun), after),
        });
    }
    found
}

/// Disjoint, ascending intervals that cover the same time.
pub fn union(mut intervals: Vec<(Nanos, Nanos)>) -> Vec<(Nanos, Nanos)> {
    intervals.sort_unstable();
    let mut merged: Vec<(Nanos, Nanos)> = Vec::new();
    for (start, end) in intervals {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

fn length(intervals: &[(Nanos, Nanos)]) -> Duration {
    intervals.iter().map(|(start, end)| end.since(*start)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fixture::{Bench, R1, W1, W2, ms};

    fn gap(bench: &Bench) -> (Span, LaneId) {
        let history = bench.history();
        let scan = Scan::new(&bench.record, &history);
        *max_gap(&scan).value().expect("there are lanes")
    }

    #[test]
    fn availability_leaves_conflicts_out_and_counts_what_was_shed() {
        let mut bench = Bench::new();
        bench.fail(W1, ms(0), ms(400));
        bench.shed(W2, ms(0), ms(400));
        bench.change(R1, ms(0), ms(400), |op| op.outcome = Outcome::Conflict);
        let history = bench.history();
        let scan = Scan::new(&bench.record, &history);
        let figure = availability(&scan);
        let share = figure.value().unwrap();
        assert_eq!((share.ok, share.total), (4500 - 30, 4500 - 10));
        bench.history.ops.clear();
        let history = bench.history();
        let scan = Scan::new(&bench.record, &history);
        assert!(availability(&scan).value().is_none());
    }

    #[test]
    fn the_longest_gap_is_between_completions_of_one_lane() {
        let mut bench = Bench::new();
        bench.fail(W2, ms(30_000), ms(31_000));
        // Completions at 29,963 and 31,003; up to one interval of it nothing was asked.
        assert_eq!(
            gap(&bench),
            (
                Span {
                    low_ns: 1_000_000_000,
                    high_ns: Some(1_040_000_000)
                },
                W2
            )
        );
        bench.change(R1, ms(40_000), ms(40_040), |op| op.done = Some(ms(40_001)));
        assert_eq!(gap(&bench).1, W2);
    }

    #[test]
    fn a_lane_that_stays_silent_has_an_unseen_gap() {
        let mut bench = Bench::new();
        bench.fail(R1, ms(50_000), ms(60_000));
        let (span, lane) = gap(&bench);
        assert_eq!((span.high_ns, lane), (None, R1));
        assert_eq!(span.low_ns, 59_961_000_000 - 49_963_000_000 - 40_000_000);
    }

    #[test]
    fn write_outages_are_united_over_lanes() {
        let mut bench = Bench::new();
        bench.fail(W1, ms(30_000), ms(31_000));
        bench.fail(W2, ms(30_500), ms(31_500));
        bench.fail(W2, ms(40_000), ms(41_000));
        bench.fail(R1, ms(45_000), ms(46_000));
        let history = bench.history();
        let scan = Scan::new(&bench.record, &history);
        let span = *unavailable_total(&scan).value().unwrap();
        // [29,961.1, 31,523] and [39,961.1, 41,003] at most.
        assert_eq!(span.high_ns, Some(1_561_900_000 + 1_041_900_000));
        // [30,002.1, 31,481.1] and [40,002.1, 40,961.1] at least.
        assert_eq!(span.low_ns, 1_479_000_000 + 959_000_000);
        let calm = Bench::new();
        let history = calm.history();
        let scan = Scan::new(&calm.record, &history);
        // From the start of one operation to the end of the next: 40 + 1.9 ms.
        let resolution = Span::between(Duration::ZERO, Duration::from_micros(41_900));
        assert_eq!(unavailable_total(&scan), Figure::Measured(resolution));
    }
}
