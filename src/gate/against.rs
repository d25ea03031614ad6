//! Recovery times against those of a baseline, with the numbers and one sentence.

use std::time::Duration;

use crate::{
    measure::{
        Figure, Figures,
        format::{self, Round},
    },
    seed::Seed,
    stats::{Comparison, Outcome, Shift, compare, partners_for},
};

/// Which permutations are drawn where there are too many to count; any fixed seed replays.
const SEED: Seed = Seed(0x0064_7264_7269_6c6c);

/// The share of the baseline's median that a recovery may take longer, where no margin is set.
const SHARE: f64 = 0.05;

/// How much longer a recovery may take than the baseline's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Margin {
    /// The larger of 5 % of the baseline's median and this resolution in nanoseconds.
    Derived(f64),
    /// So many nanoseconds, as the user set it.
    Set(f64),
}

/// How runs compare with a baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Not worse than the baseline by more than the margin.
    Pass,
    /// Worse by more than the margin.
    Regression,
    /// Neither is shown.
    Inconclusive,
}

/// Runs against a baseline. Times are in nanoseconds; infinite where recovery was not seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Against {
    /// How they compare.
    pub verdict: Verdict,
    /// What was found, in one sentence.
    pub sentence: String,
    /// Measured runs of the baseline and of the other side.
    pub runs: (usize, usize),
    /// Runs of each that were not measured.
    pub missing: (usize, usize),
    /// The margin, where there is one.
    pub margin: Option<f64>,
    /// The rank test and the shift over the runs that were measured.
    pub comparison: Option<Comparison>,
}

/// The recovery time of a run's headline in nanoseconds, infinite where recovery was not seen, and the width of its
/// bracket; none where it was not measured.
pub fn recovery_time(figures: &Figures) -> Option<(f64, f64)> {
    let event = figures.events.get(figures.headline?)?;
    let Figure::Measured(rto) = &event.rto else {
        return None;
    };
    let nanoseconds = |time: Duration| time.as_nanos() as f64;
    Some(match rto.high() {
        Some(high) => (nanoseconds(high), nanoseconds(high - rto.low())),
        None => (f64::INFINITY, 0.0),
    })
}

/// Compares the recovery times of `current` with those of `baseline` at `level`, as `docs/measurement.md` section 5 says:
/// a pass iff the shift's upper end is within the margin, a regression iff p < 0.01 and its lower end is beyond.
///
/// A `None` is a run whose time was not measured. It is not left out: a pass must hold if it was the worst that could
/// be for it, and a regression if it was the best.
pub fn against(
    baseline: &[Option<f64>],
    current: &[Option<f64>],
    margin: Margin,
    level: f64,
) -> Against {
    let known = |of: &[Option<f64>]| -> Vec<f64> { of.iter().flatten().copied().collect() };
    let filled = |of: &[Option<f64>], with: f64| -> Vec<f64> {
        of.iter().map(|time| time.unwrap_or(with)).collect()
    };
    let judged = |before: &[f64], now: &[f64]| {
        limit(before, margin).and_then(|limit| compare(before, now, limit, level, SEED))
    };
    let at_worst = judged(&filled(baseline, 0.0), &filled(current, f64::INFINITY));
    let at_best = judged(&filled(baseline, f64::INFINITY), &filled(current, 0.0));
    let is =
        |compared: Option<Comparison>, outcome| compared.is_some_and(|it| it.outcome == outcome);
    let verdict = if is(at_worst, Outcome::Pass) {
        Verdict::Pass
    } else if is(at_best, Outcome::Regression) {
        Verdict::Regression
    } else {
        Verdict::Inconclusive
    };
    let (before, now) = (known(baseline), known(current));
    let mut against = Against {
        verdict,
        sentence: String::new(),
        runs: (before.len(), now.len()),
        missing: (baseline.len() - before.len(), current.len() - now.len()),
        margin: limit(&before, margin),
        comparison: judged(&before, &now),
    };
    against.sentence = sentence(&against, level);
    against
}

/// The margin in nanoseconds; none where it would follow from a median that was not seen.
fn limit(baseline: &[f64], margin: Margin) -> Option<f64> {
    let derived = |resolution: f64| {
        let mut sorted = baseline.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let upper = sorted.get(sorted.len() / 2)?;
        let lower = sorted.get((sorted.len() - 1) / 2)?;
        Some((SHARE * f64::midpoint(*lower, *upper)).max(resolution))
    };
    match margin {
        Margin::Set(margin) => Some(margin),
        Margin::Derived(resolution) => derived(resolution),
    }
    .filter(|margin| margin.is_finite() && *margin >= 0.0)
}

