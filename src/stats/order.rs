//! Order statistics: what n drills show about a quantile, and a gate on it with three answers.

use super::binomial::{binomial_at_most, cumulative};

/// The nearest-rank quantile of an ascending sample: its `ceil(q n)`-th smallest value; none of an empty one.
pub fn quantile<T: Copy>(sorted: &[T], q: f64) -> Option<T> {
    sorted.get(rank(sorted.len(), q).checked_sub(1)?).copied()
}

/// The rank, from 1, of the nearest-rank quantile of n values; 0 where there are none.
pub(super) fn rank(n: usize, q: f64) -> usize {
    let rank = (q * n as f64).ceil().max(1.0) as usize;
    rank.min(n)
}

/// The smallest rank r of n values whose order statistic bounds the quantile `q` from above at `level`:
/// `P(Bin(n, q) <= r - 1) >= level`. None when n is too small for it.
pub fn upper_rank(n: u64, q: f64, level: f64) -> Option<u64> {
    let reached = cumulative(n, q).position(|at_most| at_most >= level)? as u64;
    (reached < n).then_some(reached + 1)
}

/// How many drills without exceedance show the quantile `q` at `level`: the smallest n whose maximum
/// bounds it, `n >= ln(1 - level) / ln q`.
pub fn drills_for(q: f64, level: f64) -> u64 {
    if q <= 0.0 || level <= 0.0 {
        return 1;
    }
    if q >= 1.0 || level >= 1.0 {
        return u64::MAX;
    }
    let estimate = ((1.0 - level).ln() / q.ln()).floor().max(1.0) as u64;
    (estimate.saturating_sub(1).max(1)..)
        .find(|n| 1.0 - q.powf(*n as f64) >= level)
        .expect("the bound tightens with every drill")
}

/// The ranks (from 1) of an interval for the median of n values at `level` or above: `[X_(l), X_(u)]` with
/// `u = n + 1 - l` and the largest l for which `P(l <= Bin(n, 1/2) <= u - 1) >= level`. None when n is too small.
pub fn median_ranks(n: u64, level: f64) -> Option<(u64, u64)> {
    let below: Vec<f64> = cumulative(n, 0.5).collect();
    // The distribution is symmetric: both tails weigh the same.
    let outside = |l: u64| 2.0 * below[l as usize - 1];
    (1..=n / 2)
        .rev()
        .find(|l| 1.0 - outside(*l) >= level)
        .map(|l| (l, n + 1 - l))
}

/// A gate's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// The upper bound of the quantile is within the target.
    Pass,
    /// Exceedances are significant at 1 - level.
    Fail,
    /// Neither is shown.
    Inconclusive,
}

/// Judges the quantile `q` of n values at `level`, of which `within` are certainly within the target and
/// `beyond` certainly beyond it (what could not be told counts as neither).
///
/// Passes iff the order statistic of `upper_rank` is within; fails iff `P(Bin(n, 1 - q) >= beyond) <= 1 - level`.
pub fn gate(n: u64, within: u64, beyond: u64, q: f64, level: f64) -> Gate {
    if upper_rank(n, q, level).is_some_and(|rank| within >= rank) {
        return Gate::Pass;
    }
    let significant = beyond > 0 && {
        let at_least = 1.0 - binomial_at_most(n, 1.0 - q, beyond - 1);
        at_least <= 1.0 - level + 1e-12
    };
    if significant {
        Gate::Fail
    } else {
        Gate::Inconclusive
    }
}

