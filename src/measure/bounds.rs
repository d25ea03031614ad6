//! Which of the stack's bounds speak of an event: by the fault and the role of its victims.

use crate::{
    id::NodeName,
    record::{Bound, Disruption, MemberKind, Record},
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
    applicable(bounds, step, Hit::of(record, disruption))
}

impl<'a> Hit<'a> {
    /// What a disruption of a run was.
    pub fn of(record: &Record, disruption: &'a Disruption) -> Self {
        let members = record
            .stack
            .as_ref()
            .map_or(&[][..], |stack| &stack.members);
        let kind = |name: &NodeName| {
            let member = members.iter().find(|member| member.name == *name);
            member.map(|member| member.kind)
        };
        Self {
            event: &disruption.name,
            victims: Victims::of(disruption.primary_hit, &disruption.victims, kind),
        }
    }
}

/// An event and the role of its victims, in the words that bounds use: `kill primary`.
#[derive(Debug, Clone, Copy)]
pub struct Hit<'a> {
    /// The event in a word, for instance `kill`.
    pub event: &'a str,
    /// Whom it hit.
    pub victims: Victims,
}

/// Whom an event hit, by the one that matters most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victims {
    /// The primary, whoever else.
    Primary,
    /// A member that holds data and is no primary.
    Replica,
    /// Only what watches and decides, what leads clients, or what keeps backups.
    Apart(MemberKind),
}

impl Victims {
    /// Of these victims, by the kinds of the stack's members; one that is none of them counts as holding data.
    pub fn of(
        primary_hit: bool,
        victims: &[NodeName],
        kind: impl Fn(&NodeName) -> Option<MemberKind>,
    ) -> Self {
        if primary_hit {
            return Self::Primary;
        }
        let kinds = victims
            .iter()
            .map(|name| kind(name).unwrap_or(MemberKind::Data));
        let apart = kinds.collect::<Vec<_>>();
        match apart.first() {
            Some(first) if !apart.contains(&MemberKind::Data) => Self::Apart(*first),
            _ => Self::Replica,
        }
    }
}

impl std::fmt::Display for Hit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let role = match self.victims {
            Victims::Primary => "primary",
            Victims::Replica | Victims::Apart(MemberKind::Data) => "replica",
            Victims::Apart(MemberKind::Control) => "control plane",
            Victims::Apart(MemberKind::Route) => "route",
            Victims::Apart(MemberKind::Store) => "backup store",
        };
        write!(f, "{} {role}", self.event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_no_data_is_no_replica() {
        let kind = |name: &NodeName| match name.as_str() {
            "pg1" | "pg2" => Some(MemberKind::Data),
            "etcd1" | "etcd2" => Some(MemberKind::Control),
            "haproxy1" => Some(MemberKind::Route),
            _ => None,
        };
        let hit = |primary, victims: &[&str]| {
            let victims: Vec<NodeName> = victims.iter().map(|name| NodeName::new(*name)).collect();
            let victims = Victims::of(primary, &victims, kind);
            let event = "kill";
            Hit { event, victims }.to_string()
        };
        assert_eq!(hit(true, &["pg1", "etcd1"]), "kill primary");
        assert_eq!(hit(false, &["etcd2", "pg2"]), "kill replica");
        assert_eq!(hit(false, &["etcd1", "etcd2"]), "kill control plane");
        assert_eq!(hit(false, &["haproxy1"]), "kill route");
        assert_eq!(hit(false, &["a-consumer"]), "kill replica");
        assert_eq!(hit(false, &[]), "kill replica");
    }
}
