//! Machines: create, signal, execute, copy, remove. Speaks of nodes, never of an engine's networks.

mod apart;
mod attached;
mod children;
mod disk;
pub mod docker;
pub mod facts;
pub mod halted;
mod happening;
mod images;
pub mod journal;
mod kind;
mod marker;
mod meant;
mod owner;
mod pidfd;
pub mod process;
mod skew;
pub mod state;
pub mod sweep;

pub use apart::apart;
pub use attached::Attached;
pub use children::ProcessSweeper;
pub use disk::{DiskFault, DiskFigures, DiskLook, Disks, Filled, Tries};
pub use happening::{Deed, Happening, Report, Surroundings};
pub use images::{BuildSpec, ImageInfo, ImageStore};
pub use kind::RuntimeKind;
pub use meant::{Intents, Meant};
pub use owner::{Liveness, Owner, SameMachine, start_time};
pub use skew::{FILE as CLOCK_FILE, LIBRARY as CLOCK_LIBRARY, Skew};

use std::{net::IpAddr, path::PathBuf, pin::Pin, time::Duration};

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::id::{NodeName, RunId};

/// The label that every container, network and volume of a run carries.
pub const RUN_LABEL: &str = "drdrill.run";

/// The label beside it that names the process which the run belongs to.
pub const OWNER_LABEL: &str = "drdrill.owner";

/// The label by which the owner of a container allows faults near it (`Allowance`).
pub const ALLOW_LABEL: &str = "drdrill.allow";

/// A node as it is to be created.
#[derive(Debug, Clone)]
pub struct NodeSpec {
    /// Its name, which is also its host name.
    pub name: NodeName,
    /// The image reference to use, already resolved; for processes the program.
    pub image: String,
    /// Replaces the image's entrypoint; empty keeps it.
    pub entrypoint: Vec<String>,
    /// Replaces the image's command; empty keeps it.
    pub command: Vec<String>,
    /// Environment variables.
    pub env: Vec<(String, String)>,
    /// Files put into it before it starts.
    pub files: Vec<NodeFile>,
    /// Memory limit in MiB; none if zero.
    pub memory_mib: u32,
    /// Whether a sidecar may share its network namespace, so that its links can be cut and probed.
    pub sidecar: bool,
    /// The node in whose network it stands, without one of its own: what runs on the same machine. It can only run while
    /// that one does, and may change that network.
    pub beside: Option<NodeName>,
}

/// A file put into a node.
#[derive(Debug, Clone)]
pub struct NodeFile {
    /// Absolute path in the node.
    pub path: PathBuf,
    /// Mode bits, for instance `0o755`.
    pub mode: u32,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl NodeFile {
    /// A file of text.
    pub fn text(path: &str, mode: u32, text: &str) -> Self {
        Self {
            path: PathBuf::from(path),
            mode,
            bytes: text.into(),
        }
    }
}

/// What a node's machine does at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeState {
    /// Its main process runs.
    Running,
    /// It is frozen.
    Paused,
    /// Its main process has ended, or was never started (code 0).
    Exited {
        /// The exit code; 128 + signal when a signal ended it.
        code: i64,
        /// Whether its memory had run out, as far as the runtime knows.
        out_of_memory: bool,
    },
    /// It does not exist.
    Missing,
}

/// A node's state, and which of its lives it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// What it does at the moment.
    pub state: NodeState,
    /// When it was started last, in the words of whoever may start it beside the drill; none where nobody can.
    pub started: Option<String>,
    /// Whether a signal holds its server, which its main process only started, so that the state does not show it.
    pub held: bool,
}

/// Signals that faults send to a node's main process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Ends it at once.
    Kill,
    /// Asks it to end.
    Term,
}

/// What a command in a node answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecOutput {
    /// Its exit code.
    pub code: i64,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// A program that runs beside a node, with its input and output held open.
pub struct Pipe {
    /// Its standard input.
    pub input: Pin<Box<dyn AsyncWrite + Send>>,
    /// Its standard output.
    pub output: Pin<Box<dyn AsyncRead + Send>>,
}

/// Why a machine could not be handled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuntimeError {
    /// There is no engine, or it does not answer.
    #[error("Docker is not running: {0}")]
    Unavailable(String),
    /// The engine refused or failed.
    #[error("failed to {action} `{node}`: {cause}")]
    Failed {
        /// The verb, for instance `start`.
        action: &'static str,
        /// The node or thing.
        node: String,
        /// The engine's words.
        cause: String,
    },
    /// The engine answered nothing at all: it refused the connection, or broke it.
    #[error("failed to {action} `{node}`: Docker does not answer: {cause}")]
    Unreached {
        /// The verb.
        action: &'static str,
        /// The node or thing.
        node: String,
        /// The connection's words.
        cause: String,
    },
    /// It took longer than its deadline.
    #[error("failed to {action} `{node}` within {limit:?}")]
    Deadline {
        /// The verb.
        action: &'static str,
        /// The node or thing.
        node: String,
        /// The deadline.
        limit: Duration,
    },
    /// Another engine answers than the one that the run's containers are in.
    #[error(
        "another engine answers at `{address}`: what the run made is in the engine {identity}, and is removed by `drdrill sweep` once that \
         one answers again; if it is gone for good, `drdrill sweep --run` with the run's name closes it"
    )]
    OtherEngine {
        /// The address.
        address: String,
        /// The identity of the engine that was meant.
        identity: String,
    },
    /// This runtime cannot do it at all.
    #[error("{0}")]
    Unsupported(String),
}

/// Machines of one run. Every method has a deadline of its own; none hangs.
#[async_trait]
pub trait Runtime: Send + Sync {
    /// What its nodes are.
    fn kind(&self) -> RuntimeKind;

