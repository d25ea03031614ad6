//! Packets queue up for a narrow path.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Allowance, Decoder, Dur, Facts, FaultKind, Keys, Nature, Need, Path, Selector, Tree, Vocabulary,
};
use crate::scenario::BitRate;

/// Packets queue up for a narrow path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Bandwidth {
    /// Whose.
    #[serde(flatten)]
    pub path: Path,
    /// What passes, all receivers together.
    pub limit: BitRate,
}

impl Vocabulary for Bandwidth {
    const FACTS: Facts = Facts {
        name: "bandwidth",
        help: "lets only so many bits a second of what a node sends pass",
        schema: "Lets only so many bits a second pass.",
        keys: Some(Keys {
            missing: "say who and how much, such as `bandwidth: { node: primary, limit: 8Mbit/s }`",
            example: "{ node: {}, limit: 8Mbit/s }",
        }),
        past: "packets from {victims} queued up for a narrow path",
        past_chinese: "{victims} 发出的数据包因带宽不足而排队",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "the fault")?;
        let path = Path::keys(d, &mut f);
        let limit = f
            .need("limit", "say how much, such as `limit: 8Mbit/s`")
            .and_then(|tree| {
                let limit: BitRate = d.scalar(tree, "bits a second")?;
                d.within(
                    tree,
                    "a rate",
                    limit,
                    BitRate(64_000)..=BitRate(200_000_000),
                )
            });
        d.finish(f);
        Some(Self {
            path: path?,
            limit: limit?,
        })
    }
}

impl FaultKind for Bandwidth {
    fn title(&self) -> String {
        format!("{} have {}", self.path, self.limit)
    }

    fn node(&self) -> Option<&Selector> {
        Some(&self.path.node)
    }

    fn node_mut(&mut self) -> Option<&mut Selector> {
        Some(&mut self.path.node)
    }

    fn named(&self) -> Vec<(&'static str, &Selector)> {
        self.path.named()
    }

    fn lasting(&self) -> Option<Dur> {
        self.path.lasting
    }

    fn needs(&self) -> Vec<Need<'_>> {
        Path::needs()
    }

    fn allowance(&self) -> Option<Allowance> {
        Some(Allowance::Reversible)
    }
}
