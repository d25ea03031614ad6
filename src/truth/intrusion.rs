//! C8: throughput and latency with and without probes.

use super::Line;

/// How the database is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// As fast as it answers: transactions a second.
    Saturating,
    /// At a steady pace far below its limit: mean latency, milliseconds.
    Paced,
}

/// What all of a drill is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Without {
    /// Nothing of a drill.
    Nothing,
    /// The load that a scenario asks for, without probes.
    Load,
}

/// A comparison: a workload beside all of a drill, and beside less of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// How the database is loaded.
    pub workload: Workload,
    /// What all of a drill is compared with.
    pub without: Without,
    /// What is measured.
    pub what: &'static str,
}

/// Everything that is compared.
pub const COMPARED: [Compared; 3] = [
    Compared {
        workload: Workload::Saturating,
        without: Without::Nothing,
        what: "PostgreSQL saturated by pgbench, with and without a drill's clients and probes",
    },
    Compared {
        workload: Workload::Saturating,
        without: Without::Load,
        what: "the same beside a drill's clients, with and without its probes",
    },
    Compared {
        workload: Workload::Paced,
        without: Without::Nothing,
        what: "PostgreSQL paced by pgbench, with and without a drill's clients and probes",
    },
];

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

impl Round {
    /// The figures without and with what is compared.
    fn pair(self, without: Without) -> (f64, f64) {
        match without {
            Without::Nothing => (self.nothing, self.everything),
            Without::Load => (self.load, self.everything),
        }
    }
}

impl Workload {
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

/// Two-sided 90 % points of Student's t for 1 to 29 degrees of freedom: two one-sided tests at 5 % each.
const T: [f64; 29] = [
    6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771,
    1.761, 1.753, 1.746, 1.740, 1.734, 1.729, 1.725, 1.721, 1.717, 1.714, 1.711, 1.708, 1.706,
    1.703, 1.701, 1.699,
];

/// Judges a workload's rounds: equal without and with within the margin by two one-sided tests.
pub fn line(compared: Compared, rounds: &[Round]) -> Line {
    let Compared {
        workload,
        without,
        what,
    } = compared;
    let mut line = Line::new("C8", what, "pgbench's own figures");
    let pairs: Vec<_> = rounds.iter().map(|round| round.pair(without)).collect();
    let figure = workload.figure(mean(pairs.iter().map(|pair| pair.0)));
    line.truth = format!("{figure} without");
    let figure = workload.figure(mean(pairs.iter().map(|pair| pair.1)));
    line.measured = format!("{figure} with");
    line.limit = workload.limit();
    let positive = pairs.iter().filter(|pair| pair.0 > 0.0 && pair.1 > 0.0);
    let differences: Vec<f64> = positive.map(|pair| workload.difference(*pair)).collect();
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

fn mean(values: impl Iterator<Item = f64> + Clone) -> f64 {
    values.clone().sum::<f64>() / values.count().max(1) as f64
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
        let of = |pairs: &[(f64, f64)]| line(COMPARED[0], &rounds(pairs)).state;
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
    fn all_of_a_drill_is_compared_with_nothing_and_with_its_load_alone() {
        let round = |nothing, load| Round {
            nothing,
            load,
            everything: 95.0,
        };
        let rounds = [round(200.0, 96.0), round(202.0, 98.0)];
        let told = line(COMPARED[1], &rounds);
        assert_eq!(told.state, Acceptance::Accepted);
        assert_eq!(told.truth, "97/s without");
        let told = line(COMPARED[0], &rounds);
        assert_eq!(told.state, Acceptance::Rejected);
        assert_eq!(told.truth, "201/s without");
    }

    #[test]
    fn thirty_rounds_are_judged() {
        let rounds = rounds(&[(1000.0, 990.0); 30]);
        let told = line(COMPARED[0], &rounds);
        assert_eq!(told.state, Acceptance::Accepted);
    }

    #[test]
    fn latency_is_compared_by_its_difference() {
        let line = |pairs: &[(f64, f64)]| line(COMPARED[2], &rounds(pairs));
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
