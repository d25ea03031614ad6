//! Figures over pooled service lanes in windows of operations: service level, degradation, latency.

use std::time::Duration;

use crate::{
    history::{Op, Outcome},
    record::Record,
    stats,
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
pub fn pooled<'a>(scan: &Scan<'a>) -> Vec<&'a Op> {
    let mut ops: Vec<&Op> = scan
        .service
        .iter()
        .flat_map(|scanned| scanned.ops)
        .filter(|op| op.outcome != Outcome::Conflict)
        .collect();
    ops.sort_by_key(|op| op.intended);
    ops
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

/// Sorted latencies of the ok operations intended within windows, in nanoseconds.
pub fn latencies(pooled: &[&Op], windows: &[(Nanos, Nanos)]) -> Vec<u64> {
    let mut found: Vec<u64> = Vec::new();
    for (start, end) in windows {
        let from = pooled.partition_point(|op| op.intended < *start);
        let to = pooled.partition_point(|op| op.intended < *end);
        found.extend(
            pooled
                .get(from..to)
                .unwrap_or_default()
                .iter()
                .filter_map(|op| latency(op)),
        );
    }
    found.sort_unstable();
    found
}

/// The baseline's 99th percentile, nanoseconds; missing under `WINDOW_OPS` operations.
pub fn baseline_p99(record: &Record, pooled: &[&Op]) -> Figure<u64> {
    let sorted = latencies(pooled, &baseline(record));
    if sorted.len() < WINDOW_OPS {
        return Figure::Missing(format!(
            "the baseline has only {} ok operations, under {WINDOW_OPS}",
            sorted.len()
        ));
    }
    Figure::Measured(stats::quantile(&sorted, 0.99).expect("the sample is not empty"))
}

/// From the headline's fault to the earliest moment from which every window of 100 operations begun
/// within W has at least 99 that are ok within 5 x the baseline's p99.
pub fn rto_slo(record: &Record, pooled: &[&Op], p99: &Figure<u64>) -> Figure<Span> {
    until_good(record, pooled, p99, |ops| vec![false; ops.len()])
}

/// The same where a window is bad also for another reason: `also` answers for each window by its first operation.
pub fn until_good(
    record: &Record,
    pooled: &[&Op],
    p99: &Figure<u64>,
    also: impl Fn(&[&Op]) -> Vec<bool>,
) -> Figure<Span> {
    let Some((at, _)) = record.headline() else {
        return Figure::Missing("no disruptive step was taken".into());
    };
    let limit = match p99 {
        Figure::Measured(p99) => p99.saturating_mul(SLO_FACTOR),
        Figure::Missing(why) => return Figure::Missing(why.clone()),
    };
    let start = pooled
        .iter()
        .position(|op| effect(op) >= at.low)
        .unwrap_or(pooled.len());
    let ops = &pooled[start..];
    if ops.len() < WINDOW_OPS {
        return Figure::Missing("too few operations after the step".into());
    }
    let bad = bad_windows(ops, limit);
    let both: Vec<bool> = bad
        .iter()
        .zip(also(ops))
        .map(|(one, other)| *one || other)
        .collect();
    slo_span(ops, &both, *at)
}

/// For each window of `WINDOW_OPS` operations, by its first: whether its answers took longer than `longest` to come in.
pub fn slow_windows(ops: &[&Op], longest: Duration) -> Vec<bool> {
    ops.windows(WINDOW_OPS)
        .map(|window| {
            let answers = || window.iter().filter_map(|op| op.done);
            let ends = answers().min().zip(answers().max());
            ends.is_none_or(|(first, last)| last.since(first) > longest)
        })
        .collect()
}

