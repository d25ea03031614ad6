//! Ranks of two samples taken together: the Mann-Whitney test, conditional on the ties that were seen.

use crate::seed::{Seed, Stream};

/// Up to so many values in both samples together, distributions are counted exactly; above it they are
/// drawn: [`DRAWS`] seeded permutations, which keep the test's level and are a little coarser.
pub const EXACT_RUNS: usize = 200;

/// How many permutations are drawn where counting takes too long; with the observed one, p has steps of 1/10,000.
const DRAWS: usize = 9_999;

/// How the values of one sample compare with those of another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankSum {
    /// U: pairs in which the second sample's value is the larger, a tie counting half.
    pub u: f64,
    /// The probability of so large a U or a larger one if both samples were alike, over all ways to share
    /// out the values that were seen.
    pub p_larger: f64,
}

impl RankSum {
    /// The share of pairs in which the second sample's value is the larger, a tie counting half.
    pub fn superiority(&self, n: usize, m: usize) -> f64 {
        self.u / (n * m) as f64
    }
}

/// Tests whether values of `y` are larger than those of `x` (Mann and Whitney 1947), one-sided. `+inf` ties
/// with itself. None when a sample is empty or holds a NaN.
pub fn mann_whitney(x: &[f64], y: &[f64], seed: Seed) -> Option<RankSum> {
    if x.is_empty() || y.is_empty() || x.iter().chain(y).any(|value| value.is_nan()) {
        return None;
    }
    let pooled: Vec<f64> = x.iter().chain(y).copied().collect();
    let ranks = double_midranks(&pooled);
    let of_x: usize = ranks[..x.len()].iter().sum();
    let of_y: usize = ranks[x.len()..].iter().sum();
    // The smaller sample has the smaller table; what one sum gains, the other loses.
    let p_larger = if x.len() < y.len() {
        Sums::of(&ranks, x.len(), seed).share(|sum| sum <= of_x)
    } else {
        Sums::of(&ranks, y.len(), seed).share(|sum| sum >= of_y)
    };
    let least = (y.len() * (y.len() + 1)) as f64 / 2.0;
    Some(RankSum {
        u: of_y as f64 / 2.0 - least,
        p_larger,
    })
}

/// Twice the rank of every value, ties sharing the mean of theirs, so that all are whole numbers.
pub(super) fn double_midranks(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0; values.len()];
    let mut first = 0;
    for tied in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let last = first + tied.len();
        for index in tied {
            ranks[*index] = first + 1 + last;
        }
        first = last;
    }
    ranks
}

/// How the sum of `size` of some whole numbers is distributed if every choice is as likely as another.
pub(super) struct Sums {
    /// How many choices have the sum that is the index.
    choices: Vec<f64>,
    /// The choice that was seen, where the others were drawn and may not hold it.
    seen: f64,
}

impl Sums {
    /// Counts all choices, or draws some where there are too many.
    pub(super) fn of(numbers: &[usize], size: usize, seed: Seed) -> Self {
        if numbers.len() <= EXACT_RUNS {
            let choices = counted(numbers, size);
            Self { choices, seen: 0.0 }
        } else {
            let choices = drawn(numbers, size, &mut seed.stream("permutations"));
            Self { choices, seen: 1.0 }
        }
    }

    /// The share of choices whose sum is as wanted, the seen one among them.
    pub(super) fn share(&self, wanted: impl Fn(usize) -> bool) -> f64 {
        let all: f64 = self.choices.iter().sum();
        let counted = self.choices.iter().enumerate();
        let these: f64 = counted
            .filter(|(sum, _)| wanted(*sum))
            .map(|(_, n)| n)
            .sum();
        (these + self.seen) / (all + self.seen)
    }

    /// The largest sum up to which at most this share of the choices lies; none if the least one has more.
    pub(super) fn largest_with(&self, share: f64) -> Option<usize> {
        let all: f64 = self.choices.iter().sum::<f64>() + self.seen;
        let mut below = self.seen;
        let mut found = None;
        for (sum, choices) in self.choices.iter().enumerate() {
            below += choices;
            // A share that is equal but for rounding counts as equal.
            if below / all > share + 1e-12 {
                break;
            }
            if *choices > 0.0 {
                found = Some(sum);
            }
        }
        found
    }
}

