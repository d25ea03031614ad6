//! A node loses its files and ends.

use serde::{Deserialize, Serialize};

use super::{Decoder, Facts, FaultKind, Keys, Nature, Need, Selector, Stored, Tree, Vocabulary};

/// Deletes a node's files and kills it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wipe(pub Stored);

keys_of!(Wipe: Stored);

impl Vocabulary for Wipe {
    const FACTS: Facts = Facts {
        name: "wipe",
        help: "deletes a node's files and kills it: it comes back without them",
        schema: "Deletes a node's files and kills it: it comes back without them.",
        keys: Some(Keys {
            missing: "say who and what, such as `wipe: { node: replica, path: /data }`",
            example: "{ node: {}, path: /data/appendonlydir }",
        }),
        past: "{victims} {were} killed and lost {its} files",
        past_chinese: "{victims} 被强制终止并丢失文件",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        Stored::decode(d, tree).map(Self)
    }
}

impl FaultKind for Wipe {
    fn title(&self) -> String {
        format!("wipe {} on the {}", self.0.path, self.0.node)
    }

    fn takes_away(&self) -> bool {
        true
    }

    fn node(&self) -> Option<&Selector> {
        Some(&self.0.node)
    }

    fn node_mut(&mut self) -> Option<&mut Selector> {
        Some(&mut self.0.node)
    }

    fn lasts(&self) -> bool {
        true
    }

    fn ends_inside(&self) -> bool {
        true
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Machines("which share its files and its shell")]
    }
}
