//! Faults of the disk under a node's data: full, read-only, slow, failing, and forgetting what was not synced.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Dur, Percent, Selector};

/// Whose disk is meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Disk {
    /// The node, by role.
    pub node: Selector,
    /// Ends by itself after this time. Without it, it lasts until `heal`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Dur>,
}

/// What a server asks of a disk.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DiskOperation {
    /// Bytes that are not in the kernel's page cache.
    Read,
    /// Bytes to be kept.
    Write,
    /// That what was written is safe (`fsync`, `fdatasync`).
    Sync,
}

impl DiskOperation {
    /// Every operation by its name in a file.
    pub const ALL: [(&'static str, Self); 3] = [
        ("read", Self::Read),
        ("write", Self::Write),
        ("sync", Self::Sync),
    ];
}

impl fmt::Display for DiskOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = Self::ALL.iter().find(|(_, operation)| operation == self);
        f.write_str(own.map_or("operation", |(name, _)| name))
    }
}

/// A disk that takes long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SlowDisk {
    /// Whose.
    #[serde(flatten)]
    pub disk: Disk,
    /// How much longer each operation takes.
    pub delay: Dur,
    /// Which operations; all if missing.
    #[serde(default = "every", skip_serializing_if = "is_every")]
    pub operations: Vec<DiskOperation>,
}

/// A disk that answers some operations with an I/O error (EIO).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FailingDisk {
    /// Whose.
    #[serde(flatten)]
    pub disk: Disk,
    /// How many, each for itself with this probability.
    pub share: Percent,
    /// Which operations; all if missing.
    #[serde(default = "every", skip_serializing_if = "is_every")]
    pub operations: Vec<DiskOperation>,
}

/// All operations: the default.
pub(super) fn every() -> Vec<DiskOperation> {
    DiskOperation::ALL.map(|(_, operation)| operation).into()
}

fn is_every(operations: &[DiskOperation]) -> bool {
    operations == every()
}
