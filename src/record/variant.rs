//! What a drill is compared with: runs of the same scenario with the same values in it.

use crate::shown::shown;

/// Values that say how often a drill is run, not which one.
const SAME_DRILL: [&str; 2] = ["repeat", "fresh-stacks"];

/// A scenario's name, and in brackets the values that replaced those of its file: `a-kill [targets.rto=1h]`. A drill of
/// another stack, or with other targets, is no evidence for what the file asks. It is printed in many places, so what is
/// not seen in it is written as an escape here.
pub fn variant(scenario: &str, overrides: &[(String, String)]) -> String {
    let told = overrides
        .iter()
        .filter(|(key, _)| !SAME_DRILL.contains(&key.as_str()));
    let values: Vec<String> = told.map(|(key, value)| format!("{key}={value}")).collect();
    if values.is_empty() {
        return shown(scenario).into_owned();
    }
    shown(&format!("{scenario} [{}]", values.join(", "))).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_values_are_another_drill_and_repeats_are_the_same() {
        let set = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            let pairs = pairs.iter();
            pairs.map(|(k, v)| ((*k).into(), (*v).into())).collect()
        };
        assert_eq!(variant("kill", &[]), "kill");
        assert_eq!(variant("kill", &set(&[("repeat", "5")])), "kill");
        let weaker = set(&[("repeat", "5"), ("targets.rto", "1h")]);
        assert_eq!(variant("kill", &weaker), "kill [targets.rto=1h]");
        let spoof = set(&[("name", "x]\n::error::\u{1b}[2J")]);
        assert_eq!(
            variant("kill", &spoof),
            "kill [name=x]\\n::error::\\u{1b}[2J]"
        );
    }
}
