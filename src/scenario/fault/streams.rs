//! What faults of streams share, which the proxies that stand before a node make.

use std::{fmt, ops::RangeInclusive, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Dur, Fields, Need, Selector, Tree,
    keys::{length, node_or},
};
use crate::scenario::{Percent, problem::Problem};

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

impl Stream {
    /// What faults of streams need.
    pub(super) fn needs(&self) -> Vec<Need<'static>> {
        vec![Need::Proxy(self.link)]
    }

    /// The keys of a map with others beside them.
    pub(super) fn keys(d: &mut Decoder, f: &mut Fields<'_>) -> Option<Self> {
        let node = node_or(
            d,
            f,
            "say which node stands behind the proxy, such as `node: primary`",
        );
        let links = [
            ("clients", StreamLink::Clients),
            ("replication", StreamLink::Replication),
        ];
        let link = f.get("link").map_or(Some(StreamLink::Clients), |tree| {
            d.word(tree, "link", &links)
        });
        let flows = [("down", Flow::Down), ("up", Flow::Up), ("both", Flow::Both)];
        let direction = f
            .get("direction")
            .map_or(Some(Flow::Down), |tree| d.word(tree, "direction", &flows));
        let share = f.get("share").map_or(Some(Percent(100.0)), |tree| {
            let share: Percent = d.scalar(tree, "a percentage")?;
            d.within(tree, "a share", share, SHARE_MIN..=Percent(100.0))
        });
        if let (Some(tree), Some(Flow::Both)) = (f.get("share"), direction)
            && share.is_some_and(|share| share < Percent(100.0))
        {
            d.note(
                Problem::at(
                    tree.place.clone(),
                    "each direction of a connection would be chosen by itself",
                )
                .help("choose `direction: down` or `up` for a share of the connections"),
            );
        }
        let lasting = length(d, f);
        Some(Self {
            node: node?,
            link: link?,
            direction: direction?,
            share: share?,
            lasting,
        })
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = match self.link {
            StreamLink::Clients => "clients' connections to",
            StreamLink::Replication => "replication from",
        };
        let flow = match self.direction {
            Flow::Down => "down",
            Flow::Up => "up",
            Flow::Both => "both ways",
        };
        write!(f, "{whose} {} ({flow})", self.node)
    }
}

/// Fewer connections could not be told from none by those that are tried.
const SHARE_MIN: Percent = Percent(20.0);

/// What is missing where a delay is.
const LATE: &str = "say how late, such as `delay: 200ms`";

/// Milliseconds.
pub(super) fn ms(milliseconds: u64) -> Dur {
    Dur(Duration::from_millis(milliseconds))
}

/// A time in whole milliseconds, which is what Toxiproxy counts in.
pub(super) fn time(d: &mut Decoder, tree: &Tree, range: RangeInclusive<Dur>) -> Option<Dur> {
    let dur: Dur = d.scalar(tree, "a duration")?;
    let dur = d.within(tree, "a time", dur, range)?;
    if dur.0.subsec_nanos().is_multiple_of(1_000_000) {
        return Some(dur);
    }
    d.note(
        Problem::at(
            tree.place.clone(),
            format!("`{dur}` has a fraction of a millisecond"),
        )
        .help("Toxiproxy counts whole milliseconds, for instance `5ms`"),
    );
    None
}

/// The delay that must be there.
pub(super) fn delay(
    d: &mut Decoder,
    f: &mut Fields<'_>,
    range: RangeInclusive<Dur>,
) -> Option<Dur> {
    f.need("delay", LATE).and_then(|tree| time(d, tree, range))
}
