//! The containers of one run as machines.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bollard::{
    models::{ContainerCreateBody, ContainerState, ContainerStateStatusEnum},
    query_parameters::{
        CreateContainerOptionsBuilder, InspectContainerOptions, LogsOptionsBuilder,
        RestartContainerOptionsBuilder, StartContainerOptions, StopContainerOptionsBuilder,
        UploadToContainerOptionsBuilder, WaitContainerOptionsBuilder,
    },
};
use futures_util::StreamExt;

use crate::{
    id::{NodeName, RunId},
    runtime::{
        ExecOutput, NodeFile, NodeSpec, NodeState, Owner, Pipe, Runtime, RuntimeError, Signal,
        apart,
        journal::{Effect, Journal},
    },
};

use super::{
    AddressBase, Engine, container,
    engine::{ACT, ASK, status, within},
    exec, facts, network, removal,
    signal::{self, Visible},
};

/// The exit code of a process that SIGKILL ended.
const KILLED: i64 = 137;

/// What a run's containers are made with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the run's network comes from.
    pub base: AddressBase,
    /// The image of sidecars, already resolved; without it a node with a sidecar cannot be created.
    pub sidecar_image: Option<String>,
}

/// The machines of one run as containers of one engine.
pub struct DockerRuntime {
    engine: Engine,
    run: RunId,
    journal: Journal,
    options: Options,
    labels: HashMap<String, String>,
    network: Mutex<Option<network::Network>>,
    nodes: Mutex<BTreeMap<NodeName, Machine>>,
    /// Paths that images declare as volumes, by image.
    volumes: Mutex<BTreeMap<String, Vec<String>>>,
}

