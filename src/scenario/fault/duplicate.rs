//! Some packets are sent twice.

use serde::{Deserialize, Serialize};

use super::{
    Allowance, Decoder, Dur, Facts, FaultKind, Keys, Nature, Need, Path, Selector, Share, Tree,
    Vocabulary,
};

/// Sends some packets twice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Duplicate(pub Share);

keys_of!(Duplicate: Share);

impl Vocabulary for Duplicate {
    const FACTS: Facts = Facts {
        name: "duplicate",
        help: "sends some of a node's packets twice",
        schema: "Sends some packets twice.",
        keys: Some(Keys {
            missing: "say who and how many, such as `{ node: primary, share: 10% }`",
            example: "{ node: {}, share: 20% }",
        }),
        past: "packets from {victims} were sent twice",
        past_chinese: "{victims} 发出的数据包被重复发送",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        Share::decode(d, tree).map(Self)
    }
}

impl FaultKind for Duplicate {
    fn title(&self) -> String {
        format!("{} of {} are sent twice", self.0.share, self.0.path)
    }

    fn node(&self) -> Option<&Selector> {
        Some(&self.0.path.node)
    }

    fn node_mut(&mut self) -> Option<&mut Selector> {
        Some(&mut self.0.path.node)
    }

    fn named(&self) -> Vec<(&'static str, &Selector)> {
        self.0.path.named()
    }

    fn lasting(&self) -> Option<Dur> {
        self.0.path.lasting
    }

    fn needs(&self) -> Vec<Need<'_>> {
        Path::needs()
    }

    fn allowance(&self) -> Option<Allowance> {
        Some(Allowance::Reversible)
    }
}
