//! What nodes and the control plane say of themselves. It annotates; it never decides an RTO.

use serde::{Deserialize, Serialize};

use crate::id::NodeName;

/// A node's role by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It accepts writes.
    Primary,
    /// It follows.
    Replica,
    /// It answered, and is neither (starting, loading, no data).
    Other,
    /// It did not answer.
    Unreachable,
}

/// A node's view of itself at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The node.
    pub node: NodeName,
    /// Its role.
    pub role: Role,
    /// Its term, epoch or timeline, where the engine has one.
    pub term: Option<u64>,
    /// Its position in the log, in bytes or entries.
    pub position: Option<u64>,
    /// Its lag behind the primary in the same unit; milliseconds where the engine has no such position.
    pub lag: Option<u64>,
    /// Whom it follows, or where it believes the primary to be.
    pub follows: Option<String>,
    /// Whether it is in sync and eligible for failover.
    pub eligible: Option<bool>,
}

/// Something that the control plane did or said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlEvent {
    /// Who said so, for instance `sentinel2`.
    pub source: NodeName,
    /// What kind of moment it is, if a phase ends there.
    pub milestone: Option<Milestone>,
    /// The node it speaks of.
    pub node: Option<NodeName>,
    /// Its words.
    pub text: String,
}

/// Moments that end a phase of a failover, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Milestone {
    /// A client operation failed for the first time.
    FirstFailure,
    /// The control plane declares the primary gone.
    Declared,
    /// Another node accepts a write when asked directly.
    Accepts,
    /// The clients' endpoint leads to that node.
    Routed,
    /// A client operation succeeded for the first time.
    FirstSuccess,
    /// Every service lane has recovered for good.
    Sustained,
}
