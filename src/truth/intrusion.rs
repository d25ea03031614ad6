//! C8: throughput with and without probes.

use super::Line;

/// What is measured.
pub const WHAT: &str = "PostgreSQL saturated by pgbench, with and without probes";

/// By which part throughput may differ: the default clients are 2 % to 5 % of what two cores serve, and a
/// difference of less than a tenth moves no recovery time by more than its own uncertainty.
const MARGIN: f64 = 0.10;

/// Two-sided 90 % points of Student's t for 1 to 15 degrees of freedom: two one-sided tests at 5 % each.
const T: [f64; 15] = [
    6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771,
    1.761, 1.753,
];

/// Judges pairs of throughput without and with probes by two one-sided tests on the logarithm of their ratio.
pub fn line(pairs: &[(f64, f64)]) -> Line {
    let mut line = Line::new("C8", WHAT, "pgbench's own count");
    line.truth = format!("{:.0}/s without", mean(pairs.iter().map(|pair| pair.0)));
    line.measured = format!("{:.0}/s with", mean(pairs.iter().map(|pair| pair.1)));
    line.limit = format!("within {:.0} %", MARGIN * 100.0);
    let ratios: Vec<f64> = pairs
        .iter()
        .filter(|(without, with)| *without > 0.0 && *with > 0.0)
        .map(|(without, with)| (with / without).ln())
        .collect();
    let Some(t) = ratios.len().checked_sub(2).and_then(|index| T.get(index)) else {
        line.undecide("too few pairs were measured");
        return line;
    };
    let n = ratios.len() as f64;
    let middle = mean(ratios.iter().copied());
    let variance = ratios.iter().map(|r| (r - middle).powi(2)).sum::<f64>() / (n - 1.0);
    let half = t * (variance / n).sqrt();
    let (low, high) = ((middle - half).exp() - 1.0, (middle + half).exp() - 1.0);
    line.error = format!("{:+.1} % to {:+.1} %", low * 100.0, high * 100.0);
    if high < -MARGIN || low > MARGIN {
        line.ask(false, || {
            "throughput differs by more than the margin".into()
        });
    } else if low < -MARGIN || high > MARGIN {
        line.undecide("the machine is too unsteady to tell");
    }
    line
}

fn mean(values: impl Iterator<Item = f64> + Clone) -> f64 {
    values.clone().sum::<f64>() / values.count().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::truth::Acceptance;

    #[test]
    fn equivalence_difference_and_noise_are_told_apart() {
        let of = |pairs: &[(f64, f64)]| line(pairs).state;
        let steady = [
            (1000.0, 990.0),
            (1010.0, 985.0),
            (995.0, 985.0),
            (1005.0, 1000.0),
        ];
        assert_eq!(of(&steady), Acceptance::Accepted);
        let slower: Vec<_> = steady.iter().map(|(a, b)| (*a, b * 0.8)).collect();
        assert_eq!(of(&slower), Acceptance::Rejected);
        let noisy = [(1000.0, 700.0), (800.0, 1100.0), (1000.0, 900.0)];
        assert_eq!(of(&noisy), Acceptance::Undecided);
        assert_eq!(of(&steady[..1]), Acceptance::Undecided);
    }
}
