//! Schedules of faults, drawn from a seed within bounds, and made smaller. Nothing is run here.

use std::{collections::VecDeque, time::Duration};

use crate::{
    scenario::{Dur, Expect, Fault, Part, Selector, Step, Within},
    seed::Stream,
};

/// How long the last fault stays in force at least, and at most, before all are healed.
pub const HOLD: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// The longest pause between two faults.
const PAUSE: Duration = Duration::from_secs(5);
/// Times are drawn in steps of this.
const GRAIN: Duration = Duration::from_millis(100);
/// A pause shorter than this is made none.
const SHORT: Duration = Duration::from_millis(500);

/// One fault of a schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Strike {
    /// What strikes.
    pub fault: Fault,
    /// How long after the one before.
    pub pause: Dur,
    /// Whether all faults before are healed, and their recovery waited for, before it; else it strikes while they last.
    pub alone: bool,
}

/// What one drill of a search does.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// In the order in which they strike.
    pub strikes: Vec<Strike>,
    /// How long after the last one all are healed.
    pub hold: Dur,
}

impl Schedule {
    /// Draws up to `most` different faults out of those that can be, how they follow each other, and how long they last.
    pub fn draw(stream: &mut Stream, pool: &[Fault], most: usize) -> Self {
        let count = 1 + stream.index(most.min(pool.len()));
        let mut strikes: Vec<Strike> = Vec::new();
        while strikes.len() < count {
            let fault = &pool[stream.index(pool.len())];
            if strikes.iter().any(|strike| strike.fault == *fault) {
                break;
            }
            let first = strikes.is_empty();
            strikes.push(Strike {
                fault: fault.clone(),
                pause: if first {
                    Dur::default()
                } else {
                    drawn(stream, Duration::ZERO, PAUSE)
                },
                alone: !first && stream.unit() < 0.5,
            });
        }
        let hold = drawn(stream, HOLD.0, HOLD.1);
        Self { strikes, hold }
    }

    /// One fault alone, for the shortest time.
    pub fn of(fault: Fault) -> Self {
        let strike = Strike {
            fault,
            pause: Dur::default(),
            alone: false,
        };
        Self {
            strikes: vec![strike],
            hold: Dur(HOLD.0),
        }
    }

    /// Its faults, in order.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.strikes.iter().map(|strike| &strike.fault)
    }

    /// What it does, in a few words.
    pub fn title(&self) -> String {
        let mut title = String::new();
        for (index, strike) in self.strikes.iter().enumerate() {
            let joint = match (index, strike.alone) {
                (0, _) => String::new(),
                (_, true) => format!(", healed; {} later ", strike.pause),
                (_, false) => format!(", {} later ", strike.pause),
            };
            title.push_str(&joint);
            title.push_str(&strike.fault.title());
        }
        format!("{title}, healed after {}", self.hold)
    }

    /// Its steps. A recovery is waited for at most so long.
    pub fn steps(&self, within: Dur) -> Vec<Step> {
        let recovered = || Step::Expect(Expect::Recovered(Within { within }));
        let heal = || Step::Heal("all".into());
        let mut steps = Vec::new();
        let mut lasting = false;
        for strike in &self.strikes {
            if strike.alone {
                steps.extend(lasting.then(heal));
                steps.push(recovered());
                lasting = false;
            }
            if !strike.pause.0.is_zero() {
                steps.push(Step::Hold(strike.pause));
            }
            lasting |= strike.fault.lasts();
            steps.push(Step::Fault(strike.fault.clone()));
        }
        steps.push(Step::Hold(self.hold));
        steps.extend(lasting.then(heal));
        steps.push(recovered());
        steps
    }

    /// The schedules that do less, those first that do least: halves, each without one fault, with a simpler victim, with
    /// half the time. None of them leads back here.
    pub fn smaller(&self) -> Vec<Self> {
        let count = self.strikes.len();
        let middle = count / 2;
        let half = |part: &[Strike]| self.with(part.to_vec());
        let mut smaller = Vec::new();
        if count > 3 {
            smaller.push(half(&self.strikes[..middle]));
            smaller.push(half(&self.strikes[middle..]));
        }
        let several = 0..if count > 1 { count } else { 0 };
        smaller.extend(several.map(|gone| {
            let mut strikes = self.strikes.clone();
            strikes.remove(gone);
            self.with(strikes)
        }));
        smaller.extend((0..count).filter_map(|index| {
            let mut strikes = self.strikes.clone();
            let fault = simpler(&strikes[index].fault)?;
            let twice = strikes.iter().any(|strike| strike.fault == fault);
            strikes[index].fault = fault;
            (!twice).then(|| self.with(strikes))
        }));
        smaller.extend(self.shorter());
        smaller
    }

    fn shorter(&self) -> Option<Self> {
        let mut shorter = self.clone();
        shorter.hold = Dur(grained(self.hold.0 / 2).max(HOLD.0));
        for strike in &mut shorter.strikes {
            let half = grained(strike.pause.0 / 2);
            strike.pause = Dur(if half < SHORT { Duration::ZERO } else { half });
        }
        (shorter != *self).then_some(shorter)
    }

    /// The same with these; the first one waits for nothing.
    fn with(&self, mut strikes: Vec<Strike>) -> Self {
        if let Some(first) = strikes.first_mut() {
            first.pause = Dur::default();
            first.alone = false;
        }
        Self {
            strikes,
            hold: self.hold,
        }
    }
}

