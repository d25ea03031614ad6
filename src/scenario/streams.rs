//! Faults of streams, made by the proxies that stand before a node: reset, half open, closed late, sliced, cut off, slow.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BitRate, Dur, Percent, Selector};

/// Whose streams are meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Stream {
    /// The node behind the proxy, by role.
    pub node: Selector,
    /// Who reaches it through the proxy.
    #[serde(default)]
    pub link: StreamLink,
    /// Which bytes are meant.
    #[serde(default)]
    pub direction: Flow,
    /// How many of the connections, each by itself.
    #[serde(default = "whole")]
    pub share: Percent,
    /// Ends by itself after this time. Without it, it lasts until `heal`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Dur>,
}

fn whole() -> Percent {
    Percent(100.0)
}

/// Who reaches a node through a proxy.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum StreamLink {
    /// The clients.
    #[default]
    Clients,
    /// The nodes that follow it.
    Replication,
}

/// Which bytes of a connection are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// Those that the node sends: Toxiproxy's `downstream`, and its default.
    #[default]
    Down,
    /// Those that it is sent: Toxiproxy's `upstream`.
    Up,
    /// All.
    Both,
}

impl Flow {
    /// How often a round trip meets the fault.
    pub fn crossings(self) -> u32 {
        1 + u32::from(self == Self::Both)
    }
}

/// Connections end by a reset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Reset {
    /// Whose.
    #[serde(flatten)]
    pub stream: Stream,
    /// How long after the first bytes.
    #[serde(default)]
    pub after: Dur,
}

/// What is sent is swallowed, and the connection stays open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct HalfOpen {
    /// Whose.
    #[serde(flatten)]
    pub stream: Stream,
    /// After so long without bytes it is closed; if missing, never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes: Option<Dur>,
}

/// Connections close late.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SlowClose {
    /// Whose.
    #[serde(flatten)]
    pub stream: Stream,
    /// How late.
    pub delay: Dur,
}

/// What is sent arrives in small pieces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Slice {
    /// Whose.
    #[serde(flatten)]
    pub stream: Stream,
    /// The most bytes of a piece.
    pub size: u32,
    /// The pause between two pieces.
    pub pause: Dur,
}

/// A connection closes once so many bytes have passed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LimitData {
    /// Whose.
    #[serde(flatten)]
    pub stream: Stream,
    /// How many.
    pub bytes: u32,
}

/// Bytes arrive late, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct StreamLatency {
    /// Whose.
    #[serde(flatten)]
    pub stream: Stream,
    /// How late, on average.
    pub delay: Dur,
    /// How much later or earlier than that, evenly spread.
    #[serde(default)]
    pub jitter: Dur,
}

/// Only so many bits a second of each connection pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct StreamBandwidth {
    /// Whose.
    #[serde(flatten)]
    pub stream: Stream,
    /// What passes, for each connection by itself.
    pub limit: BitRate,
}
