//! A stack with logical replication as it stands.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    history::{Group, Lane},
    id::{NodeName, RunId},
    record::{Emitter, Holdings, MemberKind, Source, Stack, View},
    runtime::Runtime,
    scenario::{AppClients, StreamLink},
    system::{
        Client, Deploy, Design, Observer, PlannedMove, Promote, Rearm, Redundancy, Running,
        SystemError, Told,
        mark::ELEMENT_BYTES,
        postgres::{
            app::{AppClient, AppPool},
            client::{ServiceClient, Target},
            deploy::Started,
            element::Elements,
            finals::{Reader, holdings},
            health::LAG_MAX,
            shape::Shape,
            sql,
        },
        proxied::Proxied,
        roster::Roster,
    },
};

use super::{
    health::sole_primary,
    observe,
    status::{Status, view},
    tables,
};

/// The longest wait for the accounts of transfers.
const PREPARE_LIMIT: Duration = Duration::from_secs(10);

/// The stack.
pub struct LogicalStack {
    pub(super) facts: Stack,
    pub(super) roster: Arc<Roster>,
    pub(super) shape: Shape,
    pub(super) runtime: Arc<dyn Runtime>,
    /// The proxies before the nodes, where there are some.
    pub(super) proxied: Option<Proxied>,
    pub(super) elements: Elements,
    /// Until the stack is closed: what holds an emitter keeps its run's event log open.
    emitter: Mutex<Option<Emitter>>,
    endpoint: watch::Sender<SocketAddr>,
    /// Whom each node was last made to subscribe to; a primary follows itself.
    following: Mutex<BTreeMap<NodeName, NodeName>>,
    /// Up to where whoever is primary has written, as last seen.
    leading: Arc<AtomicU64>,
    app: OnceLock<Arc<AppPool>>,
}

impl LogicalStack {
    /// A stack whose nodes were started; `ready::prove` completes its facts.
    pub(super) fn new(
        design: &Design,
        started: Started,
        shape: Shape,
        deploy: Deploy,
    ) -> Result<Self, SystemError> {
        let Started {
            members,
            roster,
            proxied,
            certified: _,
        } = started;
        let none = || SystemError::Refused("there is no data node".into());
        let first = roster.data().next().ok_or_else(none)?.clone();
        let following = roster
            .data()
            .map(|seat| (seat.name.clone(), first.name.clone()));
        let facts = Stack {
            system: "postgres".into(),
            topology: design.topology.into(),
            route: design.route.into(),
            server: String::new(),
            members,
            primary: first.name.clone(),
            effective: Vec::new(),
            bounds: Vec::new(),
            connection_limit: None,
            phase_ns: 0,
            // Nothing here repeats an append, so what is there twice was applied twice by the system.
            idempotent: true,
            one_writer: true,
            element_bytes: ELEMENT_BYTES,
            shards: Vec::new(),
            ready: Vec::new(),
        };
        Ok(Self {
            facts,
            following: Mutex::new(following.collect()),
            endpoint: watch::Sender::new(roster.way(&first, StreamLink::Clients)),
            roster: Arc::new(roster),
            shape,
            elements: Elements::new(deploy.runtime.run().clone(), shape.isolation),
            runtime: deploy.runtime,
            proxied,
            emitter: Mutex::new(Some(deploy.emitter)),
            leading: Arc::default(),
            app: OnceLock::new(),
        })
    }

    /// The same nodes for another run; its settings are not read back yet.
    pub(super) fn again(&self, run: RunId, emitter: Emitter) -> Self {
        Self {
            facts: self.facts.clone(),
            roster: self.roster.clone(),
            shape: self.shape,
            runtime: self.runtime.clone(),
            proxied: self.proxied.clone(),
            elements: Elements::new(run, self.shape.isolation),
            emitter: Mutex::new(Some(emitter)),
            endpoint: watch::Sender::new(self.endpoint_now()),
            following: Mutex::new(self.following().clone()),
            leading: self.leading.clone(),
            app: OnceLock::new(),
        }
    }

    /// Where clients go at the moment.
    pub(super) fn endpoint_now(&self) -> SocketAddr {
        *self.endpoint.borrow()
    }

    /// Makes the clients go elsewhere.
    pub(super) fn lead_to(&self, address: SocketAddr) {
        self.endpoint.send_replace(address);
    }

