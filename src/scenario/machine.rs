//! Faults of whole machines: they boot again, or their clocks go wrong.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Dur, Percent, Selector};

/// Machines that lose their power together and boot again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Reboot {
    /// The nodes, such as `region a`; everything on their machines goes with them.
    pub node: Selector,
    /// How long they are without power.
    pub down: Dur,
}

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

impl ClockJump {
    /// How far it jumps, nanoseconds; back is negative.
    pub fn nanoseconds(&self) -> i64 {
        let of = |dur: Option<Dur>| {
            let time = dur.unwrap_or_default().0.as_nanos();
            i64::try_from(time).unwrap_or(i64::MAX)
        };
        of(self.ahead) - of(self.back)
    }

    /// What it does, in a few words.
    pub fn title(&self) -> String {
        match (self.ahead, self.back) {
            (Some(ahead), _) => format!("set the clock of the {} {ahead} ahead", self.node),
            (None, back) => format!(
                "set the clock of the {} {} back",
                self.node,
                back.unwrap_or_default()
            ),
        }
    }
}

impl ClockDrift {
    /// How much faster it goes, parts in 10^9; slower is negative.
    pub fn parts(&self) -> i64 {
        let of = |share: Option<Percent>| (share.map_or(0.0, |share| share.0) * 1e7).round() as i64;
        of(self.faster) - of(self.slower)
    }

    /// What it does, in a few words.
    pub fn title(&self) -> String {
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
}
