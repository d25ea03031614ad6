//! A MySQL or MariaDB stack as it stands.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use sqlx::Row;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    history::{Group, Lane},
    id::{NodeName, RunId},
    record::{Emitter, Holdings, Member, MemberKind, Source, Stack, View},
    runtime::Runtime,
    scenario::AppClients,
    system::{
        Backups, Client, Deploy, Design, Observer, PlannedMove, Promote, Rearm, Redundancy,
        Running, SystemError, Told, mark::ELEMENT_BYTES, roster::Roster, route::Route,
    },
};

use super::{
    app::{AppClient, AppPool},
    backup::Store,
    client::{ServiceClient, Target},
    design::MySql,
    element::Elements,
    finals::holdings,
    gtid::Gtids,
    kind::Kind,
    lead::Directory,
    observe::Watch,
    shape::Shape,
    sql,
    status::{Status, view},
};

/// The longest wait for what a node's clock says.
const TIME_LIMIT: Duration = Duration::from_secs(1);

/// The longest wait for the workload's tables.
const PREPARE_LIMIT: Duration = Duration::from_secs(15);

/// The stack.
pub struct MySqlStack {
    pub(super) facts: Stack,
    pub(super) shape: Shape,
    pub(super) runtime: Arc<dyn Runtime>,
    /// Who is who, and whom clients use.
    pub(super) directory: Arc<Directory>,
    pub(super) elements: Elements,
    /// What leads clients to the source by itself, where something does.
    pub(super) route: Option<Route>,
    /// The node that keeps its backups, where it keeps some.
    pub(super) store: Option<Store>,
    /// Until the stack is closed: what holds an emitter keeps its run's event log open.
    emitter: Mutex<Option<Emitter>>,
    /// What each node had applied when it was promoted.
    promoted: Mutex<BTreeMap<NodeName, Gtids>>,
    app: OnceLock<Arc<AppPool>>,
}

impl MySqlStack {
    /// A stack whose nodes were started; `begin` makes them follow, and `ready::prove` completes its facts.
    pub(super) fn new(
        flavour: MySql,
        design: &Design,
        members: Vec<Member>,
        roster: Roster,
        shape: Shape,
        deploy: Deploy,
    ) -> Result<Self, SystemError> {
        let none = || SystemError::Refused("there is no data node".into());
        let first = roster.data().next().ok_or_else(none)?.clone();
        let facts = Stack {
            system: flavour.name().into(),
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
            one_writer: shape.kind != Kind::Galera,
            element_bytes: ELEMENT_BYTES,
            shards: Vec::new(),
            ready: Vec::new(),
        };
        let elements = Elements::new(deploy.runtime.run().clone(), shape.isolation);
        let store = Store::of(&roster, shape.kind, &deploy.runtime, &elements);
        let directory = Directory {
            kind: shape.kind,
            roster: Arc::new(roster),
            lead: watch::Sender::new(first.address),
        };
        Ok(Self {
            facts,
            shape,
            elements,
            store,
            route: None,
            runtime: deploy.runtime,
            directory: Arc::new(directory),
            emitter: Mutex::new(Some(deploy.emitter)),
            promoted: Mutex::default(),
            app: OnceLock::new(),
        })
    }

    /// The same nodes for another run; its settings are not read back yet.
    pub(super) fn again(&self, run: RunId, emitter: Emitter) -> Self {
        let directory = Directory {
            kind: self.shape.kind,
            roster: self.directory.roster.clone(),
            lead: watch::Sender::new(*self.directory.lead.borrow()),
        };
        let elements = Elements::new(run, self.shape.isolation);
        Self {
            facts: self.facts.clone(),
            shape: self.shape,
            runtime: self.runtime.clone(),
            route: self.route.clone(),
            store: Store::of(&directory.roster, self.shape.kind, &self.runtime, &elements),
            directory: Arc::new(directory),
            elements,
            emitter: Mutex::new(Some(emitter)),
            promoted: Mutex::new(self.promoted().clone()),
            app: OnceLock::new(),
        }
    }

    /// Who is who.
    pub(super) fn roster(&self) -> &Arc<Roster> {
        &self.directory.roster
    }

    /// The run's emitter, while the run is on.
    pub(super) fn emitter(&self) -> Option<Emitter> {
        let emitter = self.emitter.lock();
        emitter.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn promoted(&self) -> MutexGuard<'_, BTreeMap<NodeName, Gtids>> {
        self.promoted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where clients go that do not ask the members: to the route, or where the lead is.
    fn endpoint(&self) -> watch::Receiver<SocketAddr> {
        let lead = || self.directory.lead.subscribe();
        self.route.as_ref().map_or_else(lead, Route::endpoint)
    }

    /// Where a lane's clients go when they are not pinned.
    fn target(&self) -> Target {
        if self.shape.kind.by_operator() {
            Target::Endpoint(self.endpoint())
        } else {
            Target::Members(self.directory.clone())
        }
    }
}

#[async_trait]
impl Running for MySqlStack {
    fn stack(&self) -> &Stack {
        &self.facts
    }

