//! The sharded cluster as it stands.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::{join_all, try_join_all};
use tokio_util::sync::CancellationToken;

use crate::{
    history::{Group, Lane},
    id::{NodeName, RunId},
    record::{Emitter, Holdings, Member, MemberKind, Role, Shard, Source, Stack, View},
    runtime::Runtime,
    scenario::AppClients,
    system::{
        Client, ControlPlane, Observer, Redundancy, Running, SystemError, Told,
        mark::ELEMENT_BYTES,
        mongodb::{
            app::{AppClient, Pool},
            client::{ServiceClient, Target},
            concern::Concern,
            element::{Elements, SHARD},
            finals, observe, redundancy, rolled_back,
            set::ReplicaSet,
            status::{Status, status, time_of},
        },
        roster::{Roster, Seat, sole},
    },
};

use super::{
    design::SHARDED,
    routers::{Routers, router},
};

/// The longest wait for one member's view.
const ASK_LIMIT: Duration = Duration::from_millis(500);

/// The stack.
pub struct ShardedStack {
    pub(super) stack: Stack,
    pub(super) roster: Arc<Roster>,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) concern: Concern,
    pub(super) elements: Elements,
    /// The shards, in order.
    pub shards: Vec<ReplicaSet>,
    /// The config servers.
    pub config: ReplicaSet,
    pub(super) routers: Vec<Seat>,
    /// For each router, all of them with that one first.
    routes: Vec<Arc<Routers>>,
    pool: Mutex<Option<Arc<Pool>>>,
}

impl ShardedStack {
    /// Shards and config servers that have primaries; their settings are not read back yet.
    pub(super) fn new(
        members: Vec<Member>,
        roster: Roster,
        (shards, config): (Vec<ReplicaSet>, ReplicaSet),
        runtime: Arc<dyn Runtime>,
        concern: Concern,
    ) -> Result<Self, SystemError> {
        let none = || SystemError::Refused("there is no shard".into());
        let primary = shards.first().ok_or_else(none)?.first()?.name.clone();
        let routers: Vec<Seat> = roster.of(MemberKind::Route).cloned().collect();
        let addresses: Vec<SocketAddr> = routers.iter().map(|seat| seat.address).collect();
        let routes = (0..routers.len())
            .map(|first| Arc::new(Routers::new(addresses.clone(), first)))
            .collect();
        let shard = |(number, set): (u16, &ReplicaSet)| Shard {
            number,
            holds: format!("documents with `{SHARD}: {number}`"),
            members: set.seats.iter().map(|seat| seat.name.clone()).collect(),
        };
        let stack = Stack {
            system: "mongodb".into(),
            topology: SHARDED.into(),
            route: "driver".into(),
            server: String::new(),
            members,
            primary,
            effective: Vec::new(),
            bounds: Vec::new(),
            connection_limit: None,
            phase_ns: 0,
            // No service lane sends an append again, and a server knows an append that the driver sends again.
            idempotent: true,
            one_writer: false,
            element_bytes: ELEMENT_BYTES,
            shards: (1..).zip(&shards).map(shard).collect(),
            ready: Vec::new(),
        };
        Ok(Self {
            stack,
            roster: Arc::new(roster),
            elements: Elements::new(runtime.run().clone()),
            runtime,
            concern,
            shards,
            config,
            routers,
            routes,
            pool: Mutex::new(None),
        })
    }

    /// The documents of the run.
    pub fn elements(&self) -> &Elements {
        &self.elements
    }

    /// The shards and the config servers.
    pub(super) fn sets(&self) -> Vec<&ReplicaSet> {
        self.shards.iter().chain([&self.config]).collect()
    }

    /// Lanes take the routers by turns, those of each shard for themselves.
    fn route_of(&self, lane: &Lane) -> Arc<Routers> {
        let turn = usize::from(lane.id.0) / self.shards.len().max(1);
        self.routes[turn % self.routes.len()].clone()
    }

    fn pool(&self, app: &AppClients) -> Result<Arc<Pool>, SystemError> {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        match &*pool {
            Some(pool) => Ok(pool.clone()),
            None => {
                let routers = self.routers.iter().map(|seat| seat.address);
                let made = Arc::new(Pool::new(routers, None, self.concern, app)?);
                Ok(pool.insert(made).clone())
            }
        }
    }
}

#[async_trait]
impl Running for ShardedStack {
    fn stack(&self) -> &Stack {
        &self.stack
    }

