//! A server can open no more files and take no more connections.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Dur, Facts, FaultKind, Keys, Nature, Need, Selector, Tree, Value, Vocabulary,
    keys::{length, node},
};

/// A node whose processes run out of file descriptors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Descriptors {
    /// The node, by role: one that holds data.
    pub node: Selector,
    /// How many more each of its processes may open than it holds all the time; none if missing.
    #[serde(default)]
    pub left: u32,
    /// Ends by itself after this time. Without it, it lasts until `heal`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Dur>,
}

/// More than this and few servers would notice.
const LEFT_MAX: u32 = 1000;

impl Vocabulary for Descriptors {
    const FACTS: Facts = Facts {
        name: "descriptors",
        help: "leaves a node's processes no file descriptors: no new connections, no new files",
        schema: "Leaves a node's processes hardly any more files and connections to open.",
        keys: Some(Keys {
            missing: "say whose, such as `descriptors: primary`",
            example: "{ node: {} }",
        }),
        past: "{victims} {were} left without file descriptors",
        past_chinese: "{victims} 耗尽文件描述符",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        if matches!(tree.value, Value::Scalar(_)) {
            return Some(Self {
                node: d.scalar(tree, "a node")?,
                left: 0,
                lasting: None,
            });
        }
        let mut f = d.fields(tree, "`descriptors`")?;
        let node = node(d, &mut f);
        let left = f
            .get("left")
            .map_or(Some(0), |tree| d.number(tree, "a number", 0..=LEFT_MAX));
        let lasting = length(d, &mut f);
        d.finish(f);
        Some(Self {
            node: node?,
            left: left?,
            lasting,
        })
    }

    fn drawn(node: &Selector) -> Vec<Self> {
        vec![Self {
            node: node.clone(),
            left: 0,
            lasting: None,
        }]
    }
}

impl FaultKind for Descriptors {
    fn title(&self) -> String {
        format!(
            "leave the {} {} file descriptors beyond those in use",
            self.node, self.left
        )
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

    fn ends_inside(&self) -> bool {
        true
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![
            Need::Machines("whose limits are not its own to change"),
            Need::Data("and nobody asks it on a new connection"),
        ]
    }
}
