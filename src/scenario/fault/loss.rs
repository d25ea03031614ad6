//! Some packets are dropped.

use serde::{Deserialize, Serialize};

use super::{
    Allowance, Decoder, Dur, Facts, FaultKind, Keys, Nature, Need, Path, Selector, Share, Tree,
    Vocabulary,
};
use crate::scenario::Percent;

/// Drops some packets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Loss(pub Share);

keys_of!(Loss: Share);

impl Vocabulary for Loss {
    const FACTS: Facts = Facts {
        name: "loss",
        help: "drops some of the packets that a node sends",
        schema: "Drops some packets.",
        keys: Some(Keys {
            missing: "say who and how many, such as `{ node: primary, share: 10% }`",
            example: "{ node: {}, share: 20% }",
        }),
        past: "packets from {victims} were lost",
        past_chinese: "{victims} 发出的数据包丢失",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        Share::decode(d, tree).map(Self)
    }

    fn drawn(node: &Selector) -> Vec<Self> {
        vec![Self(Share {
            path: Path::of(node),
            share: Percent(20.0),
        })]
    }
}

impl FaultKind for Loss {
    fn title(&self) -> String {
        format!("{} of {} are lost", self.0.share, self.0.path)
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
