//! A design's settings: defaults filled in, and values read by their kind.

use std::{collections::BTreeMap, time::Duration};

use crate::scenario::{Dur, SystemSpec};

use super::{Design, Issue, SettingSpec, SystemError};

/// Every setting of `specs` with the file's value or its default.
pub fn filled<'a>(
    specs: impl IntoIterator<Item = &'a SettingSpec>,
    spec: &SystemSpec,
) -> BTreeMap<&'static str, String> {
    specs
        .into_iter()
        .map(|setting| {
            let given = spec.settings.get(setting.name).cloned();
            (
                setting.name,
                given.unwrap_or_else(|| setting.default.to_owned()),
            )
        })
        .collect()
}

/// A problem with one setting's value.
pub fn issue(name: &str, message: impl Into<String>, help: impl Into<String>) -> Issue {
    Issue {
        path: vec!["settings".into(), name.into()],
        message: message.into(),
        help: help.into(),
    }
}

/// Reads values that were checked against their kinds before.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a>(pub &'a BTreeMap<&'static str, String>);

impl<'a> Values<'a> {
    /// The values of a design.
    pub fn of(design: &'a Design) -> Self {
        Self(&design.settings)
    }

    /// A word; empty when the topology has no such setting.
    pub fn word(self, name: &str) -> &'a str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Whether a flag is set.
    pub fn flag(self, name: &str) -> bool {
        self.word(name) == "true"
    }

    /// A duration.
    ///
    /// # Errors
    /// When it is none; the scenario's check refuses such a file before.
    pub fn duration(self, name: &str) -> Result<Duration, SystemError> {
        let parsed = self.word(name).parse::<Dur>();
        parsed.map(|dur| dur.0).map_err(|_| self.unreadable(name))
    }

    /// A whole number.
    ///
    /// # Errors
    /// When it is none; the scenario's check refuses such a file before.
    pub fn count(self, name: &str) -> Result<u64, SystemError> {
        self.word(name).parse().map_err(|_| self.unreadable(name))
    }

    fn unreadable(self, name: &str) -> SystemError {
        SystemError::Refused(format!(
            "setting `{name}` cannot be read: `{}`",
            self.word(name)
        ))
    }
}

/// A time in milliseconds that is the same in the settings of all of `who`, as read back from each.
///
/// # Errors
/// When one has none, or another.
pub fn agreed(
    all: &[BTreeMap<String, String>],
    name: &str,
    who: &str,
) -> Result<Duration, SystemError> {
    let mut values = all
        .iter()
        .map(|settings| settings.get(name).and_then(|text| text.parse().ok()));
    let first = values.next().flatten();
    match first {
        Some(milliseconds) if values.all(|value| value == first) => {
            Ok(Duration::from_millis(milliseconds))
        }
        _ => Err(SystemError::Refused(format!(
            "{who} do not agree on `{name}`"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_agreed_on_only_where_all_have_the_same() {
        let told = |values: &[&str]| {
            let all = values
                .iter()
                .map(|value| [("period".to_owned(), (*value).to_owned())].into());
            let all: Vec<BTreeMap<String, String>> = all.collect();
            agreed(&all, "period", "the brokers")
        };
        assert_eq!(told(&["900", "900"]), Ok(Duration::from_millis(900)));
        let words = "the brokers do not agree on `period`";
        for values in [
            &["900", "901"][..],
            &["900", "soon"],
            &["soon", "soon"],
            &[],
        ] {
            assert_eq!(told(values).map_err(|e| e.to_string()), Err(words.into()));
        }
    }
}
