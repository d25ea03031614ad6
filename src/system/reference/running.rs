//! The reference store as it stands.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    history::{Group, Lane},
    id::{NodeName, RunId},
    record::{
        Bound, Emitter, Holdings, Member, MemberKind, Milestone, Role, Setting, Source, Stack,
        View, Wait, What,
    },
    runtime::Runtime,
    scenario::{AppClients, Play},
    system::{
        Backups, Client, Deploy, Observer, PlannedMove, Redundancy, Running, Scripted, SystemError,
        Told, roster::sole,
    },
};

use super::{
    asked::{ASK_LIMIT, holdings, looked},
    backup::{self, Store},
    client::{Connection, Nodes, ReferenceClient, Target},
    defect::Defect,
    node::heartbeat,
    wire::{Ask, Status},
};

/// How often it is asked whether the stack is ready.
const READY_EVERY: Duration = Duration::from_millis(25);

/// How often observers ask.
const OBSERVE_EVERY: Duration = Duration::from_millis(100);

/// How often an answer like the one before is written down.
const SAID_EVERY: u32 = 10;

/// The longest wait for a planned move.
const MOVE_LIMIT: Duration = Duration::from_secs(10);

/// How a reference stack is shaped.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Silence after which a replica stands for election.
    pub detect: Duration,
    /// Whether appends wait for a replica.
    pub synchronous: bool,
    /// How long a node works on one write.
    pub service_time: Duration,
    /// By how much the nodes' clock is ahead.
    pub clock_ahead: Duration,
    /// The planted defect.
    pub defect: Defect,
}

/// The stack.
pub struct ReferenceStack {
    stack: Stack,
    nodes: Arc<Vec<(NodeName, SocketAddr)>>,
    /// The same, as clients go to them.
    targets: Arc<Nodes>,
    /// The node that keeps its backups, where it keeps some.
    store: Option<Store>,
    runtime: Arc<dyn Runtime>,
}

impl ReferenceStack {
    /// Waits until the nodes have a primary and follow it.
    pub async fn connect(
        members: Vec<Member>,
        shape: Shape,
        deploy: Deploy,
        limit: Duration,
    ) -> Result<Self, SystemError> {
        let parse = |member: &Member| {
            member
                .address
                .parse()
                .map(|address| (member.name.clone(), address))
        };
        let of = |kind: MemberKind| {
            let members = members.iter().filter(|member| member.kind == kind);
            let parsed: Result<Vec<(NodeName, SocketAddr)>, _> = members.map(parse).collect();
            parsed.expect("addresses were just written")
        };
        let (nodes, keepers) = (Arc::new(of(MemberKind::Data)), of(MemberKind::Store));
        let store = keepers.into_iter().next();
        let store = store.map(|seat| Store::new(seat, nodes.clone()));
        let first = nodes[0].0.clone();
        let addresses = nodes.iter().map(|(_, address)| *address).collect();
        let mut this = Self {
            stack: facts(members, shape),
            targets: Arc::new(Nodes::new(addresses)),
            nodes,
            store,
            runtime: deploy.runtime,
        };
        let ready = async {
            loop {
                let redundancy = this.redundancy().await;
                if redundancy.whole && this.keeps().await {
                    return redundancy.evidence;
                }
                tokio::time::sleep(READY_EVERY).await;
            }
        };
        let Ok(evidence) = timeout(limit, ready).await else {
            let log = this.runtime.logs(&first, 20).await.unwrap_or_default();
            let waited = format!("a primary with all replicas in sync within {limit:?}");
            return Err(SystemError::NotReady {
                node: first,
                waited,
                log,
            });
        };
        this.stack.ready = evidence;
        this.stack.primary = this.primary().await?;
        Ok(this)
    }

    async fn status(&self, address: SocketAddr) -> Option<Status> {
        let conversation = async {
            Connection::open(0, address)
                .await
                .ok()?
                .ask(Ask::View)
                .await
                .ok()
        };
        Status::parse(&timeout(ASK_LIMIT, conversation).await.ok()??)
    }

