//! What members say while the drill runs.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
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

use super::status::{Asker, Status};

/// How often a member is asked for its view.
const EVERY: Duration = Duration::from_millis(100);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_millis(300);

/// Who a member's number stands for.
pub type Names = BTreeMap<u64, NodeName>;

/// Watches every member, each on a connection of its own: its leader, its term, and how far it has applied.
pub fn members(
    roster: &Roster,
    names: &Arc<Names>,
    emitter: &Emitter,
    stop: &CancellationToken,
) -> Vec<Observer> {
    let leading = Arc::new(AtomicU64::new(0));
    let observe = |seat: &Seat| {
        let asker = Arc::new(Asker::new(seat.address));
        let teller = Arc::new(Teller {
            name: seat.name.clone(),
            names: names.clone(),
            emitter: emitter.clone(),
            last: Mutex::new(None),
        });
        let leading = leading.clone();
        watch(emitter.clone(), stop.clone(), EVERY, move || {
            let (asker, teller, leading) = (asker.clone(), teller.clone(), leading.clone());
            async move {
                let status = asker.ask(ASK_LIMIT).await;
                if let Some(status) = &status {
                    if status.leads() {
                        leading.fetch_max(status.applied, Ordering::Relaxed);
                    }
                    teller.tell(status);
                }
                let name_of = |number: u64| teller.names.get(&number).cloned();
                let leading = leading.load(Ordering::Relaxed);
                Status::view(status.as_ref(), &teller.name, name_of, leading)
            }
        })
    };
    roster.data().map(observe).collect()
}

/// Says what changed at one member.
struct Teller {
    name: NodeName,
    names: Arc<Names>,
    emitter: Emitter,
    last: Mutex<Option<Status>>,
}

impl Teller {
    fn tell(&self, status: &Status) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = last.replace(status.clone());
        drop(last);
        let Some((milestone, text)) = before.and_then(|before| news(&before, status, &self.names))
        else {
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

/// What changed. The leader is declared gone when a member has none any more (it stands, or as the old leader finds no
/// majority behind it), or knows of a later term.
fn news(before: &Status, now: &Status, names: &Names) -> Option<(Option<Milestone>, String)> {
    if (before.leader, before.term) == (now.leader, now.term) {
        return None;
    }
    let lost = before.leader.is_some() && now.leader.is_none();
    let declared = (lost || before.term < now.term).then_some(Milestone::Declared);
    let text = format!(
        "{} in term {} (was: {} in term {}); applied {}",
        stance(now, names),
        now.term,
        stance(before, names),
        before.term,
        now.applied
    );
    Some((declared, text))
}

fn stance(status: &Status, names: &Names) -> String {
    match status.leader {
        _ if status.leads() => "leads".into(),
        Some(leader) => match names.get(&leader) {
            Some(name) => format!("follows {name}"),
            None => format!("follows {leader:x}"),
        },
        None => "has no leader".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(leader: Option<u64>, term: u64) -> Status {
        Status {
            own: 2,
            leader,
            term,
            applied: 7,
            version: String::new(),
            errors: Vec::new(),
        }
    }

    #[test]
    fn a_lost_leader_and_a_later_term_declare_and_the_way_back_does_not() {
        let names = Names::from([(1, NodeName::new("e1"))]);
        let told = |before: (Option<u64>, u64), now: (Option<u64>, u64)| {
            news(&status(before.0, before.1), &status(now.0, now.1), &names)
        };
        assert_eq!(told((Some(1), 2), (Some(1), 2)), None);
        let lost = told((Some(1), 2), (None, 2)).expect("news");
        assert_eq!(lost.0, Some(Milestone::Declared));
        assert_eq!(
            lost.1,
            "has no leader in term 2 (was: follows e1 in term 2); applied 7"
        );
        let elected = told((None, 2), (Some(2), 3)).expect("news");
        assert_eq!(elected.0, Some(Milestone::Declared));
        assert!(elected.1.starts_with("leads in term 3"));
        let back = told((None, 3), (Some(9), 3)).expect("news");
        assert_eq!(back.0, None);
        assert!(back.1.starts_with("follows 9 in term 3"));
    }
}
