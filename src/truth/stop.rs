//! Databases stopped for a known time: C2.

use std::time::Duration;

use crate::{
    history::{Group, History},
    measure::{EventFigures, lane::lanes, windows::baseline},
    record::Record,
    score::judge,
    stats,
    time::{Nanos, Span},
};

use super::{
    Line,
    line::{milliseconds, seconds},
    outage::answered,
};

/// By how much the slope of measured over true lengths may differ from 1.
const SLOPE: f64 = 0.01;

/// What a node's ticker wrote: each pause of at least `least` with the longest short one before it, microseconds.
pub fn pauses(text: &str, least: Duration) -> Vec<Span> {
    let pause = |line: &str| -> Option<Span> {
        let (length, before) = line.split_once(' ')?;
        let (length, before): (u64, u64) = (length.parse().ok()?, before.parse().ok()?);
        Some(Span {
            low_ns: length.saturating_sub(before) * 1000,
            high_ns: Some(length * 1000),
        })
    };
    let long = |span: &Span| span.high().is_some_and(|high| high >= least);
    text.lines().filter_map(pause).filter(long).collect()
}

/// How much longer than the stop the printed value may be: a timeout, a probe interval, and what connecting anew
/// took in the baseline at its 99th percentile.
fn limit(record: &Record, history: &History, interval_ns: u64) -> u64 {
    let tau = lanes(record, Group::Service, None)
        .map(|lane| lane.timeout)
        .max();
    let steady = baseline(record);
    let fresh = lanes(record, Group::Service, None).filter(|lane| lane.fresh);
    let mut connecting: Vec<u64> = fresh
        .flat_map(|lane| history.lane(lane.id))
        .filter(|op| {
            steady
                .iter()
                .any(|(a, b)| *a <= op.intended && op.intended < *b)
        })
        .filter_map(|op| Some(op.done?.since(op.sent?)))
        .map(|took| Nanos::from_duration(took).0)
        .collect();
    connecting.sort_unstable();
    let reconnect = stats::quantile(&connecting, 0.99).unwrap_or(0);
    Nanos::from_duration(tau.unwrap_or_default()).0 + interval_ns + reconnect
}

/// A line per stop, then one for the slope. `truths` are the pauses in the order of the run's events.
pub fn recoveries(start: &Line, truths: &[Span], record: &Record, history: &History) -> Vec<Line> {
    let figures = judge(record, history).figures;
    if truths.len() != figures.events.len() {
        let mut line = start.clone();
        line.undecide(format!(
            "the node stood still {} times, and was stopped {} times",
            truths.len(),
            figures.events.len()
        ));
        return vec![line];
    }
    let mut points = Vec::new();
    let mut lines: Vec<Line> = truths
        .iter()
        .zip(&figures.events)
        .map(|(truth, event)| {
            let mut line = one(start.clone(), *truth, event, record, history);
            let strange = answered(*truth, event.at, record, history);
            line.ask(strange == 0, || {
                format!("{strange} operations were answered while the node stood still")
            });
            if let Some(high) = event.rto.value().and_then(|rto| rto.high_ns) {
                points.push((truth.high_ns.unwrap_or(0) as f64, high as f64));
            }
            line.excuse(record, history)
        })
        .collect();
    if truths.len() > 1 {
        lines.push(line_of_slope(start.clone(), &points, truths.len()).excuse(record, history));
    }
    lines
}

fn one(
    mut line: Line,
    truth: Span,
    event: &EventFigures,
    record: &Record,
    history: &History,
) -> Line {
    let most = truth.high_ns.unwrap_or(0);
    line.what = format!("{} for {:.0} s", line.what, most as f64 / 1e9);
    line.truth = seconds(most);
    let interval = event.uncertainty.interval_ns;
    let limit = limit(record, history, interval);
    line.limit = format!("0 to {}", milliseconds(i128::from(limit)));
    match event
        .rto
        .value()
        .and_then(|rto| Some((rto.low_ns, rto.high_ns?)))
    {
        None => line.ask(false, || "the recovery was not measured".into()),
        Some((low, high)) => {
            line.measured = format!("{} to {}", seconds(low), seconds(high));
            between(&mut line, truth, (low, high), interval, limit);
        }
    }
    line
}

/// Asks that the bracket holds the truth and the printed value is between it and the limit beyond. A stop's length is
/// the least that the outage lasted: a database that goes on works off what piled up first, and may fail a probe more.
fn between(line: &mut Line, truth: Span, (low, high): (u64, u64), interval: u64, limit: u64) {
    let most = truth.high_ns.unwrap_or(0);
    let error = i128::from(high) - i128::from(most);
    line.error = milliseconds(error);
    line.ask(low <= most + interval && truth.low_ns <= high, || {
        "the truth is outside the bracket".into()
    });
    line.ask(
        i128::from(high) - i128::from(truth.low_ns) >= 0 && error <= i128::from(limit),
        || "the printed value is further off than asked".into(),
    );
}

