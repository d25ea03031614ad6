//! Nodes as child processes on loopback addresses, really killed and stopped by signals.

mod child;
mod fence;
mod spawner;

use std::{
    collections::BTreeMap,
    net::IpAddr,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use crate::id::{NodeName, RunId};

use super::{
    DiskFault, DiskFigures, DiskLook, ExecOutput, Intents, Life, Meant, NodeFile, NodeSpec,
    NodeState, Pipe, Runtime, RuntimeError, RuntimeKind, Signal,
    facts::machine_facts,
    journal::{Effect, Journal},
    marker::Marker,
    pidfd::Held,
};
use child::Child;
use fence::Fence;

pub use child::ProcessId;
pub use spawner::spawn;

/// The longest wait for a signalled process to end.
const END_LIMIT: Duration = Duration::from_secs(5);

/// The machines of one run as child processes.
pub struct ProcessRuntime {
    run: RunId,
    /// Holds each node's log and data; removed by teardown.
    home: PathBuf,
    journal: Journal,
    inner: Mutex<Inner>,
    intents: Intents,
}

#[derive(Default)]
struct Inner {
    fence: Option<Fence>,
    specs: BTreeMap<NodeName, NodeSpec>,
    children: BTreeMap<NodeName, Child>,
}

impl ProcessRuntime {
    /// A runtime whose nodes keep their files under `home`.
    pub fn new(run: RunId, home: PathBuf, journal: Journal) -> Self {
        Self {
            run,
            home,
            journal,
            inner: Mutex::default(),
            intents: Intents::default(),
        }
    }

    async fn ahead(&self, effect: Effect) -> Result<(), RuntimeError> {
        let ensured = self.journal.ensure(effect).await;
        ensured.map_err(|error| failed("write the undo of", &self.run, &error))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_child<T>(
        &self,
        action: &'static str,
        node: &NodeName,
        act: impl FnOnce(&mut Child) -> Result<T, RuntimeError>,
    ) -> Result<T, RuntimeError> {
        let mut inner = self.inner();
        let child = inner
            .children
            .get_mut(node)
            .ok_or_else(|| failed(action, node, &"it was not started"))?;
        act(child)
    }

    async fn ended(&self, node: &NodeName, limit: Duration) -> bool {
        let poll = async {
            while !matches!(
                self.state(node).await,
                Ok(NodeState::Exited { .. } | NodeState::Missing)
            ) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(limit, poll).await.is_ok()
    }
}

fn failed(action: &'static str, node: &impl ToString, cause: &impl ToString) -> RuntimeError {
    RuntimeError::Failed {
        action,
        node: node.to_string(),
        cause: cause.to_string(),
    }
}

fn shared_cpu() -> RuntimeError {
    RuntimeError::Unsupported("processes on this machine share its CPU time".into())
}

#[async_trait]
impl Runtime for ProcessRuntime {
    fn kind(&self) -> RuntimeKind {
        RuntimeKind::Process
    }

    fn run(&self) -> &RunId {
        &self.run
    }

    async fn facts(&self) -> Result<Vec<(String, String)>, RuntimeError> {
        let mut facts = vec![(
            "runtime".to_owned(),
            "child processes on loopback addresses".to_owned(),
        )];
        facts.extend(machine_facts());
        Ok(facts)
    }

    async fn data_folder(&self) -> Option<PathBuf> {
        Some(self.home.clone())
    }

    async fn reserve(&self, names: &[NodeName]) -> Result<Vec<(NodeName, IpAddr)>, RuntimeError> {
        if self.inner().fence.is_some() {
            return Err(RuntimeError::Unsupported(
                "processes on this machine get their addresses all at once".into(),
            ));
        }
        let fence = Fence::take(self.run.tail())
            .map_err(|error| failed("reserve", &"loopback addresses", &error))?;
        let address =
            |index: usize| IpAddr::V4(fence.address(u8::try_from(index + 1).unwrap_or(u8::MAX)));
        let reserved = names
            .iter()
            .enumerate()
            .map(|(index, name)| (name.clone(), address(index)))
            .collect();
        self.inner().fence = Some(fence);
        Ok(reserved)
    }

    async fn create(&self, spec: &NodeSpec) -> Result<(), RuntimeError> {
        if spec.beside.is_some() {
            let words = "a process has no network of its own in which another could stand";
            return Err(RuntimeError::Unsupported(words.into()));
        }
        let folder = self.home.join(spec.name.as_str());
        self.ahead(Effect::Folder {
            path: self.home.clone(),
        })
        .await?;
        std::fs::create_dir_all(&folder).map_err(|error| failed("create", &spec.name, &error))?;
        self.inner().specs.insert(spec.name.clone(), spec.clone());
        Ok(())
    }

    async fn start(&self, node: &NodeName) -> Result<(), RuntimeError> {
        let spec = self.inner().specs.get(node).cloned();
        let spec = spec.ok_or_else(|| failed("start", node, &"it was not created"))?;
        let marker = Marker::of(&self.run, self.journal.folder());
        let spec = NodeSpec {
            env: [spec.env, marker.variables()].concat(),
            ..spec
        };
        self.intents.mean(node, Meant::Changing);
        let child = Child::spawn(&spec, &self.home.join(node.as_str()))
            .map_err(|e| failed("start", node, &e))?;
        let ProcessId { pid, started } = child.id();
        self.inner().children.insert(node.clone(), child);
        self.intents.mean(node, Meant::Running);
        // Its number is known only now; until this line is on disk, the marker in its environment is what a sweep finds it
        // by, should it outlive us.
        self.ahead(Effect::Process {
            node: node.clone(),
            pid,
            started,
        })
        .await
    }

    async fn signal(&self, node: &NodeName, signal: Signal) -> Result<(), RuntimeError> {
        // As its parent has not waited for it, the number is still the child's own.
        let held = self.with_child("signal", node, |child| {
            Held::open(child.id().pid).map_err(|error| failed("signal", node, &error))
        })?;
        self.intents.mean(node, Meant::Down);
        let sent = held.signal(signal).await;
        sent.map_err(|error| failed("signal", node, &error))
    }

    async fn stop(&self, node: &NodeName, grace: Duration) -> Result<(), RuntimeError> {
        self.signal(node, Signal::Term).await?;
        if !self.ended(node, grace).await {
            self.signal(node, Signal::Kill).await?;
        }
        if self.ended(node, END_LIMIT).await {
            Ok(())
        } else {
            Err(RuntimeError::Deadline {
                action: "stop",
                node: node.to_string(),
                limit: END_LIMIT,
            })
        }
    }

    async fn pause(&self, node: &NodeName) -> Result<(), RuntimeError> {
        self.intents.mean(node, Meant::Frozen);
        self.with_child("pause", node, |child| {
            child
                .signal(nix::sys::signal::Signal::SIGSTOP)
                .map_err(|error| failed("pause", node, &error))
        })
    }

    async fn allot_cpu(&self, _: &NodeName, _: f64) -> Result<f64, RuntimeError> {
        Err(shared_cpu())
    }

    async fn limit_cpu(&self, _: &NodeName, _: Option<f64>) -> Result<(), RuntimeError> {
        Err(shared_cpu())
    }

    async fn limit_memory(&self, _: &NodeName, _: Option<u64>) -> Result<(), RuntimeError> {
        Err(RuntimeError::Unsupported(
            "processes on this machine share its memory".into(),
        ))
    }

    async fn change_disk(
        &self,
        _: &NodeName,
        _: usize,
        _: Option<DiskFault>,
    ) -> Result<usize, RuntimeError> {
        Err(RuntimeError::Unsupported(
            "processes on this machine share its disk".into(),
        ))
    }

    async fn try_disk(&self, _: &NodeName, _: DiskLook) -> Result<DiskFigures, RuntimeError> {
        Err(RuntimeError::Unsupported(
            "processes on this machine share its disk".into(),
        ))
    }

    async fn unpause(&self, node: &NodeName) -> Result<(), RuntimeError> {
        self.intents.mean(node, Meant::Changing);
        self.with_child("unpause", node, |child| {
            child
                .signal(nix::sys::signal::Signal::SIGCONT)
                .map_err(|error| failed("unpause", node, &error))
        })?;
        self.intents.mean(node, Meant::Running);
        Ok(())
    }

    fn meant(&self, node: &NodeName) -> Option<(Meant, u64)> {
        self.intents.of(node)
    }

    fn meant_lately(&self, node: &NodeName) -> Vec<Meant> {
        self.intents.lately(node)
    }

    fn nodes(&self) -> Vec<NodeName> {
        self.intents.nodes()
    }

    async fn life(&self, node: &NodeName) -> Result<Life, RuntimeError> {
        let mut inner = self.inner();
        let child = inner.children.get_mut(node);
        // They are children of this process: nobody else can start one.
        Ok(Life {
            state: child.map_or(NodeState::Missing, Child::state),
            started: None,
            held: false,
        })
    }

    async fn exec(
        &self,
        _: &NodeName,
        _: &[&str],
        _: Duration,
    ) -> Result<ExecOutput, RuntimeError> {
        Err(RuntimeError::Unsupported(
            "a process has no inside to run commands in".into(),
        ))
    }

    async fn among(
        &self,
        _: &NodeName,
        _: &[&str],
        _: Duration,
    ) -> Result<ExecOutput, RuntimeError> {
        Err(RuntimeError::Unsupported(
            "processes on this machine have no machine of their own to look into".into(),
        ))
    }

    async fn upload(&self, node: &NodeName, _: &[NodeFile]) -> Result<(), RuntimeError> {
        Err(RuntimeError::Unsupported(format!(
            "`{node}` is a process: it has no file system of its own"
        )))
    }

    async fn beside(&self, _: &NodeName, _: &[&str]) -> Result<Pipe, RuntimeError> {
        Err(RuntimeError::Unsupported(
            "processes share one network: there is no sidecar".into(),
        ))
    }

    async fn inside(&self, _: &NodeName, _: &[&str]) -> Result<Pipe, RuntimeError> {
        Err(RuntimeError::Unsupported(
            "processes are not talked to but by their own protocol".into(),
        ))
    }

    async fn logs(&self, node: &NodeName, lines: u32) -> Result<String, RuntimeError> {
        let path = self.home.join(node.as_str()).join("log");
        let text = std::fs::read_to_string(path)
            .map_err(|error| failed("read the log of", node, &error))?;
        let all: Vec<&str> = text.lines().collect();
        Ok(all[all.len().saturating_sub(lines as usize)..].join("\n"))
    }

    async fn teardown(&self) -> (u32, Vec<String>) {
        let names: Vec<NodeName> = self.inner().children.keys().cloned().collect();
        let mut failures = Vec::new();
        for node in &names {
            if !matches!(self.state(node).await, Ok(NodeState::Exited { .. })) {
                failures.extend(
                    self.signal(node, Signal::Kill)
                        .await
                        .err()
                        .map(|error| error.to_string()),
                );
            }
            if !self.ended(node, END_LIMIT).await {
                failures.push(format!("`{node}` did not end within {END_LIMIT:?}"));
            }
        }
        let removed = u32::try_from(names.len()).unwrap_or(u32::MAX);
        match std::fs::remove_dir_all(&self.home) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                failures.push(format!(
                    "failed to remove `{}`: {error}",
                    self.home.display()
                ));
            }
        }
        if failures.is_empty() {
            for effect in self.journal.outstanding() {
                // Undoing it once more from the journal does no harm.
                let _ = self.journal.undone(effect).await;
            }
        }
        *self.inner() = Inner::default();
        (removed, failures)
    }

    async fn residue(&self) -> Result<Vec<String>, RuntimeError> {
        let mut left = Vec::new();
        let names: Vec<NodeName> = self.inner().children.keys().cloned().collect();
        for node in names {
            if !matches!(self.state(&node).await?, NodeState::Exited { .. }) {
                left.push(format!("process of `{node}`"));
            }
        }
        if self.home.exists() {
            left.push(format!("folder `{}`", self.home.display()));
        }
        Ok(left)
    }
}
