//! C8: throughput and latency with and without probes.

use super::Line;

/// How the database is loaded, and so what is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// As fast as it answers: transactions a second beside the load that a scenario asks for, without and with probes.
    Saturating,
    /// At a steady pace far below its limit: mean latency, milliseconds, without and with all of a drill, that load too.
    Paced,
}

/// A workload's figure beside more and more of a drill, measured in turns.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Round {
    /// Beside nothing of it.
    pub nothing: f64,
    /// Beside the load that the scenario asks for.
    pub load: f64,
    /// Beside all of it: load and probes.
    pub everything: f64,
}

impl Workload {
    /// What is measured.
    pub fn what(self) -> &'static str {
        match self {
            Self::Saturating => {
                "PostgreSQL saturated by pgbench and a drill's clients, with and without its probes"
            }
            Self::Paced => {
                "PostgreSQL paced by pgbench, with and without a drill's clients and probes"
            }
        }
    }

    /// What is compared of a round: without and with probes.
    fn pair(self, round: Round) -> (f64, f64) {
        let without = match self {
            Self::Saturating => round.load,
            Self::Paced => round.nothing,
        };
        (without, round.everything)
    }

    /// A figure of it with its unit.
    pub fn figure(self, value: f64) -> String {
        match self {
            Self::Saturating => format!("{value:.0}/s"),
            Self::Paced => format!("{value:.2} ms"),
        }
    }

    /// By how much it may differ. Throughput: a tenth, which moves no recovery time by more than its own uncertainty.
    /// Latency: 1 ms, a fortieth of the interval of a write lane, by which a recovery time is resolved.
    fn margin(self) -> f64 {
        match self {
            Self::Saturating => 0.10,
            Self::Paced => 1.0,
        }
    }

    fn limit(self) -> String {
        match self {
            Self::Saturating => format!("within {:.0} %", self.margin() * 100.0),
            Self::Paced => format!("within {:.0} ms", self.margin()),
        }
    }

    /// The difference on a scale on which it is alike everywhere: of throughput, the logarithm of the ratio.
    fn difference(self, (without, with): (f64, f64)) -> f64 {
        match self {
            Self::Saturating => (with / without).ln(),
            Self::Paced => with - without,
        }
    }

    /// A difference as a part of the throughput, or in milliseconds.
    fn told(self, difference: f64) -> f64 {
        match self {
            Self::Saturating => difference.exp() - 1.0,
            Self::Paced => difference,
        }
    }

    fn range(self, (low, high): (f64, f64)) -> String {
        match self {
            Self::Saturating => {
                format!("{:+.1} % to {:+.1} %", low * 100.0, high * 100.0)
            }
            Self::Paced => format!("{low:+.2} ms to {high:+.2} ms"),
        }
    }
}

/// Two-sided 90 % points of Student's t for 1 to 19 degrees of freedom: two one-sided tests at 5 % each.
const T: [f64; 19] = [
    6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771,
    1.761, 1.753, 1.746, 1.740, 1.734, 1.729,
];

/// Judges a workload's rounds: equal without and with probes within the margin by two one-sided tests.
pub fn line(workload: Workload, rounds: &[Round]) -> Line {
    let mut line = Line::new("C8", workload.what(), "pgbench's own figures");
    let pairs = rounds.iter().map(|round| workload.pair(*round));
    let told = |values: &mut dyn Iterator<Item = f64>| workload.figure(mean(values));
    line.truth = format!("{} without", told(&mut pairs.clone().map(|pair| pair.0)));
    if workload == Workload::Saturating {
        let nothing = told(&mut rounds.iter().map(|round| round.nothing));
        line.truth += &format!(", {nothing} beside nothing of a drill");
    }
    line.measured = format!("{} with", told(&mut pairs.clone().map(|pair| pair.1)));
    line.limit = workload.limit();
    let positive = pairs.filter(|pair| pair.0 > 0.0 && pair.1 > 0.0);
    let differences: Vec<f64> = positive.map(|pair| workload.difference(pair)).collect();
    let Some((low, high)) = interval(&differences) else {
        line.undecide("too few pairs were measured");
        return line;
    };
    let (low, high) = (workload.told(low), workload.told(high));
    line.error = workload.range((low, high));
    let margin = workload.margin();
    if high < -margin || low > margin {
        line.ask(false, || "it differs by more than the margin".into());
    } else if low < -margin || high > margin {
        line.undecide("the machine is too unsteady to tell");
    }
    line
}

/// The 90 % interval of the mean.
fn interval(values: &[f64]) -> Option<(f64, f64)> {
    let t = values.len().checked_sub(2).and_then(|index| T.get(index))?;
    let n = values.len() as f64;
    let middle = mean(values.iter().copied());
    let variance = values.iter().map(|v| (v - middle).powi(2)).sum::<f64>() / (n - 1.0);
    let half = t * (variance / n).sqrt();
    Some((middle - half, middle + half))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values.fold((0_u32, 0.0), |(count, sum), value| (count + 1, sum + value));
    sum / f64::from(count.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::truth::Acceptance;

    fn rounds(pairs: &[(f64, f64)]) -> Vec<Round> {
        let round = |(without, everything): &(f64, f64)| Round {
            nothing: *without,
            load: *without,
            everything: *everything,
        };
        pairs.iter().map(round).collect()
    }

    #[test]
    fn equivalence_difference_and_noise_are_told_apart() {
        let of = |pairs: &[(f64, f64)]| line(Workload::Saturating, &rounds(pairs)).state;
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

    #[test]
    fn throughput_is_compared_beside_the_load_and_latency_beside_nothing() {
        let round = |nothing, load| Round {
            nothing,
            load,
            everything: 95.0,
        };
        let told = line(
            Workload::Saturating,
            &[round(200.0, 96.0), round(202.0, 98.0)],
        );
        assert_eq!(told.state, Acceptance::Accepted);
        assert_eq!(told.truth, "97/s without, 201/s beside nothing of a drill");
        let told = line(Workload::Paced, &[round(90.0, 95.0), round(91.0, 95.0)]);
        assert_eq!(told.state, Acceptance::Rejected);
        assert_eq!(told.truth, "90.50 ms without");
    }

    #[test]
    fn latency_is_compared_by_its_difference() {
        let line = |pairs: &[(f64, f64)]| line(Workload::Paced, &rounds(pairs));
        let near = [(1.0, 1.3), (1.1, 1.5), (1.0, 1.4)];
        let told = line(&near);
        assert_eq!(told.state, Acceptance::Accepted);
        // Mean 0.3667, standard deviation 0.0577, t of two degrees of freedom 2.920: 0.0973 to either side.
        assert_eq!(told.error, "+0.27 ms to +0.46 ms");
        let far = near.map(|(a, b)| (a, b + 1.5));
        assert_eq!(line(&far).state, Acceptance::Rejected);
        let between = near.map(|(a, b)| (a, b + 0.6));
        assert_eq!(line(&between).state, Acceptance::Undecided);
    }
}
