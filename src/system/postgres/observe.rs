//! Watches the nodes, the leader's key in etcd and HAProxy's servers until told to stop.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::PgConnection;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{
    id::NodeName,
    record::{ControlEvent, Emitter, MemberKind, Milestone, What},
    system::{
        Observer,
        roster::{Roster, Seat},
        watch::watch,
    },
    time::{Bracket, Nanos},
};

use super::{
    etcd, haproxy,
    status::{Status, view},
};

/// How often a node is asked.
const VIEW_EVERY: Duration = Duration::from_millis(250);

/// The longest wait for a node's answer: after it, the node counts as unreachable.
const VIEW_LIMIT: Duration = Duration::from_millis(500);

/// How often the leader's key and HAProxy's servers are looked at.
const CONTROL_EVERY: Duration = Duration::from_millis(200);

/// Who watches, and where it is said.
#[derive(Clone)]
pub struct Watch {
    /// Where it is said.
    pub emitter: Emitter,
    /// When it ends.
    pub stop: CancellationToken,
    /// Who is who.
    pub roster: Arc<Roster>,
}

impl Watch {
    /// Watches one node on a connection of its own.
    pub fn node(&self, seat: &Seat, lag_max: u64) -> Observer {
        let (seat, roster) = (seat.clone(), self.roster.clone());
        let held: Arc<Mutex<Option<PgConnection>>> = Arc::default();
        watch(
            self.emitter.clone(),
            self.stop.clone(),
            VIEW_EVERY,
            move || {
                let (seat, roster, held) = (seat.clone(), roster.clone(), held.clone());
                async move {
                    let connection = held.lock().unwrap_or_else(PoisonError::into_inner).take();
                    let answer = Status::ask_again(connection, seat.address, VIEW_LIMIT).await;
                    let (connection, status) = answer.unzip();
                    *held.lock().unwrap_or_else(PoisonError::into_inner) = connection;
                    view(seat.name, status.as_ref(), &roster, lag_max)
                }
            },
        )
    }

    /// Watches the leader's key. It asks one etcd member until that does not answer, then the next.
    pub fn leader_key(&self) -> Observer {
        let Self {
            emitter,
            stop,
            roster,
        } = self.clone();
        tokio::spawn(async move {
            let members: Vec<Seat> = roster.of(MemberKind::Control).cloned().collect();
            let mut asked = 0;
            let mut news = News::default();
            let mut ticks = ticks();
            while !members.is_empty() && tick(&mut ticks, &stop).await {
                let member = &members[asked % members.len()];
                let (at, key) = emitter.time(etcd::leader_key(member.address)).await;
                match key {
                    Ok(key) => news.tell(&emitter, member, at, key, key_said),
                    Err(_) => asked += 1,
                }
            }
        })
    }

    /// Watches which server HAProxy leads the primary's port to.
    pub fn route(&self, proxy: &Seat) -> Observer {
        let Self { emitter, stop, .. } = self.clone();
        let proxy = proxy.clone();
        tokio::spawn(async move {
            let (mut news, mut lead) = (News::default(), Lead::default());
            let mut ticks = ticks();
            while tick(&mut ticks, &stop).await {
                let (at, up) = emitter.time(haproxy::up(&proxy)).await;
                let Ok(up) = up else { continue };
                news.tell(&emitter, &proxy, at, lead.look(up.primary), route_said);
            }
        })
    }
}

/// Which of several servers that are up leads: for some seconds the old one may still be up beside the new.
#[derive(Debug, Default)]
struct Lead {
    up: Vec<String>,
    leads: Option<String>,
}

impl Lead {
    /// The server that came up last.
    fn look(&mut self, up: Vec<String>) -> Option<String> {
        let risen = up.iter().find(|server| !self.up.contains(server));
        let stays = self.leads.as_ref().filter(|server| up.contains(server));
        self.leads = risen.or(stays).or(up.first()).cloned();
        self.up = up;
        self.leads.clone()
    }
}

fn ticks() -> tokio::time::Interval {
    let mut ticks = interval(CONTROL_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Waits for the next tick; `false` when told to stop.
async fn tick(ticks: &mut tokio::time::Interval, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        _ = ticks.tick() => true,
    }
}

/// What was said last, so that only changes are told, with the bracket of both looks.
#[derive(Default)]
struct News {
    seen: Option<(Nanos, Option<String>)>,
    /// The last name that was not nobody.
    named: Option<String>,
}

/// A change: what was seen at the last look, the last name that was seen at all, and what is seen now.
#[derive(Debug, Clone, Copy)]
struct Change<'a> {
    before: Option<&'a str>,
    named: Option<&'a str>,
    now: Option<&'a str>,
}

