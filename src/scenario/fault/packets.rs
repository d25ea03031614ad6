//! What faults of packets on their way share.

use std::{fmt, str::FromStr, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Dur, Fields, Need, Selector, Tree,
    keys::{length, node_or},
};
use crate::scenario::{
    Percent,
    problem::Problem,
    scalar::{ScalarError, as_text},
};

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

as_text!(Reach, "Reach", {
    "type": "string",
    "examples": ["everyone", "clients", "replicas"]
});

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

impl Path {
    /// Everyone whom the fault names.
    pub(super) fn named(&self) -> Vec<(&'static str, &Selector)> {
        let mut named = vec![("node", &self.node)];
        if let Reach::Nodes(selector) = &self.to {
            named.push(("to", selector));
        }
        named
    }

    /// What faults of packets need.
    pub(super) fn needs() -> Vec<Need<'static>> {
        vec![
            Need::Machines("whose packets all pass one interface, unshaped"),
            Need::Sidecars,
        ]
    }

    /// From this node to everyone, until it is healed.
    pub(super) fn of(node: &Selector) -> Self {
        Self {
            node: node.clone(),
            to: Reach::Everyone,
            ports: Vec::new(),
            lasting: None,
        }
    }

    /// The keys of a map with others beside them.
    pub(super) fn keys(d: &mut Decoder, f: &mut Fields<'_>) -> Option<Self> {
        let node = node_or(d, f, "say who sends them, such as `node: primary`");
        let to = f.get("to").map_or(Some(Reach::Everyone), |tree| {
            let to = d.scalar::<Reach>(tree, "a receiver")?;
            if matches!((&to, &node), (Reach::Nodes(to), Some(node)) if to == node && *to != Selector::All) {
                d.note(
                    Problem::at(tree.place.clone(), "nobody sends packets to itself over the network")
                        .help("name other nodes, `clients` or `everyone`"),
                );
                return None;
            }
            Some(to)
        });
        let ports = f
            .get("ports")
            .map_or(Some(Vec::new()), |tree| ports(d, tree));
        let lasting = length(d, f);
        Some(Self {
            node: node?,
            to: to?,
            ports: ports?,
            lasting,
        })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "packets from {} to {}", self.node, self.to)
    }
}

/// The most ports that the kernel's filter takes in one rule, less the probes' own.
const PORTS_MAX: usize = 14;

/// A list of port numbers.
pub(super) fn ports(d: &mut Decoder, tree: &Tree) -> Option<Vec<u16>> {
    let items = d.list(tree, "`ports`")?;
    if !(1..=PORTS_MAX).contains(&items.len()) {
        d.note(
            Problem::at(
                tree.place.clone(),
                format!("`ports` has {} numbers", items.len()),
            )
            .help(format!("name 1 to {PORTS_MAX}, such as `[6379]`")),
        );
        return None;
    }
    let numbers = items
        .iter()
        .map(|item| d.number(item, "a port", 1..=u16::MAX));
    let numbers: Vec<Option<u16>> = numbers.collect();
    numbers.into_iter().collect()
}

/// A time for which packets are held, from so many milliseconds on.
pub(super) fn duration(d: &mut Decoder, tree: &Tree, least_ms: u64) -> Option<Dur> {
    let dur: Dur = d.scalar(tree, "a duration")?;
    let range = Dur(Duration::from_millis(least_ms))..=Dur(Duration::from_secs(10));
    d.within(tree, "a time", dur, range)
}

/// Less than this could not be told from nothing by the datagrams that measure it.
const SHARE_MIN: Percent = Percent(1.0);
/// More than this is a partition.
const SHARE_MAX: Percent = Percent(90.0);

impl Share {
    /// What stands under a fault of some packets.
    pub(super) fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "the fault")?;
        let share = Self::keys(d, &mut f);
        d.finish(f);
        share
    }

    /// The keys of a map with others beside them.
    pub(super) fn keys(d: &mut Decoder, f: &mut Fields<'_>) -> Option<Self> {
        let path = Path::keys(d, f);
        let share = f
            .need("share", "say how many, such as `share: 10%`")
            .and_then(|tree| {
                let share: Percent = d.scalar(tree, "a percentage")?;
                d.within(tree, "a share", share, SHARE_MIN..=SHARE_MAX)
            });
        Some(Self {
            path: path?,
            share: share?,
        })
    }
}
