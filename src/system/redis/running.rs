//! The Redis stack as it stands.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use crate::{
    history::{Group, Lane},
    id::{NodeName, RunId},
    record::{Emitter, Holdings, Member, MemberKind, Source, Stack, View},
    runtime::Runtime,
    scenario::{AppClients, StreamLink},
    system::{
        Backups, Client, Design, Observer, PlannedMove, Promote, Rearm, Redundancy, Running,
        SystemError, Told, mark,
        proxied::Proxied,
        roster::{Roster, Seat, sole},
        route::Route,
        settings::Values,
    },
};

use super::{
    app::{AppClient, Pool},
    attach,
    backup::Store,
    client::{RedisClient, Target},
    deploy,
    design::REPLICAS,
    dump::{Asked, dump},
    element::Keys,
    link::{Login, command},
    observe, redundancy,
    sentinel::{Directory, Watched},
    status::Status,
};

/// The longest wait for one node's view.
const ASK_LIMIT: Duration = Duration::from_millis(500);

/// What clients and replicas pass on their way to a node.
#[derive(Debug, Clone, Default)]
pub struct Ways {
    /// The proxies before the nodes, where there are some.
    pub proxied: Option<Proxied>,
    /// What leads clients to the primary by itself, where something does.
    pub route: Option<Route>,
}

/// Who leads as the stack is met, and how that is found out.
#[derive(Clone)]
pub struct Led {
    /// The primary.
    pub primary: NodeName,
    /// How sentinels know it, and what lets clients in.
    pub watched: Watched,
    /// Whether somebody else set the stack up.
    pub attached: bool,
}

/// The stack.
pub struct RedisStack {
    pub(super) stack: Stack,
    pub(super) roster: Arc<Roster>,
    pub(super) directory: Arc<Directory>,
    pub(super) keys: Keys,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) ways: Ways,
    /// Whether somebody else set it up.
    pub(super) attached: bool,
    /// The node that keeps its backups, where it keeps some.
    pub(super) store: Option<Store>,
    pool: OnceLock<Arc<Pool>>,
}

impl RedisStack {
    /// A stack whose nodes are started; its settings are not read back yet.
    pub fn new(
        system: &str,
        members: Vec<Member>,
        roster: Roster,
        ways: Ways,
        (runtime, led): (Arc<dyn Runtime>, Led),
        design: &Design,
    ) -> Result<Self, SystemError> {
        let directory = directory(design, &roster, &led, ways.route.as_ref())?;
        let stack = Stack {
            system: system.to_owned(),
            topology: design.topology.into(),
            route: design.route.into(),
            server: String::new(),
            members,
            primary: led.primary,
            effective: Vec::new(),
            bounds: Vec::new(),
            connection_limit: None,
            phase_ns: 0,
            // A driver that sends an append again after a lost answer applies it twice: a list takes both.
            idempotent: false,
            one_writer: true,
            element_bytes: mark::NUMBERED_BYTES,
            shards: Vec::new(),
            ready: Vec::new(),
        };
        let keys = Keys::new(runtime.run().clone());
        let store = Store::of(&roster, Values::of(design), &runtime, &keys);
        Ok(Self {
            stack,
            roster: Arc::new(roster),
            directory: Arc::new(directory),
            keys,
            runtime,
            ways,
            attached: led.attached,
            store,
            pool: OnceLock::new(),
        })
    }

    /// The same nodes for another run; its settings are not read back yet.
    pub(super) fn again(&self, run: RunId, primary: NodeName) -> Self {
        let keys = Keys::new(run);
        Self {
            store: self.store.as_ref().map(|store| store.again(&keys)),
            stack: Stack {
                primary,
                ..self.stack.clone()
            },
            roster: self.roster.clone(),
            directory: self.directory.clone(),
            keys,
            runtime: self.runtime.clone(),
            ways: self.ways.clone(),
            attached: self.attached,
            pool: OnceLock::new(),
        }
    }

    /// Where the primary is by its own address, as clients find it.
    ///
    /// # Errors
    /// When nobody names it, or none answers behind the route.
    pub(super) async fn led_to(&self) -> Result<SocketAddr, SystemError> {
        if let Some(route) = &self.ways.route {
            let none = || SystemError::Refused("no primary answers where clients are led".into());
            let name = route.leads().await.ok_or_else(none)?;
            return Ok(self.roster.named(&name)?.address);
        }
        let named = self.directory.primary().await;
        named.map_err(|error| {
            SystemError::Refused(format!("no sentinel names the primary: {error}"))
        })
    }

    /// The views of all members that hold data, asked at the same time.
    pub(super) async fn statuses(&self) -> Vec<(&Seat, Option<Status>)> {
        let asked = self
            .roster
            .data()
            .map(|seat| async move { (seat, status(self.directory.login(), seat.address).await) });
        join_all(asked).await
    }
}

fn directory(
    design: &Design,
    roster: &Roster,
    led: &Led,
    route: Option<&Route>,
) -> Result<Directory, SystemError> {
    if let Some(route) = route {
        return Ok(Directory::by(route.clone()));
    }
    if design.topology == REPLICAS {
        return Ok(Directory::endpoint(
            roster.named(&led.primary)?.address,
            led.watched.clone(),
        ));
    }
    let sentinels = roster.of(MemberKind::Control);
    let named = sentinels.map(|seat| (seat.name.clone(), seat.address));
    Ok(Directory::new(named.collect(), led.watched.clone()))
}

/// A node's own view, within half a second; none if it does not answer.
pub(super) async fn status(login: &Login, address: SocketAddr) -> Option<Status> {
    let info: String = login
        .ask(address, &command(&["INFO", "replication"]), ASK_LIMIT)
        .await
        .ok()?;
    Status::parse(&info)
}

