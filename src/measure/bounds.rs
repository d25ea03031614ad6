//! Which of the stack's bounds speak of an event: by the fault and the role of its victims.

use crate::{
    record::{Bound, Disruption, Record},
    scenario::{Condition, Conditions, Step},
};

/// The bounds for the fault and the roles of its victims, word by word: `kill primary`, or `kill primary and
/// etcd-leader` where the step had the etcd leader on the victim's machine. A bound without a role holds for every
/// victim. Where the step left open who leads etcd, either may hold, and there are two.
pub fn applicable<'a>(bounds: &'a [Bound], step: Option<&Step>, hit: Hit<'_>) -> Vec<&'a Bound> {
    let named = |text: &str| bounds.iter().find(|bound| bound.fault == text);
    let alone = named(&hit.to_string()).or_else(|| named(hit.event));
    let with_leader = named(&format!("{hit} and etcd-leader"));
    let conditions = match step {
        Some(Step::Fault(fault)) => fault.conditions(),
        _ => Conditions::default(),
    };
    let (alone, with_leader) = match (conditions.and, conditions.unless) {
        (Some(Condition::EtcdLeader), _) => (None, with_leader),
        (None, Some(Condition::EtcdLeader)) => (alone, None),
        (None, None) => (alone, with_leader),
    };
    alone.into_iter().chain(with_leader).collect()
}

/// The bounds that a run's disruption is held against.
pub fn of_run<'a>(record: &'a Record, disruption: &Disruption) -> Vec<&'a Bound> {
    let bounds = record.stack.as_ref().map_or(&[][..], |stack| &stack.bounds);
    let step = record.opened.scenario.drill.get(disruption.step);
    let hit = Hit {
        event: &disruption.name,
        primary: disruption.primary_hit,
    };
    applicable(bounds, step, hit)
}

/// An event and the role of its victims, in the words that bounds use: `kill primary`.
#[derive(Debug, Clone, Copy)]
pub struct Hit<'a> {
    /// The event in a word, for instance `kill`.
    pub event: &'a str,
    /// Whether the primary was among the victims.
    pub primary: bool,
}

impl std::fmt::Display for Hit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let role = if self.primary { "primary" } else { "replica" };
        write!(f, "{} {role}", self.event)
    }
}
