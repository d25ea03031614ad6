//! A PostgreSQL stack as it stands.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    history::{Access, Group, Lane},
    id::{NodeName, RunId},
    record::{Emitter, Holdings, Member, MemberKind, Source, Stack, View},
    runtime::Runtime,
    scenario::{AppClients, StreamLink},
    system::{
        Backups, Client, ControlPlane, Deploy, Design, Observer, PlannedMove, Promote, Rearm,
        Redundancy, Running, SystemError, Told,
        certified::Certified,
        mark::ELEMENT_BYTES,
        proxied::Proxied,
        roster::{Roster, Seat},
        route::Route,
    },
};

use super::{
    abandoned::end_abandoned,
    app::{AppClient, AppPool},
    backup::Store,
    client::{ServiceClient, Target},
    design::SPLIT,
    element::Elements,
    finals::{Reader, holdings},
    haproxy,
    health::sole_primary,
    observe::Watch,
    shape::{Keeper, Shape},
    sql::{self, Trust},
    status::{Status, view},
};

/// The longest wait for the workload's tables.
const PREPARE_LIMIT: Duration = Duration::from_secs(10);

/// The stack.
pub struct PostgresStack {
    pub(super) facts: Stack,
    pub(super) roster: Arc<Roster>,
    pub(super) shape: Shape,
    pub(super) runtime: Arc<dyn Runtime>,
    /// The proxies before the nodes, where there are some.
    pub(super) proxied: Option<Proxied>,
    /// The certificates of its servers, where they present some.
    pub(super) certified: Option<Certified>,
    /// The node that keeps its backups, where it keeps some.
    pub(super) store: Option<Store>,
    /// What leads clients to the primary by itself, where something does and it is not Patroni's proxy.
    pub(super) route: Option<Route>,
    /// Until the stack is closed: what holds an emitter keeps its run's event log open.
    emitter: Mutex<Option<Emitter>>,
    pub(super) elements: Elements,
    endpoint: watch::Sender<SocketAddr>,
    /// Where reads go, if apart from writes; it stays where it is.
    readers: Option<watch::Sender<SocketAddr>>,
    /// Whom each node was last made to follow; a primary follows itself. Only without Patroni.
    following: Mutex<BTreeMap<NodeName, NodeName>>,
    app: OnceLock<Arc<AppPool>>,
    app_readers: OnceLock<Arc<AppPool>>,
    /// The longest timeout of the service lanes.
    timeout: OnceLock<Duration>,
}

impl PostgresStack {
    /// A stack whose nodes were started; `ready::prove` completes its facts.
    pub(super) fn new(
        design: &Design,
        members: Vec<Member>,
        roster: Roster,
        shape: Shape,
        deploy: Deploy,
    ) -> Result<Self, SystemError> {
        let none = || SystemError::Refused("there is no data node".into());
        let first = roster.data().next().ok_or_else(none)?.clone();
        let first_way = roster.way(&first, StreamLink::Clients);
        let entry = haproxy::seat(&roster).map_or(first_way, |proxy| proxy.address);
        let readers = haproxy::readers(&roster).filter(|_| design.route == SPLIT);
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
        let elements = Elements::new(deploy.runtime.run().clone(), shape.isolation);
        Ok(Self {
            facts,
            following: Mutex::new(following.collect()),
            store: Store::of(&roster, shape.backup, &deploy.runtime, &elements),
            roster: Arc::new(roster),
            shape,
            elements,
            runtime: deploy.runtime,
            proxied: None,
            route: None,
            certified: None,
            emitter: Mutex::new(Some(deploy.emitter)),
            endpoint: watch::Sender::new(entry),
            readers: readers.map(watch::Sender::new),
            app: OnceLock::new(),
            app_readers: OnceLock::new(),
            timeout: OnceLock::new(),
        })
    }

    /// The same nodes for another run; its settings are not read back yet.
    pub(super) fn again(&self, run: RunId, emitter: Emitter) -> Self {
        let elements = Elements::new(run, self.shape.isolation);
        Self {
            facts: self.facts.clone(),
            store: Store::of(&self.roster, self.shape.backup, &self.runtime, &elements),
            roster: self.roster.clone(),
            shape: self.shape,
            runtime: self.runtime.clone(),
            proxied: self.proxied.clone(),
            route: self.route.clone(),
            certified: self.certified.clone(),
            emitter: Mutex::new(Some(emitter)),
            elements,
            endpoint: watch::Sender::new(self.endpoint_now()),
            readers: self
                .readers
                .as_ref()
                .map(|readers| watch::Sender::new(*readers.borrow())),
            following: Mutex::new(self.following().clone()),
            app: OnceLock::new(),
            app_readers: OnceLock::new(),
            timeout: OnceLock::new(),
        }
    }

    /// Where clients go at the moment.
    pub(super) fn endpoint_now(&self) -> SocketAddr {
        *self.endpoint.borrow()
    }

