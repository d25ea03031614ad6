//! When throughput was back: `rto_capacity`.

use std::time::Duration;

use crate::{
    history::{Access, Group, Op},
    record::Record,
    time::Span,
};

use super::{
    Figure,
    lane::{SUSTAIN, lanes},
    windows::{Pooled, WINDOW_OPS, baseline, slow_windows, until_good},
};

/// Throughput is back at this share of the baseline's.
const SHARE: f64 = 0.95;

/// Below this share of the measured capacity, the offered load does not show how much a stack can take.
const LOADED: f64 = 0.8;

/// A window may not be longer than this: there must be several within W.
const LONGEST: Duration = Duration::from_secs(SUSTAIN.as_secs() / 2);

/// From the headline's fault to the earliest moment from which every window within W is finished at 95 % of the
/// baseline's throughput or faster, and every window of 100 operations begun within W has at least 99 that are ok within
/// 5 x its p99. A window of the first kind has 100 operations, or so many that a p99 more or less at either end is less than
/// the 5 %. `pooled` holds the service lanes' operations by intended time.
pub fn rto_capacity(record: &Record, pooled: &Pooled<'_>, p99: &Figure<u64>) -> Figure<Span> {
    let Some(capacity) = &record.capacity else {
        return Figure::Missing(
            "not measured: no `capacity` step says what the stack can take".into(),
        );
    };
    let offered: f64 = lanes(record, Group::Service, Some(Access::Write))
        .map(|lane| 1.0 / lane.interval.as_secs_f64())
        .sum();
    let most = offered + capacity.per_second();
    if offered < LOADED * most {
        return Figure::Missing(format!(
            "not measured: the offered load of {offered:.0}/s is {:.0} % of the measured capacity of {most:.0}/s, under \
             {:.0} %",
            100.0 * offered / most,
            100.0 * LOADED
        ));
    }
    let steady = baseline(record);
    let time: Duration = steady.iter().map(|(start, end)| end.since(*start)).sum();
    let within = |op: &Op| {
        let done = op.done.filter(|_| op.outcome.available());
        done.is_some_and(|done| {
            steady
                .iter()
                .any(|(start, end)| *start <= done && done < *end)
        })
    };
    let finished = pooled.iter().filter(within).count();
    if finished < WINDOW_OPS || time.is_zero() {
        return Figure::Missing("the baseline has too few operations".into());
    }
    let rate = finished as f64 / time.as_secs_f64();
    let jitter = 2.0 * p99.value().map_or(0.0, |ns| *ns as f64 / 1e9);
    let count = WINDOW_OPS.max((jitter * rate / (1.0 / SHARE - 1.0)).ceil() as usize);
    let longest = Duration::from_secs_f64(count as f64 / (SHARE * rate));
    if longest > LONGEST {
        return Figure::Missing(format!(
            "not measured: latencies of up to {:.0} ms hide throughput in windows under {:.1} s",
            1e3 * jitter / 2.0,
            longest.as_secs_f64()
        ));
    }
    until_good(record, pooled, p99, |ops| {
        Box::new(slow_windows(ops, count, longest))
    })
}

#[cfg(test)]
mod tests {
    use crate::{
        measure::{
            fixture::{Bench, W1, ms, ok},
            measure,
        },
        record::Capacity,
    };

    use super::*;

    /// 25 writes a second of two lanes are offered; closed-loop clients got this much beside them.
    fn of(per_second: u64, plant: impl Fn(&mut Bench)) -> Figure<Span> {
        let mut bench = Bench::with_outage(ms(22_000));
        bench.record.capacity = Some(Capacity {
            writes: per_second * 3,
            took: Duration::from_secs(3),
        });
        plant(&mut bench);
        let (record, history) = bench.build();
        measure(&record, &history).rto_capacity
    }

    #[test]
    fn it_needs_a_load_near_what_the_stack_can_take() {
        let Figure::Missing(why) = of(100, |_| {}) else {
            panic!("50 of 150 a second show nothing")
        };
        assert!(why.contains("33 %"), "{why}");
        let untold = of(10, |bench| bench.record.capacity = None);
        assert!(matches!(untold, Figure::Missing(_)));
    }

    #[test]
    fn a_window_is_slow_by_the_time_in_which_its_answers_come_in() {
        let spaced =
            |by: u64| -> Vec<Op> { (0..150).map(|seq| ok(W1, seq, ms(seq * by))).collect() };
        let told = |ops: Vec<Op>, count: usize, longest_ms: u64| -> Vec<bool> {
            let slow = slow_windows(ops.into_iter(), count, Duration::from_millis(longest_ms));
            slow.take(51).collect()
        };
        let slow = |ops: Vec<Op>| told(ops, 100, 1_050);
        let (fit, late) = (slow(spaced(10)), slow(spaced(11)));
        assert!(fit.iter().all(|slow| !slow) && late.iter().all(|slow| *slow));
        // 120 operations from 10 to 130, the last such window; later ones are not whole.
        let long = told(spaced(10), 120, 1_180);
        assert_eq!(long.iter().filter(|slow| **slow).count(), 31);
        assert!(long[..31].iter().all(|slow| *slow));
        let back = of(10, |_| {});
        let back = back
            .value()
            .and_then(|span| span.high())
            .expect("it came back");
        assert!((2_000..2_500).contains(&back.as_millis()), "{back:?}");
    }
}
