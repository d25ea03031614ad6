//! Reading Prometheus' rule files: which alerts there are, and how long each is pending.

use std::{sync::Arc, time::Duration};

use miette::NamedSource;

use crate::scenario::problem::{Problem, Source};

use super::tree::{self, Tree, Value};

/// An alert as a file of rules states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedRule {
    /// Its name.
    pub alert: String,
    /// How long its condition must hold before it fires; zero unless said.
    pub hold: Duration,
    /// How often its group is evaluated; the evaluation interval unless said.
    pub every: Option<Duration>,
}

/// The alerts of a file of Prometheus' rules, in order. Recording rules are passed over; whether expressions are right is
/// for Prometheus to say.
///
/// # Errors
/// When the text is no YAML, no file of rules, or a duration cannot be read.
pub fn rules(file: &str, text: &str) -> Result<Vec<StatedRule>, Problem> {
    let source: Source = Arc::new(NamedSource::new(file, text.to_owned()));
    let mut problems = Vec::new();
    let tree = tree::parse(&source, &mut problems)?;
    if let Some(problem) = problems.into_iter().next() {
        return Err(problem);
    }
    let groups = list(&tree, "groups", "a file of rules starts with `groups:`")?;
    let mut found = Vec::new();
    for group in groups {
        let every = duration(group, "interval")?;
        for rule in list(group, "rules", "a group holds `rules:`")? {
            if let Some(alert) = text_of(rule, "alert") {
                found.push(StatedRule {
                    alert: alert.to_owned(),
                    hold: duration(rule, "for")?.unwrap_or_default(),
                    every,
                });
            }
        }
    }
    Ok(found)
}

fn value<'t>(tree: &'t Tree, key: &str) -> Option<&'t Tree> {
    let Value::Map(entries) = &tree.value else {
        return None;
    };
    entries
        .iter()
        .find(|(name, _)| name.text == key)
        .map(|(_, value)| value)
}

fn list<'t>(tree: &'t Tree, key: &str, help: &str) -> Result<&'t [Tree], Problem> {
    match value(tree, key).map(|tree| &tree.value) {
        Some(Value::List(items)) => Ok(items),
        _ => Err(Problem::at(tree.place.clone(), format!("there is no list `{key}`")).help(help)),
    }
}

fn text_of<'t>(tree: &'t Tree, key: &str) -> Option<&'t str> {
    match &value(tree, key)?.value {
        Value::Scalar(text) => Some(text),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

fn duration(tree: &Tree, key: &str) -> Result<Option<Duration>, Problem> {
    let Some(found) = value(tree, key) else {
        return Ok(None);
    };
    let read = text_of(tree, key).and_then(prometheus_duration);
    let wrong = || {
        let help = "write it as Prometheus does: `30s`, `5m`, `1h30m`";
        Problem::at(
            found.place.clone(),
            format!("failed to read `{key}` as a duration"),
        )
        .help(help)
    };
    read.map(Some).ok_or_else(wrong)
}

/// A duration as Prometheus writes it: `0`, `1m30s`, `1d`.
pub fn prometheus_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let units = [
        ("ms", 1),
        ("s", 1_000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
        ("w", 604_800_000),
        ("y", 31_536_000_000),
    ];
    let (mut rest, mut total) = (text.trim(), 0_u64);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = &rest[digits..];
        let end = unit
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(unit.len());
        let (_, ms) = units.iter().find(|(name, _)| *name == &unit[..end])?;
        total = total.checked_add(number.checked_mul(*ms)?)?;
        rest = &unit[end..];
    }
    Some(Duration::from_millis(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_prometheus_writes_them() {
        let cases = [
            ("30s", Some(30_000)),
            ("1m30s", Some(90_000)),
            ("5m", Some(300_000)),
            ("250ms", Some(250)),
            ("0", Some(0)),
            ("0s", Some(0)),
            ("1d", Some(86_400_000)),
            ("5", None),
            ("m", None),
            ("5 m", None),
            ("", None),
        ];
        for (text, ms) in cases {
            assert_eq!(
                prometheus_duration(text),
                ms.map(Duration::from_millis),
                "{text}"
            );
        }
    }

    #[test]
    fn alerts_are_found_with_their_time_pending_and_recording_rules_are_not() {
        let text = "groups:\n- name: a\n  interval: 10s\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 5m\n\
                    - name: b\n  rules:\n  - record: x\n    expr: y\n  - alert: Now\n    expr: up\n";
        let stated = rules("a.rules", text).expect("rules");
        let all: Vec<_> = stated
            .iter()
            .map(|rule| (rule.alert.as_str(), rule.hold.as_secs(), rule.every))
            .collect();
        assert_eq!(
            all,
            [
                ("Down", 300, Some(Duration::from_secs(10))),
                ("Now", 0, None)
            ]
        );
        assert!(rules("a.rules", "groups: {}\n").is_err());
        assert!(rules("a.rules", &text.replace("5m", "five")).is_err());
    }
}
