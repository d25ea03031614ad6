//! Faults among a node's own processes: what they may open, how they find others by name, and what they show to be themselves.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Dur, Selector};

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

impl Descriptors {
    /// What it does, in a few words.
    pub fn title(&self) -> String {
        format!(
            "leave the {} {} file descriptors beyond those in use",
            self.node, self.left
        )
    }
}

/// Names that a node can no longer resolve, or resolves wrongly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Dns {
    /// The node that looks them up, by role: one that holds data.
    pub node: Selector,
    /// What its look-ups come to.
    pub how: Misnaming,
    /// For `slow`: how much later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Dur>,
    /// Which members' names; those of all others if missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Ends by itself after this time. Without it, it lasts until `heal`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Dur>,
}

/// What becomes of a look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Misnaming {
    /// No name server answers.
    Gone,
    /// The answer is an address that nobody has.
    Wrong,
    /// The right answer comes late.
    Slow,
}

impl Misnaming {
    /// Every way by its name in a file.
    pub const ALL: [(&'static str, Self); 3] = [
        ("gone", Self::Gone),
        ("wrong", Self::Wrong),
        ("slow", Self::Slow),
    ];
}

impl fmt::Display for Misnaming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = Self::ALL.iter().find(|(_, how)| how == self);
        f.write_str(own.map_or("dns", |(name, _)| name))
    }
}

impl Dns {
    /// What it does, in a few words.
    pub fn title(&self) -> String {
        let names = if self.names.is_empty() {
            "all names".to_owned()
        } else {
            self.names.join(" and ")
        };
        match (self.how, self.delay) {
            (Misnaming::Gone, _) => format!("{names} come to nothing on the {}", self.node),
            (Misnaming::Wrong, _) => {
                format!("{names} come to a wrong address on the {}", self.node)
            }
            (Misnaming::Slow, delay) => format!(
                "{names} come {} late on the {}",
                delay.unwrap_or_default(),
                self.node
            ),
        }
    }
}

/// A server whose certificate has expired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Certificate {
    /// The node that presents it, by role: one that holds data.
    pub node: Selector,
    /// For how long it has been expired when it is put there.
    pub expired: Dur,
    /// Ends by itself after this time. Without it, it lasts until `heal`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Dur>,
}

impl Certificate {
    /// What it does, in a few words.
    pub fn title(&self) -> String {
        format!(
            "let the {} present a certificate that expired {} ago",
            self.node, self.expired
        )
    }
}
