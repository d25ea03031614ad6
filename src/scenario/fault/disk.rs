//! What faults of the disk under a node's data share.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Dur, Fields, Need, Selector, Tree, Value,
    keys::{length, node_or},
};
use crate::scenario::problem::Problem;

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

impl Disk {
    /// What faults of disks need.
    pub(super) fn needs() -> Vec<Need<'static>> {
        vec![
            Need::Machines("which share its disk"),
            Need::Disk,
            Need::Data("and no disk that can go wrong"),
        ]
    }

    /// A disk of this node until it is healed.
    pub(super) fn of(node: &Selector) -> Self {
        Self {
            node: node.clone(),
            lasting: None,
        }
    }

    /// A node alone, or a map.
    pub(super) fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        if matches!(tree.value, Value::Scalar(_)) {
            return Some(Self::of(&d.scalar(tree, "a node")?));
        }
        let mut f = d.fields(tree, "the fault")?;
        let disk = Self::keys(d, &mut f);
        d.finish(f);
        disk
    }

    /// The keys of a map with others beside them.
    pub(super) fn keys(d: &mut Decoder, f: &mut Fields<'_>) -> Option<Self> {
        let node = node_or(d, f, "say whose, such as `node: primary`");
        let lasting = length(d, f);
        Some(Self {
            node: node?,
            lasting,
        })
    }
}

/// Which operations are meant, in their fixed order.
pub(super) fn operations(d: &mut Decoder, f: &mut Fields<'_>) -> Option<Vec<DiskOperation>> {
    let Some(tree) = f.get("operations") else {
        return Some(every());
    };
    let items = d.list(tree, "`operations`")?;
    let words = items
        .iter()
        .map(|item| d.word(item, "operation", &DiskOperation::ALL));
    let words: Vec<Option<DiskOperation>> = words.collect();
    let mut words = words.into_iter().collect::<Option<Vec<_>>>()?;
    words.sort_unstable();
    words.dedup();
    if words.is_empty() {
        d.note(
            Problem::at(tree.place.clone(), "`operations` names none")
                .help("name some of `read`, `write` and `sync`, or remove the key"),
        );
        return None;
    }
    Some(words)
}

/// Operations in words.
pub(super) fn named(operations: &[DiskOperation]) -> String {
    let names: Vec<String> = operations.iter().map(ToString::to_string).collect();
    names.join(" and ")
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

/// All operations: the default.
pub(super) fn every() -> Vec<DiskOperation> {
    DiskOperation::ALL.map(|(_, operation)| operation).into()
}

/// Whether these are all operations.
pub(super) fn is_every(operations: &[DiskOperation]) -> bool {
    operations == every()
}
