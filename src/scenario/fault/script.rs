//! A node of the reference store plays an outage by itself, whose true length its log tells.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Dur, Facts, FaultKind, Keys, Nature, Need, Selector, Tree, Vocabulary,
    keys::{lasting, node},
};
use crate::scenario::scalar::ScalarError;

/// An outage that a node of the reference store plays by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Script {
    /// The node, by role.
    pub node: Selector,
    /// What it plays.
    pub how: Play,
    /// How long it plays.
    #[serde(rename = "for")]
    pub lasting: Dur,
}

/// What a node of the reference store can play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Play {
    /// Connections are closed and new ones refused.
    Refuse,
    /// Connections are reset, new ones at their first request.
    Reset,
    /// Connections are taken, requests read and not answered before the end.
    Hang,
    /// Requests are carried out and answered a second late.
    Slow,
    /// Connections of before are dead for good without a word; new ones are refused.
    HalfOpen,
    /// The node knows no other node; clients reach it.
    Isolate,
}

impl Play {
    /// Every play by its name in a file.
    pub const ALL: [(&'static str, Self); 6] = [
        ("refuse", Self::Refuse),
        ("reset", Self::Reset),
        ("hang", Self::Hang),
        ("slow", Self::Slow),
        ("half-open", Self::HalfOpen),
        ("isolate", Self::Isolate),
    ];
}

impl fmt::Display for Play {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = Self::ALL.iter().find(|(_, play)| play == self);
        f.write_str(own.map_or(Script::FACTS.name, |(name, _)| name))
    }
}

impl FromStr for Play {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text);
        found
            .map(|(_, play)| *play)
            .ok_or_else(|| ScalarError(format!("there is no script `{text}`")))
    }
}

impl Vocabulary for Script {
    const FACTS: Facts = Facts {
        name: "script",
        help: "lets a node of the reference store play an outage of known length",
        schema: "Lets a node of the reference store play an outage by itself, whose true length its log tells.",
        keys: Some(Keys {
            missing: "say who and what, such as `script: { node: primary, how: refuse, for: 2s }`",
            example: "{ node: {}, how: refuse, for: 2s }",
        }),
        past: "{victims} {were} hit by `script`",
        past_chinese: "{victims} 自行模拟了一次中断",
        nature: Nature::Scripted,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "`script`")?;
        let node = node(d, &mut f);
        let how = f
            .need("how", "say what it plays, such as `how: refuse`")
            .and_then(|tree| d.word(tree, "script", &Play::ALL));
        let length = f
            .need("for", "say how long it plays, such as `for: 2s`")
            .and_then(|tree| lasting(d, tree));
        d.finish(f);
        Some(Self {
            node: node?,
            how: how?,
            lasting: length?,
        })
    }
}

impl FaultKind for Script {
    fn title(&self) -> String {
        format!(
            "let the {} play {} for {}",
            self.node, self.how, self.lasting
        )
    }

    fn node(&self) -> Option<&Selector> {
        Some(&self.node)
    }

    fn node_mut(&mut self) -> Option<&mut Selector> {
        Some(&mut self.node)
    }

    fn lasts(&self) -> bool {
        false
    }

    fn ends_inside(&self) -> bool {
        true
    }

    fn needs(&self) -> Vec<Need<'_>> {
        vec![Need::Scripts]
    }
}
