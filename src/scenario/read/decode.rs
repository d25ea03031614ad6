//! Decoding a tree while collecting every problem: maps with known keys, words, scalars, ranges.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

use crate::scenario::{
    Goal,
    problem::{Place, Problem},
    scalar::ScalarError,
    suggest,
};

use super::tree::{Key, Tree, Value};

/// Collects problems; every method answers `None` after having noted one.
#[derive(Debug, Default)]
pub struct Decoder {
    /// What was found so far.
    pub problems: Vec<Problem>,
}

/// The entries of a map, asked for one by one; what was never asked for is unknown.
pub struct Fields<'t> {
    what: &'static str,
    place: &'t Place,
    entries: &'t [(Key, Tree)],
    asked: Vec<&'static str>,
    missing: Vec<(&'static str, &'static str)>,
}

impl<'t> Fields<'t> {
    /// The value of an optional key.
    pub fn get(&mut self, name: &'static str) -> Option<&'t Tree> {
        if !self.asked.contains(&name) {
            self.asked.push(name);
        }
        self.entries
            .iter()
            .find(|(key, _)| key.text == name)
            .map(|(_, value)| value)
    }

    /// The value of a key that must be there; `help` says what to write.
    pub fn need(&mut self, name: &'static str, help: &'static str) -> Option<&'t Tree> {
        let found = self.get(name);
        if found.is_none() {
            self.missing.push((name, help));
        }
        found
    }
}

/// One word out of a closed set: `noop`, or a map with one key: `{ kill: ... }`.
pub struct Choice<'t> {
    /// The word.
    pub name: &'static str,
    /// What stands under it, if anything.
    pub body: Option<&'t Tree>,
    /// Where the word stands.
    pub place: &'t Place,
}

