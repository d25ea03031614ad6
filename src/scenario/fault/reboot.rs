//! Machines lose their power together, such as a whole region, and boot again.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Decoder, Dur, Facts, FaultKind, Keys, Nature, Selector, Tree, Vocabulary, keys::node};

/// Machines that lose their power together and boot again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Reboot {
    /// The nodes, such as `region a`; everything on their machines goes with them.
    pub node: Selector,
    /// How long they are without power.
    pub down: Dur,
}

/// Less is a restart; the most is a patient person's.
const DOWN: (Dur, Dur) = (Dur(Duration::from_secs(1)), Dur(Duration::from_secs(3600)));

impl Vocabulary for Reboot {
    const FACTS: Facts = Facts {
        name: "reboot",
        help: "takes the power from machines at once, such as a whole region, and gives it back after a while",
        schema: "Takes the power from machines at once, and gives it back after a while.",
        keys: Some(Keys {
            missing: "say who and how long, such as `reboot: { node: region a, down: 20s }`",
            example: "{ node: {}, down: 3s }",
        }),
        past: "{victims} {were} without power for a while",
        past_chinese: "{victims} 断电一段时间",
        nature: Nature::Failure,
    };

    fn decode(d: &mut Decoder, tree: &Tree) -> Option<Self> {
        let mut f = d.fields(tree, "`reboot`")?;
        let node = node(d, &mut f);
        let down = f
            .need(
                "down",
                "say how long they are without power, such as `down: 20s`",
            )
            .and_then(|tree| {
                let down: Dur = d.scalar(tree, "a duration")?;
                d.within(tree, "a time without power", down, DOWN.0..=DOWN.1)
            });
        d.finish(f);
        Some(Self {
            node: node?,
            down: down?,
        })
    }
}

impl FaultKind for Reboot {
    fn title(&self) -> String {
        format!("reboot {}, {} without power", self.node, self.down)
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
}