    /// The run's emitter, while the run is on.
    pub(super) fn emitter(&self) -> Option<Emitter> {
        let emitter = self.emitter.lock();
        emitter.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn following(&self) -> MutexGuard<'_, BTreeMap<NodeName, NodeName>> {
        let following = self.following.lock();
        following.unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Running for LogicalStack {
    fn stack(&self) -> &Stack {
        &self.facts
    }

    async fn prepare(&self, _: &RunId, lanes: &[Lane]) -> Result<(), SystemError> {
        tables::make(self, &self.elements.create()).await?;
        let transfers = lanes.iter().find(|lane| lane.group == Group::Transfer);
        let Some(accounts) = transfers.and_then(|lane| lane.keys) else {
            return Ok(());
        };
        let open = self.elements.rows().open_accounts(accounts);
        let opened = sql::ask(self.endpoint_now(), PREPARE_LIMIT, &open).await;
        let refused =
            |words| SystemError::Refused(format!("the accounts could not be opened: {words}"));
        opened.map(drop).map_err(refused)
    }

    fn client(&self, lane: &Lane) -> Box<dyn Client> {
        let pinned = lane.pinned.as_ref().filter(|_| lane.group == Group::Pinned);
        let pinned = pinned.and_then(|node| self.roster.named(node).ok());
        let target = pinned.map_or_else(
            || Target::Endpoint(self.endpoint.subscribe()),
            |seat| Target::Pinned(seat.address),
        );
        let client = ServiceClient::new(self.elements.clone(), self.roster.clone(), target);
        Box::new(client.among_subscribers())
    }

    fn app_client(&self, _: &Lane, app: &AppClients) -> Box<dyn Client> {
        let pool = || Arc::new(AppPool::new(self.endpoint.subscribe(), app, None));
        Box::new(AppClient::new(
            self.elements.clone(),
            self.roster.clone(),
            self.app.get_or_init(pool).clone(),
        ))
    }

    fn observe(&self, emitter: &Emitter, stop: CancellationToken) -> Vec<Observer> {
        let (roster, leading) = (&self.roster, &self.leading);
        let nodes = roster.data();
        nodes
            .map(|seat| observe::node(seat, roster, leading, emitter, &stop))
            .collect()
    }

    async fn view(&self, node: &NodeName) -> View {
        let status = match self.roster.named(node) {
            Ok(seat) => Status::ask(seat).await.ok(),
            Err(_) => None,
        };
        let leading = self.leading.load(Ordering::Relaxed);
        view(
            node.clone(),
            status.as_ref(),
            &self.roster,
            leading,
            LAG_MAX,
        )
    }

    async fn time_of(&self, node: &NodeName) -> Result<Told, SystemError> {
        sql::time_of(self.roster.named(node)?.address).await
    }

    async fn primary(&self) -> Result<NodeName, SystemError> {
        let said = self.statuses().await;
        sole_primary(&said).map(|(seat, _)| seat.name.clone())
    }

    async fn redundancy(&self) -> Redundancy {
        self.whole().await
    }

    async fn converged(&self) -> Redundancy {
        self.level().await
    }

    async fn final_read(&self, source: &Source) -> Result<Holdings, SystemError> {
        let reader = match source {
            Source::Authority { .. } => Reader::Endpoint(self.endpoint_now()),
            Source::Before { node } | Source::After { node } => {
                Reader::Node(self.roster.named(node)?.address)
            }
        };
        holdings(&self.elements, reader).await
    }

    async fn bring_back(&self, node: &NodeName) -> Result<(), SystemError> {
        match self.roster.named(node)?.kind {
            MemberKind::Data => self.rejoin(node).await,
            _ => Ok(self.runtime.start(node).await?),
        }
    }

    fn planned_move(&self) -> Option<&dyn PlannedMove> {
        Some(self)
    }

    fn promote(&self) -> Option<&dyn Promote> {
        Some(self)
    }

    fn rearm(&self) -> Option<&dyn Rearm> {
        Some(self)
    }

    fn proxied(&self) -> Option<&Proxied> {
        self.proxied.as_ref()
    }

    async fn close(&self) {
        *self.emitter.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if let Some(pool) = self.app.get() {
            pool.close().await;
        }
    }
}