/// Dynamic programming over the numbers; 200 choose 100 is far within what a float holds.
fn counted(numbers: &[usize], size: usize) -> Vec<f64> {
    let mut largest = numbers.to_vec();
    largest.sort_unstable_by(|a, b| b.cmp(a));
    let most: usize = largest.iter().take(size).sum();
    let mut ways = vec![vec![0.0; most + 1]; size + 1];
    ways[0][0] = 1.0;
    for (at, number) in numbers.iter().enumerate() {
        for taken in (1..=size.min(at + 1)).rev() {
            let (fewer, with) = ways.split_at_mut(taken);
            let fewer = &fewer[taken - 1];
            for sum in *number..=most {
                with[0][sum] += fewer[sum - number];
            }
        }
    }
    ways.swap_remove(size)
}

fn drawn(numbers: &[usize], size: usize, stream: &mut Stream) -> Vec<f64> {
    let mut numbers = numbers.to_vec();
    let mut choices = Vec::new();
    for _ in 0..DRAWS {
        for at in 0..size {
            let other = at + stream.index(numbers.len() - at);
            numbers.swap(at, other);
        }
        let sum = numbers[..size].iter().sum();
        if choices.len() <= sum {
            choices.resize(sum + 1, 0.0);
        }
        choices[sum] += 1.0;
    }
    choices
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    const SEED: Seed = Seed(5);

    /// P(U >= u) by trying every choice of which values are the second sample's.
    fn by_enumeration(x: &[f64], y: &[f64]) -> f64 {
        let pooled: Vec<f64> = x.iter().chain(y).copied().collect();
        let u_of = |in_y: &dyn Fn(usize) -> bool| {
            let mut u = 0.0;
            for (i, a) in pooled.iter().enumerate().filter(|(i, _)| !in_y(*i)) {
                for (j, b) in pooled.iter().enumerate().filter(|(j, _)| in_y(*j)) {
                    assert_ne!(i, j);
                    u += if b > a { 1.0 } else { 0.0 } + if b == a { 0.5 } else { 0.0 };
                }
            }
            u
        };
        let seen = u_of(&|index| index >= x.len());
        let choices: Vec<u32> = (0u32..1 << pooled.len())
            .filter(|choice| choice.count_ones() as usize == y.len())
            .collect();
        let as_large = choices
            .iter()
            .filter(|choice| u_of(&|index| **choice >> index & 1 == 1) >= seen)
            .count();
        as_large as f64 / choices.len() as f64
    }

    /// Recovery times with ties, and some that were not seen.
    pub fn times(len: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f64>> {
        let time = prop_oneof![6 => (0u8..6).prop_map(f64::from), 1 => Just(f64::INFINITY)];
        prop::collection::vec(time, len)
    }

    proptest! {
        #[test]
        fn p_is_that_of_all_permutations(x in times(1..7), y in times(1..7)) {
            let p = mann_whitney(&x, &y, SEED).unwrap().p_larger;
            prop_assert!((p - by_enumeration(&x, &y)).abs() < 1e-12);
        }
    }

    #[test]
    fn the_example_is_as_published() {
        let x = [10.1, 11.3, 9.8, 12.0, 10.7];
        let y = [12.5, 11.9, 13.1, 12.2, 14.0];
        let test = mann_whitney(&x, &y, SEED).unwrap();
        assert_eq!(test.u, 24.0);
        assert!((test.p_larger - 2.0 / 252.0).abs() < 1e-12);
        assert!((2.0 * test.p_larger - 0.015_87).abs() < 5e-6, "two-sided");
        assert!((test.superiority(5, 5) - 0.96).abs() < 1e-12);
        let turned = mann_whitney(&y, &x, SEED).unwrap();
        assert_eq!(turned.u, 1.0);
        assert!(turned.p_larger > 0.99);
    }

    #[test]
    fn the_least_p_is_as_published() {
        for (n, two_sided) in [(3, 0.10), (4, 0.0286), (5, 0.0079), (7, 0.000_58)] {
            let x: Vec<f64> = (0..n).map(f64::from).collect();
            let y: Vec<f64> = (n..2 * n).map(f64::from).collect();
            let p = 2.0 * mann_whitney(&x, &y, SEED).unwrap().p_larger;
            assert!((p - two_sided).abs() < 6e-5, "{n}v{n}: {p}");
        }
    }

    #[test]
    fn critical_values_are_as_published() {
        let critical = |n: usize, share: f64| {
            let ranks: Vec<usize> = (1..=2 * n).collect();
            let sum = Sums::of(&ranks, n, SEED).largest_with(share).unwrap();
            sum - n * (n + 1) / 2
        };
        for (n, u) in [(5, 2), (8, 13), (10, 23), (12, 37), (15, 64), (20, 127)] {
            assert_eq!(critical(n, 0.025), u, "two-sided .05, {n}v{n}");
        }
        for (n, u) in [(5, 1), (8, 9), (10, 19), (12, 31), (15, 56), (20, 114)] {
            assert_eq!(critical(n, 0.01), u, "one-sided .01, {n}v{n}");
        }
    }

    #[test]
    fn recoveries_that_were_not_seen_tie_with_each_other() {
        let x = [1.0, 2.0, f64::INFINITY];
        let y = [f64::INFINITY; 3];
        let test = mann_whitney(&x, &y, SEED).unwrap();
        assert_eq!(test.u, 7.5);
        assert_eq!(mann_whitney(&y, &y, SEED).unwrap().p_larger, 1.0);
        assert_eq!(mann_whitney(&[], &y, SEED), None);
        assert_eq!(mann_whitney(&[f64::NAN], &y, SEED), None);
    }

    #[test]
    fn draws_agree_with_the_count() {
        let numbers: Vec<usize> = (0..60).map(|i| 2 * (i % 17)).collect();
        let exact = Sums::of(&numbers, 20, SEED);
        let sampled = Sums {
            choices: drawn(&numbers, 20, &mut SEED.stream("permutations")),
            seen: 1.0,
        };
        for sum in [260, 300, 320, 350] {
            let (a, b) = (
                exact.share(|seen| seen <= sum),
                sampled.share(|seen| seen <= sum),
            );
            assert!((a - b).abs() < 0.02, "{sum}: {a} {b}");
        }
        let many: Vec<f64> = (0..150).map(f64::from).collect();
        let more: Vec<f64> = (60..210).map(f64::from).collect();
        let p = mann_whitney(&many, &more, SEED).unwrap().p_larger;
        assert!(
            (p - 1e-4).abs() < 1e-9,
            "the least that draws can show: {p}"
        );
    }

    /// Shifts that the notes' simulation gives the power of, at p < 0.01, within its sampling error.
    #[test]
    fn the_power_is_as_simulated() {
        let mut stream = Seed(11).stream("power");
        for (low, spread, shift, n, power) in [
            (20.0, 10.0, 3.0, 10, 0.33),
            (20.0, 10.0, 3.0, 20, 0.70),
            (20.0, 10.0, 3.0, 30, 0.90),
            (20.0, 10.0, 5.0, 8, 0.64),
            (20.0, 10.0, 5.0, 10, 0.81),
            (20.0, 10.0, 5.0, 20, 0.99),
            (10.0, 1.5, 0.5, 10, 0.41),
            (10.0, 1.5, 0.5, 20, 0.81),
            (10.0, 1.5, 0.5, 30, 0.95),
            (10.0, 1.5, 1.0, 8, 0.94),
        ] {
            // Without ties the rejection region is that of U: count it once.
            let ranks: Vec<usize> = (1..=2 * n).collect();
            let critical = Sums::of(&ranks, n, SEED).largest_with(0.01).unwrap();
            let rounds = 1_000;
            let mut sample = |by: f64| -> Vec<f64> {
                (0..n).map(|_| low + by + spread * stream.unit()).collect()
            };
            let found = (0..rounds)
                .filter(|_| {
                    let pooled: Vec<f64> = sample(0.0).into_iter().chain(sample(shift)).collect();
                    let of_x: usize = double_midranks(&pooled)[..n].iter().sum();
                    of_x <= 2 * critical
                })
                .count();
            let seen = found as f64 / f64::from(rounds);
            assert!(
                (seen - power).abs() < 0.06,
                "{shift} at {n}: {seen}, not {power}"
            );
        }
    }
}
