//! Whether every member is present and in sync, and whether all have the same.

use crate::system::{Redundancy, roster::Seat, seen::twice};

use super::{running::EtcdStack, status::Status};

/// A member further behind the leader than this many entries is not in sync: a second of the workload's usual 100 writes.
const CLOSE: u64 = 100;

/// Asks every member.
pub async fn redundancy(stack: &EtcdStack) -> Redundancy {
    collect(&stack.statuses().await, member)
}

/// Whether all have applied the same entry twice in a row.
pub async fn converged(stack: &EtcdStack) -> Redundancy {
    twice(|| async { collect(&stack.statuses().await, position) }).await
}

type Look = fn(&Status, &Status) -> (bool, String);

/// Looks at each member that answers beside the only leader.
fn collect(statuses: &[(&Seat, Option<Status>)], look: Look) -> Redundancy {
    let mut leaders = statuses
        .iter()
        .filter_map(|(_, status)| status.as_ref().filter(|s| s.leads()));
    let leader = leaders.next().filter(|_| leaders.next().is_none());
    let at = |(seat, status): &(&Seat, Option<Status>)| {
        let (well, text) = match (status, leader) {
            (Some(status), Some(leader)) => look(status, leader),
            (Some(_), None) => (false, "there is not exactly one leader".to_owned()),
            (None, _) => (false, "does not answer".to_owned()),
        };
        (well, format!("{}: {text}", seat.name))
    };
    statuses.iter().map(at).collect()
}

/// In place: it leads, or follows the leader in its term and is near; and it has no alarm.
fn member(status: &Status, leader: &Status) -> (bool, String) {
    if let Some(error) = status.errors.first() {
        return (false, format!("says {error}"));
    }
    if status.leads() {
        return (true, format!("leads in term {}", status.term));
    }
    let follows = status.leader == Some(leader.own) && status.term == leader.term;
    let behind = leader.applied.saturating_sub(status.applied);
    let whom = match (follows, status.leader) {
        (true, _) => "follows the leader",
        (false, Some(_)) => "follows another one than the leader",
        (false, None) => "has no leader",
    };
    let text = format!("{whom} in term {}, {behind} entries behind", status.term);
    (follows && behind <= CLOSE, text)
}

fn position(status: &Status, leader: &Status) -> (bool, String) {
    let text = format!("applied {}, the leader {}", status.applied, leader.applied);
    (status.applied == leader.applied, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::NodeName, record::MemberKind};

    fn seat(name: &str) -> Seat {
        Seat {
            index: 0,
            name: NodeName::new(name),
            kind: MemberKind::Data,
            address: "10.0.0.2:2379".parse().expect("an address"),
            host: name.into(),
        }
    }

    fn status(own: u64, leader: Option<u64>, term: u64, applied: u64) -> Status {
        Status {
            own,
            leader,
            term,
            applied,
            version: String::new(),
            errors: Vec::new(),
        }
    }

    #[test]
    fn a_member_is_in_place_only_as_a_follower_that_is_near() {
        let leader = status(1, Some(1), 3, 500);
        let well = |status: Status| member(&status, &leader).0;
        assert!(well(leader.clone()));
        assert!(well(status(2, Some(1), 3, 450)));
        assert!(!well(status(2, Some(1), 3, 399)), "too far behind");
        assert!(!well(status(2, Some(1), 2, 500)), "of another term");
        assert!(!well(status(2, Some(3), 3, 500)), "follows another one");
        assert!(!well(status(2, None, 3, 500)), "has no leader");
        let mut full = status(2, Some(1), 3, 500);
        full.errors = vec!["memberID:2 alarm:NOSPACE".into()];
        assert!(!well(full));
    }

    #[test]
    fn missing_members_and_missing_leaders_come_first() {
        let (one, two) = (seat("e1"), seat("e2"));
        let leads = status(1, Some(1), 3, 500);
        let found = collect(&[(&one, Some(leads.clone())), (&two, None)], member);
        assert!(!found.whole);
        assert_eq!(found.evidence[0], "e2: does not answer");
        let both = [
            (&one, Some(leads.clone())),
            (&two, Some(status(2, Some(2), 2, 500))),
        ];
        let found = collect(&both, member);
        assert_eq!(found.evidence[0], "e1: there is not exactly one leader");
        let equal = [
            (&one, Some(leads.clone())),
            (&two, Some(status(2, Some(1), 3, 500))),
        ];
        assert!(collect(&equal, position).whole);
        let behind = [
            (&one, Some(leads)),
            (&two, Some(status(2, Some(1), 3, 499))),
        ];
        assert!(!collect(&behind, position).whole);
    }
}
