//! Whether every member is present and in sync, and whether all have the same.

use std::time::Duration;

use futures_util::future::join_all;

use crate::system::{Redundancy, roster::Seat, seen::twice};

use super::{set::ReplicaSet, status::Status};

/// A secondary further behind than this is not in sync; `replSetStepDown` would wait for it.
const CLOSE: Duration = Duration::from_secs(2);

/// Asks every member of these sets.
pub async fn redundancy(sets: &[&ReplicaSet]) -> Redundancy {
    look(sets, member).await.into_iter().collect()
}

/// Whether all positions of each set are equal twice in a row.
pub async fn converged(sets: &[&ReplicaSet]) -> Redundancy {
    twice(|| async { look(sets, position).await.into_iter().collect() }).await
}

/// What is to be said of a member, beside the primary of its set: whether all is well, and what was seen.
type Judge = fn(&Seat, Option<&Status>, Option<&Status>) -> (bool, String);

/// Every member of every set by one judge, all asked at the same time.
async fn look(sets: &[&ReplicaSet], judge: Judge) -> Vec<(bool, String)> {
    let asked = join_all(sets.iter().map(|set| set.statuses())).await;
    let judged = asked.iter().flat_map(|statuses| {
        let primary = leader(statuses);
        let one =
            move |(seat, status): &(&Seat, Option<Status>)| judge(seat, status.as_ref(), primary);
        statuses.iter().map(one)
    });
    judged.collect()
}

/// The only primary.
fn leader<'a>(statuses: &'a [(&Seat, Option<Status>)]) -> Option<&'a Status> {
    let mut primaries = statuses
        .iter()
        .filter_map(|(_, status)| status.as_ref().filter(|s| s.is_primary()));
    let first = primaries.next();
    first.filter(|_| primaries.next().is_none())
}

fn member(seat: &Seat, status: Option<&Status>, primary: Option<&Status>) -> (bool, String) {
    let name = &seat.name;
    let Some(status) = status else {
        return (false, format!("{name}: does not answer"));
    };
    let Some(primary) = primary else {
        return (
            false,
            format!(
                "{name}: {}, and there is not exactly one primary",
                status.state
            ),
        );
    };
    let address = seat.address.to_string();
    let seen = primary.members.iter().find(|(other, ..)| *other == address);
    let healthy = seen.is_some_and(|(_, healthy, _)| *healthy);
    if status.is_primary() {
        return (true, format!("{name}: PRIMARY in term {}", status.term));
    }
    let lag = status.lag_ms(primary.written_ms);
    let well = status.state == "SECONDARY" && healthy && lag <= CLOSE.as_millis() as u64;
    let seen = if healthy {
        "seen by the primary"
    } else {
        "not seen by the primary"
    };
    (
        well,
        format!("{name}: {}, {lag} ms behind, {seen}", status.state),
    )
}

fn position(seat: &Seat, status: Option<&Status>, primary: Option<&Status>) -> (bool, String) {
    let name = &seat.name;
    match (status, primary) {
        (Some(status), Some(primary)) => {
            let well = status.applied == primary.applied;
            (
                well,
                format!(
                    "{name}: applied {}, the primary {}",
                    status.applied, primary.applied
                ),
            )
        }
        (Some(status), None) => (
            false,
            format!(
                "{name}: {}, and there is not exactly one primary",
                status.state
            ),
        ),
        (None, _) => (false, format!("{name}: does not answer")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::NodeName, record::MemberKind, system::mongodb::status::Optime};

    fn status(state: &str, written_ms: i64, at: u32) -> Status {
        Status {
            state: state.into(),
            term: 3,
            applied: Optime {
                term: 3,
                at: (at, 1),
            },
            written_ms,
            source: None,
            members: vec![("10.0.0.2:27017".into(), true, "SECONDARY".into())],
        }
    }

    fn seat() -> Seat {
        Seat {
            index: 0,
            name: NodeName::new("m2"),
            kind: MemberKind::Data,
            address: "10.0.0.2:27017".parse().expect("an address"),
            host: "m2".into(),
        }
    }

    #[test]
    fn a_member_is_in_place_only_as_a_secondary_that_is_near_and_seen() {
        let primary = status("PRIMARY", 10_000, 9);
        let well =
            |state, written| member(&seat(), Some(&status(state, written, 8)), Some(&primary)).0;
        assert!(well("SECONDARY", 9_000));
        assert!(!well("SECONDARY", 7_000), "too far behind");
        assert!(!well("ROLLBACK", 10_000));
        assert!(!member(&seat(), None, Some(&primary)).0);
        assert!(!member(&seat(), Some(&status("SECONDARY", 10_000, 9)), None).0);
        let mut blind = primary.clone();
        blind.members[0].1 = false;
        assert!(!member(&seat(), Some(&status("SECONDARY", 10_000, 9)), Some(&blind)).0);
    }

    #[test]
    fn members_are_equal_only_at_the_same_operation() {
        let primary = status("PRIMARY", 10_000, 9);
        assert!(position(&seat(), Some(&status("SECONDARY", 0, 9)), Some(&primary)).0);
        assert!(!position(&seat(), Some(&status("SECONDARY", 0, 8)), Some(&primary)).0);
        assert!(!position(&seat(), None, Some(&primary)).0);
    }
}
