//! What members say while the drill runs.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
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

use super::{
    set::ReplicaSet,
    status::{Asker, Status},
};

/// How often a member is asked for its view.
const EVERY: Duration = Duration::from_millis(100);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_millis(300);

/// Watches every member of a set, each on a connection of its own: its state, its term, how far it is, and whom it takes for dead.
pub fn members(
    set: &ReplicaSet,
    roster: &Arc<Roster>,
    emitter: &Emitter,
    stop: &CancellationToken,
) -> Vec<Observer> {
    let leading = Arc::new(AtomicI64::new(0));
    let observe = |seat: &Seat| {
        let asker = Arc::new(Asker::new(seat.address));
        let teller = Arc::new(Teller::new(
            seat.name.clone(),
            roster.clone(),
            emitter.clone(),
        ));
        let (roster, leading) = (roster.clone(), leading.clone());
        watch(emitter.clone(), stop.clone(), EVERY, move || {
            let (roster, leading) = (roster.clone(), leading.clone());
            let (asker, teller) = (asker.clone(), teller.clone());
            async move {
                let status = asker.ask(ASK_LIMIT).await;
                if let Some(status) = status.as_ref().filter(|status| status.is_primary()) {
                    leading.fetch_max(status.written_ms, Ordering::Relaxed);
                }
                let leading = leading.load(Ordering::Relaxed);
                if let Some(status) = &status {
                    teller.tell(status, leading);
                }
                Status::view(status.as_ref(), &teller.name, &roster, leading)
            }
        })
    };
    set.seats.iter().map(observe).collect()
}

/// Says what changed at one member.
struct Teller {
    name: NodeName,
    roster: Arc<Roster>,
    emitter: Emitter,
    last: Mutex<Option<Status>>,
}

impl Teller {
    fn new(name: NodeName, roster: Arc<Roster>, emitter: Emitter) -> Self {
        Self {
            name,
            roster,
            emitter,
            last: Mutex::new(None),
        }
    }

    fn tell(&self, status: &Status, leading_ms: i64) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = last.replace(status.clone());
        drop(last);
        for (milestone, address, text) in news(before.as_ref(), status, leading_ms) {
            let seat = address
                .and_then(|address| address.parse::<std::net::SocketAddr>().ok())
                .and_then(|address| self.roster.data_at(address.ip()));
            self.emitter.say(What::Control(ControlEvent {
                source: self.name.clone(),
                milestone,
                node: seat
                    .map(|seat| seat.name.clone())
                    .or_else(|| Some(self.name.clone())),
                text,
            }));
        }
    }
}

/// What changed: its own state or term, and members that it takes for dead; each with the address that it speaks of, none
/// for itself. The control plane declares the primary gone when a member takes it for unreachable, or calls an election.
fn news(
    before: Option<&Status>,
    now: &Status,
    leading_ms: i64,
) -> Vec<(Option<Milestone>, Option<String>, String)> {
    let Some(before) = before else {
        return Vec::new();
    };
    let mut news = Vec::new();
    if (&before.state, before.term) != (&now.state, now.term) {
        let text = format!(
            "{} in term {} (was {} in term {}); applied {}, {} ms behind the primary",
            now.state,
            now.term,
            before.state,
            before.term,
            now.applied,
            now.lag_ms(leading_ms)
        );
        // A later term is an election that someone called: the primary of before was given up.
        let declared = (before.term < now.term).then_some(Milestone::Declared);
        news.push((declared, None, text));
    }
    for (name, healthy, state) in &now.members {
        let earlier = before.members.iter().find(|(other, ..)| other == name);
        let Some((_, was_healthy, was)) = earlier else {
            continue;
        };
        if *was_healthy && !healthy {
            let declared = (was == "PRIMARY").then_some(Milestone::Declared);
            news.push((
                declared,
                Some(name.clone()),
                format!("takes {name} ({was}) for unreachable"),
            ));
        } else if !was_healthy && *healthy {
            news.push((
                None,
                Some(name.clone()),
                format!("sees {name} again: {state}"),
            ));
        }
    }
    news
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::mongodb::status::Optime;

    fn status(state: &str, term: i64, other: (bool, &str)) -> Status {
        Status {
            state: state.into(),
            term,
            applied: Optime::default(),
            written_ms: 0,
            source: None,
            members: vec![("10.0.0.2:27017".into(), other.0, other.1.into())],
        }
    }

    #[test]
    fn what_changed_is_told_once() {
        let well = status("SECONDARY", 1, (true, "PRIMARY"));
        assert!(news(None, &well, 0).is_empty());
        assert!(news(Some(&well), &well, 0).is_empty());
        let lost = status("SECONDARY", 1, (false, "(not reachable/healthy)"));
        let told = news(Some(&well), &lost, 0);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].0, Some(Milestone::Declared));
        assert_eq!(told[0].1.as_deref(), Some("10.0.0.2:27017"));
        let elected = status("PRIMARY", 2, (false, "(not reachable/healthy)"));
        let told = news(Some(&lost), &elected, 0);
        assert_eq!((told.len(), told[0].0), (1, Some(Milestone::Declared)));
        assert!(told[0].2.starts_with("PRIMARY in term 2"));
        let back = status("PRIMARY", 2, (true, "SECONDARY"));
        assert_eq!(news(Some(&elected), &back, 0).len(), 1);
        let replica = status("SECONDARY", 1, (true, "SECONDARY"));
        let gone = status("SECONDARY", 1, (false, "(not reachable/healthy)"));
        assert_eq!(
            news(Some(&replica), &gone, 0)[0].0,
            None,
            "only the primary's loss declares"
        );
    }
}