fn sentence(against: &Against, level: f64) -> String {
    let (n, m) = against.runs;
    let sizes = format!(
        "{} against {n} of the baseline",
        format::counted(m as u64, "run")
    );
    let Some(compared) = &against.comparison else {
        let reason = match (n, m) {
            (0, _) => "no run of the baseline has a recovery time",
            (_, 0) => "no run has a recovery time to compare",
            _ => {
                "the baseline's median recovery was not seen, so no margin follows from it: set one"
            }
        };
        return format!("Not told ({sizes}): {reason}.");
    };
    let margin = signed(against.margin.unwrap_or_default());
    let shift = format!(
        "the recovery time is shifted by {}{}, p {} ({sizes})",
        signed(compared.shift.estimate),
        interval(&compared.shift, level),
        probability(compared.test.p_larger),
    );
    let sentence = match against.verdict {
        Verdict::Pass => format!("No regression beyond {margin}: {shift}"),
        Verdict::Regression => format!("A regression beyond {margin}: {shift}"),
        Verdict::Inconclusive => format!(
            "Not told at a margin of {margin}: {shift}; {}",
            open(against, level)
        ),
    };
    let shape = if compared.shapes_differ && against.verdict != Verdict::Regression {
        " The distributions differ in shape: there may be a second way in which it recovers."
    } else {
        ""
    };
    format!("{sentence}.{shape}")
}

/// What would tell.
fn open(against: &Against, level: f64) -> String {
    let (n, m) = against.runs;
    let (no_before, no_now) = against.missing;
    match partners_for(n, level) {
        Some(least) if m < least => {
            let more = format::counted((least - m) as u64, "more run");
            format!("too few runs: it takes at least {more}")
        }
        _ if no_before + no_now > 0 => format!(
            "{} not measured and may be anything",
            match no_before + no_now {
                1 => "1 run was".to_owned(),
                runs => format!("{runs} runs were"),
            }
        ),
        _ => "the interval reaches over the margin or its shift is not significant: more runs narrow it".into(),
    }
}

fn interval(shift: &Shift, level: f64) -> String {
    let Some((low, high)) = shift.interval else {
        return String::new();
    };
    let sure = format::percent(level * 100.0);
    format!(" ({sure} interval [{}, {}])", signed(low), signed(high))
}

/// A difference of times with its sign; the magnitude rounded up.
fn signed(nanoseconds: f64) -> String {
    let sign = if nanoseconds < 0.0 { "-" } else { "+" };
    if nanoseconds.is_infinite() {
        return format!("{sign}infinity");
    }
    let magnitude = Duration::from_nanos(nanoseconds.abs().round() as u64);
    match format::duration(magnitude, Round::Up) {
        zero if magnitude.is_zero() => zero,
        text => format!("{sign}{text}"),
    }
}

