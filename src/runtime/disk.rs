//! What can go wrong with the disk under a node's data, and what a look at it tells.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{id::NodeName, scenario::DiskOperation};

/// Whose data lies on a disk that can be made to go wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disks {
    /// The folder of the data in each node.
    pub folder: String,
    /// The nodes.
    pub nodes: Vec<NodeName>,
}

/// What goes wrong with a disk.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum DiskFault {
    /// No room is left (ENOSPC).
    Full,
    /// Nothing may be changed (EROFS).
    ReadOnly,
    /// Operations take longer.
    Slow {
        /// By how much, seconds.
        delay: f64,
        /// Which.
        operations: Vec<DiskOperation>,
    },
    /// Operations fail (EIO).
    Errors {
        /// With this probability, each for itself.
        share: f64,
        /// Which.
        operations: Vec<DiskOperation>,
    },
    /// What was written and not synced is gone when the node ends.
    Unsynced,
}

/// How a server in a node would find its disk.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DiskFigures {
    /// Bytes that are free, by the file system's own word.
    pub free: u64,
    /// Writing over what is there.
    pub write: Tries,
    /// Writing what needs more room.
    pub grow: Tries,
    /// Syncing.
    pub sync: Tries,
    /// Reading past the page cache.
    pub read: Tries,
    /// Whether what was written lay on the disk below before it was synced; none where that was not to be seen.
    pub at_once: Option<bool>,
    /// Whether it did once it was synced.
    pub synced: Option<bool>,
}

/// What came of trying one thing again and again.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Tries {
    /// How often.
    pub tried: u32,
    /// How often it failed, by the error's name.
    pub failed: BTreeMap<String, u32>,
    /// How long it took, milliseconds: the median.
    pub median: f64,
}

impl Tries {
    /// How often it failed with this error.
    pub fn with(&self, error: &str) -> u32 {
        self.failed.get(error).copied().unwrap_or(0)
    }

    /// How often it failed.
    pub fn failures(&self) -> u32 {
        self.failed.values().sum()
    }
}
