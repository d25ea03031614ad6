//! A scenario as a file that people read.

use super::Scenario;

/// The scenario as YAML, its keys in the order of the language's reference.
pub fn to_yaml(scenario: &Scenario) -> String {
    serde_saphyr::to_string(scenario).expect("texts, numbers and lists can always be written")
}
