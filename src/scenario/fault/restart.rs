//! A node is killed and started again at once.

use serde::{Deserialize, Serialize};

use super::{
    Allowance, Conditions, Decoder, Facts, FaultKind, Keys, Nature, Selector, Tree, Victim,
    Vocabulary,
};

/// Kills a node and starts it again at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Restart(pub Victim);

keys_of!(Restart: Victim);

impl Vocabulary for Restart {
    const FACTS: Facts = Facts {
        name: "restart",
        help: "kills a node and starts it again at once",
        schema: "Kills a node and starts it again at once.",
        keys: Some(Keys {
            missing: "say whom, such as `restart: primary`, or `restart: { node: primary, unless: etcd-leader }`",
            example: "{ node: {} }",
        }),
        past: "{victims} {were} killed and started again",
        past_chinese: "{victims} 被强制终止后重启",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        Victim::staying(d, Self::FACTS.name, tree).map(Self)
    }

    fn drawn(node: &Selector) -> Vec<Self> {
        vec![Self(node.clone().into())]
    }
}

impl FaultKind for Restart {
    fn title(&self) -> String {
        format!("restart the {}", self.0.node)
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

    fn starts_again(&self) -> bool {
        true
    }

    fn conditions(&self) -> Conditions {
        self.0.conditions()
    }

    fn allowance(&self) -> Option<Allowance> {
        Some(Allowance::Recoverable)
    }
}
