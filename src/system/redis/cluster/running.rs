//! The cluster as it stands.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{
    history::{Group, Lane},
    id::{NodeName, RunId},
    record::{Emitter, Holdings, Member, Shard, Source, Stack, View},
    runtime::Runtime,
    scenario::AppClients,
    system::{
        Client, Design, Observer, PlannedMove, Rearm, Redundancy, Running, SystemError, Told, mark,
        redis::{
            client::{RedisClient, Target},
            dump::{Asked, Found, dump},
            element::Keys,
            link::Login,
            running::time_of,
        },
        roster::{Roster, Seat, sole},
    },
};

use super::{
    app::{AppClient, Pool},
    look::{Look, leaders, look, looks},
    observe, redundancy,
    seeds::Seeds,
    slots::{slot_of, tag},
};

/// The longest wait for one node's view.
const ASK_LIMIT: Duration = Duration::from_millis(500);

/// The stack.
pub struct ClusterStack {
    pub(super) stack: Stack,
    pub(super) roster: Arc<Roster>,
    pub(super) runtime: Arc<dyn Runtime>,
    seeds: Arc<Seeds>,
    keys: Keys,
    pool: OnceLock<Arc<Pool>>,
}

impl ClusterStack {
    /// A cluster that was formed; its settings are not read back yet.
    pub fn new(
        system: &str,
        members: Vec<Member>,
        roster: Roster,
        shards: Vec<Shard>,
        runtime: Arc<dyn Runtime>,
        design: &Design,
    ) -> Result<Self, SystemError> {
        let first = roster.data().next().map(|seat| seat.name.clone());
        let primary = first.ok_or_else(|| SystemError::Refused("there is no data node".into()))?;
        let seeds = Seeds::new(roster.data().map(|seat| seat.address).collect());
        let stack = Stack {
            system: system.to_owned(),
            topology: design.topology.into(),
            route: design.route.into(),
            server: String::new(),
            members,
            primary,
            effective: Vec::new(),
            bounds: Vec::new(),
            connection_limit: None,
            phase_ns: 0,
            // A driver that sends an append again after a lost answer applies it twice: a list takes both.
            idempotent: false,
            one_writer: true,
            element_bytes: mark::NUMBERED_BYTES,
            shards,
            ready: Vec::new(),
        };
        Ok(Self {
            stack,
            roster: Arc::new(roster),
            seeds: Arc::new(seeds),
            keys: Keys::new(runtime.run().clone()),
            runtime,
            pool: OnceLock::new(),
        })
    }

    /// The same nodes for another run; its settings are not read back yet.
    pub(super) fn again(&self, run: RunId) -> Self {
        Self {
            stack: self.stack.clone(),
            roster: self.roster.clone(),
            seeds: self.seeds.clone(),
            keys: Keys::new(run),
            runtime: self.runtime.clone(),
            pool: OnceLock::new(),
        }
    }

    fn tag_of(&self, shard: u16) -> String {
        let shards = u16::try_from(self.stack.shards.len()).unwrap_or(u16::MAX);
        tag(shard, shards)
    }

    /// The run's keys in a shard. Every lane of a sharded stack has one; without one the first is meant.
    pub(super) fn keys_of(&self, shard: Option<u16>) -> Keys {
        self.keys.tagged(&self.tag_of(shard.unwrap_or(1)))
    }

    /// A slot of a shard: the one that the run's keys in it lie in.
    pub(super) fn slot_of(&self, shard: &Shard) -> u16 {
        slot_of(&self.tag_of(shard.number))
    }

    /// The node that leads a shard now.
    ///
    /// # Errors
    /// When none says so of itself.
    pub(super) async fn primary_of(&self, shard: &Shard) -> Result<Seat, SystemError> {
        let looks = looks(&self.roster, ASK_LIMIT).await;
        let leaders = leaders(&looks, std::slice::from_ref(shard));
        let leader = leaders.get(&shard.number);
        leader
            .map(|(seat, _)| (*seat).clone())
            .ok_or_else(|| SystemError::Refused(format!("shard {} has no primary", shard.number)))
    }

