//! A node's processes end at once.

use serde::{Deserialize, Serialize};

use super::{
    Allowance, Conditions, Decoder, Facts, FaultKind, Keys, Nature, Selector, Tree, Victim,
    Vocabulary,
};

/// Ends a node's processes at once, as a power loss would.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kill(pub Victim);

keys_of!(Kill: Victim);

impl Vocabulary for Kill {
    const FACTS: Facts = Facts {
        name: "kill",
        help: "ends a node's processes at once, as a power loss would",
        schema: "Ends a node's processes at once, as a power loss would.",
        keys: Some(Keys {
            missing: "say whom, such as `kill: primary`, or `kill: { node: primary, unless: etcd-leader }`",
            example: "{ node: {} }",
        }),
        past: "{victims} {were} killed",
        past_chinese: "{victims} 被强制终止",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        Victim::staying(d, Self::FACTS.name, tree).map(Self)
    }

    fn drawn(node: &Selector) -> Vec<Self> {
        vec![Self(node.clone().into())]
    }
}

impl FaultKind for Kill {
    fn title(&self) -> String {
        format!("kill the {}", self.0.node)
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

    fn conditions(&self) -> Conditions {
        self.0.conditions()
    }

    fn allowance(&self) -> Option<Allowance> {
        Some(Allowance::Recoverable)
    }
}
