//! Containers that drdrill did not create, and what a drill may do near them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Dur;

/// A stack that runs already, which a drill takes as it finds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Attach {
    /// The Compose project of the containers; members are then named as its services are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// A label that the containers carry, `key=value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The members that hold data: services of the project, or names of containers.
    pub data: Vec<String>,
    /// The members that watch and decide, such as sentinels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub control: Vec<String>,
    /// Where the password of the members that hold data is: `env:NAME`, or `file:PATH` of a file that nobody else may read. With a
    /// user: `user:password` there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// The same for the members that watch and decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_login: Option<String>,
    /// The program that acts on a store which drdrill does not know, with its arguments; run in the scenario's folder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client: Vec<String>,
    /// The most members that faults may have out of service or cut off at a time.
    #[serde(default = "one")]
    pub max_targets: u32,
    /// Without a sign of life from drdrill for so long, faults are undone where the containers are.
    #[serde(default = "lease")]
    pub lease: Dur,
}

impl Default for Attach {
    fn default() -> Self {
        Self {
            project: None,
            label: None,
            data: Vec::new(),
            control: Vec::new(),
            login: None,
            control_login: None,
            client: Vec::new(),
            max_targets: one(),
            lease: lease(),
        }
    }
}

/// One member at a time, unless the file says that more may go.
pub(super) fn one() -> u32 {
    1
}

/// Long enough for a busy machine, and short beside what people set failovers to.
pub(super) fn lease() -> Dur {
    Dur(std::time::Duration::from_secs(15))
}

/// What the owner of a container allows near it, by the label `drdrill.allow`; each includes the ones before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Allowance {
    /// What leaves no trace once it is undone: frozen, cut off, slowed down.
    Reversible,
    /// What the servers must recover from: killed, stopped, started again.
    Recoverable,
}

impl Allowance {
    /// Its name in a label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reversible => "reversible",
            Self::Recoverable => "recoverable",
        }
    }

    /// The most that a label allows: words between commas. Nothing where it holds another word.
    pub fn of_label(text: &str) -> Option<Self> {
        let word = |word: &str| match word.trim() {
            "reversible" => Some(Self::Reversible),
            "recoverable" => Some(Self::Recoverable),
            _ => None,
        };
        let words: Option<Vec<Self>> = text.split(',').map(word).collect();
        words?.into_iter().max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_allows_what_it_names_and_nothing_that_it_does_not() {
        let of = Allowance::of_label;
        assert_eq!(of("reversible"), Some(Allowance::Reversible));
        assert_eq!(of("reversible, recoverable"), Some(Allowance::Recoverable));
        assert_eq!(of("recoverable"), Some(Allowance::Recoverable));
        for wrong in [
            "",
            "true",
            "all",
            "reversible,",
            "Reversible",
            "reversible;recoverable",
        ] {
            assert_eq!(of(wrong), None, "{wrong:?}");
        }
    }
}