    /// Those that lead, in the order of the shards.
    async fn leading(&self) -> Result<Vec<Seat>, SystemError> {
        let looks = looks(&self.roster, ASK_LIMIT).await;
        let leaders = leaders(&looks, &self.stack.shards);
        let each = self.stack.shards.iter().map(|shard| {
            let leader = leaders.get(&shard.number);
            leader.map(|(seat, _)| (*seat).clone()).ok_or_else(|| {
                SystemError::Refused(format!("shard {} has no primary", shard.number))
            })
        });
        each.collect()
    }
}

#[async_trait]
impl Running for ClusterStack {
    fn stack(&self) -> &Stack {
        &self.stack
    }

    async fn prepare(&self, _: &RunId, _: &[Lane]) -> Result<(), SystemError> {
        // Lists come into being with their first element.
        Ok(())
    }

    fn client(&self, lane: &Lane) -> Box<dyn Client> {
        let pinned = lane.pinned.as_ref().filter(|_| lane.group == Group::Pinned);
        let target = match pinned.map(|node| self.roster.named(node)) {
            Some(Ok(seat)) => Target::Member(seat.address),
            Some(Err(_)) | None => {
                let slot = slot_of(&self.tag_of(lane.shard.unwrap_or(1)));
                Target::Slot(self.seeds.clone(), slot)
            }
        };
        let in_flight = lane.timeout.as_nanos() / lane.interval.as_nanos().max(1) + 1;
        let in_flight = usize::try_from(in_flight).unwrap_or(usize::MAX);
        Box::new(RedisClient::new(
            self.keys_of(lane.shard),
            self.roster.clone(),
            target,
            in_flight,
        ))
    }

    fn app_client(&self, lane: &Lane, app: &AppClients) -> Box<dyn Client> {
        let make = || Arc::new(Pool::new(self.seeds.nodes().to_vec(), app));
        Box::new(AppClient::new(
            self.keys_of(lane.shard),
            self.pool.get_or_init(make).clone(),
        ))
    }

    fn observe(&self, emitter: &Emitter, stop: CancellationToken) -> Vec<Observer> {
        observe::nodes(&self.roster, &self.stack.shards, emitter, &stop)
    }

    async fn view(&self, node: &NodeName) -> View {
        let look = match self.roster.named(node) {
            Ok(seat) => look(seat.address, ASK_LIMIT).await,
            Err(_) => None,
        };
        let leading = look.as_ref().map_or(0, |look| look.status.offset);
        Look::view(look.as_ref(), node, &self.roster, leading)
    }

    async fn time_of(&self, node: &NodeName) -> Result<Told, SystemError> {
        time_of(&Login::default(), self.roster.named(node)?.address).await
    }

    async fn primary(&self) -> Result<NodeName, SystemError> {
        sole(&self.primaries().await?)
    }

    async fn primaries(&self) -> Result<Vec<NodeName>, SystemError> {
        let leading = self.leading().await?;
        Ok(leading.into_iter().map(|seat| seat.name).collect())
    }

    async fn redundancy(&self) -> Redundancy {
        redundancy::redundancy(&self.roster, &self.stack.shards).await
    }

    async fn converged(&self) -> Redundancy {
        redundancy::converged(&self.roster, &self.stack.shards).await
    }

    /// The authority is every shard's primary together.
    async fn final_read(&self, source: &Source) -> Result<Holdings, SystemError> {
        match source {
            Source::Authority { .. } => {
                let mut found = Found::default();
                for seat in self.leading().await? {
                    let name = seat.name.as_str();
                    found.add(
                        dump(
                            (&self.keys, &Login::default()),
                            name,
                            seat.address,
                            Asked::Plainly,
                        )
                        .await?,
                    );
                }
                Ok(found.holdings())
            }
            Source::Before { node } | Source::After { node } => {
                let address = self.roster.named(node)?.address;
                let found = dump(
                    (&self.keys, &Login::default()),
                    node.as_str(),
                    address,
                    Asked::AsReplica,
                )
                .await?;
                Ok(found.holdings())
            }
        }
    }

    /// A node that was a primary hears from the others that it is none any more, and follows its successor.
    async fn bring_back(&self, node: &NodeName) -> Result<(), SystemError> {
        Ok(self.runtime.start(node).await?)
    }

    fn planned_move(&self) -> Option<&dyn PlannedMove> {
        Some(self)
    }

    fn rearm(&self) -> Option<&dyn Rearm> {
        Some(self)
    }

    async fn close(&self) {}
}