fn line_of_slope(mut line: Line, points: &[(f64, f64)], wanted: usize) -> Line {
    line.what = format!("{}: slope", line.what);
    line.truth = "1".into();
    line.limit = format!("1 +- {SLOPE}");
    match slope(points).filter(|_| points.len() == wanted) {
        None => line.undecide("not every stop was measured"),
        Some(slope) => {
            line.measured = format!("{slope:.4}");
            line.error = format!("{:+.4}", slope - 1.0);
            line.ask((slope - 1.0).abs() <= SLOPE, || "the slope is not 1".into());
        }
    }
    line
}

/// The slope of the least-squares line.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (mx, my) = (mean(|p| p.0), mean(|p| p.1));
    let xy: f64 = points.iter().map(|(x, y)| (x - mx) * (y - my)).sum();
    let xx: f64 = points.iter().map(|(x, _)| (x - mx).powi(2)).sum();
    (points.len() > 1 && xx > 0.0).then(|| xy / xx)
}

/// A stop shorter than the timeout, by `max_gap`.
pub fn gap(start: &Line, truths: &[Span], record: &Record, history: &History) -> Line {
    let mut line = start.clone();
    let figures = judge(record, history).figures;
    line.what = format!("{}, by max_gap", line.what);
    let [truth] = truths else {
        line.undecide(format!("the node stood still {} times", truths.len()));
        return line;
    };
    line.truth = seconds(truth.high_ns.unwrap_or(0));
    match figures.max_gap.value() {
        None => line.ask(false, || "max_gap was not measured".into()),
        Some((span, lane)) => {
            let lane = record.lanes.get(usize::from(lane.0));
            let interval = lane.map_or(Duration::ZERO, |lane| lane.interval);
            let interval = Nanos::from_duration(interval).0;
            let limit = limit(record, history, interval);
            line.limit = format!("0 to {}", milliseconds(i128::from(limit)));
            let high = span.high_ns.unwrap_or(u64::MAX);
            line.measured = format!("{} to {}", seconds(span.low_ns), seconds(high));
            between(&mut line, *truth, (span.low_ns, high), interval, limit);
        }
    }
    line.excuse(record, history)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        history::Outcome,
        measure::fixture::{Bench, W1, ms},
        truth::Acceptance,
    };

    const TRUTH: Span = Span {
        low_ns: 3_997_000_000,
        high_ns: Some(4_000_000_000),
    };

    fn of(truths: &[Span], bench: Bench) -> Vec<Line> {
        let (record, history) = bench.build();
        recoveries(&Line::new("C2", "a stops", "b"), truths, &record, &history)
    }

    #[test]
    fn a_stop_is_accepted_and_one_operation_off_is_not() {
        let lines = of(&[TRUTH], Bench::with_outage(ms(24_000)));
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].state, Acceptance::Accepted, "{lines:#?}");
        let mut answered = Bench::with_outage(ms(24_000));
        answered.op(W1, 550).outcome = Outcome::Ok;
        assert_eq!(of(&[TRUTH], answered)[0].state, Acceptance::Rejected);
        let late = Bench::with_outage(ms(24_700));
        assert_eq!(of(&[TRUTH], late)[0].state, Acceptance::Rejected);
        let twice = of(&[TRUTH, TRUTH], Bench::with_outage(ms(24_000)));
        assert_eq!(twice[0].state, Acceptance::Undecided);
    }

    #[test]
    fn the_slope_is_that_of_the_points() {
        let of = |points: &[(f64, f64)]| line_of_slope(Line::new("C2", "a", "b"), points, 3).state;
        assert_eq!(
            of(&[(1.0, 1.1), (5.0, 5.1), (20.0, 20.1)]),
            Acceptance::Accepted
        );
        assert_eq!(
            of(&[(1.0, 1.0), (5.0, 5.1), (20.0, 20.5)]),
            Acceptance::Rejected
        );
        assert_eq!(of(&[(1.0, 1.0), (5.0, 5.1)]), Acceptance::Undecided);
    }

    #[test]
    fn pauses_are_read_as_they_are_written() {
        let text = "130000 2500\n200500 2500\n1000000 3000\n";
        let told = pauses(text, Duration::from_millis(160));
        assert_eq!(told.len(), 2);
        assert_eq!(
            (told[0].low_ns, told[0].high_ns),
            (198_000_000, Some(200_500_000))
        );
    }
}
