//! Figures over pooled service lanes in windows of operations: service level, degradation, latency.

use std::{collections::VecDeque, time::Duration};

use crate::{
    history::{Op, Ops, Outcome, merged},
    record::Record,
    stats::{self, spread},
    time::{Bracket, Nanos, Span},
};

use super::{
    EventFigures, Figure, LatencySummary,
    lane::{SUSTAIN, effect},
    rto::deciding,
    scan::Scan,
};

/// Operations in a window: 1 % of it is one operation.
pub const WINDOW_OPS: usize = 100;

/// An operation within this many times the baseline's p99 counts for `rto_slo`.
pub const SLO_FACTOR: u64 = 5;

/// A window whose p99 is beyond this many times the baseline's is degraded.
pub const DEGRADED_FACTOR: u64 = 3;

/// The operations of all service lanes that were judged (conflicts are neither ok nor not), by intended time.
#[derive(Debug, Clone)]
pub struct Pooled<'a>(Vec<Ops<'a>>);

/// Pools the service lanes.
pub fn pooled<'a>(scan: &Scan<'a>) -> Pooled<'a> {
    Pooled(scan.service.iter().map(|scanned| scanned.ops).collect())
}

impl<'a> Pooled<'a> {
    /// Goes through all of them.
    pub fn iter(&self) -> impl Iterator<Item = Op> + use<'a> {
        let judged = |op: &Op| op.outcome != Outcome::Conflict;
        merged(self.0.iter().copied()).filter(judged)
    }

    /// Those intended within `[start, end)`.
    fn within(&self, start: Nanos, end: Nanos) -> Self {
        let part = |ops: &Ops<'a>| {
            let from = ops.partition_point(|op| op.intended < start);
            let to = ops.partition_point(|op| op.intended < end);
            ops.part(from..to)
        };
        Self(self.0.iter().map(part).collect())
    }
}

/// Latencies of ok operations from their intended times, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latencies {
    /// How many there are.
    pub count: u64,
    /// The median.
    pub p50_ns: u64,
    /// The 99th percentile.
    pub p99_ns: u64,
    /// The largest.
    pub max_ns: u64,
}

/// The undisturbed windows before the headline's fault; without such a step all the time from the
/// clients' start to the fault.
pub fn baseline(record: &Record) -> Vec<(Nanos, Nanos)> {
    let Some((at, _)) = record.headline() else {
        return Vec::new();
    };
    let steady: Vec<_> = record
        .steady
        .iter()
        .copied()
        .filter(|(_, end)| *end <= at.low)
        .collect();
    if !steady.is_empty() {
        return steady;
    }
    record
        .load
        .map(|(start, _)| (start, at.low))
        .into_iter()
        .collect()
}

/// Latency of an ok operation from its intended time, in nanoseconds.
pub fn latency(op: &Op) -> Option<u64> {
    (op.outcome == Outcome::Ok).then_some(())?;
    Some(Nanos(op.done?.0.saturating_sub(op.intended.0)).0)
}

/// The operations intended within a window.
pub fn within<'a>(
    pooled: &Pooled<'a>,
    (start, end): (Nanos, Nanos),
) -> impl Iterator<Item = Op> + use<'a> {
    pooled.within(start, end).iter()
}

/// Latencies of the ok operations intended within windows; none where there are no such operations.
pub fn latencies(pooled: &Pooled<'_>, windows: &[(Nanos, Nanos)]) -> Option<Latencies> {
    let parts = windows
        .iter()
        .map(|(start, end)| pooled.within(*start, *end));
    let parts: Vec<Ops<'_>> = parts.flat_map(|part| part.0).collect();
    let sample = || {
        parts
            .iter()
            .copied()
            .flatten()
            .filter_map(|op| latency(&op))
    };
    let found = spread(sample, [0.5, 0.99])?;
    let [p50_ns, p99_ns] = found.quantiles;
    Some(Latencies {
        count: found.count,
        p50_ns,
        p99_ns,
        max_ns: found.largest,
    })
}

