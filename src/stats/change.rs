//! Where a series changes: e-divisive change points (Matteson and James 2014), by a seeded permutation test.

use crate::seed::{Seed, Stream};

use super::rank::double_midranks;

/// Permutations per test: with the observed series, p has steps of 1/1,000.
const PERMUTATIONS: usize = 999;

/// A place where a series changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// The index of the first value after the change.
    pub at: usize,
    /// The energy statistic of the two sides.
    pub q: f64,
    /// Its probability if the segment that it splits were all alike.
    pub p: f64,
}

/// The change points of a series in its order, ascending: the segment with the largest statistic is split while
/// permutations of every segment show it at p <= `alpha`. A `+inf` has no distance from a finite value: a series that holds one is
/// judged by its ranks. Empty if it holds a NaN.
pub fn change_points(values: &[f64], alpha: f64, seed: Seed) -> Vec<ChangePoint> {
    if values.iter().any(|value| value.is_nan()) {
        return Vec::new();
    }
    let values: Vec<f64> = if values.iter().all(|value| value.is_finite()) {
        values.to_vec()
    } else {
        double_midranks(values)
            .iter()
            .map(|rank| *rank as f64 / 2.0)
            .collect()
    };
    let mut stream = seed.stream("change points");
    let mut found: Vec<ChangePoint> = Vec::new();
    loop {
        let mut ends: Vec<usize> = found.iter().map(|point| point.at).collect();
        ends.push(0);
        ends.push(values.len());
        ends.sort_unstable();
        let Some((at, q)) = best_split(&values, &ends) else {
            break;
        };
        let p = significance(&values, &ends, q, &mut stream);
        if p > alpha {
            break;
        }
        found.push(ChangePoint { at, q, p });
    }
    found.sort_by_key(|point| point.at);
    found
}

/// The split with the largest statistic over all segments between `ends`; the right side may end before its
/// segment does, so that a change and its return do not hide each other.
fn best_split(values: &[f64], ends: &[usize]) -> Option<(usize, f64)> {
    let mut best = None;
    for segment in ends.windows(2) {
        each_split(&values[segment[0]..segment[1]], |split, _, q| {
            if best.is_none_or(|(_, most)| q > most) {
                best = Some((segment[0] + split, q));
            }
        });
    }
    best
}

/// The share of permutations within the segments whose best split is as large, the observed one among them.
fn significance(values: &[f64], ends: &[usize], q: f64, stream: &mut Stream) -> f64 {
    let mut shuffled = values.to_vec();
    let as_large = (0..PERMUTATIONS)
        .filter(|_| {
            for segment in ends.windows(2) {
                shuffle(&mut shuffled[segment[0]..segment[1]], stream);
            }
            // Sums in another order differ in their last bits.
            best_split(&shuffled, ends).is_some_and(|(_, other)| other >= q * (1.0 - 1e-9))
        })
        .count();
    (as_large + 1) as f64 / (PERMUTATIONS + 1) as f64
}

fn shuffle(values: &mut [f64], stream: &mut Stream) {
    for last in (1..values.len()).rev() {
        values.swap(last, stream.index(last + 1));
    }
}

/// The statistic of every split into n values and the m after them that lie before an end:
/// `nm/(n+m) (2/(nm) sum |x - y| - mean |x - x'| - mean |y - y'|)`, the means over pairs of one side.
fn each_split(values: &[f64], mut see: impl FnMut(usize, usize, f64)) {
    let sums = distance_sums(values);
    let mut left = 0.0;
    for split in 1..values.len() {
        left += sums[split - 1][split - 1];
        let (mut between, mut right) = (0.0, 0.0);
        for (last, sums) in sums.iter().enumerate().skip(split) {
            between += sums[split];
            right += sums[last] - sums[split];
            let (n, m) = (split, last + 1 - split);
            let (across, all) = ((n * m) as f64, (n + m) as f64);
            let q = 2.0 / across * between - mean(left, n) - mean(right, m);
            see(split, last + 1, across / all * q);
        }
    }
}

/// For every value the sums of its distances to the first 0, 1, 2 .. values before it.
fn distance_sums(values: &[f64]) -> Vec<Vec<f64>> {
    let sums_of = |(at, value): (usize, &f64)| {
        let mut sum = 0.0;
        let mut sums = vec![0.0];
        for other in &values[..at] {
            sum += (value - other).abs();
            sums.push(sum);
        }
        sums
    };
    values.iter().enumerate().map(sums_of).collect()
}

