//! What the nodes of a cluster say while the drill runs, each for itself.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::aio::MultiplexedConnection;
use tokio::{sync::Mutex, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    id::NodeName,
    record::{ControlEvent, Emitter, Milestone, Shard, View, What},
    system::{
        Observer,
        redis::link::connect,
        roster::{Roster, Seat},
        watch::watch,
    },
};

use super::{look::Look, slots::range};

/// How often a node is asked.
const EVERY: Duration = Duration::from_millis(50);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_millis(300);

/// Watches every node on a connection of its own: its view, and what it newly says of the others.
pub fn nodes(
    roster: &Arc<Roster>,
    shards: &[Shard],
    emitter: &Emitter,
    stop: &CancellationToken,
) -> Vec<Observer> {
    let leading: Arc<BTreeMap<u16, AtomicU64>> = Arc::new(
        shards
            .iter()
            .map(|shard| (shard.number, AtomicU64::new(0)))
            .collect(),
    );
    let observe = |seat: &Seat| {
        let own = shards
            .iter()
            .find(|shard| shard.members.contains(&seat.name));
        let watcher = Arc::new(Watcher {
            name: seat.name.clone(),
            address: seat.address,
            shard: own.map_or(0, |shard| shard.number),
            shards: u16::try_from(shards.len()).unwrap_or(u16::MAX),
            roster: roster.clone(),
            leading: leading.clone(),
            emitter: emitter.clone(),
            held: Mutex::new(Held::default()),
        });
        watch(emitter.clone(), stop.clone(), EVERY, move || {
            let watcher = watcher.clone();
            async move { watcher.ask().await }
        })
    };
    roster.data().map(observe).collect()
}

struct Watcher {
    name: NodeName,
    address: SocketAddr,
    shard: u16,
    shards: u16,
    roster: Arc<Roster>,
    leading: Arc<BTreeMap<u16, AtomicU64>>,
    emitter: Emitter,
    held: Mutex<Held>,
}

/// What is kept between questions.
#[derive(Default)]
struct Held {
    open: Option<MultiplexedConnection>,
    said: Option<Word>,
}

impl Watcher {
    async fn ask(&self) -> View {
        // Only one question is ever under way; the lock is never waited for.
        let mut held = self.held.lock().await;
        let (at, look) = self.emitter.time(self.look(&mut held)).await;
        if let Some(look) = &look {
            if look.leads() {
                self.lead(look.status.offset);
            }
            let word = Word::of(look, self.shards, &self.roster);
            if let Some(before) = &held.said {
                for (milestone, node, text) in word.news(before) {
                    let event = ControlEvent {
                        source: self.name.clone(),
                        milestone,
                        node,
                        text,
                    };
                    self.emitter.say_at(at, What::Control(event));
                }
            }
            held.said = Some(word);
        }
        let leading = self.leading.get(&self.shard);
        let leading = leading.map_or(0, |leading| leading.load(Ordering::Relaxed));
        Look::view(look.as_ref(), &self.name, &self.roster, leading)
    }

    fn lead(&self, offset: u64) {
        if let Some(leading) = self.leading.get(&self.shard) {
            leading.store(offset, Ordering::Relaxed);
        }
    }

    async fn look(&self, held: &mut Held) -> Option<Look> {
        let mut connection = match held.open.take() {
            Some(connection) => connection,
            None => connect(self.address, ASK_LIMIT).await.ok()?,
        };
        let answer = timeout(ASK_LIMIT, Look::ask(&mut connection)).await;
        let look = answer.ok()?.ok()??;
        held.open = Some(connection);
        Some(look)
    }
}

/// What a node says of the cluster, as far as a change of it is worth a word.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    /// Whether it takes the cluster for able to serve.
    ok: bool,
    /// Who is failing: by its own judgement only, or by that of a majority (`true`).
    failing: BTreeMap<NodeName, bool>,
    /// Who owns each shard's slots.
    owners: BTreeMap<u16, NodeName>,
}

type News = (Option<Milestone>, Option<NodeName>, String);

impl Word {
    fn of(look: &Look, shards: u16, roster: &Roster) -> Self {
        let name = |known: &super::nodes::Known| {
            let seat = roster.data_at(known.address?.ip())?;
            Some(seat.name.clone())
        };
        let failing = look.nodes.iter().filter_map(|known| {
            let failing = known.is("fail") || known.is("fail?");
            Some((name(known).filter(|_| failing)?, known.is("fail")))
        });
        let owners = (1..=shards).filter_map(|number| {
            let (first, _) = range(number, shards);
            Some((number, name(look.owner(first)?)?))
        });
        Self {
            ok: look.state.ok,
            failing: failing.collect(),
            owners: owners.collect(),
        }
    }

    /// What is new since `before`. A node is declared gone once a majority of primaries agrees on it.
    fn news(&self, before: &Self) -> Vec<News> {
        let mut news: Vec<News> = Vec::new();
        for (node, agreed) in &self.failing {
            if before.failing.get(node) != Some(agreed) {
                let (milestone, how) = match agreed {
                    true => (Some(Milestone::Declared), "as failing, by a majority"),
                    false => (None, "as perhaps failing"),
                };
                news.push((milestone, Some(node.clone()), format!("marks {node} {how}")));
            }
        }
        for node in before
            .failing
            .keys()
            .filter(|node| !self.failing.contains_key(*node))
        {
            news.push((None, Some(node.clone()), format!("reaches {node} again")));
        }
        for (shard, node) in &self.owners {
            if before.owners.get(shard).is_some_and(|owner| owner != node) {
                let text = format!("names {node} as the owner of shard {shard}");
                news.push((Some(Milestone::Routed), Some(node.clone()), text));
            }
        }
        if self.ok != before.ok {
            let how = if self.ok { "able to serve" } else { "down" };
            news.push((None, None, format!("takes the cluster for {how}")));
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_and_a_majoritys_judgement_is_a_milestone() {
        let node = |name: &str| NodeName::new(name);
        let before = Word {
            ok: true,
            failing: BTreeMap::new(),
            owners: BTreeMap::from([(1, node("r1")), (2, node("r2"))]),
        };
        let mut doubted = before.clone();
        doubted.failing.insert(node("r1"), false);
        let told = |news: Vec<News>| -> Vec<(Option<Milestone>, String)> {
            news.into_iter()
                .map(|(milestone, _, text)| (milestone, text))
                .collect()
        };
        assert_eq!(
            told(doubted.news(&before)),
            [(None, "marks r1 as perhaps failing".to_owned())]
        );
        let mut gone = doubted.clone();
        gone.failing.insert(node("r1"), true);
        gone.ok = false;
        assert_eq!(
            told(gone.news(&doubted)),
            [
                (
                    Some(Milestone::Declared),
                    "marks r1 as failing, by a majority".to_owned()
                ),
                (None, "takes the cluster for down".to_owned()),
            ]
        );
        let mut over = before.clone();
        over.owners.insert(1, node("r4"));
        assert_eq!(
            told(over.news(&gone)),
            [
                (None, "reaches r1 again".to_owned()),
                (
                    Some(Milestone::Routed),
                    "names r4 as the owner of shard 1".to_owned()
                ),
                (None, "takes the cluster for able to serve".to_owned()),
            ]
        );
        assert!(before.news(&before).is_empty());
    }
}
