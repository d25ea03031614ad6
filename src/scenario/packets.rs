//! Faults of packets on their way: late, lost, repeated, damaged, overtaken, slow.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BitRate, Dur, Percent, Selector, scalar::ScalarError};

/// Whose packets are meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Path {
    /// Who sends them, by role.
    pub node: Selector,
    /// To whom.
    #[serde(default)]
    pub to: Reach,
    /// Only packets from or to these TCP and UDP ports; all if missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<u16>,
    /// Ends by itself after this time. Without it, it lasts until `heal`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Dur>,
}

/// To whom packets go: `everyone`, `clients`, or nodes by role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Reach {
    /// All other nodes and the clients.
    #[default]
    Everyone,
    /// The clients and what leads them to the primary.
    Clients,
    /// These nodes.
    Nodes(Selector),
}

impl FromStr for Reach {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        match text.trim() {
            "everyone" => Ok(Self::Everyone),
            "clients" => Ok(Self::Clients),
            other => other.parse().map(Self::Nodes),
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str("everyone"),
            Self::Clients => f.write_str("clients"),
            Self::Nodes(selector) => selector.fmt(f),
        }
    }
}

super::scalar::as_text!(Reach, "Reach", {
    "type": "string",
    "examples": ["everyone", "clients", "replicas"]
});

/// Packets arrive late.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Latency {
    /// Whose.
    #[serde(flatten)]
    pub path: Path,
    /// How late, on average.
    pub delay: Dur,
    /// How much later or earlier than that.
    #[serde(default)]
    pub jitter: Dur,
    /// How the jitter is spread.
    #[serde(default, skip_serializing_if = "Distribution::is_uniform")]
    pub distribution: Distribution,
}

/// How a packet's delay is spread about the one asked for. Each is the kernel's emulator's own (the tables of iproute2), so
/// that it is the same by any means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// Evenly, at most the jitter away.
    #[default]
    Uniform,
    /// Normally: the jitter is the standard deviation; cut off at four of it.
    Normal,
    /// Few are very late: `4/3 * (u^(-1/3) - 3/2)` times the jitter, `u` even between 0 and 1; cut off at four times it.
    Pareto,
}

impl Distribution {
    /// Whether it is the one that stands where none is named.
    pub fn is_uniform(&self) -> bool {
        *self == Self::Uniform
    }

    /// The most that a packet is late beyond the delay, in jitters.
    pub fn reach(self) -> f64 {
        match self {
            Self::Uniform => 1.0,
            Self::Normal | Self::Pareto => 4.0,
        }
    }

    /// Its name, as a scenario and the emulator call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Normal => "normal",
            Self::Pareto => "pareto",
        }
    }
}

/// Each packet for itself meets its fate with the same probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Share {
    /// Whose.
    #[serde(flatten)]
    pub path: Path,
    /// How many of them.
    pub share: Percent,
}

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