/// The mean over the pairs of so many values.
fn mean(sum: f64, of: usize) -> f64 {
    if of < 2 {
        0.0
    } else {
        sum / (of * (of - 1) / 2) as f64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SEED: Seed = Seed(5);

    /// The statistics of the splits of all values.
    fn energy(values: &[f64]) -> Vec<f64> {
        let mut splits = Vec::new();
        each_split(values, |_, end, q| {
            if end == values.len() {
                splits.push(q);
            }
        });
        splits
    }

    #[test]
    fn statistics_are_as_published() {
        let steps = energy(&[1.0, 1.0, 1.0, 1.0, 5.0, 5.0, 5.0, 5.0]);
        for (q, published) in steps.iter().zip([2.0, 4.8, 9.0, 16.0, 9.0, 4.8, 2.0]) {
            assert!((q - published).abs() < 1e-9, "{steps:?}");
        }
        let series = [12.1, 11.8, 12.4, 12.0, 12.3, 14.9, 15.2, 14.7, 15.1, 15.0];
        let splits = energy(&series);
        for (at, published) in [(5, 12.95), (4, 8.552), (6, 8.336)] {
            assert!((splits[at - 1] - published).abs() < 6e-4, "{splits:?}");
        }
        let (at, _) = best_split(&series, &[0, series.len()]).unwrap();
        assert_eq!(at, 5);
    }

    #[test]
    fn a_step_is_found_where_it_is_and_no_other() {
        let mut stream = Seed(3).stream("noise");
        let series: Vec<f64> = (0..36)
            .map(|i| if (12..24).contains(&i) { 9.0 } else { 2.0 } + stream.unit())
            .collect();
        let found = change_points(&series, 0.01, SEED);
        assert_eq!(
            found.iter().map(|point| point.at).collect::<Vec<_>>(),
            [12, 24]
        );
        assert!(
            found.iter().all(|point| (0.001..=0.01).contains(&point.p)),
            "{found:?}"
        );
        assert_eq!(found, change_points(&series, 0.01, SEED), "it replays");
    }

    #[test]
    fn recoveries_that_were_not_seen_are_a_step_too() {
        let series: Vec<f64> = (0..24)
            .map(|i| {
                if i < 12 {
                    f64::from(i % 3)
                } else {
                    f64::INFINITY
                }
            })
            .collect();
        let found = change_points(&series, 0.01, SEED);
        assert_eq!(found.iter().map(|point| point.at).collect::<Vec<_>>(), [12]);
    }

    #[test]
    fn noise_and_short_series_have_no_change_point() {
        let mut stream = Seed(9).stream("noise");
        let alarms = (0..40)
            .filter(|_| {
                let noise: Vec<f64> = (0..20).map(|_| stream.unit()).collect();
                !change_points(&noise, 0.01, SEED).is_empty()
            })
            .count();
        assert!(alarms <= 3, "{alarms} false alarms in 40 at 1 %");
        assert_eq!(change_points(&[], 0.01, SEED), []);
        assert_eq!(change_points(&[1.0], 0.01, SEED), []);
        assert_eq!(change_points(&[2.0; 12], 0.01, SEED), []);
        assert_eq!(
            change_points(&[1.0, 1.0, 9.0, 9.0], 0.01, SEED),
            [],
            "too few to tell"
        );
        assert_eq!(change_points(&[1.0, f64::NAN], 0.01, SEED), []);
    }

    /// The statistic of one split, by its definition.
    fn by_definition(x: &[f64], y: &[f64]) -> f64 {
        let (n, m) = (x.len() as f64, y.len() as f64);
        let across: f64 = x
            .iter()
            .flat_map(|a| y.iter().map(move |b| (a - b).abs()))
            .sum();
        let within = |side: &[f64]| {
            let mut sum = 0.0;
            let mut pairs = 0.0;
            for (i, a) in side.iter().enumerate() {
                for b in &side[i + 1..] {
                    sum += (a - b).abs();
                    pairs += 1.0;
                }
            }
            if pairs > 0.0 { sum / pairs } else { 0.0 }
        };
        n * m / (n + m) * (2.0 / (n * m) * across - within(x) - within(y))
    }

    proptest! {
        #[test]
        fn every_split_is_as_defined(values in prop::collection::vec(0.0f64..100.0, 2..20)) {
            let mut splits = 0;
            each_split(&values, |split, end, q| {
                splits += 1;
                let defined = by_definition(&values[..split], &values[split..end]);
                assert!((q - defined).abs() < 1e-6);
            });
            prop_assert_eq!(splits, values.len() * (values.len() - 1) / 2);
        }
    }
}
