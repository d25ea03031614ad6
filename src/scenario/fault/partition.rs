//! Packets are dropped between groups of nodes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Allowance, Decoder, Dur, Facts, FaultKind, Keys, Nature, Need, Selector, Tree, Vocabulary,
    keys::length, packets::ports,
};
use crate::scenario::problem::Problem;

/// Packets dropped between groups of nodes, established connections included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Partition {
    /// Cuts these nodes off from all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolate: Option<Selector>,
    /// Cuts two groups off from each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<(Selector, Selector)>,
    /// Which packets are dropped, seen from the first group.
    #[serde(default)]
    pub direction: Direction,
    /// On which side the clients stand.
    #[serde(default)]
    pub clients: ClientPlace,
    /// Only packets from or to these TCP and UDP ports; all if missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<u16>,
    /// What the sender hears of it.
    #[serde(default, skip_serializing_if = "Refuse::is_silent")]
    pub how: Refuse,
    /// Ends by itself after this time. Without it, it lasts until `heal`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Dur>,
}

/// What the sender hears of packets that a partition does not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Refuse {
    /// Nothing.
    #[default]
    Drop,
    /// TCP connections are reset.
    Reject,
}

impl Refuse {
    /// Whether it hears nothing: the default.
    pub fn is_silent(&self) -> bool {
        *self == Self::Drop
    }
}

/// Which packets a partition drops, seen from its first group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Both ways.
    #[default]
    Both,
    /// Those that come in.
    In,
    /// Those that go out.
    Out,
}

/// On which side of a partition the clients stand. All groups share it: they come from one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientPlace {
    /// They lose the first group, as if they stood with the second.
    #[default]
    Cut,
    /// They keep reaching everyone.
    Keep,
    /// They stand with the first group, and what leads them to the primary does too: they lose the others.
    Isolated,
}

impl Vocabulary for Partition {
    const FACTS: Facts = Facts {
        name: "partition",
        help: "drops packets between nodes",
        schema: "Drops packets between nodes.",
        keys: Some(Keys {
            missing: "say who, such as `partition: { isolate: primary }`",
            example: "{ isolate: {} }",
        }),
        past: "{victims} {were} cut off",
        past_chinese: "{victims} 被网络隔离",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "`partition`")?;
        let isolate = f
            .get("isolate")
            .map(|tree| d.scalar::<Selector>(tree, "a node"));
        let between = f.get("between").map(|tree| pair(d, tree));
        let direction = f.get("direction").map_or(Some(Direction::Both), |tree| {
            let words = [
                ("both", Direction::Both),
                ("in", Direction::In),
                ("out", Direction::Out),
            ];
            d.word(tree, "direction", &words)
        });
        let clients = f.get("clients").map_or(Some(ClientPlace::Cut), |tree| {
            let words = [
                ("cut", ClientPlace::Cut),
                ("keep", ClientPlace::Keep),
                ("isolated", ClientPlace::Isolated),
            ];
            d.word(tree, "choice for clients", &words)
        });
        let ports = f
            .get("ports")
            .map_or(Some(Vec::new()), |tree| ports(d, tree));
        let how = f.get("how").map_or(Some(Refuse::Drop), |tree| {
            let words = [("drop", Refuse::Drop), ("reject", Refuse::Reject)];
            d.word(tree, "way", &words)
        });
        let lasting = length(d, &mut f);
        d.finish(f);
        one_of_two(d, tree, isolate.is_some(), between.is_some())?;
        Some(Self {
            isolate: isolate.flatten(),
            between: between.flatten(),
            direction: direction?,
            clients: clients?,
            ports: ports?,
            how: how?,
            lasting,
        })
    }

    fn drawn(node: &Selector) -> Vec<Self> {
        let isolated = |clients| Self {
            isolate: Some(node.clone()),
            between: None,
            direction: Direction::Both,
            clients,
            ports: Vec::new(),
            how: Refuse::Drop,
            lasting: None,
        };
        vec![isolated(ClientPlace::Cut), isolated(ClientPlace::Keep)]
    }
}

impl FaultKind for Partition {
    fn title(&self) -> String {
        match (&self.isolate, &self.between) {
            (Some(node), _) => format!("isolate the {node}"),
            (None, Some((one, other))) => format!("cut {one} off from {other}"),
            (None, None) => Self::FACTS.name.into(),
        }
    }

    fn node(&self) -> Option<&Selector> {
        self.isolate.as_ref()
    }

    fn serves_on(&self) -> bool {
        let cut = self.isolate.is_some() && self.clients == ClientPlace::Cut;
        !(cut && self.ports.is_empty() && self.direction == Direction::Both)
    }

    fn node_mut(&mut self) -> Option<&mut Selector> {
        self.isolate.as_mut()
    }

    fn aimed(&self) -> Vec<(&'static str, &Selector)> {
        let between = self.between.iter().map(|(first, _)| ("between", first));
        let isolated = self.isolate.iter().map(|node| ("isolate", node));
        isolated.chain(between).collect()
    }

    fn named(&self) -> Vec<(&'static str, &Selector)> {
        let second = self.between.iter().map(|(_, second)| ("between", second));
        self.aimed().into_iter().chain(second).collect()
    }

    fn lasting(&self) -> Option<Dur> {
        self.lasting
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![
            Need::Machines("which cannot be partitioned"),
            Need::Sidecars,
        ]
    }

    fn allowance(&self) -> Option<Allowance> {
        Some(Allowance::Reversible)
    }
}

/// Who is cut off is said in one way.
fn one_of_two(d: &mut Decoder, tree: &Tree, isolate: bool, between: bool) -> Option<()> {
    if isolate != between {
        return Some(());
    }
    let message = if isolate {
        "`isolate` and `between` are two ways to say who is cut off"
    } else {
        "the partition does not say who is cut off"
    };
    let help = "write `isolate: primary`, or `between: [primary, replicas]`, and not both";
    d.note(Problem::at(tree.place.clone(), message).help(help));
    None
}

fn pair(d: &mut Decoder, tree: &Tree) -> Option<(Selector, Selector)> {
    let items = d.list(tree, "`between`")?;
    let [first, second] = items else {
        d.note(
            Problem::at(
                tree.place.clone(),
                format!("`between` has {} groups", items.len()),
            )
            .help("name two, such as `between: [primary, replicas]`"),
        );
        return None;
    };
    let a: Option<Selector> = d.scalar(first, "a node");
    let b: Option<Selector> = d.scalar(second, "a node");
    let (a, b) = (a?, b?);
    if a == b || a == Selector::All || b == Selector::All {
        d.note(
            Problem::at(second.place.clone(), "the two groups share nodes")
                .help("name two groups that have no node in common"),
        );
        return None;
    }
    Some((a, b))
}
