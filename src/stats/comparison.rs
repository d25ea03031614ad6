//! Whether one sample is worse than another: pass, regression, or not told.

use crate::seed::Seed;

use super::{RankSum, Shift, ks_critical, ks_distance, mann_whitney, shift};

/// A regression is told at this one-sided p only.
pub const SIGNIFICANCE: f64 = 0.01;

/// How a comparison came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The shift's upper end is within the margin.
    Pass,
    /// The shift is significant and its lower end is beyond the margin.
    Regression,
    /// Neither is shown.
    Inconclusive,
}

/// Two samples compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// How it came out.
    pub outcome: Outcome,
    /// The rank test of "larger than the baseline".
    pub test: RankSum,
    /// By how much.
    pub shift: Shift,
    /// Whether the distributions differ (Kolmogorov-Smirnov, at 1 - level), whatever the shift: perhaps recovery
    /// now takes one of two ways.
    pub shapes_differ: bool,
}

/// Compares `current` with `baseline`; larger is worse. Passes iff the upper end of the shift's interval is at most
/// `margin`; a regression iff p < [`SIGNIFICANCE`] and its lower end is above. Without an interval (too few values)
/// and without a margin that is a number, it never passes. None when a sample is empty or holds a NaN.
pub fn compare(
    baseline: &[f64],
    current: &[f64],
    margin: f64,
    level: f64,
    seed: Seed,
) -> Option<Comparison> {
    let test = mann_whitney(baseline, current, seed)?;
    let shift = shift(baseline, current, level, seed)?;
    let outcome = match shift.interval {
        _ if !margin.is_finite() => Outcome::Inconclusive,
        Some((_, high)) if high <= margin => Outcome::Pass,
        Some((low, _)) if test.p_larger < SIGNIFICANCE && low > margin => Outcome::Regression,
        Some(_) | None => Outcome::Inconclusive,
    };
    let critical = ks_critical(baseline.len(), current.len(), 1.0 - level);
    Some(Comparison {
        outcome,
        test,
        shift,
        shapes_differ: ks_distance(baseline, current) > critical,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(baseline: &[f64], current: &[f64], margin: f64) -> Outcome {
        compare(baseline, current, margin, 0.95, Seed(5))
            .unwrap()
            .outcome
    }

    fn around(place: f64, n: u8) -> Vec<f64> {
        (0..n).map(|i| place + f64::from(i) / 100.0).collect()
    }

    #[test]
    fn it_has_three_answers() {
        let baseline = around(10.0, 10);
        assert_eq!(of(&baseline, &around(10.0, 10), 0.5), Outcome::Pass);
        assert_eq!(of(&baseline, &around(8.0, 10), 0.5), Outcome::Pass);
        assert_eq!(of(&baseline, &around(12.0, 10), 0.5), Outcome::Regression);
        assert_eq!(of(&baseline, &around(10.5, 10), 0.5), Outcome::Inconclusive);
    }

    #[test]
    fn too_few_runs_never_pass() {
        for n in 1..4 {
            assert_eq!(
                of(&around(10.0, n), &around(1.0, n), 5.0),
                Outcome::Inconclusive
            );
            assert_eq!(
                of(&around(10.0, n), &around(99.0, n), 5.0),
                Outcome::Inconclusive
            );
        }
        // Four against four have an interval, but not yet a p below 0.01.
        assert_eq!(
            of(&around(10.0, 4), &around(99.0, 4), 5.0),
            Outcome::Inconclusive
        );
        assert_eq!(
            of(&around(10.0, 5), &around(99.0, 5), 5.0),
            Outcome::Regression
        );
        assert_eq!(of(&around(10.0, 39), &[10.2], 5.0), Outcome::Pass);
        assert_eq!(of(&around(10.0, 38), &[10.2], 5.0), Outcome::Inconclusive);
        assert_eq!(compare(&[], &[1.0], 5.0, 0.95, Seed(5)), None);
    }

    #[test]
    fn the_margin_decides_at_its_edge() {
        let baseline = [10.0; 10];
        assert_eq!(of(&baseline, &[11.0; 10], 1.0), Outcome::Pass);
        assert_eq!(of(&baseline, &[11.0; 10], 0.99), Outcome::Regression);
        assert_eq!(
            of(&baseline, &baseline, f64::INFINITY),
            Outcome::Inconclusive
        );
        assert_eq!(of(&baseline, &baseline, f64::NAN), Outcome::Inconclusive);
    }

    #[test]
    fn recoveries_that_were_not_seen_are_a_regression() {
        assert_eq!(
            of(&around(10.0, 5), &[f64::INFINITY; 5], 1.0),
            Outcome::Regression
        );
        assert_eq!(
            of(&[f64::INFINITY; 5], &[f64::INFINITY; 5], 1.0),
            Outcome::Pass
        );
        let mut some = around(10.0, 10);
        some[9] = f64::INFINITY;
        assert_eq!(
            of(&around(10.0, 10), &some, 1.0),
            Outcome::Pass,
            "one of ten is within the interval"
        );
        some[7] = f64::INFINITY;
        some[8] = f64::INFINITY;
        assert_eq!(of(&around(10.0, 10), &some, 1.0), Outcome::Inconclusive);
    }

    #[test]
    fn another_shape_is_told_even_where_the_middle_stays() {
        let two_ways: Vec<f64> = (0..20)
            .map(|i| if i % 2 == 0 { 9.0 } else { 11.0 })
            .collect();
        let compared = compare(&around(10.0, 20), &two_ways, 2.0, 0.95, Seed(5)).unwrap();
        assert_eq!(compared.outcome, Outcome::Pass);
        assert!(compared.shapes_differ);
    }
}
