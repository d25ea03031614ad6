//! Order statistics without assumptions on the distribution: what n drills show, and gates with three answers.

/// The nearest-rank quantile of an ascending sample: its `ceil(q n)`-th smallest value; none of an empty one.
pub fn quantile<T: Copy>(sorted: &[T], q: f64) -> Option<T> {
    let rank = (q * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank.min(sorted.len()).checked_sub(1)?).copied()
}

/// `P(Bin(n, p) <= k)`, summed in logarithms so that it holds for thousands of trials.
pub fn binomial_at_most(n: u64, p: f64, k: u64) -> f64 {
    if k >= n || p <= 0.0 {
        return 1.0;
    }
    if p >= 1.0 {
        return 0.0;
    }
    let (log_p, log_q) = (p.ln(), (-p).ln_1p());
    let mut log_choose = 0.0;
    let mut sum = 0.0;
    for i in 0..=k {
        if i > 0 {
            log_choose += ((n - i + 1) as f64).ln() - (i as f64).ln();
        }
        sum += (log_choose + i as f64 * log_p + (n - i) as f64 * log_q).exp();
    }
    sum.min(1.0)
}

/// The smallest rank r of n values whose order statistic bounds the quantile `q` from above at `level`:
/// `P(Bin(n, q) <= r - 1) >= level`. None when n is too small for it.
pub fn upper_rank(n: u64, q: f64, level: f64) -> Option<u64> {
    (1..=n).find(|rank| binomial_at_most(n, q, rank - 1) >= level)
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
    fn confidences_are_as_published() {
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
    }
}
