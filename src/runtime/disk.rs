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
    /// Little room is left, and none beyond (ENOSPC).
    Quota {
        /// How much is left when it begins, bytes.
        room: u64,
        /// How much the folder may hold, bytes; none before its file system has said it. It stands when the node starts again.
        #[serde(skip_serializing_if = "Option::is_none")]
        most: Option<u64>,
    },
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

impl DiskFault {
    /// What the file system has said of how much the folder may hold.
    pub(super) fn settle(&mut self, told: Option<u64>) {
        if let Self::Quota { most, .. } = self {
            *most = most.or(told);
        }
    }
}

/// How a node's data folder is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskLook {
    /// How often each thing is tried.
    pub times: u32,
    /// Whether the file for it stays there.
    pub stays: bool,
    /// How long that file is to become by being written on and on, bytes; 0 to not try.
    pub fill: u64,
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
    /// What came of writing on and on; none where that was not tried.
    pub filled: Option<Filled>,
    /// Bytes that the server's files hold, in whole pages.
    pub used: u64,
    /// Whether what was written lay on the disk below before it was synced; none where that was not to be seen.
    pub at_once: Option<bool>,
    /// Whether it did once it was synced.
    pub synced: Option<bool>,
}

/// What came of writing on and on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Filled {
    /// How long the file became, bytes.
    pub bytes: u64,
    /// The error's name, if it ended by one.
    pub refused: Option<String>,
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