    async fn statuses(&self) -> Vec<(NodeName, Option<Status>)> {
        let asked = self
            .nodes
            .iter()
            .map(|(name, address)| async { (name.clone(), self.status(*address).await) });
        futures_util::future::join_all(asked).await
    }

    /// Whether its log is kept, if it is to be.
    async fn keeps(&self) -> bool {
        if self.store.is_none() {
            return true;
        }
        let statuses = self.statuses().await;
        let mut told = statuses.iter().filter_map(|(_, status)| status.as_ref());
        told.any(|status| status.primary && backup::whole(status))
    }

    fn address(&self, node: &NodeName) -> Result<SocketAddr, SystemError> {
        let keeper = self.store.as_ref().map(Store::seat);
        let mut all = self.nodes.iter().chain(keeper);
        let found = all.find(|(name, _)| name == node);
        let found = found.map(|(_, address)| *address);
        found.ok_or_else(|| SystemError::Refused(format!("there is no node `{node}`")))
    }

    async fn dump(&self, node: &NodeName) -> Result<Holdings, SystemError> {
        holdings(node, self.address(node)?, Ask::Dump).await
    }
}

fn facts(members: Vec<Member>, shape: Shape) -> Stack {
    let setting = |name: &str, value: String| Setting {
        name: name.into(),
        value,
        source: "command line".into(),
    };
    let detect = shape.detect;
    Stack {
        system: "reference".into(),
        topology: "replicated".into(),
        route: "direct".into(),
        server: format!("drdrill reference store {}", env!("CARGO_PKG_VERSION")),
        primary: members[0].name.clone(),
        members,
        effective: vec![
            setting("detect", format!("{detect:?}")),
            setting("synchronous", shape.synchronous.to_string()),
            setting("service-time", format!("{:?}", shape.service_time)),
            setting("clock-ahead", format!("{:?}", shape.clock_ahead)),
            setting("defect", shape.defect.to_string()),
        ],
        bounds: vec![bound(detect)],
        connection_limit: None,
        phase_ns: crate::time::Nanos::from_duration(heartbeat(detect)).0,
        idempotent: true,
        // Lane, number and checksum.
        one_writer: true,
        element_bytes: 14,
        shards: Vec::new(),
        ready: Vec::new(),
    }
}

/// The last beat may be one period old at the fault; the rest is what timers may be late.
fn bound(detect: Duration) -> Bound {
    let late = Duration::from_millis(5);
    let waits = vec![
        Wait::new(
            Milestone::Declared,
            "the primary is silent",
            format!(
                "detect {detect:?}, less the age of its last beat, {:?} at most",
                heartbeat(detect)
            ),
            [detect.saturating_sub(heartbeat(detect) + late), detect],
        ),
        Wait::upto(
            Milestone::Accepts,
            "two rounds of election",
            "timers of the reference store",
            Duration::from_millis(1500),
        ),
    ];
    Bound::of("kill primary", waits, "").confirmed(true)
}

fn view_of(node: NodeName, status: Option<Status>, nodes: &[(NodeName, SocketAddr)]) -> View {
    let role = match status {
        None => Role::Unreachable,
        Some(status) if status.primary => Role::Primary,
        Some(status) if status.follows.is_some() => Role::Replica,
        Some(_) => Role::Other,
    };
    let follows = status.and_then(|status| status.follows).map(|leader| {
        let name = nodes
            .iter()
            .find(|(_, address)| address.ip() == leader)
            .map(|(name, _)| name.to_string());
        name.unwrap_or_else(|| leader.to_string())
    });
    View {
        node,
        role,
        term: status.map(|status| status.epoch),
        position: status.map(|status| status.length),
        lag: None,
        follows,
        eligible: status.map(|status| status.primary || status.follows.is_some()),
    }
}

