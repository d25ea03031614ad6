//! What was written and not synced is lost when a node ends.

use serde::{Deserialize, Serialize};

use super::{Decoder, Disk, Dur, Facts, FaultKind, Keys, Nature, Need, Selector, Tree, Vocabulary};

/// Loses what was written and not synced when the node ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LoseUnsynced(pub Disk);

keys_of!(LoseUnsynced: Disk);

impl Vocabulary for LoseUnsynced {
    const FACTS: Facts = Facts {
        name: "lose-unsynced",
        help: "loses what was written and not synced when the node ends",
        schema: "Loses what was written and not synced when the node ends.",
        keys: Some(Keys {
            missing: "say whose, such as `lose-unsynced: primary`",
            example: "{ node: {} }",
        }),
        past: "what {victims} had not synced was to be lost",
        past_chinese: "{victims} 未落盘的数据将丢失",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        Disk::decode(d, tree).map(Self)
    }
}

impl FaultKind for LoseUnsynced {
    fn title(&self) -> String {
        format!(
            "what was not synced on the disk of the {} is lost when its node ends",
            self.0.node
        )
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
