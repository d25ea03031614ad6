//! What trials show about a probability: the binomial distribution and its bounds.

/// `P(Bin(n, p) <= k)` for k from 0, summed in logarithms so that it holds for thousands of trials.
pub(super) fn cumulative(n: u64, p: f64) -> impl Iterator<Item = f64> {
    let (log_p, log_q) = (p.ln(), (-p).ln_1p());
    let mut log_choose = 0.0;
    let mut sum = 0.0;
    (0..=n).map(move |i| {
        if i > 0 {
            log_choose += ((n - i + 1) as f64).ln() - (i as f64).ln();
        }
        let certain = i == n || p <= 0.0;
        if p < 1.0 && !certain {
            sum += (log_choose + i as f64 * log_p + (n - i) as f64 * log_q).exp();
        }
        if certain { 1.0 } else { sum.min(1.0) }
    })
}

/// `P(Bin(n, p) <= k)`.
pub fn binomial_at_most(n: u64, p: f64, k: u64) -> f64 {
    let k = usize::try_from(k.min(n)).unwrap_or(usize::MAX);
    cumulative(n, p).nth(k).unwrap_or(1.0)
}

/// The highest quantile that the maximum of n drills bounds at `level`: `(1 - level)^(1/n)`.
pub fn shown_by_maximum(n: u64, level: f64) -> f64 {
    if n == 0 {
        return 0.0;
    }
    (1.0 - level).powf(1.0 / n as f64)
}

/// The upper bound at `level` on a probability of which 0 of n trials showed an instance: `1 - (1 - level)^(1/n)`.
pub fn zero_of(n: u64, level: f64) -> f64 {
    1.0 - shown_by_maximum(n, level)
}

/// The one-sided upper bound at `level` on a probability of which k of n trials showed an instance
/// (Clopper and Pearson 1934): the p at which k or fewer have the probability `1 - level`.
pub fn at_most(k: u64, n: u64, level: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    if k == 0 {
        return zero_of(n, level);
    }
    // Sixty halvings leave less than the last bit of a probability.
    let (mut low, mut high) = (k as f64 / n as f64, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if binomial_at_most(n, middle, k) > 1.0 - level {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn confidences_of_ranks_are_as_published() {
        for (n, q, rank, confidence) in [
            (59, 0.95, 59, 0.9515),
            (93, 0.95, 92, 0.9500),
            (124, 0.95, 122, 0.9505),
            (100, 0.95, 99, 0.9629),
            (30, 0.9, 30, 0.9576),
            (20, 0.5, 15, 0.9793),
        ] {
            assert!((binomial_at_most(n, q, rank - 1) - confidence).abs() < 6e-5);
        }
    }

    #[test]
    fn confidences_of_the_maximum_are_as_published() {
        for (n, q, confidence) in [
            (9, 0.5, 0.998),
            (9, 0.75, 0.925),
            (9, 0.9, 0.613),
            (9, 0.95, 0.370),
            (10, 0.95, 0.401),
            (20, 0.9, 0.878),
            (20, 0.95, 0.642),
            (30, 0.95, 0.785),
        ] {
            let covered = binomial_at_most(n, q, n - 1);
            assert!((covered - confidence).abs() < 6e-4, "n {n} q {q}");
            assert!((shown_by_maximum(n, covered) - q).abs() < 1e-9);
        }
    }

    #[test]
    fn zero_failure_bounds_are_as_published() {
        for (n, bound) in [
            (5, 0.451),
            (10, 0.259),
            (20, 0.139),
            (30, 0.095),
            (59, 0.0495),
            (100, 0.0295),
            (299, 0.010),
        ] {
            assert!((zero_of(n, 0.95) - bound).abs() < 6e-4, "n {n}");
        }
        assert!((zero_of(0, 0.95) - 1.0).abs() < 1e-12);
        assert!(
            (zero_of(59, 0.95) - 3.0 / 59.0).abs() < 2e-3,
            "the rule of three"
        );
    }

    #[test]
    fn bounds_on_a_probability_are_as_published() {
        for (k, n, bound) in [
            (1, 30, 0.1486),
            (1, 59, 0.0779),
            (1, 93, 0.0500),
            (2, 100, 0.0616),
        ] {
            assert!((at_most(k, n, 0.95) - bound).abs() < 6e-5, "{k} of {n}");
        }
        assert_eq!(at_most(0, 10, 0.95), zero_of(10, 0.95));
        assert_eq!(at_most(3, 3, 0.95), 1.0);
        assert_eq!(at_most(0, 0, 0.95), 1.0);
    }

    /// Adds up the probabilities of every outcome of n throws, one by one.
    fn by_enumeration(n: u32, p: f64, k: u32) -> f64 {
        (0u32..1 << n)
            .filter(|throws| throws.count_ones() <= k)
            .map(|throws| {
                let hits = throws.count_ones() as i32;
                p.powi(hits) * (1.0 - p).powi(n as i32 - hits)
            })
            .sum()
    }

    proptest! {
        #[test]
        fn the_distribution_is_that_of_throws(n in 0u32..12, k in 0u32..14, p in 0.0f64..=1.0) {
            let counted = by_enumeration(n, p, k);
            let computed = binomial_at_most(u64::from(n), p, u64::from(k));
            prop_assert!((counted - computed).abs() < 1e-9, "{counted} {computed}");
        }
    }

    #[test]
    fn a_certain_trial_never_fails() {
        assert_eq!(binomial_at_most(5, 1.0, 4), 0.0);
        assert_eq!(binomial_at_most(5, 1.0, 5), 1.0);
        assert_eq!(binomial_at_most(5, 0.0, 0), 1.0);
    }
}