/// The baseline's 99th percentile, nanoseconds; missing under `WINDOW_OPS` operations.
pub fn baseline_p99(baseline: Option<Latencies>) -> Figure<u64> {
    match baseline {
        Some(latencies) if latencies.count >= WINDOW_OPS as u64 => {
            Figure::Measured(latencies.p99_ns)
        }
        few => Figure::Missing(format!(
            "the baseline has only {} ok operations, under {WINDOW_OPS}",
            few.map_or(0, |latencies| latencies.count)
        )),
    }
}

/// From the headline's fault to the earliest moment from which every window of 100 operations begun
/// within W has at least 99 that are ok within 5 x the baseline's p99.
pub fn rto_slo(record: &Record, pooled: &Pooled<'_>, p99: &Figure<u64>) -> Figure<Span> {
    until_good(record, pooled, p99, |_| Box::new(std::iter::repeat(false)))
}

/// Operations as they are gone through.
pub type Going<'a> = Box<dyn Iterator<Item = Op> + 'a>;

/// The same where a window is bad also for another reason: `also` answers for each window by its first operation.
pub fn until_good<'a>(
    record: &Record,
    pooled: &Pooled<'a>,
    p99: &Figure<u64>,
    also: impl FnOnce(Going<'a>) -> Box<dyn Iterator<Item = bool> + 'a>,
) -> Figure<Span> {
    let Some((at, _)) = record.headline() else {
        return Figure::Missing("no disruptive step was taken".into());
    };
    let limit = match p99 {
        Figure::Measured(p99) => p99.saturating_mul(SLO_FACTOR),
        Figure::Missing(why) => return Figure::Missing(why.clone()),
    };
    let begun = at.low;
    let after = || pooled.iter().skip_while(move |op| effect(op) < begun);
    let windows = bad_windows(after(), limit).zip(also(Box::new(after())));
    let windows = windows.map(|((first, one), other)| (first, one || other));
    let answered = |candidate: usize| {
        let oks = after()
            .skip(candidate)
            .filter(|op| op.outcome == Outcome::Ok);
        oks.take(WINDOW_OPS).filter_map(|op| op.done).min()
    };
    slo_span(windows, answered, *at)
}

/// For each window of `WINDOW_OPS` operations, by its first: whether the answers of the `count` operations from
/// there on took longer than `longest` to come in. Where fewer are left it cannot be told, and is not so.
pub fn slow_windows(
    ops: impl Iterator<Item = Op>,
    count: usize,
    longest: Duration,
) -> impl Iterator<Item = bool> {
    // Answers that are the first, or the last, of those from some place on; by place.
    let (mut firsts, mut lasts) = (VecDeque::new(), VecDeque::new());
    let told = ops.enumerate().filter_map(move |(place, op)| {
        if let Some(done) = op.done {
            keep(&mut firsts, place, done, |older| older >= done);
            keep(&mut lasts, place, done, |older| older <= done);
        }
        let from = (place + 1).checked_sub(count)?;
        for answers in [&mut firsts, &mut lasts] {
            answers.pop_front_if(|(place, _): &mut (usize, Nanos)| *place < from);
        }
        let ends = firsts.front().zip(lasts.front());
        Some(ends.is_none_or(|((_, first), (_, last))| last.since(*first) > longest))
    });
    told.chain(std::iter::repeat(false))
}

/// Adds an answer, without which those that it outdoes are of no use any more.
fn keep(
    answers: &mut VecDeque<(usize, Nanos)>,
    place: usize,
    done: Nanos,
    outdone: impl Fn(Nanos) -> bool,
) {
    while answers.pop_back_if(|(_, older)| outdone(*older)).is_some() {}
    answers.push_back((place, done));
}

/// Each window of `WINDOW_OPS` operations: when its first was to start, and whether it has more than one bad.
fn bad_windows(ops: impl Iterator<Item = Op>, limit: u64) -> impl Iterator<Item = (Nanos, bool)> {
    let mut at_hand: VecDeque<(Nanos, bool)> = VecDeque::with_capacity(WINDOW_OPS);
    let mut count = 0;
    ops.filter_map(move |op| {
        let bad = latency(&op).is_none_or(|took| took > limit);
        count += usize::from(bad);
        at_hand.push_back((op.intended, bad));
        if at_hand.len() < WINDOW_OPS {
            return None;
        }
        let several = count > 1;
        let (first, bad) = at_hand.pop_front()?;
        count -= usize::from(bad);
        Some((first, several))
    })
}