    /// Where a lane's operations go: reads may have an endpoint of their own.
    fn endpoint_for(&self, lane: &Lane) -> &watch::Sender<SocketAddr> {
        let readers = self.readers.as_ref();
        readers
            .filter(|_| lane.access == Access::Read)
            .unwrap_or(&self.endpoint)
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

    /// Whom its clients believe.
    fn trust(&self) -> Trust {
        let certified = self.certified.as_ref()?;
        Some(certified.authority().into())
    }

    fn let_go(&self) {
        let mut emitter = self.emitter.lock().unwrap_or_else(PoisonError::into_inner);
        *emitter = None;
    }

    pub(super) fn following(&self) -> MutexGuard<'_, BTreeMap<NodeName, NodeName>> {
        self.following
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Running for PostgresStack {
    fn stack(&self) -> &Stack {
        &self.facts
    }

    async fn prepare(&self, _: &RunId, lanes: &[Lane]) -> Result<(), SystemError> {
        let service = lanes.iter().filter(|lane| lane.group != Group::App);
        let longest = service.map(|lane| lane.timeout).max();
        self.timeout.get_or_init(|| longest.unwrap_or_default());
        let refused = |words: String| {
            SystemError::Refused(format!("the workload's tables could not be made: {words}"))
        };
        let transfers = lanes.iter().find(|lane| lane.group == Group::Transfer);
        let accounts = transfers.and_then(|lane| lane.keys);
        let open = accounts.map(|accounts| self.elements.rows().open_accounts(accounts));
        let create = [Some(self.elements.create()), open];
        let create: Vec<String> = create.into_iter().flatten().collect();
        let made = sql::ask(self.endpoint_now(), PREPARE_LIMIT, &create.join("; ")).await;
        made.map(drop).map_err(refused)
    }

    fn client(&self, lane: &Lane) -> Box<dyn Client> {
        let pinned = lane.pinned.as_ref().filter(|_| lane.group == Group::Pinned);
        let pinned = pinned.and_then(|node| self.roster.named(node).ok());
        let target = pinned.map_or_else(
            || Target::Endpoint(self.endpoint_for(lane).subscribe()),
            |seat| Target::Pinned(seat.address),
        );
        let client = ServiceClient::new(self.elements.clone(), self.roster.clone(), target);
        Box::new(client.trusting(self.trust()))
    }

    fn app_client(&self, lane: &Lane, app: &AppClients) -> Box<dyn Client> {
        let endpoint = self.endpoint_for(lane);
        let pool = match std::ptr::eq(endpoint, &self.endpoint) {
            true => &self.app,
            false => &self.app_readers,
        };
        let made = || Arc::new(AppPool::new(endpoint.subscribe(), app, self.trust()));
        let pool = pool.get_or_init(made);
        Box::new(AppClient::new(
            self.elements.clone(),
            self.roster.clone(),
            pool.clone(),
        ))
    }

    fn observe(&self, emitter: &Emitter, stop: CancellationToken) -> Vec<Observer> {
        let watch = Watch {
            emitter: emitter.clone(),
            stop,
            roster: self.roster.clone(),
        };
        let nodes = self
            .roster
            .data()
            .map(|seat| watch.node(seat, self.lag_max()));
        let mut observers: Vec<Observer> = nodes.collect();
        if let Some(after) = self.timeout.get() {
            let tidy = |seat: &Seat| end_abandoned(seat.address, *after, watch.stop.clone());
            observers.extend(self.roster.data().map(tidy));
        }
        if let Keeper::Patroni(_) = self.shape.keeper {
            observers.push(watch.leader_key());
        }
        if let Some(route) = &self.route {
            observers.push(route.watch(emitter.clone(), watch.stop.clone()));
        }
        if let Some(store) = &self.store {
            let endpoint = self.endpoint.subscribe();
            let stop = watch.stop.clone();
            observers.push(store.watch(&self.roster, endpoint, emitter, stop));
        }
        observers.extend(haproxy::seat(&self.roster).map(|proxy| watch.route(proxy)));
        observers
    }

    async fn view(&self, node: &NodeName) -> View {
        let status = match self.roster.named(node) {
            Ok(seat) => Status::ask(seat.address).await.ok(),
            Err(_) => None,
        };
        view(node.clone(), status.as_ref(), &self.roster, self.lag_max())
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
        let data = self.roster.named(node)?.kind == MemberKind::Data;
        match self.shape.keeper {
            Keeper::Operator if data => self.rejoin(node).await,
            Keeper::Operator | Keeper::Patroni(_) => Ok(self.runtime.start(node).await?),
        }
    }

    fn planned_move(&self) -> Option<&dyn PlannedMove> {
        Some(self)
    }

    fn promote(&self) -> Option<&dyn Promote> {
        (self.shape.keeper == Keeper::Operator).then_some(self)
    }

    fn control_plane(&self) -> Option<&dyn ControlPlane> {
        match self.shape.keeper {
            Keeper::Operator => None,
            Keeper::Patroni(_) => Some(self),
        }
    }

    fn rearm(&self) -> Option<&dyn Rearm> {
        Some(self)
    }

    fn proxied(&self) -> Option<&Proxied> {
        self.proxied.as_ref()
    }

    fn certified(&self) -> Option<&Certified> {
        self.certified.as_ref()
    }

    fn backups(&self) -> Option<&dyn Backups> {
        self.store.as_ref().map(|store| store as &dyn Backups)
    }

    async fn close(&self) {
        self.let_go();
        for pool in [&self.app, &self.app_readers] {
            if let Some(pool) = pool.get() {
                pool.close().await;
            }
        }
    }
}