/// How many more values, all within the target, `gate` needs to pass.
pub fn more_needed(n: u64, within: u64, q: f64, level: f64) -> u64 {
    const FAR: u64 = 100_000;
    (0..FAR)
        .find(|more| upper_rank(n + more, q, level).is_some_and(|rank| within + more >= rank))
        .unwrap_or(FAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_ranks() {
        assert_eq!(quantile(&[1, 2, 3, 4], 0.5), Some(2));
        assert_eq!(quantile(&[1, 2, 3, 4], 0.51), Some(3));
        assert_eq!(quantile(&[7], 0.99), Some(7));
        assert_eq!(quantile(&[1, 2], 0.0), Some(1));
        assert_eq!(quantile::<u64>(&[], 0.5), None);
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!(quantile(&hundred, 0.99), Some(99));
    }

    #[test]
    fn the_number_of_drills_is_as_published() {
        for (q, n) in [
            (0.5, 5),
            (0.75, 11),
            (0.8, 14),
            (0.9, 29),
            (0.95, 59),
            (0.99, 299),
        ] {
            assert_eq!(drills_for(q, 0.95), n, "q {q}");
            assert_eq!(upper_rank(n, q, 0.95), Some(n));
            assert_eq!(upper_rank(n - 1, q, 0.95), None);
        }
        for (q, n) in [
            (0.5, 7),
            (0.75, 17),
            (0.8, 21),
            (0.9, 44),
            (0.95, 90),
            (0.99, 459),
        ] {
            assert_eq!(drills_for(q, 0.99), n, "q {q}");
        }
        for (q, n) in [
            (0.5, 4),
            (0.75, 9),
            (0.8, 11),
            (0.9, 22),
            (0.95, 45),
            (0.99, 230),
        ] {
            assert_eq!(drills_for(q, 0.90), n, "q {q}");
        }
    }

    #[test]
    fn allowed_exceedances_are_as_published() {
        for (q, sizes) in [
            (0.95, vec![59, 93, 124, 153, 181, 208]),
            (0.90, vec![29, 46, 61, 76, 89, 103]),
            (0.99, vec![299, 473, 628, 773]),
        ] {
            for (k, n) in sizes.into_iter().enumerate() {
                let k = k as u64;
                assert_eq!(upper_rank(n, q, 0.95), Some(n - k), "q {q} n {n}");
                assert!(upper_rank(n - 1, q, 0.95).is_none_or(|rank| rank > n - 1 - k));
            }
        }
    }

    #[test]
    fn ranks_are_those_of_the_script() {
        for (q, ranks) in [
            (0.5, [(5, 5), (8, 7), (30, 20), (59, 37), (473, 255)]),
            (0.75, [(15, 15), (20, 19), (59, 51), (300, 238), (473, 371)]),
            (0.9, [(29, 29), (59, 58), (100, 96), (300, 279), (473, 437)]),
            (
                0.95,
                [(59, 59), (100, 99), (153, 150), (300, 292), (473, 458)],
            ),
        ] {
            for (n, rank) in ranks {
                assert_eq!(upper_rank(n, q, 0.95), Some(rank), "q {q} n {n}");
            }
        }
        assert_eq!(upper_rank(45, 0.95, 0.95), None);
        assert_eq!(upper_rank(200, 0.99, 0.95), None);
        assert_eq!(upper_rank(0, 0.5, 0.95), None);
    }

    #[test]
    fn intervals_of_the_median_are_as_published() {
        for (n, l, u, confidence) in [
            (6, 1, 6, 0.9688),
            (7, 1, 7, 0.9844),
            (8, 1, 8, 0.9922),
            (9, 2, 8, 0.9609),
            (10, 2, 9, 0.9785),
            (12, 3, 10, 0.9614),
            (15, 4, 12, 0.9648),
            (20, 6, 15, 0.9586),
            (25, 8, 18, 0.9567),
            (30, 10, 21, 0.9572),
            (40, 14, 27, 0.9615),
            (50, 18, 33, 0.9672),
            (59, 22, 38, 0.9637),
            (100, 40, 61, 0.9648),
        ] {
            assert_eq!(median_ranks(n, 0.95), Some((l, u)), "n {n}");
            let covered = binomial_at_most(n, 0.5, u - 1) - binomial_at_most(n, 0.5, l - 1);
            assert!((covered - confidence).abs() < 6e-5, "n {n}");
        }
        for n in 0..6 {
            assert_eq!(median_ranks(n, 0.95), None);
        }
    }

    #[test]
    fn a_gate_has_three_answers() {
        assert_eq!(gate(59, 59, 0, 0.95, 0.95), Gate::Pass);
        assert_eq!(gate(58, 58, 0, 0.95, 0.95), Gate::Inconclusive);
        assert_eq!(gate(59, 58, 1, 0.95, 0.95), Gate::Inconclusive);
        assert_eq!(gate(93, 92, 1, 0.95, 0.95), Gate::Pass);
        assert_eq!(gate(1, 0, 1, 0.95, 0.95), Gate::Fail);
        assert_eq!(gate(10, 8, 2, 0.95, 0.95), Gate::Inconclusive);
        assert_eq!(gate(10, 7, 3, 0.95, 0.95), Gate::Fail);
        assert_eq!(gate(10, 9, 1, 0.95, 0.95), Gate::Inconclusive);
        assert_eq!(gate(0, 0, 0, 0.5, 0.95), Gate::Inconclusive);
    }

    #[test]
    fn more_drills_are_counted_from_the_clean_ones() {
        assert_eq!(more_needed(0, 0, 0.95, 0.95), 59);
        assert_eq!(more_needed(10, 10, 0.5, 0.95), 0);
        assert_eq!(more_needed(3, 3, 0.5, 0.95), 2);
        assert_eq!(more_needed(10, 9, 0.95, 0.95), 83);
        assert_eq!(more_needed(59, 49, 0.99, 0.95), 1634);
    }

    /// How often a bound from `sample` is at or above the truth.
    fn coverage(truth: f64, mut bound: impl FnMut() -> f64) -> f64 {
        let rounds = 600;
        (0..rounds).filter(|_| bound() >= truth).count() as f64 / f64::from(rounds)
    }

    /// The percentile bootstrap's upper 95 % bound of the quantile `q` of n values from U(20, 30).
    fn bootstrap(n: usize, q: f64, stream: &mut crate::seed::Stream) -> f64 {
        let sample: Vec<f64> = (0..n).map(|_| 20.0 + 10.0 * stream.unit()).collect();
        let mut bounds: Vec<f64> = (0..400)
            .map(|_| {
                let mut again: Vec<f64> = (0..n).map(|_| sample[stream.index(n)]).collect();
                again.sort_by(f64::total_cmp);
                quantile(&again, q).unwrap()
            })
            .collect();
        bounds.sort_by(f64::total_cmp);
        quantile(&bounds, 0.95).unwrap()
    }

    /// Why tails are bounded by order statistics.
    #[test]
    fn the_bootstrap_covers_a_tail_less_often_than_it_says() {
        let mut stream = crate::seed::Seed(7).stream("bootstrap");
        for (n, published) in [(10, 0.43), (30, 0.81), (59, 0.96)] {
            let covered = coverage(29.5, || bootstrap(n, 0.95, &mut stream));
            assert!((covered - published).abs() < 0.07, "{n}: {covered}");
        }
        for (n, published) in [(10, 0.875), (30, 0.915)] {
            let covered = coverage(25.0, || bootstrap(n, 0.5, &mut stream));
            assert!(
                (covered - published).abs() < 0.06,
                "median of {n}: {covered}"
            );
        }
        let rank = upper_rank(59, 0.95, 0.95).unwrap() as usize;
        let covered = coverage(29.5, || {
            let mut sample: Vec<f64> = (0..59).map(|_| 20.0 + 10.0 * stream.unit()).collect();
            sample.sort_by(f64::total_cmp);
            sample[rank - 1]
        });
        assert!(covered > 0.93, "the order statistic: {covered}");
    }
}