#[async_trait]
impl Running for ReferenceStack {
    fn stack(&self) -> &Stack {
        &self.stack
    }

    async fn prepare(&self, _: &RunId, _: &[Lane]) -> Result<(), SystemError> {
        Ok(())
    }

    fn client(&self, lane: &Lane) -> Box<dyn Client> {
        let pinned = lane.pinned.as_ref().filter(|_| lane.group == Group::Pinned);
        let target = pinned.and_then(|node| {
            let index = self.nodes.iter().position(|(name, _)| name == node)?;
            Some(Target::Pinned(
                u16::try_from(index).ok()?,
                self.nodes[index].1,
            ))
        });
        Box::new(ReferenceClient::new(
            target.unwrap_or_else(|| Target::Primary(self.targets.clone())),
        ))
    }

    fn app_client(&self, lane: &Lane, _: &AppClients) -> Box<dyn Client> {
        // The store has no driver with a pool; its application is a client like any other.
        self.client(lane)
    }

    fn observe(&self, emitter: &Emitter, stop: CancellationToken) -> Vec<Observer> {
        let observe = |name: NodeName, address: SocketAddr| {
            let (emitter, stop, nodes) = (emitter.clone(), stop.clone(), self.nodes.clone());
            tokio::spawn(async move {
                let mut last: Option<View> = None;
                let mut quiet = 0_u32;
                let mut open: Option<Connection> = None;
                while timeout(OBSERVE_EVERY, stop.cancelled()).await.is_err() {
                    let (at, status) = emitter
                        .time(async { timeout(ASK_LIMIT, looked(&mut open, address)).await.ok()? })
                        .await;
                    let view = view_of(name.clone(), status, &nodes);
                    let same = last.as_ref().is_some_and(|last| {
                        (last.role, last.term, &last.follows)
                            == (view.role, view.term, &view.follows)
                    });
                    quiet = if same { quiet + 1 } else { 0 };
                    if quiet.is_multiple_of(SAID_EVERY) {
                        emitter.say_at(at, What::View(view.clone()));
                    }
                    last = Some(view);
                }
            })
        };
        let nodes = self.nodes.iter();
        let nodes = nodes.map(|(name, address)| observe(name.clone(), *address));
        let store = self.store.iter();
        let store = store.map(|store| store.watch(emitter, stop.clone()));
        nodes.chain(store).collect()
    }

    async fn view(&self, node: &NodeName) -> View {
        let status = match self.address(node) {
            Ok(address) => self.status(address).await,
            Err(_) => None,
        };
        view_of(node.clone(), status, &self.nodes)
    }

    async fn time_of(&self, node: &NodeName) -> Result<Told, SystemError> {
        let address = self.address(node)?;
        let asked = async {
            let mut connection = Connection::open(0, address).await.ok()?;
            connection.ask(Ask::Clock).await.ok()?.parse().ok()
        };
        let told = timeout(ASK_LIMIT, asked).await.ok().flatten();
        told.map(|micros| Told::counted(micros, 1_000))
            .ok_or_else(|| SystemError::Refused(format!("`{node}` does not tell its time")))
    }

    fn backups(&self) -> Option<&dyn Backups> {
        self.store.as_ref().map(|store| store as &dyn Backups)
    }

    async fn primary(&self) -> Result<NodeName, SystemError> {
        let statuses = self.statuses().await;
        let primaries = statuses
            .iter()
            .filter(|(_, status)| status.as_ref().is_some_and(|status| status.primary));
        sole(primaries.map(|(name, _)| name))
    }

