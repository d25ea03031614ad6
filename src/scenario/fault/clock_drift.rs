//! A node's clock goes at a wrong rate.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Decoder, Dur, Facts, FaultKind, Fields, Keys, Nature, Need, Selector, Tree, Vocabulary,
    keys::{length, node, one_way},
};
use crate::scenario::Percent;

/// A clock that goes at a wrong rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClockDrift {
    /// The node, by role.
    pub node: Selector,
    /// How much faster it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faster: Option<Percent>,
    /// How much slower it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slower: Option<Percent>,
    /// Ends by itself after this time: the clock jumps to the right time. Without it, it lasts until `heal`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Dur>,
}

/// Less takes too long to be seen; the most halves the clock's rate.
const DRIFT: (Percent, Percent) = (Percent(0.1), Percent(50.0));

impl Vocabulary for ClockDrift {
    const FACTS: Facts = Facts {
        name: "clock-drift",
        help: "lets a node's clock go at a wrong rate",
        schema: "Lets a node's clock go at a wrong rate.",
        keys: Some(Keys {
            missing: "say whose and how much, such as `clock-drift: { node: primary, faster: 1% }`",
            example: "{ node: {}, faster: 5% }",
        }),
        past: "the clock of {victims} went at a wrong rate",
        past_chinese: "{victims} 的时钟走速不准",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "`clock-drift`")?;
        let node = node(d, &mut f);
        let drift = |d: &mut Decoder, f: &mut Fields<'_>, name| {
            let tree = f.get(name)?;
            let drift: Percent = d.scalar(tree, "a percentage")?;
            d.within(tree, "a drift", drift, DRIFT.0..=DRIFT.1)
        };
        let given = f.get("faster").is_some() != f.get("slower").is_some();
        let (faster, slower) = (drift(d, &mut f, "faster"), drift(d, &mut f, "slower"));
        let lasting = length(d, &mut f);
        d.finish(f);
        one_way(d, tree, given, "write `faster: 1%` or `slower: 1%`")?;
        (faster.is_some() || slower.is_some()).then_some(())?;
        Some(Self {
            node: node?,
            faster,
            slower,
            lasting,
        })
    }
}

impl FaultKind for ClockDrift {
    fn title(&self) -> String {
        match (self.faster, self.slower) {
            (Some(faster), _) => format!("let the clock of the {} go {faster} faster", self.node),
            (None, slower) => {
                let slower = slower.map_or(0.0, |slower| slower.0);
                format!(
                    "let the clock of the {} go {} slower",
                    self.node,
                    Percent(slower)
                )
            }
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

impl ClockDrift {
    /// How much faster it goes, parts in 10^9; slower is negative.
    pub fn parts(&self) -> i64 {
        let of = |share: Option<Percent>| (share.map_or(0.0, |share| share.0) * 1e7).round() as i64;
        of(self.faster) - of(self.slower)
    }
}
