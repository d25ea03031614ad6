//! The containers of one run as machines.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bollard::query_parameters::{
    InspectContainerOptions, StartContainerOptions, StopContainerOptionsBuilder,
};
use futures_util::stream::BoxStream;

use crate::{
    id::{NodeName, RunId},
    runtime::{
        DiskFault, DiskFigures, DiskLook, ExecOutput, Intents, Life, Meant, NodeFile, NodeSpec,
        NodeState, Owner, Pipe, Report, Runtime, RuntimeError, RuntimeKind, Signal, Surroundings,
        journal::{Effect, Journal},
    },
};

use super::{
    Engine, among,
    attached::Held,
    container, disk,
    engine::{ACT, ASK, within},
    events, exec, facts, network,
    node::{Beneath, Machine, Options},
    removal,
    signal::{self, Visible},
    start,
};

/// The machines of one run as containers of one engine.
pub struct DockerRuntime {
    pub(super) engine: Engine,
    run: RunId,
    journal: Journal,
    pub(super) options: Options,
    /// The library by which clocks go wrong, and the nodes that get it.
    pub(super) clock: Option<(Vec<u8>, BTreeSet<NodeName>)>,
    pub(super) labels: HashMap<String, String>,
    pub(super) network: Mutex<Option<network::Network>>,
    pub(super) nodes: Mutex<BTreeMap<NodeName, Machine>>,
    pub(super) intents: Intents,
    /// What is held of containers that drdrill did not create.
    pub(super) held: Mutex<Option<Held>>,
    /// Paths that images declare as volumes, by image.
    pub(super) volumes: Mutex<BTreeMap<String, Vec<String>>>,
}

impl DockerRuntime {
    /// The machines of a run; nothing is created yet.
    pub fn new(engine: Engine, run: RunId, journal: Journal, options: Options) -> Self {
        let labels = removal::labels(&run, &Owner::current());
        Self {
            engine,
            run,
            journal,
            options,
            clock: None,
            labels,
            network: Mutex::new(None),
            nodes: Mutex::default(),
            intents: Intents::default(),
            held: Mutex::new(None),
            volumes: Mutex::default(),
        }
    }

    /// Puts the library by which clocks go wrong into these nodes when they are created; until then they are right.
    #[must_use]
    pub fn with_clock(mut self, library: Vec<u8>, nodes: BTreeSet<NodeName>) -> Self {
        self.clock = Some((library, nodes));
        self
    }

    pub(super) fn name(&self, node: &NodeName) -> String {
        format!("drdrill-{}-{node}", self.run.tail())
    }

    pub(super) fn machine(&self, node: &NodeName) -> Result<Machine, RuntimeError> {
        lock(&self.nodes)
            .get(node)
            .cloned()
            .ok_or_else(|| RuntimeError::Failed {
                action: "find",
                node: node.to_string(),
                cause: "it was not created in this run".into(),
            })
    }

    fn whose(&self, is: impl Fn(&Machine) -> bool) -> Option<NodeName> {
        let nodes = lock(&self.nodes);
        let found = nodes.iter().find(|(_, machine)| is(machine));
        found.map(|(node, _)| node.clone())
    }

    fn update(&self, node: &NodeName, change: impl FnOnce(&mut Machine)) {
        if let Some(machine) = lock(&self.nodes).get_mut(node) {
            change(machine);
        }
    }

    fn disk(&self, node: &NodeName) -> Result<Beneath, RuntimeError> {
        self.machine(node)?.disk.ok_or_else(|| {
            RuntimeError::Unsupported(format!("the data of `{node}` lies on no disk of ours"))
        })
    }

    async fn write_ahead(&self, effect: Effect) -> Result<(), RuntimeError> {
        self.journal
            .ensure(effect)
            .await
            .map_err(|error| RuntimeError::Failed {
                action: "write ahead the undo of",
                node: self.run.to_string(),
                cause: error.to_string(),
            })
    }