/// `answered` tells the end of the first ok operations from a place on.
fn slo_span(
    windows: impl Iterator<Item = (Nanos, bool)>,
    answered: impl Fn(usize) -> Option<Nanos>,
    at: Bracket,
) -> Figure<Span> {
    let mut last_start = None;
    let mut last_bad: Option<Nanos> = None;
    let mut candidate: Option<(usize, Nanos)> = None;
    let until = |(_, first): (usize, Nanos)| first.after(SUSTAIN);
    for (index, (first, bad)) in windows.enumerate() {
        last_start = Some(first);
        if candidate.is_some_and(|candidate| first > until(candidate)) {
            break;
        }
        if bad {
            (candidate, last_bad) = (None, Some(first));
        } else {
            candidate = candidate.or(Some((index, first)));
        }
    }
    let Some(last_start) = last_start else {
        return Figure::Missing("too few operations after the step".into());
    };
    let low = last_bad.map_or(Duration::ZERO, |first| first.since(at.high));
    let reached = candidate.filter(|candidate| last_start >= until(*candidate));
    let Some((index, _)) = reached else {
        return match last_bad {
            Some(_) => Figure::Measured(Span::at_least(low)),
            None => Figure::Missing("the clients stopped within W after the step".into()),
        };
    };
    match answered(index) {
        Some(done) => Figure::Measured(Span::between(low, done.since(at.low).max(low))),
        None => Figure::Measured(Span::at_least(low)),
    }
}

/// Time after the headline's fault and outside outages in windows of at least 100 ok operations whose
/// p99 is beyond 3 x the baseline's. What is left between outages and shorter than a window is not judged.
pub fn degraded(
    record: &Record,
    pooled: &Pooled<'_>,
    p99: &Figure<u64>,
    outages: &[(Nanos, Nanos)],
) -> Figure<Duration> {
    let Some((at, _)) = record.headline() else {
        return Figure::Missing("no disruptive step was taken".into());
    };
    let limit = match p99 {
        Figure::Measured(p99) => p99.saturating_mul(DEGRADED_FACTOR),
        Figure::Missing(why) => return Figure::Missing(why.clone()),
    };
    let mut total = Duration::ZERO;
    let mut judged = false;
    for (start, end) in gaps(at.high, outages) {
        let ok = pooled.within(start, end).iter();
        let ok = ok.filter(|op| op.outcome == Outcome::Ok);
        let mut at_hand: Vec<Op> = Vec::with_capacity(2 * WINDOW_OPS);
        for op in ok {
            at_hand.push(op);
            if at_hand.len() == 2 * WINDOW_OPS {
                let until = at_hand[WINDOW_OPS].intended;
                total += slow(&at_hand[..WINDOW_OPS], until, limit);
                at_hand.drain(..WINDOW_OPS);
            }
        }
        // What is left belongs to the last window.
        if at_hand.len() >= WINDOW_OPS {
            let until = at_hand[at_hand.len() - 1].intended;
            total += slow(&at_hand, until, limit);
            judged = true;
        }
    }
    if judged {
        Figure::Measured(total)
    } else {
        Figure::Missing("too few ok operations after the step".into())
    }
}

/// The time of a window of ok operations that ends at `until`, if its p99 is beyond the limit.
fn slow(window: &[Op], until: Nanos, limit: u64) -> Duration {
    let mut took: Vec<u64> = window.iter().filter_map(latency).collect();
    took.sort_unstable();
    match stats::quantile(&took, 0.99) {
        Some(p99) if p99 > limit => until.since(window[0].intended),
        Some(_) | None => Duration::ZERO,
    }
}

