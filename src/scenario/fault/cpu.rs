//! A node has little CPU time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Dur, Facts, FaultKind, Keys, Nature, Need, Selector, Tree, Vocabulary,
    keys::{length, node},
};
use crate::scenario::Percent;

/// Little CPU time for a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cpu {
    /// The node, by role.
    pub node: Selector,
    /// What is left, as a part of one core.
    pub share: Percent,
    /// Ends by itself after this time. Without it, it lasts until `heal`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Dur>,
}

/// Less than this and the node's own health checks would be what fails.
const SHARE_MIN: Percent = Percent(2.0);

impl Vocabulary for Cpu {
    const FACTS: Facts = Facts {
        name: "cpu",
        help: "gives a node little CPU time",
        schema: "Gives a node little CPU time.",
        keys: Some(Keys {
            missing: "say who and how much, such as `cpu: { node: primary, share: 20% }`",
            example: "{ node: {}, share: 20% }",
        }),
        past: "{victims} {were} left with little CPU time",
        past_chinese: "{victims} 只剩很少的 CPU 时间",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "`cpu`")?;
        let node = node(d, &mut f);
        let share = f
            .need(
                "share",
                "say how much of a core is left, such as `share: 20%`",
            )
            .and_then(|tree| {
                let share: Percent = d.scalar(tree, "a percentage")?;
                d.within(tree, "a share", share, SHARE_MIN..=Percent(100.0))
            });
        let lasting = length(d, &mut f);
        d.finish(f);
        Some(Self {
            node: node?,
            share: share?,
            lasting,
        })
    }
}

impl FaultKind for Cpu {
    fn title(&self) -> String {
        format!("leave the {} {} of a core", self.node, self.share)
    }

    fn node(&self) -> Option<&Selector> {
        Some(&self.node)
    }

    fn node_mut(&mut self) -> Option<&mut Selector> {
        Some(&mut self.node)
    }

    fn lasting(&self) -> Option<Dur> {
        self.lasting
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Machines("which share its CPU time")]
    }
}
