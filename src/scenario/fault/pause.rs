//! A node freezes.

use serde::{Deserialize, Serialize};

use super::{
    Allowance, Conditions, Decoder, Dur, Facts, FaultKind, Keys, Nature, Selector, Tree, Victim,
    Vocabulary,
};

/// Freezes a node: connections stay open, nothing answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pause(pub Victim);

keys_of!(Pause: Victim);

impl Vocabulary for Pause {
    const FACTS: Facts = Facts {
        name: "pause",
        help: "freezes a node: connections stay open, nothing answers",
        schema: "Freezes a node: connections stay open, nothing answers.",
        keys: Some(Keys {
            missing: "say whom, such as `pause: primary`, or `pause: { node: primary, unless: etcd-leader }`",
            example: "{ node: {} }",
        }),
        past: "{victims} {were} frozen",
        past_chinese: "{victims} 被冻结",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        Victim::ending(d, tree).map(Self)
    }

    fn drawn(node: &Selector) -> Vec<Self> {
        vec![Self(node.clone().into())]
    }
}

impl FaultKind for Pause {
    fn title(&self) -> String {
        format!("pause the {}", self.0.node)
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

    fn lasting(&self) -> Option<Dur> {
        self.0.lasting
    }

    fn conditions(&self) -> Conditions {
        self.0.conditions()
    }

    fn allowance(&self) -> Option<Allowance> {
        Some(Allowance::Reversible)
    }
}
