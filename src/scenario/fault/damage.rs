//! A part of a file is overwritten under a running node.

use serde::{Deserialize, Serialize};

use super::{Decoder, Facts, FaultKind, Keys, Nature, Need, Selector, Stored, Tree, Vocabulary};

/// Overwrites a part of a file under a running node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Damage(pub Stored);

keys_of!(Damage: Stored);

impl Vocabulary for Damage {
    const FACTS: Facts = Facts {
        name: "damage",
        help: "overwrites a part of a file under a running node",
        schema: "Overwrites a part of a file under a running node.",
        keys: Some(Keys {
            missing: "say who and what, such as `damage: { node: replica, path: /data/*.aof }`",
            example: "{ node: {}, path: '/data/appendonlydir/*.aof' }",
        }),
        past: "a file of {victims} was damaged",
        past_chinese: "{victims} 的一个文件被损坏",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        Stored::decode(d, tree).map(Self)
    }
}

impl FaultKind for Damage {
    fn title(&self) -> String {
        format!("damage {} on the {}", self.0.path, self.0.node)
    }

    fn node(&self) -> Option<&Selector> {
        Some(&self.0.node)
    }

    fn node_mut(&mut self) -> Option<&mut Selector> {
        Some(&mut self.0.node)
    }

    fn lasts(&self) -> bool {
        false
    }

    fn ends_inside(&self) -> bool {
        true
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Machines("which share its files and its shell")]
    }
}