    /// The run whose machines it handles.
    fn run(&self) -> &RunId;

    /// Facts about it for the report: engine version, kernel, cores, memory.
    async fn facts(&self) -> Result<Vec<(String, String)>, RuntimeError>;

    /// The folder of this machine that nodes' files lie in; none where it cannot be seen from here.
    async fn data_folder(&self) -> Option<PathBuf>;

    /// Gives nodes of the run a fixed address each, before they are created. The first call makes the network; a later one
    /// goes on where the addresses end, as far as the runtime can.
    async fn reserve(&self, names: &[NodeName]) -> Result<Vec<(NodeName, IpAddr)>, RuntimeError>;

    /// The address by which nodes see the harness, once addresses are reserved; none if they cannot.
    fn harness_address(&self) -> Option<IpAddr> {
        None
    }

    /// Creates a node with its files in place, and its sidecar if wanted; does not start it.
    async fn create(&self, spec: &NodeSpec) -> Result<(), RuntimeError>;

    /// Starts a node (again), its sidecar with it.
    async fn start(&self, node: &NodeName) -> Result<(), RuntimeError>;

    /// Sends a signal to a node's main process; after a kill, returns when all its processes are gone.
    async fn signal(&self, node: &NodeName, signal: Signal) -> Result<(), RuntimeError>;

    /// Ends a node in an orderly way, and after `grace` at once.
    async fn stop(&self, node: &NodeName, grace: Duration) -> Result<(), RuntimeError>;

    /// Freezes all processes of a node.
    async fn pause(&self, node: &NodeName) -> Result<(), RuntimeError>;

    /// Lets them go on.
    async fn unpause(&self, node: &NodeName) -> Result<(), RuntimeError>;

    /// Gives a node so many cores of CPU time for as long as it is there; returns what the runtime then says
    /// that it has.
    async fn allot_cpu(&self, node: &NodeName, cores: f64) -> Result<f64, RuntimeError>;

    /// Leaves a node so many cores of CPU time; what was allotted to it, without a number.
    async fn limit_cpu(&self, node: &NodeName, cores: Option<f64>) -> Result<(), RuntimeError>;

    /// Leaves a node so many bytes of memory, and no swap; what it was created with, without a number.
    async fn limit_memory(&self, node: &NodeName, bytes: Option<u64>) -> Result<(), RuntimeError>;

    /// Lets the disk under a node's data go wrong in this way, under a fault's number, or without one no longer; returns
    /// how many faults of it are in force then. A node that is down has them from its next start on.
    async fn change_disk(
        &self,
        node: &NodeName,
        fault: usize,
        what: Option<DiskFault>,
    ) -> Result<usize, RuntimeError>;

    /// Uses a node's data folder as its server would.
    async fn try_disk(&self, node: &NodeName, look: DiskLook) -> Result<DiskFigures, RuntimeError>;

    /// What the drill last meant the node to do, and how often it has said so; none if it was never started.
    fn meant(&self, node: &NodeName) -> Option<(Meant, u64)>;

    /// Everything that the drill meant the node to do lately, what it means now included: a report of the engine may come
    /// a little after the deed.
    fn meant_lately(&self, node: &NodeName) -> Vec<Meant>;

    /// What the engine says happens to the run's machines, from now on; nothing where only the drill acts on them.
    fn reports(&self) -> BoxStream<'_, Report> {
        stream::pending().boxed()
    }

    /// What stands beside the nodes; nothing where nodes have neither helpers nor a network of their own.
    async fn surroundings(&self) -> Result<Surroundings, RuntimeError> {
        Ok(Surroundings::default())
    }

    /// Why drills are halted where the machines are, if they are.
    async fn halted(&self) -> Result<Option<String>, RuntimeError> {
        Ok(None)
    }

    /// The nodes that were started, whatever became of them.
    fn nodes(&self) -> Vec<NodeName>;

    /// What its machine does at the moment, and since when.
    async fn life(&self, node: &NodeName) -> Result<Life, RuntimeError>;

    /// What its machine does at the moment.
    async fn state(&self, node: &NodeName) -> Result<NodeState, RuntimeError> {
        Ok(self.life(node).await?.state)
    }

    /// Runs a command in a node.
    async fn exec(
        &self,
        node: &NodeName,
        argv: &[&str],
        limit: Duration,
    ) -> Result<ExecOutput, RuntimeError>;

    /// Runs a program of the sidecars' image among the processes of a running node: it sees them and, below `/proc/1/root`,
    /// their files, and may act for their accounts. No part of the node's own image is needed.
    async fn among(
        &self,
        node: &NodeName,
        argv: &[&str],
        limit: Duration,
    ) -> Result<ExecOutput, RuntimeError>;

    /// Puts files into a node, running or not.
    async fn upload(&self, node: &NodeName, files: &[NodeFile]) -> Result<(), RuntimeError>;

    /// Starts a program in the node's sidecar and keeps its input and output open.
    async fn beside(&self, node: &NodeName, argv: &[&str]) -> Result<Pipe, RuntimeError>;

    /// Starts a program in a node itself and keeps its input and output open; it ends by itself once its input does.
    async fn inside(&self, node: &NodeName, argv: &[&str]) -> Result<Pipe, RuntimeError>;

    /// The last lines of a node's log.
    async fn logs(&self, node: &NodeName, lines: u32) -> Result<String, RuntimeError>;

    /// Removes everything that the run created; returns how many things and what failed.
    async fn teardown(&self) -> (u32, Vec<String>);

    /// What is still there of the run, one name each.
    async fn residue(&self) -> Result<Vec<String>, RuntimeError>;
}