    async fn redundancy(&self) -> Redundancy {
        let statuses = self.statuses().await;
        let wanted = u32::try_from(self.nodes.len() - 1).unwrap_or(u32::MAX);
        let leader = statuses
            .iter()
            .filter_map(|(_, status)| *status)
            .find(|status| status.primary);
        let whole = statuses.iter().all(|(_, status)| {
            status.is_some_and(|status| {
                (status.primary || status.follows.is_some())
                    && leader.is_some_and(|leader| leader.epoch == status.epoch)
            })
        }) && leader.is_some_and(|leader| leader.in_sync >= wanted);
        let evidence = statuses
            .iter()
            .map(|(name, status)| match status {
                Some(status) => format!("{name}: {status}"),
                None => format!("{name}: does not answer"),
            })
            .collect();
        Redundancy { whole, evidence }
    }

    async fn converged(&self) -> Redundancy {
        let mut redundancy = self.redundancy().await;
        let lengths: Vec<_> = self
            .statuses()
            .await
            .into_iter()
            .filter_map(|(_, status)| Some(status?.length))
            .collect();
        redundancy.whole &=
            lengths.len() == self.nodes.len() && lengths.windows(2).all(|pair| pair[0] == pair[1]);
        redundancy
    }

    async fn final_read(&self, source: &Source) -> Result<Holdings, SystemError> {
        match source {
            Source::Authority { .. } => self.dump(&self.primary().await?).await,
            Source::Before { node } | Source::After { node } => self.dump(node).await,
        }
    }

    async fn bring_back(&self, node: &NodeName) -> Result<(), SystemError> {
        Ok(self.runtime.start(node).await?)
    }

    fn scripted(&self) -> Option<&dyn Scripted> {
        Some(self)
    }

    fn planned_move(&self) -> Option<&dyn PlannedMove> {
        Some(self)
    }

    async fn close(&self) {}
}

#[async_trait]
impl PlannedMove for ReferenceStack {
    async fn switchover(&self, to: Option<&NodeName>) -> Result<NodeName, SystemError> {
        let primary = self.primary().await?;
        let other = || {
            self.nodes
                .iter()
                .map(|(name, _)| name)
                .find(|name| **name != primary)
                .cloned()
        };
        let to = to
            .cloned()
            .or_else(other)
            .ok_or_else(|| SystemError::Refused("there is no other node".into()))?;
        let refused = |error: std::io::Error| {
            SystemError::Refused(format!("`{primary}` did not hand over: {error}"))
        };
        let address = self.address(&to)?.ip();
        let conversation = async {
            let mut connection = Connection::open(0, self.address(&primary)?)
                .await
                .map_err(refused)?;
            connection
                .ask(Ask::HandOver { to: address })
                .await
                .map_err(refused)
        };
        let answer = timeout(MOVE_LIMIT, conversation).await.map_err(|_| {
            SystemError::Refused(format!(
                "`{primary}` did not hand over within {MOVE_LIMIT:?}"
            ))
        })??;
        if answer != "ok" {
            return Err(SystemError::Refused(format!(
                "`{primary}` answered: {answer}"
            )));
        }
        let moved = async {
            while self.primary().await.as_ref() != Ok(&to) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let late =
            |_| SystemError::Refused(format!("`{to}` did not take over within {MOVE_LIMIT:?}"));
        timeout(MOVE_LIMIT, moved).await.map_err(late)?;
        Ok(to)
    }
}

#[async_trait]
impl Scripted for ReferenceStack {
    async fn play(
        &self,
        node: &NodeName,
        play: Play,
        lasting: Duration,
    ) -> Result<(), SystemError> {
        let refused =
            |why: String| SystemError::Refused(format!("`{node}` does not play {play}: {why}"));
        let address = self.address(node)?;
        let conversation = async {
            let mut connection = Connection::open(0, address).await?;
            connection.ask(Ask::Play { play, lasting }).await
        };
        let answer = timeout(ASK_LIMIT, conversation)
            .await
            .map_err(|_| refused(format!("no answer within {ASK_LIMIT:?}")))?
            .map_err(|error| refused(error.to_string()))?;
        if answer == "ok" {
            Ok(())
        } else {
            Err(refused(answer))
        }
    }
}