/// A node as created.
#[derive(Debug, Clone)]
struct Machine {
    container: String,
    sidecar: Option<String>,
    started: bool,
    /// It was sent a SIGKILL since its last start, so its end is certain if not yet seen.
    killed: bool,
    /// It is frozen: a signal sent directly would wait until it is unfrozen; the engine unfreezes it.
    paused: bool,
    /// The memory that it was created with, bytes; 0 where there was no limit.
    memory: i64,
    visible: Option<Visible>,
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
            labels,
            network: Mutex::new(None),
            nodes: Mutex::default(),
            volumes: Mutex::default(),
        }
    }

    fn name(&self, node: &NodeName) -> String {
        format!("drdrill-{}-{node}", self.run.tail())
    }

    fn machine(&self, node: &NodeName) -> Result<Machine, RuntimeError> {
        lock(&self.nodes)
            .get(node)
            .cloned()
            .ok_or_else(|| RuntimeError::Failed {
                action: "find",
                node: node.to_string(),
                cause: "it was not created in this run".into(),
            })
    }

    fn update(&self, node: &NodeName, change: impl FnOnce(&mut Machine)) {
        if let Some(machine) = lock(&self.nodes).get_mut(node) {
            change(machine);
        }
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

    async fn volumes_of(&self, image: &str) -> Result<Vec<String>, RuntimeError> {
        if let Some(known) = lock(&self.volumes).get(image) {
            return Ok(known.clone());
        }
        let call = self.engine.docker.inspect_image(image);
        let found = within("look up image", image, ASK, call).await?;
        let volumes = found
            .config
            .and_then(|config| config.volumes)
            .unwrap_or_default();
        lock(&self.volumes).insert(image.to_owned(), volumes.clone());
        Ok(volumes)
    }

    async fn create_container(
        &self,
        name: &str,
        body: ContainerCreateBody,
    ) -> Result<String, RuntimeError> {
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        let call = self.engine.docker.create_container(Some(options), body);
        Ok(within("create", name, ACT, call).await?.id)
    }

    async fn put(&self, container: &str, files: &[NodeFile]) -> Result<(), RuntimeError> {
        if files.is_empty() {
            return Ok(());
        }
        let archive = container::pack(files).map_err(|error| RuntimeError::Failed {
            action: "pack files for",
            node: container.to_owned(),
            cause: error.to_string(),
        })?;
        let options = UploadToContainerOptionsBuilder::new().path("/").build();
        let body = bollard::body_full(archive.into());
        let call = self
            .engine
            .docker
            .upload_to_container(container, Some(options), body);
        within("put files into", container, ACT, call).await
    }

    async fn inspect(&self, container: &str) -> Result<Option<ContainerState>, RuntimeError> {
        let ask = async {
            let options = None::<InspectContainerOptions>;
            match self
                .engine
                .docker
                .inspect_container(container, options)
                .await
            {
                Ok(found) => Ok(Some(found.state.unwrap_or_default())),
                Err(error) if status(&error) == Some(404) => Ok(None),
                Err(error) => Err(error),
            }
        };
        within("ask for the state of", container, ASK, ask).await
    }

    /// Waits until the engine knows that a killed container has ended: until then it answers a start
    /// with "runs already" and does nothing.
    async fn settle(&self, machine: &Machine) -> Result<(), RuntimeError> {
        if !machine.killed && machine.visible.is_none_or(Visible::runs) {
            return Ok(());
        }
        let options = WaitContainerOptionsBuilder::new()
            .condition("not-running")
            .build();
        let mut ends = self
            .engine
            .docker
            .wait_container(&machine.container, Some(options));
        let wait = async {
            // An exit code other than 0 arrives as an error; both mean that it has ended.
            ends.next().await;
            Ok(())
        };
        within("see the end of", &machine.container, ACT, wait).await
    }

    /// Starts the sidecar, or starts it again: the node has a new network namespace after each start.
    async fn start_sidecar(&self, machine: &Machine) -> Result<(), RuntimeError> {
        let Some(sidecar) = &machine.sidecar else {
            return Ok(());
        };
        let docker = &self.engine.docker;
        if machine.started {
            let options = RestartContainerOptionsBuilder::new().t(0).build();
            let call = docker.restart_container(sidecar, Some(options));
            return within("start again the sidecar", sidecar, ACT, call).await;
        }
        let call = docker.start_container(sidecar, None::<StartContainerOptions>);
        within("start the sidecar", sidecar, ACT, call).await
    }

    async fn tail(&self, container: &str, lines: u32) -> Result<String, RuntimeError> {
        let options = LogsOptionsBuilder::new()
            .stdout(true)
            .stderr(true)
            .tail(&lines.to_string())
            .build();
        let mut stream = self.engine.docker.logs(container, Some(options));
        let collect = async {
            let mut text = Vec::new();
            while let Some(piece) = stream.next().await {
                text.extend_from_slice(&piece?.into_bytes());
            }
            Ok(text)
        };
        let text = within("read the log of", container, ACT, collect).await?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Runtime for DockerRuntime {
    fn kind(&self) -> &'static str {
        "docker"
    }

    fn run(&self) -> &RunId {
        &self.run
    }

    async fn facts(&self) -> Result<Vec<(String, String)>, RuntimeError> {
        facts::facts(&self.engine).await
    }

    async fn reserve(&self, names: &[NodeName]) -> Result<Vec<(NodeName, IpAddr)>, RuntimeError> {
        self.write_ahead(Effect::Labelled).await?;
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
        let network = lock(&self.network);
        network.as_ref().map(|network| IpAddr::V4(network.gateway))
    }

    async fn create(&self, spec: &NodeSpec) -> Result<(), RuntimeError> {
        let network = lock(&self.network).clone();
        let reserved = network.filter(|n| n.addresses.contains_key(&spec.name));
        let Some(network) = reserved else {
            return Err(RuntimeError::Unsupported(format!(
                "no address was reserved for `{}`",
                spec.name
            )));
        };
        let volumes = self.volumes_of(&spec.image).await?;
        let name = self.name(&spec.name);
        let body = container::node(spec, &network, &volumes, &self.labels);
        let id = self.create_container(&name, body).await?;
        self.put(&id, &spec.files).await?;
        let sidecar = match (&self.options.sidecar_image, spec.sidecar) {
            (_, false) => None,
            (Some(image), true) => {
                let body = container::sidecar(image, &id, &self.labels);
                Some(
                    self.create_container(&format!("{name}.sidecar"), body)
                        .await?,
                )
            }
            (None, true) => {
                return Err(RuntimeError::Unsupported(
                    "no image for sidecars was given".into(),
                ));
            }
        };
        let machine = Machine {
            container: id,
            sidecar,
            started: false,
            killed: false,
            paused: false,
            memory: container::memory(spec),
            visible: None,
        };
        lock(&self.nodes).insert(spec.name.clone(), machine);
        Ok(())
    }

    async fn start(&self, node: &NodeName) -> Result<(), RuntimeError> {
        let machine = self.machine(node)?;
        self.settle(&machine).await?;
        let call = self
            .engine
            .docker
            .start_container(&machine.container, None::<StartContainerOptions>);
        within("start", node, ACT, call).await?;
        let (state, sidecar) = tokio::join!(
            self.inspect(&machine.container),
            self.start_sidecar(&machine)
        );
        let pid = state?.and_then(|state| state.pid).unwrap_or(0);
        self.update(node, |machine| {
            machine.visible = Visible::find(pid, &machine.container);
            machine.started = true;
            machine.killed = false;
            machine.paused = false;
        });
        sidecar
    }

    async fn signal(&self, node: &NodeName, signal: Signal) -> Result<(), RuntimeError> {
        let machine = self.machine(node)?;
        let visible = machine.visible.filter(|_| !machine.paused);
        signal::send(&self.engine, &machine.container, visible, signal).await?;
        if signal == Signal::Kill {
            self.update(node, |machine| machine.killed = true);
        }
        Ok(())
    }

    async fn stop(&self, node: &NodeName, grace: Duration) -> Result<(), RuntimeError> {
        let machine = self.machine(node)?;
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
        let call = self.engine.docker.pause_container(&machine.container);
        within("pause", node, ACT, call).await?;
        self.update(node, |machine| machine.paused = true);
        Ok(())
    }

    async fn unpause(&self, node: &NodeName) -> Result<(), RuntimeError> {
        let machine = self.machine(node)?;
        let call = self.engine.docker.unpause_container(&machine.container);
        within("unpause", node, ACT, call).await?;
        self.update(node, |machine| machine.paused = false);
        // If this cannot be written the effect is undone once more later, which does no harm.
        let _ = self
            .journal
            .undone(Effect::Paused { node: node.clone() })
            .await;
        Ok(())
    }

    async fn limit_cpu(&self, node: &NodeName, cores: Option<f64>) -> Result<(), RuntimeError> {
        let machine = self.machine(node)?;
        let call = self
            .engine
            .docker
            .update_container(&machine.container, container::cpu_limit(cores));
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

    async fn state(&self, node: &NodeName) -> Result<NodeState, RuntimeError> {
        let Ok(machine) = self.machine(node) else {
            return Ok(NodeState::Missing);
        };
        // The engine learns of a death some 20 ms late and is slow to answer meanwhile; the process
        // table knows at once.
        let dead = machine.visible.is_some_and(|process| !process.runs());
        let killed = NodeState::Exited {
            code: KILLED,
            out_of_memory: false,
        };
        if dead && machine.killed {
            return Ok(killed);
        }
        let Some(state) = self.inspect(&machine.container).await? else {
            return Ok(NodeState::Missing);
        };
        let code = state.exit_code.unwrap_or(0);
        Ok(match state.status {
            Some(ContainerStateStatusEnum::RUNNING) if dead => killed,
            Some(ContainerStateStatusEnum::RUNNING) => NodeState::Running,
            Some(ContainerStateStatusEnum::PAUSED) => NodeState::Paused,
            _ => NodeState::Exited {
                code,
                out_of_memory: state.oom_killed.unwrap_or(false),
            },
        })
    }

    async fn exec(
        &self,
        node: &NodeName,
        argv: &[&str],
        limit: Duration,
    ) -> Result<ExecOutput, RuntimeError> {
        exec::run(&self.engine, &self.machine(node)?.container, argv, limit).await
    }

    async fn upload(&self, node: &NodeName, files: &[NodeFile]) -> Result<(), RuntimeError> {
        self.put(&self.machine(node)?.container, files).await
    }

    async fn beside(&self, node: &NodeName, argv: &[&str]) -> Result<Pipe, RuntimeError> {
        let Some(sidecar) = self.machine(node)?.sidecar else {
            return Err(RuntimeError::Unsupported(format!(
                "`{node}` has no sidecar"
            )));
        };
        exec::open(&self.engine, &sidecar, argv).await
    }

    async fn logs(&self, node: &NodeName, lines: u32) -> Result<String, RuntimeError> {
        self.tail(&self.machine(node)?.container, lines).await
    }

    async fn teardown(&self) -> (u32, Vec<String>) {
        let (host, run) = (self.engine.host().map(str::to_owned), self.run.clone());
        // The connection is made anew: one that serves the run's executor may hang with it.
        let removed = apart(move || async move {
            let engine = Engine::connect(host.as_deref()).await?;
            Ok::<_, RuntimeError>(removal::remove_run(&engine, &run).await)
        });
        let (removed, mut failures) = match removed.await {
            Ok(Ok(removed)) => removed,
            Ok(Err(error)) => (0, vec![error.to_string()]),
            Err(error) => (0, vec![format!("failed to clean up: {error}")]),
        };
        if failures.is_empty() {
            for effect in self.journal.outstanding() {
                if let Err(error) = self.journal.undone(effect).await {
                    failures.push(format!("failed to write that it is undone: {error}"));
                }
            }
        }
        (removed, failures)
    }

    async fn residue(&self) -> Result<Vec<String>, RuntimeError> {
        removal::residue(&self.engine, &self.run).await
    }
}
