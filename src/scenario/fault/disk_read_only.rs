//! Nothing on the disk under a node's data can be changed.

use serde::{Deserialize, Serialize};

use super::{Decoder, Disk, Dur, Facts, FaultKind, Keys, Nature, Need, Selector, Tree, Vocabulary};

/// Lets nothing on the disk under a node's data be changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DiskReadOnly(pub Disk);

keys_of!(DiskReadOnly: Disk);

impl Vocabulary for DiskReadOnly {
    const FACTS: Facts = Facts {
        name: "disk-read-only",
        help: "lets nothing on the disk under a node's data be changed",
        schema: "Lets nothing on the disk under a node's data be changed.",
        keys: Some(Keys {
            missing: "say whose, such as `disk-read-only: primary`",
            example: "{ node: {} }",
        }),
        past: "the disk of {victims} let nothing be changed",
        past_chinese: "{victims} 的磁盘变为只读",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        Disk::decode(d, tree).map(Self)
    }

    fn drawn(node: &Selector) -> Vec<Self> {
        vec![Self(Disk::of(node))]
    }
}

impl FaultKind for DiskReadOnly {
    fn title(&self) -> String {
        format!("let nothing on the disk of the {} be changed", self.0.node)
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