/// The way from a schedule to one that does less and comes to the same: which to try next.
#[derive(Debug)]
pub struct Shrinking {
    least: Schedule,
    pool: Vec<Fault>,
    untried: VecDeque<Schedule>,
    tried: Vec<Schedule>,
}

impl Shrinking {
    /// Begins; only faults of the pool can be.
    pub fn of(schedule: Schedule, pool: &[Fault]) -> Self {
        let mut shrinking = Self {
            least: schedule.clone(),
            pool: pool.to_vec(),
            untried: VecDeque::new(),
            tried: vec![schedule],
        };
        shrinking.look();
        shrinking
    }

    /// The next one to try; none when nothing smaller is left.
    pub fn candidate(&mut self) -> Option<Schedule> {
        let next = self.untried.pop_front()?;
        self.tried.push(next.clone());
        Some(next)
    }

    /// It came to the same: it is the least so far.
    pub fn took(&mut self, schedule: Schedule) {
        self.least = schedule;
        self.look();
    }

    /// The least so far.
    pub fn least(&self) -> &Schedule {
        &self.least
    }

    fn look(&mut self) {
        let can = |schedule: &Schedule| schedule.faults().all(|fault| self.pool.contains(fault));
        let fresh = |schedule: &Schedule| !self.tried.contains(schedule);
        let smaller = self.least.smaller().into_iter();
        self.untried = smaller.filter(can).filter(fresh).collect();
    }
}

fn grained(time: Duration) -> Duration {
    let grains = time.as_millis() / GRAIN.as_millis();
    GRAIN * u32::try_from(grains).unwrap_or(u32::MAX)
}

fn drawn(stream: &mut Stream, least: Duration, most: Duration) -> Dur {
    Dur(grained(least + (most - least).mul_f64(stream.unit())))
}

