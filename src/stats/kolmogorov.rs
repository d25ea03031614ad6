//! How far apart the distributions of two samples are: the Kolmogorov-Smirnov distance, for shape rather than place.

/// The largest distance between the two empirical distributions; `+inf` is the largest value. 0 for an empty sample.
pub fn ks_distance(x: &[f64], y: &[f64]) -> f64 {
    if x.is_empty() || y.is_empty() {
        return 0.0;
    }
    let share = |of: &[f64], limit: f64| {
        of.iter().filter(|value| **value <= limit).count() as f64 / of.len() as f64
    };
    x.iter()
        .chain(y)
        .map(|limit| (share(x, *limit) - share(y, *limit)).abs())
        .fold(0.0, f64::max)
}

/// The distance from which on two samples of n and m values differ at `alpha` (Smirnov 1948):
/// `sqrt(-ln(alpha / 2) / 2) sqrt((n + m) / (n m))`. With ties it errs on the side of not telling them apart.
pub fn ks_critical(n: usize, m: usize, alpha: f64) -> f64 {
    let (n, m) = (n as f64, m as f64);
    (-0.5 * (alpha / 2.0).ln()).sqrt() * ((n + m) / (n * m)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn critical_distances_are_as_published() {
        for (alpha, c) in [
            (0.1, 1.2239),
            (0.05, 1.3581),
            (0.01, 1.6276),
            (0.001, 1.9495),
        ] {
            // Two samples of two: the factor is one.
            assert!((ks_critical(2, 2, alpha) - c).abs() < 6e-5, "alpha {alpha}");
        }
        for (n, distance) in [(20, 0.429), (30, 0.351), (59, 0.250)] {
            assert!((ks_critical(n, n, 0.05) - distance).abs() < 6e-4, "n {n}");
        }
        for (alpha, distances) in [
            (0.1, [0.547, 0.387, 0.316, 0.225]),
            (0.01, [0.728, 0.515, 0.420, 0.300]),
            (0.001, [0.872, 0.616, 0.503, 0.359]),
        ] {
            for (n, distance) in [10, 20, 30, 59].into_iter().zip(distances) {
                assert!((ks_critical(n, n, alpha) - distance).abs() < 6e-4, "n {n}");
            }
        }
    }

    /// Dvoretzky, Kiefer and Wolfowitz bound one sample against its distribution: an endless second sample.
    #[test]
    fn against_an_endless_sample_it_is_the_published_band() {
        for (n, band) in [
            (10, 0.429),
            (30, 0.248),
            (59, 0.177),
            (100, 0.136),
            (185, 0.100),
            (738, 0.050),
        ] {
            assert!((ks_critical(n, 1 << 50, 0.05) - band).abs() < 6e-4, "n {n}");
        }
    }

    #[test]
    fn two_ways_to_recover_are_told_apart() {
        let one: Vec<f64> = (0..20).map(|i| 10.0 + f64::from(i) / 100.0).collect();
        let two: Vec<f64> = (0..20)
            .map(|i| if i % 2 == 0 { 5.0 } else { 15.0 })
            .collect();
        assert_eq!(ks_distance(&one, &two), 0.5);
        assert!(ks_distance(&one, &two) > ks_critical(20, 20, 0.05));
        assert_eq!(ks_distance(&one, &one), 0.0);
        assert_eq!(ks_distance(&[1.0], &[f64::INFINITY]), 1.0);
        assert_eq!(ks_distance(&[], &one), 0.0);
    }
}