impl Decoder {
    /// Notes a problem.
    pub fn note(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Opens a map; `what` names it in messages.
    pub fn fields<'t>(&mut self, tree: &'t Tree, what: &'static str) -> Option<Fields<'t>> {
        let entries = self.map(tree, what)?;
        Some(Fields {
            what,
            place: &tree.place,
            entries,
            asked: Vec::new(),
            missing: Vec::new(),
        })
    }

    /// Closes a map: notes unknown keys, and missing ones unless an unknown key was meant to be it.
    pub fn finish(&mut self, fields: Fields<'_>) {
        let mut meant = Vec::new();
        for (key, _) in fields.entries {
            if fields.asked.contains(&key.text.as_str()) {
                continue;
            }
            meant.extend(suggest::nearest(&key.text, &fields.asked));
            self.note(
                Problem::at(
                    key.place.clone(),
                    format!("unknown key `{}` in {}", shorten(&key.text), fields.what),
                )
                .label("not a key of this map")
                .help(suggest::help(&key.text, &fields.asked)),
            );
        }
        for (name, help) in &fields.missing {
            if !meant.contains(name) {
                self.note(
                    Problem::at(
                        fields.place.clone(),
                        format!("missing key `{name}` in {}", fields.what),
                    )
                    .label("this map")
                    .help(*help),
                );
            }
        }
    }

    /// The entries of a map with free keys.
    pub fn map<'t>(&mut self, tree: &'t Tree, what: &str) -> Option<&'t [(Key, Tree)]> {
        match &tree.value {
            Value::Map(entries) => Some(entries),
            _ => self.wrong_kind(
                tree,
                &format!("a map for {what}"),
                "write its keys indented below it, or as `{ key: value }`",
            ),
        }
    }

    /// The items of a list.
    pub fn list<'t>(&mut self, tree: &'t Tree, what: &str) -> Option<&'t [Tree]> {
        match &tree.value {
            Value::List(items) => Some(items),
            _ => self.wrong_kind(
                tree,
                &format!("a list for {what}"),
                "write its items below it with `- ` in front, or as `[a, b]`",
            ),
        }
    }

    /// A single value as text.
    pub fn text<'t>(&mut self, tree: &'t Tree, what: &str) -> Option<&'t str> {
        match &tree.value {
            Value::Scalar(text) => Some(text),
            _ => self.wrong_kind(tree, what, "write it on the same line behind the colon"),
        }
    }

    fn wrong_kind<T>(&mut self, tree: &Tree, expected: &str, help: &str) -> Option<T> {
        self.note(
            Problem::at(
                tree.place.clone(),
                format!("expected {expected}, found {}", tree.kind()),
            )
            .label(tree.kind())
            .help(help),
        );
        None
    }

    /// A scalar with its unit.
    pub fn scalar<T: FromStr<Err = ScalarError>>(&mut self, tree: &Tree, what: &str) -> Option<T> {
        self.parsed(tree, what, |text| {
            text.parse().map_err(|e: ScalarError| e.0)
        })
    }

    /// A scalar with its unit, or `any`.
    pub fn goal<T: FromStr<Err = ScalarError>>(
        &mut self,
        tree: &Tree,
        what: &str,
    ) -> Option<Goal<T>> {
        self.parsed(tree, what, |text| {
            text.parse()
                .map_err(|e: ScalarError| format!("{}, or `any`", e.0))
        })
    }

    /// A whole number, or `any`.
    pub fn count_goal(&mut self, tree: &Tree, what: &str) -> Option<Goal<u64>> {
        self.parsed(tree, what, |text| {
            text.parse()
                .map_err(|_| "expected a whole number such as `0`, or `any`".to_owned())
        })
    }

    /// A whole number.
    pub fn number<T: FromStr + PartialOrd + Display>(
        &mut self,
        tree: &Tree,
        what: &str,
        range: RangeInclusive<T>,
    ) -> Option<T> {
        let help = format!(
            "expected a whole number from {} to {}",
            range.start(),
            range.end()
        );
        let number = self.parsed(tree, what, |text| text.parse().map_err(|_| help.clone()))?;
        self.within(tree, what, number, range)
    }

    /// Notes a value outside of its range.
    pub fn within<T: PartialOrd + Display>(
        &mut self,
        tree: &Tree,
        what: &str,
        value: T,
        range: RangeInclusive<T>,
    ) -> Option<T> {
        if range.contains(&value) {
            return Some(value);
        }
        self.note(
            Problem::at(
                tree.place.clone(),
                format!("{value} is out of range for {what}"),
            )
            .label(format!("{} to {}", range.start(), range.end()))
            .help(format!(
                "choose a value from {} to {}",
                range.start(),
                range.end()
            )),
        );
        None
    }

    /// A scalar by any reader; the reader's error says what was expected.
    pub fn parsed<T>(
        &mut self,
        tree: &Tree,
        what: &str,
        reader: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(tree, what)?;
        if text.trim().is_empty() {
            return self.wrong_kind(tree, what, "write it between the quotes, or remove the key");
        }
        match reader(text) {
            Ok(value) => Some(value),
            Err(expected) => {
                self.note(
                    Problem::at(
                        tree.place.clone(),
                        format!("failed to read `{}` as {what}", shorten(text)),
                    )
                    .help(expected),
                );
                None
            }
        }
    }

    /// One word of a closed set.
    pub fn word<T: Copy>(
        &mut self,
        tree: &Tree,
        what: &str,
        words: &[(&'static str, T)],
    ) -> Option<T> {
        let text = self.text(tree, what)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.note(unknown(&tree.place, what, text, &known));
        None
    }

    /// One word of a closed set with something under it: a map with exactly one key, or the word alone.
    pub fn choice<'t>(
        &mut self,
        tree: &'t Tree,
        what: &str,
        known: &[&'static str],
    ) -> Option<Choice<'t>> {
        let help = || format!("known here: {}", suggest::list(known));
        let (text, place, body) = match &tree.value {
            Value::Scalar(text) => (text, &tree.place, None),
            Value::Map(entries) => match entries.as_slice() {
                [(key, body)] => (&key.text, &key.place, Some(body)),
                [] => return self.wrong_kind(tree, &format!("one key for this {what}"), &help()),
                [_, (second, _), ..] => {
                    self.note(
                        Problem::at(
                            second.place.clone(),
                            format!("this {what} has {} keys, and only one is allowed", entries.len()),
                        )
                        .label("one too many")
                        .help("give each its own list item that starts with `- `, or indent it under the first"),
                    );
                    return None;
                }
            },
            Value::Null | Value::List(_) => {
                return self.wrong_kind(tree, &format!("one key for this {what}"), &help());
            }
        };
        let Some(name) = known.iter().find(|name| *name == text) else {
            self.note(unknown(place, what, text, known));
            return None;
        };
        Some(Choice { name, body, place })
    }

    /// What stands under a word that needs something.
    pub fn body<'t>(&mut self, choice: &Choice<'t>, help: &str) -> Option<&'t Tree> {
        if choice.body.is_none() {
            self.note(
                Problem::at(
                    choice.place.clone(),
                    format!("nothing stands under `{}`", choice.name),
                )
                .help(help),
            );
        }
        choice.body
    }
}

fn unknown(place: &Place, what: &str, text: &str, known: &[&str]) -> Problem {
    Problem::at(place.clone(), format!("unknown {what} `{}`", shorten(text)))
        .label("not known")
        .help(suggest::help(text, known))
}

/// Long values are cut in messages, and control characters shown as escapes; the snippet shows the rest.
fn shorten(text: &str) -> String {
    let mut short = String::new();
    for c in text.chars() {
        if short.chars().count() > 57 {
            short.push_str("...");
            break;
        }
        if c.is_control() {
            short.extend(c.escape_default());
        } else {
            short.push(c);
        }
    }
    short
}
