//! A node has little memory.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Dur, Facts, FaultKind, Keys, Nature, Need, Selector, Tree, Vocabulary,
    keys::{length, node},
};
use crate::scenario::Size;

/// Little memory for a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Memory {
    /// The node, by role.
    pub node: Selector,
    /// What is left beyond what its processes hold.
    pub room: Size,
    /// Ends by itself after this time. Without it, it lasts until `heal`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Dur>,
}

/// What a shell and a small program take themselves, several times over.
const ROOM_MIN: Size = Size(16 << 20);
/// More than a node's machine is likely to have, and no overflow in KiB.
const ROOM_MAX: Size = Size(1 << 40);

impl Vocabulary for Memory {
    const FACTS: Facts = Facts {
        name: "memory",
        help: "gives a node little memory",
        schema: "Gives a node little memory.",
        keys: Some(Keys {
            missing: "say who and how much, such as `memory: { node: primary, room: 64MiB }`",
            example: "{ node: {}, room: 32MiB }",
        }),
        past: "{victims} {were} left with little memory",
        past_chinese: "{victims} 只剩很少的内存",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "`memory`")?;
        let node = node(d, &mut f);
        let room = f
            .need(
                "room",
                "say how much is left beyond what its processes hold, such as `room: 64MiB`",
            )
            .and_then(|tree| {
                let room: Size = d.scalar(tree, "a size")?;
                d.within(tree, "a room", room, ROOM_MIN..=ROOM_MAX)
            });
        let lasting = length(d, &mut f);
        d.finish(f);
        Some(Self {
            node: node?,
            room: room?,
            lasting,
        })
    }
}

impl FaultKind for Memory {
    fn title(&self) -> String {
        format!(
            "leave the {} {} of memory beyond what it holds",
            self.node, self.room
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
        vec![Need::Machines("which share its memory")]
    }
}
