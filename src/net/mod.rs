//! Who may talk to whom: cuts links between nodes and proves by application bytes which are cut.

mod agent;
mod harness;
pub mod rules;
mod sidecar;

pub use sidecar::SidecarLinks;

use std::{net::IpAddr, time::Duration};

use async_trait::async_trait;

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

    /// Drops packets at every node named, all at once; established connections are cut too.
    async fn cut(&self, grudges: &[Grudge]) -> Result<(), RuntimeError>;

    /// Lets all packets pass again at every node.
    async fn heal(&self) -> Result<(), RuntimeError>;

    /// Probes all links by application bytes; a link without an answer within `limit` counts as cut.
    async fn probe(&self, limit: Duration) -> Result<Vec<LinkProbe>, RuntimeError>;

    /// The rules that are in force at a node, as the kernel lists them; empty when there are none.
    async fn rules(&self, node: &NodeName) -> Result<String, RuntimeError>;

    /// The address by which nodes see the harness.
    fn harness_address(&self) -> Option<IpAddr>;
}
