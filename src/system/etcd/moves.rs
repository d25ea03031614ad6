//! Moving the leader in the planned way, without loss.

use std::time::Duration;

use async_trait::async_trait;

use crate::{
    id::NodeName,
    system::{PlannedMove, SystemError, roster::Seat, wait::until},
};

use super::{
    api::{Question, ask},
    running::EtcdStack,
    status::Status,
};

/// The longest wait for the new leader: etcd itself gives a transfer some election timeouts.
const MOVE_LIMIT: Duration = Duration::from_secs(15);

/// How often is asked.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// What `etcdctl move-leader` does: the leader sends the chosen member what it lacks, tells it to stand at once, and takes
/// no proposals meanwhile.
#[async_trait]
impl PlannedMove for EtcdStack {
    async fn switchover(&self, to: Option<&NodeName>) -> Result<NodeName, SystemError> {
        let statuses = self.statuses().await;
        let standing: Vec<(&Seat, &Status)> = statuses
            .iter()
            .filter_map(|(seat, status)| Some((*seat, status.as_ref()?)))
            .collect();
        let (old, leads) = leader(&standing)?;
        let (wanted, number) = chosen(&standing, leads, to)?;
        let refused = |words: String| {
            SystemError::Refused(format!(
                "`{}` did not hand over to `{}`: {words}",
                old.name, wanted.name
            ))
        };
        let moved = ask(old.address, &Question::hand_over(number), MOVE_LIMIT).await;
        moved.map_err(refused)?;
        let taken = || async {
            let status = ask(wanted.address, &Question::status(), ASK_EVERY * 10).await?;
            match Status::parse(&status) {
                Some(status) if status.leads() => Ok(()),
                _ => Err("it does not say that it leads".to_owned()),
            }
        };
        until(MOVE_LIMIT, ASK_EVERY, taken).await.map_err(refused)?;
        Ok(wanted.name.clone())
    }
}

fn leader<'a>(standing: &[(&'a Seat, &'a Status)]) -> Result<(&'a Seat, &'a Status), SystemError> {
    let mut leaders = standing.iter().filter(|(_, status)| status.leads());
    match (leaders.next(), leaders.next()) {
        (Some(leader), None) => Ok(*leader),
        _ => Err(SystemError::Refused(
            "there is not exactly one leader".into(),
        )),
    }
}

/// The wanted member and its number; without one, the follower that has applied most.
fn chosen<'a>(
    standing: &[(&'a Seat, &'a Status)],
    leader: &Status,
    to: Option<&NodeName>,
) -> Result<(&'a Seat, u64), SystemError> {
    let mut followers = standing
        .iter()
        .filter(|(_, status)| !status.leads() && status.leader == Some(leader.own));
    let found = match to {
        Some(to) => followers.find(|(seat, _)| seat.name == *to),
        None => followers.rev().max_by_key(|(_, status)| status.applied),
    };
    let missing = || match to {
        Some(to) => format!("`{to}` does not follow the leader"),
        None => "no member follows the leader".to_owned(),
    };
    let (seat, status) = *found.ok_or_else(|| SystemError::Refused(missing()))?;
    Ok((seat, status.own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::MemberKind;

    fn seat(index: u16) -> Seat {
        Seat {
            index,
            name: NodeName::new(format!("e{}", index + 1)),
            kind: MemberKind::Data,
            address: format!("10.0.0.{}:2379", index + 1)
                .parse()
                .expect("an address"),
            host: format!("e{}", index + 1),
        }
    }

    fn status(own: u64, leader: u64, applied: u64) -> Status {
        Status {
            own,
            leader: Some(leader),
            term: 2,
            applied,
            version: String::new(),
            errors: Vec::new(),
        }
    }

    #[test]
    fn the_leader_hands_over_to_whom_it_is_told_or_to_the_furthest() {
        let seats = [seat(0), seat(1), seat(2)];
        let statuses = [status(1, 1, 9), status(2, 1, 7), status(3, 1, 8)];
        let standing: Vec<_> = seats.iter().zip(&statuses).collect();
        let (old, leads) = leader(&standing).expect("a leader");
        assert_eq!(old.name.as_str(), "e1");
        let to = |name: Option<&str>| {
            let name = name.map(NodeName::new);
            chosen(&standing, leads, name.as_ref())
                .map(|(seat, number)| (seat.name.to_string(), number))
        };
        assert_eq!(to(None), Ok(("e3".into(), 3)));
        assert_eq!(to(Some("e2")), Ok(("e2".into(), 2)));
        assert!(to(Some("e1")).is_err(), "it leads already");
        assert!(to(Some("e9")).is_err());
        let two = [status(1, 1, 9), status(2, 2, 9)];
        let both: Vec<_> = seats.iter().zip(&two).collect();
        assert!(leader(&both).is_err());
    }
}