    async fn prepare(&self, _: &RunId, lanes: &[Lane]) -> Result<(), SystemError> {
        let refused = |words: String| {
            SystemError::Refused(format!("the workload's tables could not be made: {words}"))
        };
        let lead = *self.directory.lead.borrow();
        let transfers = lanes.iter().find(|lane| lane.group == Group::Transfer);
        let accounts = transfers.and_then(|lane| lane.keys);
        let open = accounts.map(|accounts| self.elements.rows().open_accounts(accounts));
        let create = self.elements.create();
        let statements: Vec<&str> = create.iter().chain(&open).map(String::as_str).collect();
        let made = sql::act(lead, PREPARE_LIMIT, &statements).await;
        made.map_err(refused)
    }

    fn client(&self, lane: &Lane) -> Box<dyn Client> {
        let pinned = lane.pinned.as_ref().filter(|_| lane.group == Group::Pinned);
        let pinned = pinned.and_then(|node| self.roster().named(node).ok());
        let target = pinned.map_or_else(|| self.target(), |seat| Target::Pinned(seat.address));
        Box::new(ServiceClient::new(
            self.elements.clone(),
            self.roster().clone(),
            target,
        ))
    }

    fn app_client(&self, _: &Lane, app: &AppClients) -> Box<dyn Client> {
        let pool = self.app.get_or_init(|| {
            let asks = !self.shape.kind.by_operator();
            let directory = asks.then(|| self.directory.clone());
            Arc::new(AppPool::new(self.endpoint(), directory, app))
        });
        Box::new(AppClient::new(
            self.elements.clone(),
            self.roster().clone(),
            pool.clone(),
        ))
    }

    fn observe(&self, emitter: &Emitter, stop: CancellationToken) -> Vec<Observer> {
        let watch = Watch {
            emitter: emitter.clone(),
            stop,
            directory: self.directory.clone(),
        };
        let mut observers: Vec<Observer> =
            self.roster().data().map(|seat| watch.node(seat)).collect();
        if !self.shape.kind.by_operator() {
            observers.push(watch.lead());
        }
        if let Some(route) = &self.route {
            observers.push(route.watch(emitter.clone(), watch.stop.clone()));
        }
        if let Some(store) = &self.store {
            let endpoint = self.directory.lead.subscribe();
            let stop = watch.stop.clone();
            observers.push(store.watch(self.roster(), endpoint, emitter, stop));
        }
        observers
    }

    async fn view(&self, node: &NodeName) -> View {
        let status = match self.roster().named(node) {
            Ok(seat) => Status::ask(seat.address, self.shape.kind).await.ok(),
            Err(_) => None,
        };
        view(node.clone(), status.as_ref(), self.roster())
    }

    async fn time_of(&self, node: &NodeName) -> Result<Told, SystemError> {
        let refused = SystemError::Refused;
        let asked = "SELECT CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)";
        let rows = sql::ask(self.roster().named(node)?.address, TIME_LIMIT, asked).await;
        let rows = rows.map_err(refused)?;
        let told = rows.first().and_then(|row| row.try_get::<i64, _>(0).ok());
        told.map(|told| Told::counted(told, 1000))
            .ok_or_else(|| refused("it tells no time".into()))
    }

    async fn primary(&self) -> Result<NodeName, SystemError> {
        let said = self.statuses().await;
        self.used(&said).map(|(seat, _)| seat.name.clone())
    }

    async fn redundancy(&self) -> Redundancy {
        self.whole().await
    }

    async fn converged(&self) -> Redundancy {
        self.level().await
    }

    async fn final_read(&self, source: &Source) -> Result<Holdings, SystemError> {
        let address = match source {
            Source::Authority { .. } => {
                let said = self.statuses().await;
                let used = self.used(&said)?.0.address;
                let lead = *self.directory.lead.borrow();
                if used != lead {
                    let words = format!("clients use {lead}, but {used} takes writes");
                    return Err(SystemError::Refused(words));
                }
                used
            }
            Source::Before { node } | Source::After { node } => self.seat(node)?.address,
        };
        let authority = matches!(source, Source::Authority { .. });
        holdings(&self.elements, address, authority).await
    }

    async fn bring_back(&self, node: &NodeName) -> Result<(), SystemError> {
        match self.seat(node)?.kind {
            MemberKind::Data => self.rejoin(node).await,
            _ => Ok(self.runtime.start(node).await?),
        }
    }

    fn planned_move(&self) -> Option<&dyn PlannedMove> {
        Some(self)
    }

    fn promote(&self) -> Option<&dyn Promote> {
        (self.shape.kind != Kind::Galera).then_some(self)
    }

    fn rearm(&self) -> Option<&dyn Rearm> {
        Some(self)
    }

    fn backups(&self) -> Option<&dyn Backups> {
        self.store.as_ref().map(|store| store as &dyn Backups)
    }

    async fn close(&self) {
        let emitter = self.emitter.lock();
        emitter.unwrap_or_else(PoisonError::into_inner).take();
        if let Some(pool) = self.app.get() {
            pool.close().await;
        }
    }
}
