//! Keeps secrets out of run folders: by the names of settings, by known values, and by their shape.

use std::{borrow::Cow, collections::BTreeSet, sync::LazyLock};

use regex::{Captures, Regex};
use serde_json::Value;

use crate::record::Event;

/// What stands in a secret's place. A bare word, so that YAML, JSON and logs stay what they are.
pub const REDACTED: &str = "REDACTED";

/// Shorter values are not searched for: they occur everywhere.
const VALUE_LEAST: usize = 6;
/// Shorter lines of a secret of several lines are not searched for on their own.
const LINE_LEAST: usize = 8;

/// Names that end so hold secrets: of settings, variables, and assignments in text.
const NAME: &str = r"(?:password|passwd|passphrase|_pass|-pass|requirepass|masterauth|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|signing[_-]?key|credentials?)";

static NAMED: LazyLock<Regex> = LazyLock::new(|| regex(&format!(r"(?i){NAME}$")));

/// `name: value` and `name=value`, where the value is one word or quoted.
static ASSIGNED: LazyLock<Regex> = LazyLock::new(|| {
    regex(&format!(
        r#"(?i)({NAME}["']?\s*[:=]\s*)("[^"\n]+"|'[^'\n]+'|[^\s,;&|>{{}}\[\]"']+)"#
    ))
});

/// Shapes that are secret whatever stands before them; what the first group holds is kept.
static SHAPES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // Configuration files that separate by spaces.
        r#"(?i)(\b(?:requirepass|masterauth)\s+)("[^"\n]+"|[^\s:="']+)"#,
        // The password of an address.
        r"(?i)(\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@/]+@",
        r"()-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----",
        r"(?i)(\bbearer\s+)[a-z0-9._~+/-]{8,}=*",
        // Keys of cloud providers, code hosts, chats; JSON web tokens; minisign secret keys.
        r"()\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
        r"()\bgh[pousr]_[A-Za-z0-9]{20,}\b",
        r"()\bglpat-[A-Za-z0-9_-]{20,}",
        r"()\bxox[abprs]-[A-Za-z0-9-]{10,}",
        r"()\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
        r"()\bRW(?:RTY0Iy|QAAEIy)[A-Za-z0-9+/=]{40,}",
    ]
    .iter()
    .map(|shape| regex(shape))
    .collect()
});

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant of this file")
}

/// Whether a name says that its value is secret.
pub fn is_secret(name: &str) -> bool {
    NAMED.is_match(name)
}

/// Takes secrets out of text and events. Every redactor knows names and shapes; `knowing` adds values.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    values: Vec<String>,
}

impl Redactor {
    /// A redactor that also knows values: of variables whose names say so, and of overrides.
    pub fn knowing(named: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut values = BTreeSet::new();
        for (name, value) in named {
            if is_secret(&name) {
                note(&value, &mut values);
            }
        }
        Self::of(values)
    }

    /// Learns the secret settings of a value, for instance of a scenario.
    #[must_use]
    pub fn learning(self, value: &Value) -> Self {
        let mut values: BTreeSet<String> = self.values.into_iter().collect();
        learn(value, &mut values);
        Self::of(values)
    }

    fn of(values: BTreeSet<String>) -> Self {
        let mut values: Vec<String> = values.into_iter().collect();
        // A secret that holds another one is replaced as a whole.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self { values }
    }

    /// Text without secrets.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for value in &self.values {
            if text.contains(value.as_str()) {
                text = Cow::Owned(text.replace(value.as_str(), REDACTED));
            }
        }
        let keep_quotes = |found: &Captures<'_>| {
            let quote = match found[2].as_bytes()[0] {
                b'"' => "\"",
                b'\'' => "'",
                _ => "",
            };
            format!("{}{quote}{REDACTED}{quote}", &found[1])
        };
        if ASSIGNED.is_match(&text) {
            text = Cow::Owned(ASSIGNED.replace_all(&text, keep_quotes).into_owned());
        }
        for shape in SHAPES.iter() {
            if shape.is_match(&text) {
                let replaced = shape.replace_all(&text, |found: &Captures<'_>| {
                    let end = if found[0].ends_with('@') { "@" } else { "" };
                    format!("{}{REDACTED}{end}", &found[1])
                });
                text = Cow::Owned(replaced.into_owned());
            }
        }
        text
    }

    /// A value without secrets: those under names that say so, and those in its texts.
    #[must_use]
    pub fn value(&self, value: Value) -> Value {
        self.walk(value, false)
    }

    /// An event without secrets.
    ///
    /// # Errors
    /// When the event cannot be written as JSON.
    pub fn event(&self, event: &Event) -> Result<Event, serde_json::Error> {
        let value = serde_json::to_value(event)?;
        // A known value may be a word that events are made of; then words that stand alone are left.
        serde_json::from_value(self.walk(value.clone(), false))
            .or_else(|_| serde_json::from_value(self.walk(value, true)))
    }

    fn walk(&self, value: Value, leave_words: bool) -> Value {
        match value {
            Value::String(text) if leave_words && is_word(&text) => Value::String(text),
            Value::String(text) => Value::String(self.text(&text).into_owned()),
            Value::Array(items) => match pair(&items) {
                Some(name) => {
                    let name = Value::String(self.text(name).into_owned());
                    Value::Array(vec![name, REDACTED.into()])
                }
                None => items
                    .into_iter()
                    .map(|item| self.walk(item, leave_words))
                    .collect(),
            },
            Value::Object(mut fields) => {
                let named = fields
                    .get("name")
                    .and_then(Value::as_str)
                    .is_some_and(is_secret);
                for (key, field) in &mut fields {
                    let secret = is_secret(key) || (named && key == "value");
                    *field = match field.take() {
                        Value::String(_) if secret => REDACTED.into(),
                        other => self.walk(other, leave_words),
                    };
                }
                Value::Object(fields)
            }
            other => other,
        }
    }
}