/// For each window of `WINDOW_OPS` operations, by its first: whether it has more than one bad.
fn bad_windows(ops: &[&Op], limit: u64) -> Vec<bool> {
    let bad = |op: &Op| latency(op).is_none_or(|took| took > limit);
    let mut count = ops[..WINDOW_OPS].iter().filter(|op| bad(op)).count();
    let mut windows = vec![count > 1];
    for end in WINDOW_OPS..ops.len() {
        count += usize::from(bad(ops[end]));
        count -= usize::from(bad(ops[end - WINDOW_OPS]));
        windows.push(count > 1);
    }
    windows
}

fn slo_span(ops: &[&Op], windows: &[bool], at: Bracket) -> Figure<Span> {
    let last_start = ops[windows.len() - 1].intended;
    let mut candidate = 0;
    let mut last_bad: Option<usize> = None;
    let reached = |candidate: usize, next_bad: Nanos| {
        let until = ops[candidate].intended.after(SUSTAIN);
        candidate < windows.len() && last_start >= until && next_bad > until
    };
    for (index, _) in windows.iter().enumerate().filter(|(_, bad)| **bad) {
        if candidate < index && reached(candidate, ops[index].intended) {
            break;
        }
        candidate = index + 1;
        last_bad = Some(index);
    }
    let next_bad = windows
        .iter()
        .enumerate()
        .skip(candidate)
        .find(|(_, bad)| **bad)
        .map_or(Nanos(u64::MAX), |(index, _)| ops[index].intended);
    let low = last_bad.map_or(Duration::ZERO, |index| ops[index].intended.since(at.high));
    if candidate >= windows.len() || !reached(candidate, next_bad) {
        return match last_bad {
            Some(_) => Figure::Measured(Span::at_least(low)),
            None => Figure::Missing("the clients stopped within W after the step".into()),
        };
    }
    let first_ok = ops[candidate..]
        .iter()
        .filter(|op| op.outcome == Outcome::Ok)
        .take(WINDOW_OPS)
        .filter_map(|op| op.done)
        .min();
    match first_ok {
        Some(done) => Figure::Measured(Span::between(low, done.since(at.low).max(low))),
        None => Figure::Measured(Span::at_least(low)),
    }
}

/// Time after the headline's fault and outside outages in windows of at least 100 ok operations whose
/// p99 is beyond 3 x the baseline's. What is left between outages and shorter than a window is not judged.
pub fn degraded(
    record: &Record,
    pooled: &[&Op],
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
        let from = pooled.partition_point(|op| op.intended < start);
        let to = pooled.partition_point(|op| op.intended < end).max(from);
        let ok: Vec<&Op> = pooled[from..to]
            .iter()
            .copied()
            .filter(|op| op.outcome == Outcome::Ok)
            .collect();
        let windows = ok.len() / WINDOW_OPS;
        judged |= windows > 0;
        for index in 0..windows {
            let first = index * WINDOW_OPS;
            let next = if index + 1 == windows {
                ok.len()
            } else {
                first + WINDOW_OPS
            };
            let mut took: Vec<u64> = ok[first..next]
                .iter()
                .filter_map(|op| latency(op))
                .collect();
            took.sort_unstable();
            if stats::quantile(&took, 0.99).is_some_and(|p99| p99 > limit) {
                let until = ok.get(next).unwrap_or(&ok[next - 1]).intended;
                total += until.since(ok[first].intended);
            }
        }
    }
    if judged {
        Figure::Measured(total)
    } else {
        Figure::Missing("too few ok operations after the step".into())
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
    pooled: &[&Op],
    headline: Option<&EventFigures>,
) -> Vec<LatencySummary> {
    let Some(event) = headline else {
        return Vec::new();
    };
    let end = match deciding(event.lanes.iter()) {
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
            let sorted = latencies(pooled, &windows);
            Some(LatencySummary {
                window: name.into(),
                count: sorted.len() as u64,
                p50_ns: stats::quantile(&sorted, 0.5)?,
                p99_ns: stats::quantile(&sorted, 0.99)?,
                max_ns: *sorted.last()?,
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