    async fn prepare(&self, _: &RunId, _: &[Lane]) -> Result<(), SystemError> {
        // Their collections were spread when the cluster was formed.
        Ok(())
    }

    fn client(&self, lane: &Lane) -> Box<dyn Client> {
        let pinned = lane.pinned.as_ref().filter(|_| lane.group == Group::Pinned);
        let target = match pinned.map(|node| self.roster.named(node)) {
            Some(Ok(seat)) => Target::Pinned(seat.address),
            Some(Err(_)) | None => Target::Router(self.route_of(lane)),
        };
        let elements = self.elements.in_shard(lane.shard);
        let roster = self.roster.clone();
        Box::new(ServiceClient::new(elements, roster, target, self.concern))
    }

    fn app_client(&self, lane: &Lane, app: &AppClients) -> Box<dyn Client> {
        let elements = self.elements.in_shard(lane.shard);
        Box::new(AppClient::new(elements, self.pool(app)))
    }

    fn observe(&self, emitter: &Emitter, stop: CancellationToken) -> Vec<Observer> {
        let observe = |set| observe::members(set, &self.roster, emitter, &stop);
        self.shards.iter().flat_map(observe).collect()
    }

    async fn time_of(&self, node: &NodeName) -> Result<Told, SystemError> {
        time_of(self.roster.named(node)?.address, ASK_LIMIT).await
    }

    async fn view(&self, node: &NodeName) -> View {
        let seat = self.roster.named(node).ok();
        let status = match seat {
            Some(seat) => status(seat.address, ASK_LIMIT).await,
            None => None,
        };
        let leading = status.as_ref().map_or(0, |status| status.written_ms);
        let mut view = Status::view(status.as_ref(), node, &self.roster, leading);
        // A router is in no set, and has no status to tell.
        if let Some(seat) = seat.filter(|seat| seat.kind == MemberKind::Route)
            && router(seat.address).await.is_ok()
        {
            view.role = Role::Other;
        }
        view
    }

    async fn primary(&self) -> Result<NodeName, SystemError> {
        sole(&self.primaries().await?)
    }

    async fn primaries(&self) -> Result<Vec<NodeName>, SystemError> {
        try_join_all(self.shards.iter().map(ReplicaSet::primary)).await
    }

    async fn redundancy(&self) -> Redundancy {
        let mut found = redundancy::redundancy(&self.sets()).await;
        let asked = self
            .routers
            .iter()
            .map(|seat| async move { (&seat.name, router(seat.address).await) });
        for (name, answer) in join_all(asked).await {
            match answer {
                Ok(_) => found.evidence.push(format!("{name}: answers as a router")),
                Err(failure) => {
                    found.whole = false;
                    found
                        .evidence
                        .insert(0, format!("{name}: no router: {failure}"));
                }
            }
        }
        found
    }

    async fn converged(&self) -> Redundancy {
        redundancy::converged(&self.shards.iter().collect::<Vec<_>>()).await
    }

    /// The authority is every shard's primary together, each asked itself.
    async fn final_read(&self, source: &Source) -> Result<Holdings, SystemError> {
        let addresses = match source {
            Source::Authority { .. } => {
                try_join_all(self.shards.iter().map(ReplicaSet::authority)).await?
            }
            Source::Before { node } | Source::After { node } => {
                vec![self.roster.named(node)?.address]
            }
        };
        finals::holdings(&self.elements, &addresses).await
    }

    async fn bring_back(&self, node: &NodeName) -> Result<(), SystemError> {
        // A member finds its set in its own data, and rolls back what the others do not have; a router has none.
        Ok(self.runtime.start(node).await?)
    }

    fn control_plane(&self) -> Option<&dyn ControlPlane> {
        Some(self)
    }

    async fn keepsakes(&self) -> Vec<(NodeName, String)> {
        rolled_back::collect(&self.runtime, &self.roster).await
    }

    async fn close(&self) {
        let pool = self
            .pool
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(pool) = pool {
            pool.close().await;
        }
    }
}

/// The config servers decide which documents lie where; their primary is the only one that may change it.
#[async_trait]
impl ControlPlane for ShardedStack {
    async fn leader_host(&self) -> Result<String, SystemError> {
        let leader = self.config.primary().await?;
        Ok(self.roster.named(&leader)?.host.clone())
    }

    async fn move_leader(&self, _: &str) -> Result<(), SystemError> {
        Err(SystemError::Refused(
            "the primary of the config servers is not moved".into(),
        ))
    }
}