/// The same fault on fewer nodes.
fn simpler(fault: &Fault) -> Option<Fault> {
    let mut fault = fault.clone();
    let node = fault.node_mut()?;
    *node = match node {
        Selector::Replica(None) => Selector::Replica(Some(0)),
        Selector::Primaries(Part::All) => Selector::Primaries(Part::Majority),
        Selector::Primaries(_) => Selector::PrimaryOf(1),
        Selector::Shard(shard) => Selector::PrimaryOf(*shard),
        _ => return None,
    };
    Some(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        scenario::fault::{Kill, Pause, Restart},
        seed::Seed,
    };

    fn kill(node: Selector) -> Fault {
        Kill(node.into()).into()
    }

    fn pause(node: Selector) -> Fault {
        Pause(node.into()).into()
    }

    fn pool() -> Vec<Fault> {
        let nodes = [
            Selector::Primary,
            Selector::Replica(Some(0)),
            Selector::Replica(None),
        ];
        let of = |node: &Selector| {
            [
                kill(node.clone()),
                pause(node.clone()),
                Restart(node.clone().into()).into(),
            ]
        };
        nodes.iter().flat_map(of).collect()
    }

    /// Shrinks by an oracle, and says how many were tried.
    fn least(schedule: Schedule, fails: impl Fn(&Schedule) -> bool) -> (Schedule, usize) {
        let mut shrinking = Shrinking::of(schedule, &pool());
        let mut tried = 0;
        while let Some(next) = shrinking.candidate() {
            tried += 1;
            if fails(&next) {
                shrinking.took(next);
            }
        }
        (shrinking.least().clone(), tried)
    }

    fn has(schedule: &Schedule, fault: &Fault) -> bool {
        schedule.faults().any(|own| own == fault)
    }

    #[test]
    fn a_seed_replays_its_schedules_and_they_stay_within_their_bounds() {
        let draw = |seed: u64| Schedule::draw(&mut Seed(seed).stream("hunt"), &pool(), 4);
        assert_eq!(draw(7), draw(7));
        let all: Vec<Schedule> = (0..200).map(draw).collect();
        assert!(all.iter().any(|one| one != &all[0]));
        for schedule in &all {
            assert!((1..=4).contains(&schedule.strikes.len()));
            assert!((HOLD.0..=HOLD.1).contains(&schedule.hold.0));
            assert!(schedule.strikes.iter().all(|one| one.pause.0 <= PAUSE));
        }
        let some = |fits: fn(&Strike) -> bool| all.iter().flat_map(|one| &one.strikes).any(fits);
        assert!(some(|one| one.alone) && some(|one| !one.alone && !one.pause.0.is_zero()));
    }

    #[test]
    fn what_fails_by_one_fault_shrinks_to_that_fault_for_the_shortest_time() {
        let guilty = kill(Selector::Primary);
        for seed in 0..300 {
            let drawn = Schedule::draw(&mut Seed(seed).stream("hunt"), &pool(), 6);
            if !has(&drawn, &guilty) {
                continue;
            }
            let (least, tried) = least(drawn, |one| has(one, &guilty));
            assert_eq!(least, Schedule::of(guilty.clone()));
            assert!(tried < 30, "{tried}");
        }
    }

    #[test]
    fn two_faults_that_fail_only_together_both_stay_and_a_victim_becomes_simpler() {
        let (one, other) = (kill(Selector::Primary), pause(Selector::Replica(None)));
        let strikes = [&pool()[1], &one, &pool()[4], &other, &pool()[8]];
        let strike = |fault: &&Fault| Strike {
            fault: (*fault).clone(),
            pause: Dur(Duration::from_secs(3)),
            alone: false,
        };
        let schedule = Schedule {
            strikes: strikes.iter().map(strike).collect(),
            hold: Dur(Duration::from_secs(8)),
        };
        let pauses = |all: &Schedule| {
            let simple = pause(Selector::Replica(Some(0)));
            has(all, &other) || has(all, &simple)
        };
        let (least, _) = least(schedule, |all| has(all, &one) && pauses(all));
        let titles: Vec<String> = least.faults().map(Fault::title).collect();
        assert_eq!(titles, ["kill the primary", "pause the replica[0]"]);
        assert!(least.strikes.iter().all(|one| one.pause.0.is_zero()));
    }

    #[test]
    fn faults_overlap_unless_those_before_are_healed_first() {
        let mut schedule = Schedule::of(kill(Selector::Primary));
        schedule.strikes.push(Strike {
            fault: kill(Selector::Replica(None)),
            pause: Dur(Duration::from_secs(2)),
            alone: false,
        });
        let names = |schedule: &Schedule| -> Vec<&str> {
            let steps = schedule.steps(Dur(Duration::from_secs(60)));
            let name = |step: &Step| match step {
                Step::Fault(_) => "fault",
                Step::Hold(_) => "hold",
                Step::Heal(_) => "heal",
                _ => "expect",
            };
            steps.iter().map(name).collect()
        };
        assert_eq!(
            names(&schedule),
            ["fault", "hold", "fault", "hold", "heal", "expect"]
        );
        schedule.strikes[1].alone = true;
        assert_eq!(
            names(&schedule),
            [
                "fault", "heal", "expect", "hold", "fault", "hold", "heal", "expect"
            ]
        );
    }
}
