//! How long steps take: at least if all goes well, and at most.

use std::time::Duration;

use super::{Expect, RunbookStep, Scenario, Step, Task};

/// How long something takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// If all goes well.
    pub least: Duration,
    /// Until it is given up, where there is a limit.
    pub most: Option<Duration>,
}

impl Estimate {
    fn exactly(time: Duration) -> Self {
        Self {
            least: time,
            most: Some(time),
        }
    }

    fn up_to(least: Duration, most: Duration) -> Self {
        Self {
            least,
            most: Some(most),
        }
    }

    /// What has a limit of its own in the harness, and is short beside the other steps.
    const SHORT: Self = Self {
        least: Duration::ZERO,
        most: None,
    };
}

impl Step {
    /// How long it takes; `sustain` is how long a recovery must last to count.
    pub fn estimate(&self, sustain: Duration) -> Estimate {
        match self {
            Self::Steady(time) | Self::Hold(time) => Estimate::exactly(time.0),
            // As long again twice, in which the drill's own clients catch up.
            Self::Capacity(time) => Estimate::exactly(3 * time.0),
            Self::Expect(Expect::Recovered(limit) | Expect::Consumed(limit)) => {
                Estimate::up_to(sustain, limit.within.0 + sustain)
            }
            Self::Expect(
                Expect::Redundant(limit) | Expect::Alerted(limit) | Expect::Resolved(limit),
            ) => Estimate::up_to(Duration::ZERO, limit.within.0),
            Self::Runbook(RunbookStep::Own(own)) => {
                let most = own.steps.iter().map(Task::stated).sum();
                Estimate::up_to(Duration::ZERO, most)
            }
            Self::Runbook(RunbookStep::Shipped(_))
            | Self::Fault(_)
            | Self::Consumer(_)
            | Self::Switchover(_)
            | Self::Heal(_)
            | Self::Failback(_)
            | Self::Backup(_)
            | Self::Restore(_) => Estimate::SHORT,
        }
    }
}

impl Scenario {
    /// How long its steps from `first` on take; steps that are short and without a limit are left out of `most`.
    pub fn estimate(&self, first: usize, sustain: Duration) -> Estimate {
        let steps = self.drill.iter().skip(first);
        let each: Vec<Estimate> = steps.map(|step| step.estimate(sustain)).collect();
        Estimate {
            least: each.iter().map(|it| it.least).sum(),
            most: Some(each.iter().filter_map(|it| it.most).sum()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::read;

    use super::*;

    #[test]
    fn a_drill_takes_its_steps_and_the_window_of_its_recovery() {
        let text = "schema: 1\nname: a\nsummary: b\nstack: { reference: {} }\ntargets: { rto: 5s, rpo: any }\n\
                    drill: [ { steady: 2s }, { fault: { kill: primary } }, { expect: { recovered: { within: 30s } } }, \
                    { heal: all }, { hold: 1s }, { expect: { redundant: { within: 20s } } } ]\n";
        let scenario = read("a.yaml", text, &[]).expect("a scenario").scenario;
        let seconds = Duration::from_secs;
        let sustain = seconds(10);
        assert_eq!(
            scenario.estimate(0, sustain),
            Estimate::up_to(seconds(13), seconds(2 + 40 + 1 + 20))
        );
        assert_eq!(scenario.estimate(3, sustain).least, seconds(1));
    }
}
