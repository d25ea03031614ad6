//! By how much one sample is shifted against another: Hodges and Lehmann's estimate and its interval.

use crate::seed::Seed;

use super::rank::Sums;

/// A shift of the second sample against the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// The median of all pairwise differences; infinite where most of them are.
    pub estimate: f64,
    /// Its two-sided interval; none where the samples are too small for any at this level.
    pub interval: Option<(f64, f64)>,
}

/// The shift of `y` against `x` with its interval at `level` (Hodges and Lehmann 1963): `[D_(k), D_(nm+1-k)]` of
/// the ascending differences, k - 1 being the critical value of U. With ties the closed interval keeps at least
/// its level (Noether 1967). `inf - inf = 0`: two recoveries that were not seen do not differ.
///
/// None when a sample is empty or holds a NaN.
pub fn shift(x: &[f64], y: &[f64], level: f64, seed: Seed) -> Option<Shift> {
    if x.is_empty() || y.is_empty() || x.iter().chain(y).any(|value| value.is_nan()) {
        return None;
    }
    let mut differences: Vec<f64> = x
        .iter()
        .flat_map(|a| y.iter().map(move |b| difference(*a, *b)))
        .collect();
    differences.sort_unstable_by(f64::total_cmp);
    let pairs = differences.len();
    let interval = rank_of_end(x.len(), y.len(), level, seed)
        .map(|k| (differences[k - 1], differences[pairs - k]));
    Some(Shift {
        estimate: middle(differences[(pairs - 1) / 2], differences[pairs / 2]),
        interval,
    })
}

fn difference(a: f64, b: f64) -> f64 {
    if a == b { 0.0 } else { b - a }
}

/// Between -inf and +inf lies a finite difference, so the two are never neighbours.
fn middle(low: f64, high: f64) -> f64 {
    if low == high {
        low
    } else {
        low / 2.0 + high / 2.0
    }
}

/// k, from 1: the largest with `2 P(U <= k - 1) <= 1 - level`.
fn rank_of_end(n: usize, m: usize, level: f64, seed: Seed) -> Option<usize> {
    let (few, all) = (n.min(m), n + m);
    let ranks: Vec<usize> = (1..=all).collect();
    let sum = Sums::of(&ranks, few, seed).largest_with((1.0 - level) / 2.0)?;
    Some(sum + 1 - few * (few + 1) / 2)
}

