//! What an engine says of a run's machines: events as they happen, and what stands beside the nodes.

use crate::id::NodeName;

/// One thing that an engine reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// Something happened to a container of the run.
    Happened(Happening),
    /// The reports broke off and go on.
    Resumed {
        /// Whether the engine refused connections meanwhile.
        refused: bool,
        /// Whether it is another engine than before.
        other: bool,
    },
}

/// Something that happened to a container of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// The node, or the node that a helper container belongs to.
    pub node: NodeName,
    /// The helper's name; none where it is the node's own container.
    pub helper: Option<String>,
    /// What happened.
    pub deed: Deed,
    /// When, by the engine's clock: the time of day in UTC.
    pub at: String,
}

/// What happens to containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Its main process ended.
    Ended {
        /// The exit code; 128 + signal when a signal ended it.
        code: i64,
        /// Whether its memory had run out.
        out_of_memory: bool,
    },
    /// A signal was sent to it through the engine; its number or name.
    Signalled(String),
    /// It was frozen.
    Frozen,
    /// It was let go on.
    Thawed,
    /// It was started.
    Started,
    /// It was removed.
    Removed,
}

/// What stands beside the nodes of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Helper containers that were started and do not run: their node, name, and exit code where it is known.
    pub ended: Vec<(NodeName, String, Option<i64>)>,
    /// Nodes that are not on the run's network; also those that are down.
    pub detached: Vec<NodeName>,
    /// Containers on the run's network that are none of its own: name and address.
    pub strangers: Vec<(String, String)>,
    /// The address of each node on that network.
    pub addresses: Vec<(NodeName, String)>,
}