/// Which moment a change is, whom it concerns, and the words.
type Words = fn(Change<'_>) -> (Option<Milestone>, Option<String>, String);

impl News {
    fn tell(
        &mut self,
        emitter: &Emitter,
        source: &Seat,
        at: Bracket,
        now: Option<String>,
        words: Words,
    ) {
        let before = self.seen.replace((at.low, now.clone()));
        let changed = before.as_ref().is_none_or(|(_, before)| *before != now);
        if !changed {
            return;
        }
        let (milestone, node, text) = words(Change {
            before: before.as_ref().and_then(|(_, before)| before.as_deref()),
            named: self.named.as_deref(),
            now: now.as_deref(),
        });
        let milestone = milestone.filter(|_| before.is_some());
        let low = before.as_ref().map_or(at.low, |(then, _)| *then);
        let event = ControlEvent {
            source: source.name.clone(),
            milestone,
            node: node.map(NodeName::new),
            text,
        };
        emitter.say_at(Bracket { low, high: at.high }, What::Control(event));
        if now.is_some() {
            self.named = now;
        }
    }
}

fn key_said(change: Change<'_>) -> (Option<Milestone>, Option<String>, String) {
    let name = |name: &str| Some(name.to_owned());
    match (change.before, change.now) {
        (Some(old), None) => {
            let text = format!("the leader's key of {old} is gone");
            (Some(Milestone::Declared), name(old), text)
        }
        (Some(old), Some(new)) => {
            let text = format!("the leader's key went from {old} to {new}");
            (Some(Milestone::Declared), name(old), text)
        }
        (None, Some(new)) => (None, name(new), format!("{new} holds the leader's key")),
        (None, None) => (None, None, "there is no leader's key".into()),
    }
}

fn route_said(change: Change<'_>) -> (Option<Milestone>, Option<String>, String) {
    let name = |name: &str| Some(name.to_owned());
    match (change.named, change.now) {
        (Some(old), Some(new)) if old != new => {
            let text = format!("the primary's port leads to {new}, no longer to {old}");
            (Some(Milestone::Routed), name(new), text)
        }
        (_, Some(new)) => (
            None,
            name(new),
            format!("the primary's port leads to {new}"),
        ),
        (old, None) => (
            None,
            old.map(str::to_owned),
            "the primary's port leads nowhere".into(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milestones(
        looks: &[Option<&str>],
        words: Words,
    ) -> Vec<(Option<Milestone>, Option<String>)> {
        let (emitter, events) = Emitter::new(crate::time::Clock::start());
        let member = crate::record::Member {
            name: NodeName::new("etcd1"),
            kind: MemberKind::Control,
            address: "10.0.0.1:2379".into(),
            host: "h1".into(),
            image: String::new(),
        };
        let roster = Roster::new(&[member]).expect("an address");
        let source = roster.of(MemberKind::Control).next().expect("a member");
        let mut news = News::default();
        for (number, look) in (0..).zip(looks) {
            let at = Bracket::at(Nanos(number));
            news.tell(&emitter, source, at, look.map(str::to_owned), words);
        }
        drop(emitter);
        let control = |event: crate::record::Event| match event.what {
            What::Control(said) => (said.milestone, said.node.map(|node| node.0)),
            other => panic!("{other:?}"),
        };
        events.iter().map(control).collect()
    }

    #[test]
    fn a_key_that_goes_or_changes_hands_declares_its_holder_gone() {
        let (pg1, pg2) = (Some("pg1".to_owned()), Some("pg2".to_owned()));
        let declared = Some(Milestone::Declared);
        let looks = [
            Some("pg1"),
            Some("pg1"),
            None,
            None,
            Some("pg2"),
            Some("pg1"),
        ];
        let expected = [
            (None, pg1.clone()),
            (declared, pg1),
            (None, pg2.clone()),
            (declared, pg2),
        ];
        assert_eq!(milestones(&looks, key_said), expected);
    }

    #[test]
    fn of_servers_that_are_up_the_one_that_rose_last_leads() {
        let mut lead = Lead::default();
        let mut look = |up: &[&str]| lead.look(up.iter().map(|name| (*name).to_owned()).collect());
        let name = |name: &str| Some(name.to_owned());
        assert_eq!(look(&["pg1"]), name("pg1"));
        assert_eq!(look(&["pg1", "pg2"]), name("pg2"));
        assert_eq!(look(&["pg1", "pg2"]), name("pg2"));
        assert_eq!(look(&["pg2"]), name("pg2"));
        assert_eq!(look(&[]), None);
        assert_eq!(look(&["pg1"]), name("pg1"));
    }

    #[test]
    fn the_route_moves_when_another_server_leads_even_after_a_gap() {
        let (pg1, pg2) = (Some("pg1".to_owned()), Some("pg2".to_owned()));
        let looks = [Some("pg1"), None, Some("pg1"), None, Some("pg2")];
        let expected = [
            (None, pg1.clone()),
            (None, pg1.clone()),
            (None, pg1.clone()),
            (None, pg1),
            (Some(Milestone::Routed), pg2),
        ];
        assert_eq!(milestones(&looks, route_said), expected);
    }
}