/// The least number of values that has an interval at `level` against `n` others; none against none.
pub fn partners_for(n: usize, level: f64) -> Option<usize> {
    if n == 0 || level >= 1.0 {
        return None;
    }
    // 1 / C(n + m, n): the probability of the least U.
    let mut least = 1.0;
    (1..).find(|m| {
        least *= *m as f64 / (n + m) as f64;
        2.0 * least <= 1.0 - level + 1e-12
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::rank::tests::times, *};

    const SEED: Seed = Seed(5);

    #[test]
    fn the_example_is_as_published() {
        let x = [10.1, 11.3, 9.8, 12.0, 10.7];
        let y = [12.5, 11.9, 13.1, 12.2, 14.0];
        let shift = shift(&x, &y, 0.95, SEED).unwrap();
        assert!((shift.estimate - 2.0).abs() < 1e-9);
        let (low, high) = shift.interval.unwrap();
        // The third smallest and the third largest of 25 differences.
        assert!(
            (low - 0.5).abs() < 1e-9 && (high - 3.3).abs() < 1e-9,
            "{low} {high}"
        );
    }

    #[test]
    fn ranks_of_the_ends_are_as_published() {
        for (n, k) in [(5, 3), (10, 24), (20, 128), (30, 318)] {
            assert_eq!(rank_of_end(n, n, 0.95, SEED), Some(k), "{n}v{n}");
        }
        assert_eq!(rank_of_end(3, 3, 0.95, SEED), None);
        assert_eq!(rank_of_end(4, 4, 0.95, SEED), Some(1));
        for (n, k, confidence) in [
            (5, 3, 0.968),
            (10, 24, 0.957),
            (20, 128, 0.951),
            (30, 318, 0.950),
        ] {
            let ranks: Vec<usize> = (1..=2 * n).collect();
            let least = n * (n + 1) / 2;
            let tail = Sums::of(&ranks, n, SEED).share(|sum| sum < least + k);
            assert!((1.0 - 2.0 * tail - confidence).abs() < 6e-4, "{n}v{n}");
        }
    }

    #[test]
    fn a_recovery_that_was_not_seen_does_not_differ_from_another() {
        let never = [f64::INFINITY; 5];
        let same = shift(&never, &never, 0.95, SEED).unwrap();
        assert_eq!((same.estimate, same.interval), (0.0, Some((0.0, 0.0))));
        let seen = [1.0, 2.0, 3.0, 4.0, 5.0];
        let worse = shift(&seen, &never, 0.95, SEED).unwrap();
        assert_eq!(worse.estimate, f64::INFINITY);
        assert_eq!(worse.interval, Some((f64::INFINITY, f64::INFINITY)));
        let better = shift(&never, &seen, 0.95, SEED).unwrap();
        assert_eq!(better.estimate, f64::NEG_INFINITY);
        let mixed = shift(&[1.0, f64::INFINITY], &[1.0, f64::INFINITY], 0.95, SEED).unwrap();
        assert_eq!((mixed.estimate, mixed.interval), (0.0, None));
    }

    #[test]
    fn the_least_number_of_partners_is_that_of_the_least_u() {
        for (n, m) in [(1, 39), (2, 8), (3, 5), (4, 4), (5, 3), (39, 1)] {
            assert_eq!(partners_for(n, 0.95), Some(m), "{n}");
            assert!(rank_of_end(n, m, 0.95, SEED).is_some());
            assert_eq!(rank_of_end(n, m - 1, 0.95, SEED), None);
        }
        assert_eq!(partners_for(0, 0.95), None);
    }

    /// The interval by its definition: every shift that the test, two-sided, does not reject.
    fn accepted(x: &[f64], y: &[f64], by: f64) -> bool {
        let larger = y.iter().flat_map(|b| x.iter().map(move |a| *b - by > *a));
        let u = larger.filter(|is| *is).count();
        let k = rank_of_end(x.len(), y.len(), 0.95, SEED).unwrap();
        u >= k && x.len() * y.len() - u >= k
    }

    proptest! {
        #[test]
        fn the_estimate_is_the_median_of_the_sorted_differences(x in times(1..8), y in times(1..8)) {
            let mut all = Vec::new();
            for b in &y {
                for a in &x {
                    all.push(if a.is_infinite() && b.is_infinite() { 0.0 } else { b - a });
                }
            }
            all.sort_by(|a, b| a.partial_cmp(b).unwrap());
            let half = all.len() / 2;
            let median = if all.len() % 2 == 1 { all[half] } else { (all[half - 1] + all[half]) / 2.0 };
            let found = shift(&x, &y, 0.95, SEED).unwrap().estimate;
            prop_assert!(found == median, "{found} {median}");
        }

        #[test]
        fn the_interval_holds_what_the_test_accepts(
            x in prop::collection::hash_set(0u32..4_000, 5..8),
            y in prop::collection::hash_set(0u32..4_000, 5..8),
            by in -4_000i32..4_000,
        ) {
            // Quarters keep the tried shifts off the ends.
            let x: Vec<f64> = x.into_iter().map(f64::from).collect();
            let y: Vec<f64> = y.into_iter().map(f64::from).collect();
            let by = f64::from(by) + 0.25;
            let (low, high) = shift(&x, &y, 0.95, SEED).unwrap().interval.unwrap();
            prop_assert_eq!(low <= by && by <= high, accepted(&x, &y, by));
        }

        #[test]
        fn no_estimate_is_a_nan(x in times(1..6), y in times(1..6)) {
            prop_assert!(!shift(&x, &y, 0.95, SEED).unwrap().estimate.is_nan());
        }
    }
}
