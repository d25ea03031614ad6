//! A node comes back and dies again, until it is let be.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Dur, Facts, FaultKind, Keys, Nature, Selector, Tree, Vocabulary,
    keys::{lasting, length, node},
};

/// A node that comes back and dies again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CrashLoop {
    /// The node, by role.
    pub node: Selector,
    /// How long it runs before it is killed again.
    pub every: Dur,
    /// Ends by itself after this time. Without it, it lasts until `heal`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Dur>,
}

impl Vocabulary for CrashLoop {
    const FACTS: Facts = Facts {
        name: "crash-loop",
        help: "kills a node again and again",
        schema: "Kills a node again and again, as soon as it has run for a while.",
        keys: Some(Keys {
            missing: "say who, such as `crash-loop: { node: primary, every: 5s }`",
            example: "{ node: {}, every: 1s }",
        }),
        past: "{victims} {were} killed again and again",
        past_chinese: "{victims} 被反复强制终止",
        nature: Nature::Repeating,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "`crash-loop`")?;
        let node = node(d, &mut f);
        let every = f
            .need(
                "every",
                "say how long it runs in between, such as `every: 5s`",
            )
            .and_then(|tree| lasting(d, tree));
        let lasting = length(d, &mut f);
        d.finish(f);
        Some(Self {
            node: node?,
            every: every?,
            lasting,
        })
    }

    fn drawn(node: &Selector) -> Vec<Self> {
        vec![Self {
            node: node.clone(),
            every: Dur(Duration::from_secs(1)),
            lasting: None,
        }]
    }
}

impl FaultKind for CrashLoop {
    fn title(&self) -> String {
        format!("kill the {} again after every {}", self.node, self.every)
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
}
