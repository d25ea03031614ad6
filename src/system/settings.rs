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
