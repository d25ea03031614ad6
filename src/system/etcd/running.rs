//! The cluster as it stands.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use crate::{
    history::{Group, Lane},
    id::{NodeName, RunId},
    record::{Emitter, Holdings, Member, Source, Stack, View},
    runtime::Runtime,
    scenario::AppClients,
    system::{
        Client, Observer, PlannedMove, Rearm, Redundancy, Running, SystemError,
        endpoints::{Endpoint, Endpoints},
        mark::ELEMENT_BYTES,
        roster::{Roster, Seat, sole},
    },
};

use super::{
    app::{AppClient, Pool},
    client::{ServiceClient, Target},
    design::{ROUTE, TOPOLOGY},
    element::Elements,
    finals,
    observe::{self, Names},
    redundancy,
    status::{Status, status},
};

/// The longest wait for one member's view.
const ASK_LIMIT: Duration = Duration::from_millis(500);

/// The stack.
pub struct EtcdStack {
    pub(super) stack: Stack,
    pub(super) roster: Arc<Roster>,
    pub(super) elements: Elements,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) serializable: bool,
    endpoints: Arc<Endpoints>,
    names: Arc<Names>,
    pool: Mutex<Option<Arc<Pool>>>,
}

impl EtcdStack {
    /// A cluster of which nothing is known yet but where its members are.
    pub fn new(
        members: Vec<Member>,
        roster: Roster,
        runtime: Arc<dyn Runtime>,
        serializable: bool,
    ) -> Self {
        let first = members
            .first()
            .map_or_else(|| NodeName::new(""), |member| member.name.clone());
        let stack = Stack {
            system: "etcd".into(),
            topology: TOPOLOGY.into(),
            route: ROUTE.into(),
            server: String::new(),
            members,
            primary: first.clone(),
            effective: Vec::new(),
            bounds: Vec::new(),
            connection_limit: None,
            phase_ns: 0,
            // No client sends a write again.
            idempotent: true,
            one_writer: false,
            element_bytes: ELEMENT_BYTES,
            shards: Vec::new(),
            ready: Vec::new(),
        };
        Self {
            stack,
            endpoints: Arc::new(Endpoints::new(&roster, &first)),
            roster: Arc::new(roster),
            elements: Elements::new(runtime.run().clone()),
            runtime,
            serializable,
            names: Arc::default(),
            pool: Mutex::new(None),
        }
    }

    /// The same members for another run; what is to be known of them is asked again.
    pub(super) fn again(&self, run: RunId) -> Self {
        Self {
            stack: self.stack.clone(),
            roster: self.roster.clone(),
            elements: Elements::new(run),
            runtime: self.runtime.clone(),
            serializable: self.serializable,
            endpoints: self.endpoints.clone(),
            names: self.names.clone(),
            pool: Mutex::new(None),
        }
    }

    /// Who leads as the drill begins, and whose number is which.
    pub(super) fn know(&mut self, primary: NodeName, names: Names) {
        self.endpoints = Arc::new(Endpoints::new(&self.roster, &primary));
        self.names = Arc::new(names);
        self.stack.primary = primary;
    }

    /// The views of all members, asked at the same time.
    pub(super) async fn statuses(&self) -> Vec<(&Seat, Option<Status>)> {
        let asked = self
            .roster
            .data()
            .map(|seat| async move { (seat, status(seat.address, ASK_LIMIT).await) });
        join_all(asked).await
    }

    fn pool(&self, app: &AppClients) -> Arc<Pool> {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(Pool::new(self.endpoints.clone(), self.serializable, app));
        pool.get_or_insert_with(make).clone()
    }

    /// What the cluster agrees on, by the first member that can tell.
    async fn agreed(&self) -> Result<Holdings, SystemError> {
        let mut last = SystemError::Refused("there is no member".into());
        for endpoint in self.endpoints.list() {
            match finals::holdings(&self.elements, *endpoint, false).await {
                Ok(holdings) => return Ok(holdings),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

#[async_trait]
impl Running for EtcdStack {
    fn stack(&self) -> &Stack {
        &self.stack
    }

    async fn prepare(&self, _: &RunId, _: &[Lane]) -> Result<(), SystemError> {
        // Keys need no place made for them.
        Ok(())
    }

    fn client(&self, lane: &Lane) -> Box<dyn Client> {
        let pinned = lane.pinned.as_ref().filter(|_| lane.group == Group::Pinned);
        let target = match pinned.map(|node| self.roster.named(node)) {
            Some(Ok(seat)) => Target::Pinned(Endpoint::from(seat)),
            Some(Err(_)) | None => Target::Any(self.endpoints.clone(), lane.id),
        };
        let elements = self.elements.clone();
        Box::new(ServiceClient::new(elements, target, self.serializable))
    }

    fn app_client(&self, _: &Lane, app: &AppClients) -> Box<dyn Client> {
        Box::new(AppClient::new(self.elements.clone(), self.pool(app)))
    }

    fn observe(&self, emitter: &Emitter, stop: CancellationToken) -> Vec<Observer> {
        observe::members(&self.roster, &self.names, emitter, &stop)
    }

    async fn view(&self, node: &NodeName) -> View {
        let status = match self.roster.named(node) {
            Ok(seat) => status(seat.address, ASK_LIMIT).await,
            Err(_) => None,
        };
        let name_of = |number: u64| self.names.get(&number).cloned();
        let leading = status.as_ref().map_or(0, |status| status.applied);
        Status::view(status.as_ref(), node, name_of, leading)
    }

    async fn primary(&self) -> Result<NodeName, SystemError> {
        let statuses = self.statuses().await;
        let leaders = statuses
            .iter()
            .filter(|(_, status)| status.as_ref().is_some_and(Status::leads));
        sole(leaders.map(|(seat, _)| &seat.name))
    }

    async fn redundancy(&self) -> Redundancy {
        redundancy::redundancy(self).await
    }

    async fn converged(&self) -> Redundancy {
        redundancy::converged(self).await
    }

    async fn final_read(&self, source: &Source) -> Result<Holdings, SystemError> {
        match source {
            Source::Authority { .. } => self.agreed().await,
            Source::Before { node } | Source::After { node } => {
                let endpoint = Endpoint::from(self.roster.named(node)?);
                finals::holdings(&self.elements, endpoint, true).await
            }
        }
    }

    async fn bring_back(&self, node: &NodeName) -> Result<(), SystemError> {
        // A member finds its cluster in its own data, and drops what the others did not agree on.
        Ok(self.runtime.start(node).await?)
    }

    fn planned_move(&self) -> Option<&dyn PlannedMove> {
        Some(self)
    }

    fn rearm(&self) -> Option<&dyn Rearm> {
        Some(self)
    }

    async fn close(&self) {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pool.take() {
            pool.close();
        }
    }
}
