//! What a run's containers are made with, and a node as created.

use std::sync::Arc;

use crate::{
    id::NodeName,
    runtime::{Attached, Disks},
};

use super::{AddressBase, attached::Adopted, disk::Disk, signal::Visible};

/// What a run's containers are made with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the run's network comes from.
    pub base: AddressBase,
    /// The image of sidecars, already resolved; without it a node with a sidecar cannot be created.
    pub sidecar_image: Option<String>,
    /// Whether nodes get the sidecars that they may have: a drill that leaves their networks alone needs none.
    pub sidecars: bool,
    /// Whose data lies on a disk that can be made to go wrong.
    pub disks: Option<Disks>,
    /// Containers to be taken for the nodes, in the place of ones that are created.
    pub attached: Option<Attached>,
}

/// The disk under a node's data, and the container that serves it.
pub(super) type Beneath = (Arc<tokio::sync::Mutex<Disk>>, String);

/// What the helper in a node's process namespace is for.
pub(super) const AMONG: &str = "process";

/// A node as created.
#[derive(Clone)]
pub(super) struct Machine {
    pub container: String,
    pub sidecar: Option<String>,
    pub started: bool,
    /// It was sent a SIGKILL since its last start, so its end is certain if not yet seen.
    pub killed: bool,
    /// It is frozen: a signal sent directly would wait until it is unfrozen; the engine unfreezes it.
    pub paused: bool,
    /// The memory that it was created with, bytes; 0 where there was no limit.
    pub memory: i64,
    /// The cores of CPU time that it was allotted; all of them without a number.
    pub cores: Option<f64>,
    pub visible: Option<Visible>,
    /// The container in its process namespace, once there is one.
    pub among: Option<String>,
    /// The disk under its data, where that can be made to go wrong.
    pub disk: Option<Beneath>,
    /// The node in whose network it stands.
    pub beside: Option<NodeName>,
    /// What it was found with, where drdrill did not create it.
    pub adopted: Option<Adopted>,
}

impl Machine {
    /// The containers beside the node's own that its faults need, each with what it is for.
    pub fn helpers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let disk = self.disk.as_ref().map(|(_, server)| server);
        let all = [
            ("network", self.sidecar.as_ref()),
            ("disk", disk),
            (AMONG, self.among.as_ref()),
        ];
        all.into_iter()
            .filter_map(|(kind, id)| Some((kind, id?.as_str())))
    }
}