/// The time from `start` on that no outage covers; `outages` are disjoint and ascending.
fn gaps(start: Nanos, outages: &[(Nanos, Nanos)]) -> Vec<(Nanos, Nanos)> {
    let mut from = start;
    let mut free = Vec::new();
    for (begin, end) in outages {
        if *begin > from {
            free.push((from, *begin));
        }
        from = from.max(*end);
    }
    free.push((from, Nanos(u64::MAX)));
    free
}

/// Latency of ok service operations before the headline's fault, during its outage (or W, without
/// one), and after.
pub fn summaries(
    record: &Record,
    pooled: &Pooled<'_>,
    headline: Option<&EventFigures>,
) -> Vec<LatencySummary> {
    let Some(event) = headline else {
        return Vec::new();
    };
    let own = event.lanes.iter();
    let own = own.filter(|outage| !event.late.contains(outage));
    let end = match deciding(own) {
        Some(outage) => outage.recovered.unwrap_or(Nanos(u64::MAX)),
        None => event.at.high.after(SUSTAIN),
    };
    let windows = [
        ("before", baseline(record)),
        ("during", vec![(event.at.low, end)]),
        ("after", vec![(end, Nanos(u64::MAX))]),
    ];
    windows
        .into_iter()
        .filter_map(|(name, windows)| {
            let found = latencies(pooled, &windows)?;
            Some(LatencySummary {
                window: name.into(),
                count: found.count,
                p50_ns: found.p50_ns,
                p99_ns: found.p99_ns,
                max_ns: found.max_ns,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{
        fixture::{Bench, FAULT, R1, W1, W2, ms},
        measure,
    };

    fn slow(bench: &mut Bench, from: Nanos, to: Nanos, by_ms: u64) {
        for lane in [W1, W2, R1] {
            bench.change(lane, from, to, |op| {
                op.done = Some(Nanos(op.intended.0 + by_ms * 1_000_000));
            });
        }
    }

    #[test]
    fn slow_service_prolongs_rto_slo_and_is_degraded() {
        let mut bench = Bench::with_outage(ms(22_000));
        slow(&mut bench, ms(22_000), ms(26_000), 11);
        let (record, history) = bench.build();
        let figures = measure(&record, &history);
        assert_eq!(
            figures.events[0].rto.value().unwrap().high_ns,
            Some(2_012_000_000)
        );
        // Of the slow slots the last is at 25,961 ms: two lanes' operations there are bad.
        let slo = figures.rto_slo.value().unwrap();
        assert_eq!(slo.low_ns, 25_961_000_000 - 20_002_000_000);
        assert!(slo.high_ns.unwrap() > 5_950_000_000 && slo.high_ns.unwrap() < 6_050_000_000);
        let degraded = *figures.degraded.value().unwrap();
        assert!(degraded > Duration::from_millis(3_900) && degraded < Duration::from_millis(5_400));
    }

    #[test]
    fn a_healthy_run_is_within_its_level_at_once() {
        let (record, history) = Bench::new().build();
        let figures = measure(&record, &history);
        assert_eq!(figures.rto_slo.value().unwrap().low_ns, 0);
        assert_eq!(figures.degraded, Figure::Measured(Duration::ZERO));
        assert!(figures.rto_capacity.value().is_none());
        let names: Vec<&str> = figures.latency.iter().map(|l| l.window.as_str()).collect();
        assert_eq!(names, ["before", "during", "after"]);
        assert_eq!(figures.latency[0].p99_ns, 2_000_000);
        assert_eq!(figures.outcomes[0], 4500 + 600);
    }

    #[test]
    fn a_service_that_stays_slow_has_no_rto_slo() {
        let mut bench = Bench::new();
        slow(&mut bench, FAULT.low, ms(60_000), 50);
        let (record, history) = bench.build();
        assert_eq!(
            measure(&record, &history).rto_slo.value().unwrap().high_ns,
            None
        );
    }

    #[test]
    fn without_a_baseline_nothing_is_compared() {
        let mut bench = Bench::new();
        bench.record.steady = vec![(ms(19_000), ms(19_500))];
        let (record, history) = bench.build();
        let figures = measure(&record, &history);
        assert!(figures.rto_slo.value().is_none() && figures.degraded.value().is_none());
    }
}
