//! Victims with further roles, and data on them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Dur, Fields, Selector, Tree, Value,
    keys::{lasting, node},
};
use crate::scenario::problem::{Place, Problem};

/// Whom a process fault hits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Victim {
    /// The node, by role.
    pub node: Selector,
    /// A role that the victim's machine must not hold; the harness moves it away first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless: Option<Condition>,
    /// A role that the victim's machine must hold as well; the harness moves it there first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub and: Option<Condition>,
    /// For `pause`: ends by itself after this time. Without it, it lasts until `heal`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Dur>,
}

/// A second role on the victim's machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// The leader of the etcd cluster that Patroni uses.
    EtcdLeader,
}

/// Which further roles a victim must hold, and which it must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Conditions {
    /// What it must hold as well.
    pub and: Option<Condition>,
    /// What it must not hold.
    pub unless: Option<Condition>,
}

impl From<Selector> for Victim {
    /// Without further roles, until it is healed.
    fn from(node: Selector) -> Self {
        Self {
            node,
            unless: None,
            and: None,
            lasting: None,
        }
    }
}

impl Victim {
    /// Which further roles it must hold or must not.
    pub fn conditions(&self) -> Conditions {
        Conditions {
            and: self.and,
            unless: self.unless,
        }
    }

    /// A node alone, or a map with conditions, of a fault that ends by itself where that is asked.
    pub(super) fn ending(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        Some(decode(d, tree)?.0)
    }

    /// The same of a fault of this name that does not end by itself.
    pub(super) fn staying(d: &mut Decoder, kind: &str, tree: &Tree) -> Option<Self> {
        let (victim, ends) = decode(d, tree)?;
        if let Some(place) = ends {
            d.note(
                Problem::at(place.clone(), format!("a {kind} does not end by itself"))
                    .label("it is over at once, or lasts until it is healed")
                    .help("remove `for`, and end the fault by a `heal` step"),
            );
        }
        Some(victim)
    }
}

/// The victim, and where it says for how long.
fn decode<'t>(d: &mut Decoder, tree: &'t Tree) -> Option<(Victim, Option<&'t Place>)> {
    if matches!(tree.value, Value::Scalar(_)) {
        let node: Selector = d.scalar(tree, "a node")?;
        return Some((node.into(), None));
    }
    let mut f = d.fields(tree, "the fault")?;
    let node = node(d, &mut f);
    let unless = condition(d, &mut f, "unless");
    let and = condition(d, &mut f, "and");
    let lasting = f
        .get("for")
        .and_then(|tree| Some((lasting(d, tree)?, &tree.place)));
    d.finish(f);
    if let (Some((a, place)), Some((b, _))) = (and, unless)
        && a == b
    {
        d.note(
            Problem::at(place.clone(), "`and` and `unless` ask for opposite things")
                .help("keep one of them"),
        );
    }
    let victim = Victim {
        node: node?,
        unless: unless.map(|(condition, _)| condition),
        and: and.map(|(condition, _)| condition),
        lasting: lasting.map(|(dur, _)| dur),
    };
    Some((victim, lasting.map(|(_, place)| place)))
}

fn condition<'t>(
    d: &mut Decoder,
    f: &mut Fields<'t>,
    name: &'static str,
) -> Option<(Condition, &'t Place)> {
    let tree = f.get(name)?;
    let condition = d.word(tree, "condition", &[("etcd-leader", Condition::EtcdLeader)])?;
    Some((condition, &tree.place))
}

/// Data on a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Stored {
    /// The node, by role.
    pub node: Selector,
    /// The folder whose content is deleted, or the file that is damaged: of several that fit a pattern, the greatest.
    pub path: String,
}

impl Stored {
    pub(super) fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "the fault")?;
        let node = node(d, &mut f);
        let path = f
            .need("path", "say what, such as `path: /data`")
            .and_then(|tree| Some((d.text(tree, "a path")?, tree)));
        d.finish(f);
        let (path, place) = path?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-*?".contains(c);
        let below_root = path
            .strip_prefix('/')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()));
        if !below_root || !path.chars().all(plain) || path.contains("..") {
            d.note(
                Problem::at(
                    place.place.clone(),
                    format!("`{path}` is no path of data in a node"),
                )
                .help("give an absolute path below `/`, without blanks, such as `/data`"),
            );
            return None;
        }
        Some(Self {
            node: node?,
            path: path.to_owned(),
        })
    }
}