/// The name of a pair of texts whose name says that the other one is secret.
fn pair(items: &[Value]) -> Option<&str> {
    match items {
        [Value::String(name), Value::String(_)] if is_secret(name) => Some(name),
        _ => None,
    }
}

fn learn(value: &Value, values: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => match (pair(items), items.get(1).and_then(Value::as_str)) {
            (Some(_), Some(secret)) => note(secret, values),
            _ => items.iter().for_each(|item| learn(item, values)),
        },
        Value::Object(fields) => {
            for (key, field) in fields {
                match field.as_str() {
                    Some(secret) if is_secret(key) => note(secret, values),
                    _ => learn(field, values),
                }
            }
        }
        _ => {}
    }
}

fn note(secret: &str, values: &mut BTreeSet<String>) {
    let long = |text: &&str, least: usize| text.len() >= least && *text != REDACTED;
    values.extend(
        Some(secret.trim())
            .filter(|t| long(t, VALUE_LEAST))
            .map(str::to_owned),
    );
    let lines = secret.lines().map(str::trim);
    values.extend(lines.filter(|t| long(t, LINE_LEAST)).map(str::to_owned));
}

/// A word as states, roles and kinds are written.
fn is_word(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        Redactor::default().text(text).into_owned()
    }

    #[test]
    fn secrets_are_known_by_name_and_by_shape() {
        for (text, clean) in [
            ("password=hunter2 host=pg1", "password=REDACTED host=pg1"),
            ("  requirepass: \"hun ter\"", "  requirepass: \"REDACTED\""),
            ("requirepass hunter2", "requirepass REDACTED"),
            ("PGPASSWORD: hunter2", "PGPASSWORD: REDACTED"),
            (
                "postgres://app:hunter2@pg1:5432/app",
                "postgres://app:REDACTED@pg1:5432/app",
            ),
            ("{\"api_key\": \"abc\"}", "{\"api_key\": \"REDACTED\"}"),
            (
                "Authorization: Bearer abcdefgh12345",
                "Authorization: Bearer REDACTED",
            ),
            ("id AKIAABCDEFGHIJKLMNOP here", "id REDACTED here"),
        ] {
            assert_eq!(plain(text), clean);
            assert_eq!(plain(clean), clean, "once is enough");
        }
        for harmless in [
            "password_encryption: scram-sha-256",
            "the token ring was left",
            "redis://redis1:6379",
            "secret:",
        ] {
            assert_eq!(plain(harmless), harmless);
        }
    }

    #[test]
    fn known_values_go_wherever_they_stand_and_words_of_events_stay() {
        let redactor = Redactor::knowing([
            ("DB_PASSWORD".to_owned(), "primary".to_owned()),
            ("APP_TOKEN".to_owned(), "zebra-42\"x".to_owned()),
            ("HOME".to_owned(), "/home/someone".to_owned()),
        ]);
        assert_eq!(
            redactor.text("in /home/someone: zebra-42\"x"),
            "in /home/someone: REDACTED"
        );
        let event: Event = serde_json::from_str(
            r#"{"at":{"low":1,"high":2},"what":{"view":{"node":"a","role":"primary","term":null,
                "position":null,"lag":null,"follows":"zebra-42\"x","eligible":null}}}"#,
        )
        .unwrap();
        let text = serde_json::to_string(&redactor.event(&event).unwrap()).unwrap();
        assert!(text.contains("\"role\":\"primary\""), "{text}");
        assert!(!text.contains("zebra"), "{text}");
    }

    #[test]
    fn secret_settings_are_learnt_whatever_their_form() {
        let scenario = serde_json::json!({
            "stack": { "db": { "settings": { "admin-password": "top\nsecret-of-lines" } } },
            "overrides": [["stack.db.settings.token", "abcdef"]],
            "effective": [{ "name": "masterauth", "value": "ab" }],
        });
        let redactor = Redactor::default().learning(&scenario);
        assert_eq!(
            redactor.text("  secret-of-lines abcdef"),
            "  REDACTED REDACTED"
        );
        let clean = redactor.value(scenario).to_string();
        assert!(
            !clean.contains("top") && !clean.contains("\"ab\""),
            "{clean}"
        );
        assert!(clean.contains("masterauth"));
    }
}
