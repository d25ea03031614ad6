//! What of a machine's means a fault takes away: CPU time and memory.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Dur, Percent, Selector, Size};

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

/// A node whose memory runs out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OutOfMemory {
    /// The node, by role.
    pub node: Selector,
}

impl Cpu {
    /// What it does, in a few words.
    pub fn title(&self) -> String {
        format!("leave the {} {} of a core", self.node, self.share)
    }
}

impl Memory {
    /// What it does, in a few words.
    pub fn title(&self) -> String {
        format!(
            "leave the {} {} of memory beyond what it holds",
            self.node, self.room
        )
    }
}

impl OutOfMemory {
    /// What it does, in a few words.
    pub fn title(&self) -> String {
        format!("use up the memory of the {}", self.node)
    }
}