fn probability(p: f64) -> String {
    if p < 0.0001 {
        "< 0.0001".into()
    } else {
        format!("{p:.4}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: f64 = 1e9;

    fn runs(place: f64, n: u8) -> Vec<Option<f64>> {
        (0..n)
            .map(|i| Some((place + f64::from(i) / 100.0) * SECOND))
            .collect()
    }

    fn of(baseline: &[Option<f64>], current: &[Option<f64>]) -> Against {
        against(baseline, current, Margin::Derived(0.01 * SECOND), 0.95)
    }

    #[test]
    fn runs_pass_regress_or_are_not_told() {
        let same = of(&runs(10.0, 10), &runs(10.0, 10));
        assert_eq!(same.verdict, Verdict::Pass);
        assert_eq!(
            same.sentence,
            "No regression beyond +502.3 ms: the recovery time is shifted by 0 ms (95 % interval [-30.0 ms, +30.0 ms]), \
             p 0.5296 (10 runs against 10 of the baseline)."
        );
        let slower = of(&runs(10.0, 10), &runs(12.0, 10));
        assert_eq!(slower.verdict, Verdict::Regression);
        assert!(slower.sentence.starts_with(
            "A regression beyond +502.3 ms: the recovery time is shifted by +2.000 s"
        ));
        assert!(
            slower.sentence.contains("p < 0.0001"),
            "{}",
            slower.sentence
        );
        let close = of(&runs(10.0, 10), &runs(10.5, 10));
        assert_eq!(close.verdict, Verdict::Inconclusive);
        assert!(
            close.sentence.contains("more runs narrow it"),
            "{}",
            close.sentence
        );
    }

    #[test]
    fn too_few_runs_never_pass_and_say_how_many_it_takes() {
        for n in 0..4 {
            let few = of(&runs(10.0, 4), &runs(1.0, n));
            assert_eq!(few.verdict, Verdict::Inconclusive, "{n}");
        }
        let two = of(&runs(10.0, 4), &runs(1.0, 2));
        assert!(
            two.sentence
                .ends_with("too few runs: it takes at least 2 more runs."),
            "{}",
            two.sentence
        );
        assert_eq!(of(&runs(10.0, 4), &runs(1.0, 4)).verdict, Verdict::Pass);
        let one = of(&runs(10.0, 38), &runs(10.0, 1));
        assert_eq!(one.verdict, Verdict::Inconclusive);
        assert_eq!(of(&runs(10.0, 39), &runs(10.0, 1)).verdict, Verdict::Pass);
        assert!(
            of(&[], &runs(1.0, 9))
                .sentence
                .contains("no run of the baseline")
        );
        assert!(
            of(&runs(1.0, 9), &[None])
                .sentence
                .contains("no run has a recovery time")
        );
    }

    #[test]
    fn what_was_not_measured_is_neither_good_nor_bad() {
        let mut one_open = runs(9.0, 5);
        one_open[2] = None;
        let compared = of(&runs(10.0, 5), &one_open);
        assert_eq!(compared.verdict, Verdict::Inconclusive);
        assert_eq!((compared.runs, compared.missing), ((5, 4), (0, 1)));
        assert!(
            compared.sentence.contains("1 run was not measured"),
            "{}",
            compared.sentence
        );
        // Where it cannot matter, it does not.
        let mut nine = runs(10.0, 10);
        nine[0] = None;
        assert_eq!(of(&runs(10.0, 10), &nine).verdict, Verdict::Pass);
        let mut slow = runs(20.0, 10);
        slow[0] = None;
        assert_eq!(of(&runs(10.0, 10), &slow).verdict, Verdict::Regression);
        assert_eq!(of(&slow, &runs(10.0, 10)).verdict, Verdict::Pass);
    }

    #[test]
    fn a_recovery_that_was_not_seen_is_infinite() {
        let never = vec![Some(f64::INFINITY); 6];
        let lost = of(&runs(10.0, 6), &never);
        assert_eq!(lost.verdict, Verdict::Regression);
        assert!(
            lost.sentence.contains("shifted by +infinity"),
            "{}",
            lost.sentence
        );
        let unknown = of(&never, &never);
        assert_eq!(
            (unknown.verdict, unknown.margin),
            (Verdict::Inconclusive, None)
        );
        assert!(unknown.sentence.contains("no margin follows from it"));
        let set = against(&never, &never, Margin::Set(SECOND), 0.95);
        assert_eq!(set.verdict, Verdict::Pass, "it is not worse than it was");
    }

    #[test]
    fn the_margin_is_a_share_of_the_median_or_the_resolution_or_as_set() {
        let baseline = [Some(10.0), Some(30.0), Some(20.0), Some(40.0)];
        let margin = |margin| against(&baseline, &baseline, margin, 0.95).margin;
        assert_eq!(margin(Margin::Derived(0.5)), Some(1.25));
        assert_eq!(margin(Margin::Derived(3.0)), Some(3.0));
        assert_eq!(margin(Margin::Set(7.0)), Some(7.0));
        assert_eq!(margin(Margin::Set(f64::NAN)), None);
        assert_eq!(margin(Margin::Set(f64::INFINITY)), None);
    }

    #[test]
    fn another_shape_is_told() {
        let two_ways: Vec<Option<f64>> = (0..20)
            .map(|i| Some(SECOND * if i % 2 == 0 { 9.0 } else { 11.0 }))
            .collect();
        let compared = against(&runs(10.0, 20), &two_ways, Margin::Set(2.0 * SECOND), 0.95);
        assert_eq!(compared.verdict, Verdict::Pass);
        assert!(
            compared.sentence.contains("differ in shape"),
            "{}",
            compared.sentence
        );
    }
}