    /// The container in a node's process namespace, made when it is first needed.
    async fn among_of(&self, node: &NodeName) -> Result<String, RuntimeError> {
        let machine = self.machine(node)?;
        if let Some(among) = machine.among {
            return Ok(among);
        }
        let image = self.options.sidecar_image.as_deref();
        let image = image.ok_or_else(no_sidecar_image)?;
        let body = among::body(image, &machine.container, &self.labels);
        let name = format!("{}.among", self.name(node));
        let made = start::create(&self.engine, &name, body).await?;
        self.update(node, |machine| machine.among = Some(made.clone()));
        Ok(made)
    }
}

pub(super) fn no_sidecar_image() -> RuntimeError {
    RuntimeError::Unsupported("no image for sidecars was given".into())
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Runtime for DockerRuntime {
    fn kind(&self) -> RuntimeKind {
        RuntimeKind::Docker
    }

    fn run(&self) -> &RunId {
        &self.run
    }

    async fn facts(&self) -> Result<Vec<(String, String)>, RuntimeError> {
        facts::facts(&self.engine).await
    }

    async fn data_folder(&self) -> Option<PathBuf> {
        let folder = PathBuf::from(self.engine.data_folder().await?);
        folder.is_dir().then_some(folder)
    }

    async fn reserve(&self, names: &[NodeName]) -> Result<Vec<(NodeName, IpAddr)>, RuntimeError> {
        self.write_ahead(Effect::Labelled).await?;
        if let Some(wanted) = &self.options.attached {
            return self.adopt(wanted, names).await;
        }
        let before = lock(&self.network).clone();
        let network = match before {
            Some(before) => before.extended(names)?,
            None => {
                let base = self.options.base;
                network::make(&self.engine, &self.run, base, names, &self.labels).await?
            }
        };
        let address = |name: &NodeName| {
            let ip = network.addresses.get(name)?;
            Some((name.clone(), IpAddr::V4(*ip)))
        };
        let reserved = names.iter().filter_map(address).collect();
        *lock(&self.network) = Some(network);
        Ok(reserved)
    }

    fn harness_address(&self) -> Option<IpAddr> {
        if let Some(held) = lock(&self.held).as_ref() {
            return held.gateway;
        }
        let network = lock(&self.network);
        network.as_ref().map(|network| IpAddr::V4(network.gateway))
    }

    async fn create(&self, spec: &NodeSpec) -> Result<(), RuntimeError> {
        self.make(spec).await
    }

    async fn start(&self, node: &NodeName) -> Result<(), RuntimeError> {
        let machine = self.machine(node)?;
        let container = &machine.container;
        if let Some(other) = &machine.beside {
            self.stands(other).await?;
        }
        let taken_along = self.runs_beside(node);
        self.intents.mean(node, Meant::Changing);
        if machine.killed || machine.visible.is_some_and(|process| !process.runs()) {
            start::settle(&self.engine, container).await?;
        }
        let call = self
            .engine
            .docker
            .start_container(container, None::<StartContainerOptions>);
        within("start", node, ACT, call).await?;
        let sidecar = async {
            if let Some((disk, server)) = &machine.disk {
                start::sidecar(&self.engine, server, machine.started).await?;
                disk.lock().await.lay(&self.engine, server).await?;
            }
            match &machine.sidecar {
                Some(sidecar) => start::sidecar(&self.engine, sidecar, machine.started).await,
                None => Ok(()),
            }
        };
        let (state, sidecar) = tokio::join!(start::inspect(&self.engine, container), sidecar);
        self.same_address(node, &machine).await?;
        let pid = state?.and_then(|state| state.pid).unwrap_or(0);
        self.update(node, |machine| {
            // Signals to what is not ours go by the engine, which then leaves it down.
            let own = machine.adopted.is_none();
            machine.visible = own
                .then(|| Visible::find(pid, &machine.container))
                .flatten();
            machine.started = true;
            machine.killed = false;
            machine.paused = false;
        });
        self.intents.mean(node, Meant::Running);
        self.take_along(&taken_along).await?;
        match sidecar {
            Ok(()) => Ok(()),
            Err(error) => Err(start::ended_at_once(&self.engine, node, container)
                .await
                .unwrap_or(error)),
        }
    }

    async fn signal(&self, node: &NodeName, signal: Signal) -> Result<(), RuntimeError> {
        let machine = self.machine(node)?;
        let visible = machine.visible.filter(|_| !machine.paused);
        self.intents.mean(node, Meant::Down);
        signal::send(&self.engine, &machine.container, visible, signal).await?;
        if signal == Signal::Kill {
            self.update(node, |machine| machine.killed = true);
        }
        Ok(())
    }

    async fn stop(&self, node: &NodeName, grace: Duration) -> Result<(), RuntimeError> {
        let machine = self.machine(node)?;
        self.intents.mean(node, Meant::Down);
        let seconds = i32::try_from(grace.as_millis().div_ceil(1000)).unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::new().t(seconds).build();
        let call = self
            .engine
            .docker
            .stop_container(&machine.container, Some(options));
        within("stop", node, grace + ACT, call).await
    }

    async fn pause(&self, node: &NodeName) -> Result<(), RuntimeError> {
        let machine = self.machine(node)?;
        self.write_ahead(Effect::Paused { node: node.clone() })
            .await?;
        self.intents.mean(node, Meant::Frozen);
        let call = self.engine.docker.pause_container(&machine.container);
        within("pause", node, ACT, call).await?;
        self.update(node, |machine| machine.paused = true);
        Ok(())
    }

    async fn unpause(&self, node: &NodeName) -> Result<(), RuntimeError> {
        let machine = self.machine(node)?;
        self.intents.mean(node, Meant::Changing);
        let call = self.engine.docker.unpause_container(&machine.container);
        within("unpause", node, ACT, call).await?;
        self.intents.mean(node, Meant::Running);
        self.update(node, |machine| machine.paused = false);
        // If this cannot be written the effect is undone once more later, which does no harm.
        let _ = self
            .journal
            .undone(Effect::Paused { node: node.clone() })
            .await;
        Ok(())
    }

    async fn allot_cpu(&self, node: &NodeName, cores: f64) -> Result<f64, RuntimeError> {
        self.limit_cpu(node, Some(cores)).await?;
        self.update(node, |machine| machine.cores = Some(cores));
        let machine = self.machine(node)?;
        let call = self
            .engine
            .docker
            .inspect_container(&machine.container, None::<InspectContainerOptions>);
        let found = within("ask for the limits of", node, ASK, call).await?;
        Ok(container::cores(&found.host_config.unwrap_or_default()))
    }

    async fn limit_cpu(&self, node: &NodeName, cores: Option<f64>) -> Result<(), RuntimeError> {
        let machine = self.machine(node)?;
        let limit = container::cpu_limit(cores.or(machine.cores));
        let call = self
            .engine
            .docker
            .update_container(&machine.container, limit);
        within("limit the CPU time of", node, ACT, call).await
    }

    async fn limit_memory(&self, node: &NodeName, bytes: Option<u64>) -> Result<(), RuntimeError> {
        let machine = self.machine(node)?;
        let bytes = bytes.map_or(machine.memory, |bytes| {
            i64::try_from(bytes).unwrap_or(i64::MAX)
        });
        let call = self
            .engine
            .docker
            .update_container(&machine.container, container::memory_limit(bytes));
        within("limit the memory of", node, ACT, call).await
    }

    async fn change_disk(
        &self,
        node: &NodeName,
        fault: usize,
        what: Option<DiskFault>,
    ) -> Result<usize, RuntimeError> {
        let (disk, server) = self.disk(node)?;
        let runs = self.state(node).await? == NodeState::Running;
        let mut disk = disk.lock().await;
        disk.change(fault, what, runs, &server).await
    }

    async fn try_disk(&self, node: &NodeName, look: DiskLook) -> Result<DiskFigures, RuntimeError> {
        let (disk, server) = self.disk(node)?;
        let folder = disk.lock().await.folder();
        disk::look(&self.engine, &server, &folder, look).await
    }

    fn meant(&self, node: &NodeName) -> Option<(Meant, u64)> {
        self.intents.of(node)
    }

    fn meant_lately(&self, node: &NodeName) -> Vec<Meant> {
        self.intents.lately(node)
    }

    fn reports(&self) -> BoxStream<'_, Report> {
        let own = |id: &str| self.whose(|machine| machine.container == id);
        let helper = |id: &str| self.whose(|machine| machine.helpers().any(|(_, own)| own == id));
        let scope = match &self.options.attached {
            None => events::Scope::Run(self.run.to_string()),
            Some(_) => events::Scope::Containers(self.all_containers()),
        };
        events::reports(&self.engine, scope, Box::new(own), Box::new(helper))
    }

    async fn surroundings(&self) -> Result<Surroundings, RuntimeError> {
        if self.options.attached.is_some() {
            return Ok(self.around_attached());
        }
        let network = lock(&self.network).clone();
        let Some(network) = network else {
            return Ok(Surroundings::default());
        };
        let machines = lock(&self.nodes).clone();
        events::surroundings(&self.engine, &self.run, &machines, &network).await
    }

    async fn halted(&self) -> Result<Option<String>, RuntimeError> {
        self.engine.halted().await
    }

    fn nodes(&self) -> Vec<NodeName> {
        self.intents.nodes()
    }

    async fn life(&self, node: &NodeName) -> Result<Life, RuntimeError> {
        match self.machine(node) {
            Ok(machine) => start::life(&self.engine, &machine).await,
            Err(_) => Ok(Life {
                state: NodeState::Missing,
                started: None,
                held: false,
            }),
        }
    }

    async fn exec(
        &self,
        node: &NodeName,
        argv: &[&str],
        limit: Duration,
    ) -> Result<ExecOutput, RuntimeError> {
        exec::run(&self.engine, &self.machine(node)?.container, argv, limit).await
    }

    async fn among(
        &self,
        node: &NodeName,
        argv: &[&str],
        limit: Duration,
    ) -> Result<ExecOutput, RuntimeError> {
        let among = self.among_of(node).await?;
        among::run(&self.engine, &among, argv, limit).await
    }

    async fn upload(&self, node: &NodeName, files: &[NodeFile]) -> Result<(), RuntimeError> {
        start::put(&self.engine, &self.machine(node)?.container, files).await
    }

    async fn beside(&self, node: &NodeName, argv: &[&str]) -> Result<Pipe, RuntimeError> {
        let none = || RuntimeError::Unsupported(format!("`{node}` has no sidecar"));
        let sidecar = self.machine(node)?.sidecar.ok_or_else(none)?;
        exec::open(&self.engine, &sidecar, argv).await
    }

    async fn inside(&self, node: &NodeName, argv: &[&str]) -> Result<Pipe, RuntimeError> {
        exec::open(&self.engine, &self.machine(node)?.container, argv).await
    }

    async fn logs(&self, node: &NodeName, lines: u32) -> Result<String, RuntimeError> {
        let machine = self.machine(node)?;
        let since = machine.adopted.as_ref().map_or(0, |one| one.since);
        start::tail(&self.engine, &machine.container, (lines, since)).await
    }

    async fn teardown(&self) -> (u32, Vec<String>) {
        removal::tear_down(&self.engine, &self.run, &self.journal).await
    }

    async fn residue(&self) -> Result<Vec<String>, RuntimeError> {
        self.engine
            .is_still(self.journal.engine().as_deref())
            .await?;
        removal::residue(&self.engine, &self.run).await
    }
}
