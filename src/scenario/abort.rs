//! When a drill stops by itself before its end.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Dur, Percent};

/// Conditions under which faults are healed at once and the drill ends as aborted: neither pass nor fail.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Abort {
    /// Too few of the clients' operations are ok.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<Floor>,
    /// A command of the user's own fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<MustSucceed>,
    /// The steps take longer than this together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Dur>,
}

/// A share that clients must see, over a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Floor {
    /// The least share of operations that are ok.
    pub below: Percent,
    /// The time over which they are counted. A time without any operation counts as below.
    #[serde(rename = "for")]
    pub lasting: Dur,
}

/// A command that must succeed for as long as the drill may go on. It is run where drdrill is, in the scenario's folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MustSucceed {
    /// The program and its arguments. It has succeeded when it ends with code 0.
    pub run: Vec<String>,
    /// How often it is run, and how long it may take.
    #[serde(default = "often")]
    pub every: Dur,
    /// For how long it may fail without a success.
    #[serde(rename = "for")]
    pub lasting: Dur,
}

/// Twice a second would be load of its own; every two seconds is noticed soon enough beside `for`.
pub(super) const fn often() -> Dur {
    Dur(std::time::Duration::from_secs(2))
}
