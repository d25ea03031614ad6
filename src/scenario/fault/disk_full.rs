//! No room is left on the disk under a node's data.

use serde::{Deserialize, Serialize};

use super::{Decoder, Disk, Dur, Facts, FaultKind, Keys, Nature, Need, Selector, Tree, Vocabulary};

/// Leaves no room on the disk under a node's data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DiskFull(pub Disk);

keys_of!(DiskFull: Disk);

impl Vocabulary for DiskFull {
    const FACTS: Facts = Facts {
        name: "disk-full",
        help: "leaves no room on the disk under a node's data",
        schema: "Leaves no room on the disk under a node's data.",
        keys: Some(Keys {
            missing: "say whose, such as `disk-full: primary`",
            example: "{ node: {} }",
        }),
        past: "the disk of {victims} was full",
        past_chinese: "{victims} 的磁盘已满",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        Disk::decode(d, tree).map(Self)
    }

    fn drawn(node: &Selector) -> Vec<Self> {
        vec![Self(Disk::of(node))]
    }
}

impl FaultKind for DiskFull {
    fn title(&self) -> String {
        format!("leave no room on the disk of the {}", self.0.node)
    }

    fn node(&self) -> Option<&Selector> {
        Some(&self.0.node)
    }

    fn node_mut(&mut self) -> Option<&mut Selector> {
        Some(&mut self.0.node)
    }

    fn lasting(&self) -> Option<Dur> {
        self.0.lasting
    }

    fn ends_inside(&self) -> bool {
        true
    }

    fn needs(&self) -> Vec<Need<'_>> {
        Disk::needs()
    }
}
