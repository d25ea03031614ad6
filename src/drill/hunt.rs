//! The search for the worst: which drills are tried, how bad one was, and how it is made smaller.

use std::{cmp::Ordering, time::Duration};

use crate::{
    scenario::{
        ClientPlace, CrashLoop, Direction, Dur, Expect, Fault, Latency, Parsed, Part, Partition,
        Path, Percent, Problems, Reach, Refuse, Scenario, Selector, Share, Step, Targets, Victim,
        Within, read,
    },
    seed::Stream,
    system::System,
};

use super::{validate_against, validate_design};

/// How long faults stay in force at least, and at most, before they are healed.
const HOLD: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// How long a recovery is waited for, at least.
const RECOVERY: Duration = Duration::from_secs(60);
/// A smaller drill is as bad when its recovery takes at least this share of the time.
const AS_BAD: f64 = 0.8;

/// What one drill of a search does.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// One after the other, without a pause.
    pub faults: Vec<Fault>,
    /// How long after the last one they are healed.
    pub hold: Dur,
}

/// How bad a drill was: what it lost comes first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Badness {
    /// Acknowledged writes that are gone.
    pub lost: u64,
    /// The longest recovery; none if it was not seen to end.
    pub rto: Option<Duration>,
}

impl Badness {
    /// Whether this is at least as bad, within what two runs of one drill differ by.
    pub fn matches(&self, other: &Self) -> bool {
        let slow = match (self.rto, other.rto) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(other)) => own.as_secs_f64() >= other.as_secs_f64() * AS_BAD,
        };
        (self.lost > 0) == (other.lost > 0) && (other.lost > 0 || slow)
    }

    /// Which is worse.
    pub fn order(&self, other: &Self) -> Ordering {
        let time = |rto: Option<Duration>| rto.unwrap_or(Duration::MAX);
        (self.lost, time(self.rto)).cmp(&(other.lost, time(other.rto)))
    }
}

impl Trial {
    /// Draws faults out of those that can be, up to `most`, and how long they last.
    pub fn draw(stream: &mut Stream, pool: &[Fault], most: usize) -> Self {
        let count = 1 + stream.index(most.min(pool.len()));
        let mut faults: Vec<Fault> = Vec::new();
        while faults.len() < count {
            let fault = &pool[stream.index(pool.len())];
            if faults.contains(fault) {
                break;
            }
            faults.push(fault.clone());
        }
        let part = stream.unit();
        let hold = HOLD.0 + (HOLD.1 - HOLD.0).mul_f64(part);
        let hold = Dur(Duration::from_millis(
            u64::try_from(hold.as_millis()).unwrap_or(u64::MAX),
        ));
        Self { faults, hold }
    }

    /// The drills that do less: each without one of the faults, and with half the time.
    pub fn smaller(&self) -> Vec<Self> {
        let several = self.faults.len() > 1;
        let fewer = (0..self.faults.len()).filter(|_| several).map(|gone| {
            let mut trial = self.clone();
            trial.faults.remove(gone);
            trial
        });
        let half = Duration::from_secs((self.hold.0 / 2).as_secs()).max(HOLD.0);
        let shorter = (half < self.hold.0).then(|| Self {
            hold: Dur(half),
            ..self.clone()
        });
        fewer.chain(shorter).collect()
    }

    /// What it does, in a few words.
    pub fn title(&self) -> String {
        let titles: Vec<String> = self.faults.iter().map(Fault::title).collect();
        format!("{}, healed after {}", titles.join(", then "), self.hold)
    }

    /// As a scenario on the stack, the clients and the main targets of `base`.
    pub fn scenario(&self, base: &Scenario, name: &str) -> Scenario {
        let steady = base
            .drill
            .iter()
            .filter(|step| matches!(step, Step::Steady(_)));
        let mut drill: Vec<Step> = steady.take(1).cloned().collect();
        drill.extend(self.faults.iter().cloned().map(Step::Fault));
        drill.push(Step::Hold(self.hold));
        if self.faults.iter().any(Fault::lasts) {
            drill.push(Step::Heal("all".into()));
        }
        let target = base.targets.rto.and_then(crate::scenario::Goal::limit);
        let within = Dur(target.map_or(RECOVERY, |rto| rto.0.max(RECOVERY)));
        drill.push(Step::Expect(Expect::Recovered(Within { within })));
        Scenario {
            name: name.into(),
            summary: format!("Found by a search: {}.", self.title()),
            targets: Targets {
                rto: base.targets.rto,
                rpo: base.targets.rpo.clone(),
                ..Targets::default()
            },
            alerting: None,
            headline: None,
            drill,
            repeat: 1,
            ..base.clone()
        }
    }
}

/// A scenario as a file, read back; comments stand before it.
///
/// # Errors
/// What is wrong with it.
pub fn as_file(scenario: &Scenario, file: &str, comment: &str) -> Result<Parsed, Problems> {
    // A scenario is made of texts, numbers and lists: it can always be written.
    let text = serde_json::to_string_pretty(scenario).unwrap_or_default();
    read(file, &format!("{comment}{text}\n"), &[])
}

