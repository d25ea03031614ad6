//! Packets overtake each other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Allowance, Decoder, Dur, Facts, FaultKind, Keys, Nature, Need, Path, Selector, Share, Tree,
    Vocabulary, packets::duration,
};
use crate::scenario::Percent;

/// Some packets are held back, so that later ones overtake them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Reorder {
    /// Whose.
    #[serde(flatten)]
    pub path: Path,
    /// How many of them.
    pub share: Percent,
    /// For how long.
    pub hold: Dur,
}

impl Vocabulary for Reorder {
    const FACTS: Facts = Facts {
        name: "reorder",
        help: "lets the packets that a node sends overtake each other",
        schema: "Lets packets overtake each other.",
        keys: Some(Keys {
            missing: "say who and how, such as `reorder: { node: primary, share: 25%, hold: 20ms }`",
            example: "{ node: {}, share: 20%, hold: 20ms }",
        }),
        past: "packets from {victims} were overtaken by later ones",
        past_chinese: "{victims} 发出的数据包乱序",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "the fault")?;
        let share = Share::keys(d, &mut f);
        let hold = f
            .need("hold", "say for how long, such as `hold: 20ms`")
            .and_then(|tree| duration(d, tree, 10));
        d.finish(f);
        let (Share { path, share }, hold) = share.zip(hold)?;
        Some(Self { path, share, hold })
    }
}

impl FaultKind for Reorder {
    fn title(&self) -> String {
        format!("{} of {} are overtaken", self.share, self.path)
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
