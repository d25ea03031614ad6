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
        Client, ControlPlane, Observer, Rearm, Redundancy, Running, SystemError,
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
    finals::{self, Copy},
    index::Shape,
    observe, redundancy,
    status::{Status, status},
};

/// The longest wait for one node's view.
const ASK_LIMIT: Duration = Duration::from_millis(500);

/// The stack.
pub struct OpenSearchStack {
    pub(super) stack: Stack,
    pub(super) roster: Arc<Roster>,
    pub(super) elements: Elements,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) shape: Shape,
    /// Whether the index's first primary stands on the cluster manager's node.
    pub(super) with_primary: bool,
    endpoints: Arc<Endpoints>,
    pool: Mutex<Option<Arc<Pool>>>,
}

impl OpenSearchStack {
    /// A cluster of which nothing is known yet but where its nodes are.
    pub fn new(
        members: Vec<Member>,
        roster: Roster,
        runtime: Arc<dyn Runtime>,
        (shape, with_primary): (Shape, bool),
    ) -> Self {
        let first = members
            .first()
            .map_or_else(|| NodeName::new(""), |member| member.name.clone());
        let stack = Stack {
            system: "opensearch".into(),
            topology: TOPOLOGY.into(),
            route: ROUTE.into(),
            server: String::new(),
            members,
            primary: first.clone(),
            effective: Vec::new(),
            bounds: Vec::new(),
            connection_limit: None,
            phase_ns: 0,
            // A document is created once: the application's second attempt finds it.
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
            shape,
            with_primary,
            pool: Mutex::new(None),
        }
    }

    /// The same nodes for another run; what is to be known of them is asked again.
    pub(super) fn again(&self, run: RunId) -> Self {
        Self {
            stack: self.stack.clone(),
            roster: self.roster.clone(),
            elements: Elements::new(run),
            runtime: self.runtime.clone(),
            shape: self.shape.clone(),
            with_primary: self.with_primary,
            endpoints: self.endpoints.clone(),
            pool: Mutex::new(None),
        }
    }

    /// Who is primary as the drill begins.
    pub(super) fn know(&mut self, primary: NodeName) {
        self.endpoints = Arc::new(Endpoints::new(&self.roster, &primary));
        self.stack.primary = primary;
    }

    /// The views of all nodes, asked at the same time.
    pub(super) async fn statuses(&self) -> Vec<(&Seat, Option<Status>)> {
        let index = self.elements.index();
        let asked = self.roster.data().map(|seat| {
            let index = &index;
            async move { (seat, status(seat.address, index, ASK_LIMIT).await) }
        });
        join_all(asked).await
    }

    fn pool(&self, app: &AppClients) -> Arc<Pool> {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(Pool::new(self.endpoints.clone(), app));
        pool.get_or_insert_with(make).clone()
    }

    /// What the primary has, by the first node that can tell.
    async fn agreed(&self) -> Result<Holdings, SystemError> {
        let mut last = SystemError::Refused("there is no node".into());
        for endpoint in self.endpoints.list() {
            match finals::holdings(&self.elements, *endpoint, Copy::Primary).await {
                Ok(holdings) => return Ok(holdings),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

#[async_trait]
impl Running for OpenSearchStack {
    fn stack(&self) -> &Stack {
        &self.stack
    }

    async fn prepare(&self, _: &RunId, _: &[Lane]) -> Result<(), SystemError> {
        // The run's index was made when it was proven that it replicates.
        Ok(())
    }

    fn client(&self, lane: &Lane) -> Box<dyn Client> {
        let pinned = lane.pinned.as_ref().filter(|_| lane.group == Group::Pinned);
        let target = match pinned.map(|node| self.roster.named(node)) {
            Some(Ok(seat)) => Target::Pinned(Endpoint::from(seat), seat.name.clone()),
            Some(Err(_)) | None => Target::Any(self.endpoints.clone(), lane.id),
        };
        Box::new(ServiceClient::new(self.elements.clone(), target))
    }

    fn app_client(&self, _: &Lane, app: &AppClients) -> Box<dyn Client> {
        Box::new(AppClient::new(self.elements.clone(), self.pool(app)))
    }

    fn observe(&self, emitter: &Emitter, stop: CancellationToken) -> Vec<Observer> {
        observe::nodes(&self.roster, &self.elements.index(), emitter, &stop)
    }

    async fn view(&self, node: &NodeName) -> View {
        let status = match self.roster.named(node) {
            Ok(seat) => status(seat.address, &self.elements.index(), ASK_LIMIT).await,
            Err(_) => None,
        };
        Status::view(status.as_ref(), node)
    }

    async fn primary(&self) -> Result<NodeName, SystemError> {
        let statuses = self.statuses().await;
        let primaries = statuses.iter().filter(|(seat, status)| {
            let status = status.as_ref();
            status.is_some_and(|status| status.is_primary(&seat.name))
        });
        sole(primaries.map(|(seat, _)| &seat.name))
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
                finals::holdings(&self.elements, endpoint, Copy::Own).await
            }
        }
    }

    async fn bring_back(&self, node: &NodeName) -> Result<(), SystemError> {
        // A node finds its cluster in its own data, and its copy drops what the primary does not have.
        Ok(self.runtime.start(node).await?)
    }

    fn control_plane(&self) -> Option<&dyn ControlPlane> {
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