/// The faults that the stack of a scenario can take.
pub fn pool(base: &Parsed, system: &dyn System) -> Vec<Fault> {
    let offers = [system.describe()];
    let fits = |fault: &Fault| {
        let trial = Trial {
            faults: vec![fault.clone()],
            hold: Dur(HOLD.0),
        };
        let scenario = trial.scenario(&base.scenario, "trial");
        as_file(&scenario, &base.file, "").is_ok_and(|parsed| {
            validate_against(&parsed, &offers).is_empty()
                && validate_design(&parsed, system).is_empty()
        })
    };
    all().into_iter().filter(fits).collect()
}

/// Every kind of fault that ends, on every role.
fn all() -> Vec<Fault> {
    let nodes = [
        Selector::Primary,
        Selector::Replica(Some(0)),
        Selector::Replica(None),
        Selector::PrimaryOf(1),
        Selector::ReplicasOf(1),
        Selector::Shard(1),
        Selector::Primaries(Part::Majority),
    ];
    nodes.into_iter().flat_map(of).collect()
}

fn of(node: Selector) -> Vec<Fault> {
    let victim = || Victim {
        node: node.clone(),
        unless: None,
        and: None,
        lasting: None,
    };
    let isolate = |clients| {
        Fault::Partition(Partition {
            isolate: Some(node.clone()),
            between: None,
            direction: Direction::Both,
            clients,
            ports: Vec::new(),
            how: Refuse::Drop,
            lasting: None,
        })
    };
    let path = || Path {
        node: node.clone(),
        to: Reach::Everyone,
        ports: Vec::new(),
        lasting: None,
    };
    vec![
        Fault::Kill(victim()),
        Fault::Stop(victim()),
        Fault::Pause(victim()),
        Fault::Restart(victim()),
        Fault::CrashLoop(CrashLoop {
            node: node.clone(),
            every: Dur(Duration::from_secs(1)),
            lasting: None,
        }),
        isolate(ClientPlace::Cut),
        isolate(ClientPlace::Keep),
        Fault::Latency(Latency {
            path: path(),
            delay: Dur(Duration::from_millis(200)),
            jitter: Dur::default(),
        }),
        Fault::Loss(Share {
            path: path(),
            share: Percent(20.0),
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{seed::Seed, system::reference::Reference};

    const BASE: &str = "schema: 1\nname: a\nsummary: b\nstack: { reference: {} }\n\
        targets: { rto: 30s, rpo: any }\n\
        drill: [ { steady: 10s }, { fault: noop }, { expect: { recovered: { within: 1m } } } ]\n";

    fn base() -> Parsed {
        read("a.yaml", BASE, &[]).expect("a scenario")
    }

    #[test]
    fn only_what_the_stack_can_take_is_drawn_and_each_trial_is_a_right_scenario() {
        let base = base();
        let pool = pool(&base, &Reference);
        assert!(pool.iter().any(|fault| fault.name() == "kill"));
        assert!(pool.iter().all(|fault| fault.path().is_none()));
        let mut stream = Seed(1).stream("hunt");
        for _ in 0..50 {
            let trial = Trial::draw(&mut stream, &pool, 2);
            let scenario = trial.scenario(&base.scenario, "found");
            let file = as_file(&scenario, "found.yaml", "# Found.\n");
            assert_eq!(file.expect("a right file").scenario, scenario);
        }
        let draw = |seed| Trial::draw(&mut Seed(seed).stream("hunt"), &pool, 2);
        assert_eq!(draw(7), draw(7), "a seed replays its choices");
    }

    #[test]
    fn a_smaller_trial_does_less_until_nothing_is_left_to_remove() {
        let pool = pool(&base(), &Reference);
        let mut trial = Trial {
            faults: pool[..3].to_vec(),
            hold: Dur(Duration::from_secs(9)),
        };
        let mut steps = 0;
        while let Some(smaller) = trial.smaller().into_iter().next() {
            trial = smaller;
            steps += 1;
        }
        assert_eq!((trial.faults.len(), trial.hold.0), (1, HOLD.0));
        assert!(steps >= 4);
    }

    #[test]
    fn loss_is_worse_than_any_wait_and_no_end_worse_than_a_late_one() {
        let bad = |lost, seconds: Option<u64>| Badness {
            lost,
            rto: seconds.map(Duration::from_secs),
        };
        assert_eq!(bad(1, Some(1)).order(&bad(0, None)), Ordering::Greater);
        assert_eq!(bad(0, None).order(&bad(0, Some(99))), Ordering::Greater);
        assert!(bad(0, Some(9)).matches(&bad(0, Some(10))));
        assert!(!bad(0, Some(7)).matches(&bad(0, Some(10))));
        assert!(!bad(0, None).matches(&bad(5, Some(1))));
    }
}
