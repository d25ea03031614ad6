//! A node's clock jumps.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Dur, Facts, FaultKind, Fields, Keys, Nature, Need, Selector, Tree, Vocabulary,
    keys::{length, node, one_way},
};

/// A clock that jumps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClockJump {
    /// The node, by role.
    pub node: Selector,
    /// How far ahead it jumps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<Dur>,
    /// How far back it jumps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<Dur>,
    /// Ends by itself after this time: the clock jumps to the right time. Without it, it lasts until `heal`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Dur>,
}

/// Less could not be told from the time that an answer takes.
const JUMP: (Dur, Dur) = (
    Dur(Duration::from_millis(100)),
    Dur(Duration::from_secs(366 * 24 * 3600)),
);

impl Vocabulary for ClockJump {
    const FACTS: Facts = Facts {
        name: "clock-jump",
        help: "lets a node's clock jump",
        schema: "Lets a node's clock jump.",
        keys: Some(Keys {
            missing: "say whose and how far, such as `clock-jump: { node: primary, ahead: 60s }`",
            example: "{ node: {}, ahead: 60s }",
        }),
        past: "the clock of {victims} jumped",
        past_chinese: "{victims} 的时钟跳变",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "`clock-jump`")?;
        let node = node(d, &mut f);
        let jump = |d: &mut Decoder, f: &mut Fields<'_>, name| {
            let tree = f.get(name)?;
            let jump: Dur = d.scalar(tree, "a duration")?;
            d.within(tree, "a jump", jump, JUMP.0..=JUMP.1)
        };
        let given = f.get("ahead").is_some() != f.get("back").is_some();
        let (ahead, back) = (jump(d, &mut f, "ahead"), jump(d, &mut f, "back"));
        let lasting = length(d, &mut f);
        d.finish(f);
        one_way(d, tree, given, "write `ahead: 60s` or `back: 60s`")?;
        (ahead.is_some() || back.is_some()).then_some(())?;
        Some(Self {
            node: node?,
            ahead,
            back,
            lasting,
        })
    }

    fn drawn(node: &Selector) -> Vec<Self> {
        vec![Self {
            node: node.clone(),
            ahead: Some(Dur(Duration::from_secs(60))),
            back: None,
            lasting: None,
        }]
    }
}

impl FaultKind for ClockJump {
    fn title(&self) -> String {
        match (self.ahead, self.back) {
            (Some(ahead), _) => format!("set the clock of the {} {ahead} ahead", self.node),
            (None, back) => format!(
                "set the clock of the {} {} back",
                self.node,
                back.unwrap_or_default()
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
        vec![Need::Clock]
    }
}

impl ClockJump {
    /// How far it jumps, nanoseconds; back is negative.
    pub fn nanoseconds(&self) -> i64 {
        let of = |dur: Option<Dur>| {
            let time = dur.unwrap_or_default().0.as_nanos();
            i64::try_from(time).unwrap_or(i64::MAX)
        };
        of(self.ahead) - of(self.back)
    }
}
