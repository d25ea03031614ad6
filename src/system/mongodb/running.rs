//! The replica set as it stands.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{
    history::{Group, Lane},
    id::{NodeName, RunId},
    record::{Emitter, Holdings, Member, Source, Stack, View},
    runtime::Runtime,
    scenario::AppClients,
    system::{
        Backups, Client, Observer, PlannedMove, Rearm, Redundancy, Running, SystemError, Told,
        mark::ELEMENT_BYTES, roster::Roster,
    },
};

use super::{
    app::{AppClient, Pool},
    client::{ServiceClient, Target},
    concern::Concern,
    delayed::Store,
    deploy::SET,
    element::Elements,
    finals, observe, redundancy, rolled_back,
    set::ReplicaSet,
    status::{Status, status, time_of},
};

/// The longest wait for one member's view.
const ASK_LIMIT: Duration = Duration::from_millis(500);

/// The stack.
pub struct MongoStack {
    pub(super) stack: Stack,
    pub(super) roster: Arc<Roster>,
    pub(super) elements: Elements,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) concern: Concern,
    pub(super) set: Arc<ReplicaSet>,
    /// The delayed member, where there is one.
    pub(super) store: Option<Store>,
    /// Whether some members have no vote: an operator's configuration stays.
    pub(super) some_vote: bool,
    pool: Mutex<Option<Arc<Pool>>>,
}

impl MongoStack {
    /// A set that has a primary; its settings are not read back yet.
    pub fn new(
        members: Vec<Member>,
        roster: Roster,
        set: ReplicaSet,
        primary: NodeName,
        runtime: Arc<dyn Runtime>,
        concern: Concern,
    ) -> Self {
        let stack = Stack {
            system: "mongodb".into(),
            topology: "replica-set".into(),
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
            one_writer: true,
            element_bytes: ELEMENT_BYTES,
            shards: Vec::new(),
            ready: Vec::new(),
        };
        Self {
            stack,
            roster: Arc::new(roster),
            elements: Elements::new(runtime.run().clone()),
            runtime,
            concern,
            set: Arc::new(set),
            store: None,
            some_vote: false,
            pool: Mutex::new(None),
        }
    }

    /// The same members for another run; their settings are not read back yet.
    pub(super) fn again(&self, run: RunId, primary: NodeName) -> Self {
        Self {
            stack: Stack {
                primary,
                ..self.stack.clone()
            },
            roster: self.roster.clone(),
            elements: Elements::new(run),
            runtime: self.runtime.clone(),
            concern: self.concern,
            set: self.set.clone(),
            store: None,
            some_vote: false,
            pool: Mutex::new(None),
        }
    }

    fn pool(&self, app: &AppClients) -> Result<Arc<Pool>, SystemError> {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        match &*pool {
            Some(pool) => Ok(pool.clone()),
            None => {
                let members = self.set.seats.iter().map(|seat| seat.address);
                let made = Arc::new(Pool::new(members, Some(SET), self.concern, app)?);
                Ok(pool.insert(made).clone())
            }
        }
    }
}

#[async_trait]
impl Running for MongoStack {
    fn stack(&self) -> &Stack {
        &self.stack
    }

    async fn prepare(&self, _: &RunId, _: &[Lane]) -> Result<(), SystemError> {
        // Their collections were created when the set was proven.
        Ok(())
    }

    fn client(&self, lane: &Lane) -> Box<dyn Client> {
        let pinned = lane.pinned.as_ref().filter(|_| lane.group == Group::Pinned);
        let target = match pinned.map(|node| self.roster.named(node)) {
            Some(Ok(seat)) => Target::Pinned(seat.address),
            Some(Err(_)) | None => Target::Primary(self.set.clone()),
        };
        let (elements, roster) = (self.elements.clone(), self.roster.clone());
        Box::new(ServiceClient::new(elements, roster, target, self.concern))
    }

    fn app_client(&self, _: &Lane, app: &AppClients) -> Box<dyn Client> {
        Box::new(AppClient::new(self.elements.clone(), self.pool(app)))
    }

    fn observe(&self, emitter: &Emitter, stop: CancellationToken) -> Vec<Observer> {
        observe::members(&self.set, &self.roster, emitter, &stop)
    }

    async fn view(&self, node: &NodeName) -> View {
        let status = match self.roster.named(node) {
            Ok(seat) => status(seat.address, ASK_LIMIT).await,
            Err(_) => None,
        };
        let leading = status.as_ref().map_or(0, |status| status.written_ms);
        Status::view(status.as_ref(), node, &self.roster, leading)
    }

    async fn time_of(&self, node: &NodeName) -> Result<Told, SystemError> {
        time_of(self.roster.named(node)?.address, ASK_LIMIT).await
    }

    async fn primary(&self) -> Result<NodeName, SystemError> {
        self.set.primary().await
    }

    async fn redundancy(&self) -> Redundancy {
        redundancy::redundancy(&[&self.set]).await
    }

    async fn converged(&self) -> Redundancy {
        redundancy::converged(&[&self.set]).await
    }

    async fn final_read(&self, source: &Source) -> Result<Holdings, SystemError> {
        let address = match source {
            Source::Authority { .. } => self.set.authority().await?,
            Source::Before { node } | Source::After { node } => self.roster.named(node)?.address,
        };
        finals::holdings(&self.elements, &[address]).await
    }

    async fn bring_back(&self, node: &NodeName) -> Result<(), SystemError> {
        // A member finds its set in its own data, and rolls back what the others do not have.
        Ok(self.runtime.start(node).await?)
    }

    fn planned_move(&self) -> Option<&dyn PlannedMove> {
        Some(self)
    }

    fn rearm(&self) -> Option<&dyn Rearm> {
        // A delayed member that was restored is none any more, and members that an operator gave votes keep them.
        let as_before = self.store.is_none() && !self.some_vote;
        as_before.then_some(self as &dyn Rearm)
    }

    fn backups(&self) -> Option<&dyn Backups> {
        self.store.as_ref().map(|store| store as &dyn Backups)
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
