//! What nodes say while the drill runs.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use crate::{
    id::NodeName,
    record::{ControlEvent, Emitter, Milestone, What},
    system::{
        Observer,
        roster::{Roster, Seat},
        watch::watch,
    },
};

use super::status::{Asker, Status};

/// How often a node is asked for its view.
const EVERY: Duration = Duration::from_millis(100);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_millis(300);

/// Watches every node, each on a connection of its own: its cluster manager, and where it believes the primary to be.
pub fn nodes(
    roster: &Roster,
    index: &str,
    emitter: &Emitter,
    stop: &CancellationToken,
) -> Vec<Observer> {
    let observe = |seat: &Seat| {
        let asker = Arc::new(Asker::new(seat.address, index));
        let teller = Arc::new(Teller {
            name: seat.name.clone(),
            emitter: emitter.clone(),
            last: Mutex::new(None),
        });
        watch(emitter.clone(), stop.clone(), EVERY, move || {
            let (asker, teller) = (asker.clone(), teller.clone());
            async move {
                let status = asker.ask(ASK_LIMIT).await;
                if let Some(status) = &status {
                    teller.tell(status);
                }
                Status::view(status.as_ref(), &teller.name)
            }
        })
    };
    roster.data().map(observe).collect()
}

/// Says what changed at one node.
struct Teller {
    name: NodeName,
    emitter: Emitter,
    last: Mutex<Option<Status>>,
}

impl Teller {
    fn tell(&self, status: &Status) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = last.replace(status.clone());
        drop(last);
        let Some((milestone, text)) = before.and_then(|before| news(&before, status)) else {
            return;
        };
        self.emitter.say(What::Control(ControlEvent {
            source: self.name.clone(),
            milestone,
            node: Some(self.name.clone()),
            text,
        }));
    }
}

/// What changed. The old primary is given up once the cluster manager says so: the index has another primary, or none.
fn news(before: &Status, now: &Status) -> Option<(Option<Milestone>, String)> {
    let seen = |status: &Status| {
        let primary = status.primary().map(str::to_owned);
        (status.manager.clone(), primary, status.term)
    };
    if seen(before) == seen(now) {
        return None;
    }
    let moved = before.primary().is_some() && before.primary() != now.primary();
    let declared = moved || before.term < now.term;
    let text = format!("{} (was: {})", stance(now), stance(before));
    Some((declared.then_some(Milestone::Declared), text))
}

fn stance(status: &Status) -> String {
    let primary = status.primary().unwrap_or("none");
    let manager = status.manager.as_deref().unwrap_or("none");
    let term = status.term.unwrap_or(0);
    format!("primary {primary} in term {term}, cluster manager {manager}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::opensearch::status::CopyAt;

    fn status(manager: Option<&str>, primary: Option<&str>, term: u64) -> Status {
        let copy = |node: &str| CopyAt {
            node: Some(node.to_owned()),
            primary: true,
            in_sync: true,
        };
        Status {
            manager: manager.map(str::to_owned),
            elected: 1,
            term: Some(term),
            copies: primary.map(copy).into_iter().collect(),
        }
    }

    #[test]
    fn another_primary_declares_and_a_lost_cluster_manager_alone_does_not() {
        let old = status(Some("o1"), Some("o2"), 1);
        assert_eq!(news(&old, &old), None);
        let (milestone, text) = news(&old, &status(None, Some("o2"), 1)).expect("news");
        assert_eq!(milestone, None);
        assert_eq!(
            text,
            "primary o2 in term 1, cluster manager none (was: primary o2 in term 1, cluster manager o1)"
        );
        for now in [
            status(Some("o1"), Some("o3"), 2),
            status(Some("o1"), None, 1),
            status(Some("o1"), Some("o2"), 2),
        ] {
            let (milestone, _) = news(&old, &now).expect("news");
            assert_eq!(milestone, Some(Milestone::Declared));
        }
        let back = news(&status(Some("o1"), None, 1), &old).expect("news");
        assert_eq!(back.0, None);
    }
}