/// The time of day that a server tells.
pub(super) async fn time_of(login: &Login, address: SocketAddr) -> Result<Told, SystemError> {
    let told: (i64, i64) = login
        .ask(address, &command(&["TIME"]), ASK_LIMIT)
        .await
        .map_err(|error| SystemError::Refused(error.to_string()))?;
    Ok(Told::counted(told.0 * 1_000_000 + told.1, 1000))
}

/// The time of day that a sentinel tells, which knows no command for it.
async fn time_of_sentinel(login: &Login, address: SocketAddr) -> Result<Told, SystemError> {
    let info: String = login
        .ask(address, &command(&["INFO", "server"]), ASK_LIMIT)
        .await
        .map_err(|error| SystemError::Refused(error.to_string()))?;
    let mut lines = info.lines();
    let told = lines.find_map(|line| line.strip_prefix("server_time_usec:")?.parse().ok());
    told.map(|told| Told::counted(told, 1000))
        .ok_or_else(|| SystemError::Refused("it tells no time".into()))
}

#[async_trait]
impl Running for RedisStack {
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
            Some(Ok(seat)) => Target::Pinned(seat.address),
            Some(Err(_)) | None => Target::Primary(self.directory.clone()),
        };
        let in_flight = lane.timeout.as_nanos() / lane.interval.as_nanos().max(1) + 1;
        let in_flight = usize::try_from(in_flight).unwrap_or(usize::MAX);
        let client = RedisClient::new(self.keys.clone(), self.roster.clone(), target, in_flight);
        Box::new(client.entering(self.directory.login().clone()))
    }

    fn app_client(&self, _: &Lane, app: &AppClients) -> Box<dyn Client> {
        let make = || Arc::new(Pool::new(self.directory.clone(), self.roster.clone(), app));
        Box::new(AppClient::new(
            self.keys.clone(),
            self.pool.get_or_init(make).clone(),
        ))
    }

    fn observe(&self, emitter: &Emitter, stop: CancellationToken) -> Vec<Observer> {
        let nodes = observe::nodes((&self.roster, self.directory.login()), emitter, &stop);
        let sentinels = (&self.roster, self.directory.watched());
        let route = self.ways.route.as_ref();
        let route = route.map(|route| route.watch(emitter.clone(), stop.clone()));
        let store = self.store.as_ref();
        let store = store
            .and_then(|store| store.watch(&self.roster, &self.directory, emitter, stop.clone()));
        nodes
            .into_iter()
            .chain(observe::sentinels(sentinels, emitter, &stop))
            .chain(route)
            .chain(store)
            .collect()
    }

    async fn view(&self, node: &NodeName) -> View {
        let status = match self.roster.named(node) {
            Ok(seat) => status(self.directory.login(), seat.address).await,
            Err(_) => None,
        };
        let leading = status.as_ref().map_or(0, |status| status.offset);
        Status::view(status.as_ref(), node, &self.roster, leading)
    }

    async fn time_of(&self, node: &NodeName) -> Result<Told, SystemError> {
        let seat = self.roster.named(node)?;
        let watched = self.directory.watched();
        match seat.kind {
            MemberKind::Control => time_of_sentinel(&watched.control, seat.address).await,
            MemberKind::Data | MemberKind::Route | MemberKind::Store => {
                time_of(&watched.data, seat.address).await
            }
        }
    }

    async fn primary(&self) -> Result<NodeName, SystemError> {
        let statuses = self.statuses().await;
        let primaries = statuses
            .iter()
            .filter(|(_, status)| status.as_ref().is_some_and(|status| status.primary));
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
            Source::Authority { .. } => {
                let primary = self.led_to().await?;
                let found = dump(
                    (&self.keys, self.directory.login()),
                    "the primary",
                    primary,
                    Asked::Plainly,
                )
                .await?;
                Ok(found.holdings())
            }
            Source::Before { node } | Source::After { node } => {
                let address = self.roster.named(node)?.address;
                let found = dump(
                    (&self.keys, self.directory.login()),
                    node.as_str(),
                    address,
                    Asked::Plainly,
                )
                .await?;
                Ok(found.holdings())
            }
        }
    }

    async fn bring_back(&self, node: &NodeName) -> Result<(), SystemError> {
        let seat = self.roster.named(node)?;
        // An old primary that starts by its old configuration serves as a second one until the sentinels
        // see it. Without a new primary it is the primary still, and starts as such.
        // Somebody else's starts as they set it up to.
        if seat.kind == MemberKind::Data
            && !self.attached
            && let Ok(primary) = self.led_to().await
            && primary != seat.address
        {
            let leader = self.roster.way_to(primary, StreamLink::Replication);
            deploy::rejoin(&self.runtime, node, leader).await?;
        }
        Ok(self.runtime.start(node).await?)
    }

    fn planned_move(&self) -> Option<&dyn PlannedMove> {
        Some(self)
    }

    fn promote(&self) -> Option<&dyn Promote> {
        (self.stack.topology == REPLICAS).then_some(self as &dyn Promote)
    }

    fn rearm(&self) -> Option<&dyn Rearm> {
        // It reads and writes what our own sentinels keep.
        (!self.attached).then_some(self as &dyn Rearm)
    }

    fn backups(&self) -> Option<&dyn Backups> {
        self.store.as_ref().map(|store| store as &dyn Backups)
    }

    async fn remove_data(&self) -> Result<(), SystemError> {
        attach::remove_data(self, &self.keys.pattern()).await
    }

    fn proxied(&self) -> Option<&Proxied> {
        self.ways.proxied.as_ref()
    }

    async fn close(&self) {}
}
