//! A node's name lookups fail, resolve wrongly, or resolve late.

use std::{fmt, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Dur, Facts, FaultKind, Keys, Nature, Need, Selector, Tree, Vocabulary,
    keys::{length, node},
};
use crate::scenario::problem::Problem;

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
        f.write_str(own.map_or(Dns::FACTS.name, |(name, _)| name))
    }
}

/// How late a name may come: the C library tries again after 5 s.
const DELAY: (Dur, Dur) = (Dur(Duration::from_millis(200)), Dur(Duration::from_secs(4)));

impl Vocabulary for Dns {
    const FACTS: Facts = Facts {
        name: "dns",
        help: "lets names come to nothing, to a wrong address, or late, for one node",
        schema: "Lets names come to nothing, to a wrong address, or late.",
        keys: Some(Keys {
            missing: "say whose and how, such as `dns: { node: replicas, how: gone }`",
            example: "{ node: {}, how: gone }",
        }),
        past: "{victims} {were} given no names, wrong ones or late ones",
        past_chinese: "{victims} 域名解析失败、错误或延迟",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "`dns`")?;
        let node = node(d, &mut f);
        let how = f
            .need("how", "say what look-ups come to, such as `how: gone`")
            .and_then(|tree| d.word(tree, "way", &Misnaming::ALL));
        let delay = f.get("delay").map(|tree| {
            let delay: Dur = d.scalar(tree, "a duration")?;
            d.within(tree, "a delay", delay, DELAY.0..=DELAY.1)
        });
        let names = f.get("names").map_or(Some(Vec::new()), |tree| {
            let items = d.list(tree, "`names`")?;
            let name = |item| d.text(item, "a member's name").map(str::to_owned);
            items.iter().map(name).collect()
        });
        let lasting = length(d, &mut f);
        d.finish(f);
        if how.is_some_and(|how| (how == Misnaming::Slow) != delay.is_some()) {
            let problem = Problem::at(
                tree.place.clone(),
                "`delay` goes with `how: slow`, and only with it",
            );
            d.note(problem.help("write `how: slow, delay: 1s`, or leave `delay` out"));
            return None;
        }
        Some(Self {
            node: node?,
            how: how?,
            delay: delay.flatten(),
            names: names?,
            lasting,
        })
    }
}

impl FaultKind for Dns {
    fn title(&self) -> String {
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

    fn node(&self) -> Option<&Selector> {
        Some(&self.node)
    }

    fn node_mut(&mut self) -> Option<&mut Selector> {
        Some(&mut self.node)
    }

    fn lasting(&self) -> Option<Dur> {
        self.lasting
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![
            Need::Machines("which resolve no names"),
            // A name server in the node's network.
            Need::Sidecars,
            Need::Data("and nobody asks it on a new connection"),
            Need::Names(&self.names),
        ]
    }
}
