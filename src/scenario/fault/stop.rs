//! A node ends in an orderly way.

use serde::{Deserialize, Serialize};

use super::{
    Allowance, Conditions, Decoder, Facts, FaultKind, Keys, Nature, Selector, Tree, Victim,
    Vocabulary,
};

/// Ends a node in an orderly way (the image's stop signal), as maintenance would.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stop(pub Victim);

keys_of!(Stop: Victim);

impl Vocabulary for Stop {
    const FACTS: Facts = Facts {
        name: "stop",
        help: "ends a node in an orderly way, as maintenance would",
        schema: "Ends a node in an orderly way (the image's stop signal), as maintenance would.",
        keys: Some(Keys {
            missing: "say whom, such as `stop: primary`, or `stop: { node: primary, unless: etcd-leader }`",
            example: "{ node: {} }",
        }),
        past: "{victims} {were} stopped in an orderly way",
        past_chinese: "{victims} 被正常停止",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        Victim::staying(d, Self::FACTS.name, tree).map(Self)
    }

    fn drawn(node: &Selector) -> Vec<Self> {
        vec![Self(node.clone().into())]
    }
}

impl FaultKind for Stop {
    fn title(&self) -> String {
        format!("stop the {}", self.0.node)
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
