//! Who may talk to whom: cuts links between nodes and proves by application bytes which are cut.

mod admission;
mod agent;
mod emulator;
mod figures;
mod force;
mod handshake;
mod harness;
pub mod rules;
mod shape;
mod sidecar;
mod talk;
mod toxiproxy;
mod tracking;

pub use admission::{Admission, Counted};
pub use figures::{Knock, Knocked, PathFigures, Ping, Push};
pub use handshake::{Authorities, Handshake, Refused, Secured, certificate_refused};
pub use shape::{Shape, Shaping};
pub use sidecar::SidecarLinks;
pub use talk::{Dialogue, End, Heard, Talk};
pub use toxiproxy::{Dose, Passage, Side, Toxic, Toxiproxy, ToxiproxyError};
pub use tracking::dropped_packets;

use std::{net::IpAddr, time::Duration};

use async_trait::async_trait;
use serde::Deserialize;

use crate::{id::NodeName, runtime::RuntimeError};

/// Packets to drop at one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grudge {
    /// The node that drops them.
    pub node: NodeName,
    /// Addresses from which it drops what comes in.
    pub incoming_from: Vec<IpAddr>,
    /// Addresses to which it drops what goes out.
    pub outgoing_to: Vec<IpAddr>,
    /// Only packets from or to these ports; all if empty.
    pub ports: Vec<u16>,
    /// What becomes of them.
    pub refusal: Refusal,
}

/// What becomes of packets that may not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// They are gone without a word.
    Drop,
    /// TCP is answered with a reset; the rest is gone without a word.
    Reject,
}

/// What a new connection came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dial {
    /// It was accepted.
    Open,
    /// It was refused, or told that it cannot be had.
    Refused,
    /// No answer came in time.
    Silent,
}

/// One link as probed from inside the first node's network namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkProbe {
    /// From here.
    pub from: NodeName,
    /// To there; none stands for the harness itself (then `from` is the node).
    pub to: Option<NodeName>,
    /// Whether bytes came back on a connection opened before the fault.
    pub established: bool,
    /// Whether bytes came back on a connection opened now.
    pub fresh: bool,
}

/// Handles the links of a run's nodes.
#[async_trait]
pub trait Links: Send + Sync {
    /// The means, for the report, for instance `nftables in the node's network namespace`.
    fn means(&self) -> &'static str;

    /// Opens the probe connections between all pairs of these nodes and from the harness to each, to be
    /// called before any fault. A node that has been started again needs it again.
    async fn arm(&self, nodes: &[NodeName]) -> Result<(), RuntimeError>;

    /// Drops packets at every node named, all at once; established connections are cut too. `fault` names
    /// what was done, to be healed; it may be done several times under one name.
    async fn cut(&self, fault: usize, grudges: &[Grudge]) -> Result<(), RuntimeError>;

    /// Shows at every armed node that packets can be shaped so, without touching any, and settles by which means.
    async fn rehearse(&self, wanted: &[Shaping]) -> Result<(), RuntimeError>;

    /// By which means packets are shaped so.
    fn means_of(&self, how: &Shaping) -> &'static str;

    /// Treats packets badly at every node named, all at once.
    async fn shape(&self, fault: usize, shapes: &[Shape]) -> Result<(), RuntimeError>;

    /// Drops new connections beyond a rate at every node named, all at once.
    async fn admit(&self, fault: usize, admissions: &[Admission]) -> Result<(), RuntimeError>;

    /// Undoes at every node what was done under this name; returns the nodes where nothing is left in force.
    async fn heal(&self, fault: usize) -> Result<Vec<NodeName>, RuntimeError>;

    /// Sends numbered datagrams from a node to each other node, and from the harness to it.
    async fn measure(&self, node: &NodeName, ping: Ping) -> Result<Vec<PathFigures>, RuntimeError>;

    /// How many bits a second come back from a node's echo server: to a node, or to the harness.
    async fn throughput(
        &self,
        node: &NodeName,
        to: Option<&NodeName>,
        push: Push,
    ) -> Result<f64, RuntimeError>;

    /// How many datagrams a node has thrown away for a wrong checksum.
    async fn damaged(&self, node: &NodeName) -> Result<u64, RuntimeError>;

    /// Opens new connections from the harness to a node's echo server, and looks on which of them bytes come back.
    async fn knock(&self, node: &NodeName, knock: Knock) -> Result<Knocked, RuntimeError>;

    /// What a new connection from a node, or from the harness, to each node and port comes to.
    async fn dial(
        &self,
        from: Option<&NodeName>,
        targets: &[(NodeName, u16)],
        limit: Duration,
    ) -> Result<Vec<Dial>, RuntimeError>;

    /// Probes all links by application bytes; a link without an answer within `limit` counts as cut.
    async fn probe(&self, limit: Duration) -> Result<Vec<LinkProbe>, RuntimeError>;

    /// The rules that are in force at a node, as the kernel lists them; empty when there are none.
    async fn rules(&self, node: &NodeName) -> Result<String, RuntimeError>;

    /// The address by which nodes see the harness.
    fn harness_address(&self) -> Option<IpAddr>;
}
