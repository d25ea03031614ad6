//! The search for the worst, or for one that fails: which faults are tried, and how bad a drill was.

use std::{cmp::Ordering, collections::BTreeSet, time::Duration};

use crate::scenario::{
    Dur, Fault, Parsed, Part, Problems, Scenario, Selector, Step, Targets, read, to_yaml,
};

use super::{Plan, plan_check::unfit, schedule::Schedule};

/// How long a recovery is waited for, at least.
const RECOVERY: Duration = Duration::from_secs(60);
/// A smaller drill is as bad when its recovery takes at least this share of the time.
const AS_BAD: f64 = 0.8;

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

/// In which way a drill failed, by the names of checks and figures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    /// Checks that found data to be wrong.
    pub wrong: BTreeSet<String>,
    /// Figures that missed their targets.
    pub missed: BTreeSet<String>,
}

impl Failure {
    /// Whether a smaller drill fails in the same way: by one of the checks that found data wrong or, where there were none,
    /// by one of the targets.
    pub fn is_in(&self, other: &Self) -> bool {
        if self.wrong.is_empty() {
            self.missed.intersection(&other.missed).next().is_some()
        } else {
            self.wrong.intersection(&other.wrong).next().is_some()
        }
    }

    /// Its names, one after the other.
    pub fn said(&self) -> String {
        let names: Vec<&str> = self
            .wrong
            .iter()
            .chain(&self.missed)
            .map(String::as_str)
            .collect();
        names.join(", ")
    }
}

/// A schedule as a scenario on the stack, the clients and the main targets of `base`; `headline` is the fault, counted from
/// 0, that the targets speak of.
pub fn scenario(base: &Scenario, schedule: &Schedule, headline: usize, name: &str) -> Scenario {
    let steady = base
        .drill
        .iter()
        .filter(|step| matches!(step, Step::Steady(_)));
    let mut drill: Vec<Step> = steady.take(1).cloned().collect();
    let target = base.targets.rto.and_then(crate::scenario::Goal::limit);
    let within = Dur(target.map_or(RECOVERY, |rto| rto.0.max(RECOVERY)));
    drill.extend(schedule.steps(within));
    let mut faults = (0..drill.len()).filter(|index| matches!(drill[*index], Step::Fault(_)));
    let headline = faults.nth(headline).filter(|_| headline > 0);
    Scenario {
        name: name.into(),
        summary: format!("Found by a search: {}.", schedule.title()),
        targets: Targets {
            rto: base.targets.rto,
            rpo: base.targets.rpo.clone(),
            ..Targets::default()
        },
        alerting: None,
        headline,
        drill: drill.into(),
        repeat: 1,
        must_fail: Vec::new(),
        ..base.clone()
    }
}

/// A scenario as a file, read back; comments stand before it.
///
/// # Errors
/// What is wrong with it.
pub fn as_file(scenario: &Scenario, file: &str, comment: &str) -> Result<Parsed, Problems> {
    read(file, &format!("{comment}{}", to_yaml(scenario)), &[])
}

/// The faults that the stack of a scenario can take.
pub fn pool(base: &Plan) -> Vec<Fault> {
    let offers = [base.description.clone()];
    let fits = |fault: &Fault| {
        let scenario = scenario(&base.scenario, &Schedule::of(fault.clone()), 0, "trial");
        as_file(&scenario, &base.source.file, "")
            .is_ok_and(|parsed| unfit(&parsed, base.system.as_ref(), &offers).is_empty())
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
    nodes.iter().flat_map(Fault::drawn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{scenario::Need, seed::Seed, system::catalogue};

    const BASE: &str = "schema: 1\nname: a\nsummary: b\nstack: { reference: {} }\n\
        targets: { rto: 30s, rpo: any }\n\
        drill: [ { steady: 10s }, { fault: noop }, { expect: { recovered: { within: 1m } } } ]\n";

    fn base(system: &str) -> Plan {
        let text = BASE.replace("reference", system);
        let parsed = read("a.yaml", &text, &[]).expect("a scenario");
        Plan::check(&parsed, &catalogue::all()).expect("a plan")
    }

    #[test]
    fn only_what_the_stack_can_take_is_drawn_and_each_schedule_is_a_right_scenario() {
        let base = base("reference");
        let pool = pool(&base);
        assert!(pool.iter().any(|fault| fault.name() == "kill"));
        assert!(
            pool.iter()
                .all(|fault| !fault.needs().contains(&Need::Sidecars))
        );
        let redis = super::pool(&self::base("redis"));
        let names: Vec<&str> = redis.iter().map(Fault::name).collect();
        for newest in ["disk-full", "clock-jump", "out-of-memory", "descriptors"] {
            assert!(names.contains(&newest), "{names:?}");
            assert!(pool.iter().all(|fault| fault.name() != newest));
        }
        let mut stream = Seed(1).stream("hunt");
        for _ in 0..50 {
            let schedule = Schedule::draw(&mut stream, &pool, 4);
            for headline in 0..schedule.strikes.len() {
                let scenario = scenario(&base.scenario, &schedule, headline, "found");
                let file = as_file(&scenario, "found.yaml", "# Found.\n");
                assert_eq!(file.expect("a right file").scenario, scenario);
            }
        }
    }

    #[test]
    fn a_drill_fails_in_the_same_way_by_what_was_gravest() {
        let failure = |wrong: &[&str], missed: &[&str]| {
            let names = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
            Failure {
                wrong: names(wrong),
                missed: names(missed),
            }
        };
        let lost = failure(&["lost-writes"], &["rto"]);
        assert!(lost.is_in(&failure(&["lost-writes"], &[])));
        assert!(!lost.is_in(&failure(&[], &["rto"])), "only late");
        assert!(failure(&[], &["rto", "rpo_count"]).is_in(&failure(&[], &["rto"])));
        assert!(!failure(&[], &["rto"]).is_in(&Failure::default()));
        assert_eq!(lost.said(), "lost-writes, rto");
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
