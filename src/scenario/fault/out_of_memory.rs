//! A node's memory runs out, and the kernel kills the greatest of its processes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Facts, FaultKind, Keys, Nature, Need, Selector, Tree, Value, Vocabulary, keys::node,
};

/// A node whose memory runs out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OutOfMemory {
    /// The node, by role.
    pub node: Selector,
}

impl Vocabulary for OutOfMemory {
    const FACTS: Facts = Facts {
        name: "out-of-memory",
        help: "uses up a node's memory: the kernel kills a process",
        schema: "Uses up a node's memory, so that the kernel kills the greatest of its processes.",
        keys: Some(Keys {
            missing: "say whose, such as `out-of-memory: primary`",
            example: "{ node: {} }",
        }),
        past: "{victims} {were} left without memory",
        past_chinese: "{victims} 耗尽内存",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        if matches!(tree.value, Value::Scalar(_)) {
            let node = d.scalar(tree, "a node")?;
            return Some(Self { node });
        }
        let mut f = d.fields(tree, "`out-of-memory`")?;
        let node = node(d, &mut f);
        d.finish(f);
        Some(Self { node: node? })
    }

    fn drawn(node: &Selector) -> Vec<Self> {
        vec![Self { node: node.clone() }]
    }
}

impl FaultKind for OutOfMemory {
    fn title(&self) -> String {
        format!("use up the memory of the {}", self.node)
    }

    fn node(&self) -> Option<&Selector> {
        Some(&self.node)
    }

    fn node_mut(&mut self) -> Option<&mut Selector> {
        Some(&mut self.node)
    }

    fn lasts(&self) -> bool {
        true
    }

    fn ends_inside(&self) -> bool {
        true
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Machines("which share its memory")]
    }
}
