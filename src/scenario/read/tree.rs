//! YAML text to a tree in which every key and value knows its place.

use std::{fmt, ops::Range};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{Location, Spanned, options::DuplicateKeyPolicy};

use crate::scenario::problem::{Place, Problem, Source};

/// The largest file that is read.
pub const BYTES_MAX: usize = 256 * 1024;
/// How deep maps and lists may stand in each other.
const DEPTH_MAX: usize = 32;
/// How many values a file may hold once its aliases are written out.
const NODES_MAX: usize = 20_000;

/// A value with its place.
#[derive(Debug, Clone)]
pub struct Tree {
    /// The value.
    pub value: Value,
    /// Where it stands; for a map or list its key, or its first line.
    pub place: Place,
}

/// A key with its place.
#[derive(Debug, Clone)]
pub struct Key {
    /// The key.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

/// What a YAML value can be.
#[derive(Debug, Clone)]
pub enum Value {
    /// Text as it stands in the file, so that `0755` and `1.10` keep their spelling.
    Scalar(String),
    /// Nothing: an empty value, `~` or `null`.
    Null,
    /// A list.
    List(Vec<Tree>),
    /// A map in the order of the file; keys are unique.
    Map(Vec<(Key, Tree)>),
}

impl Tree {
    /// What it is, for a sentence such as "expected a map, found a list".
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar(text) if text.trim().is_empty() => "nothing",
            Value::Scalar(_) => "a single value",
            Value::Null => "nothing",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// The same as JSON: scalars that look like numbers or booleans become such.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Scalar(text) => match text.parse::<serde_json::Value>() {
                Ok(value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_))) => value,
                _ => serde_json::Value::String(text.clone()),
            },
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => entries
                .iter()
                .map(|(key, value)| (key.text.clone(), value.to_json()))
                .collect(),
        }
    }
}

/// Reads YAML. A key that is there twice is a problem, and the first of them goes on.
///
/// # Errors
/// When the text is no YAML or exceeds a limit.
pub fn parse(source: &Source, problems: &mut Vec<Problem>) -> Result<Tree, Problem> {
    let text = source.inner();
    if text.len() > BYTES_MAX {
        return Err(Problem::new(format!(
            "the file has {} bytes; at most {BYTES_MAX} are read",
            text.len()
        ))
        .help("a scenario is a page of text: is this the right file?"));
    }
    let raw = match from_text(text, DuplicateKeyPolicy::Error) {
        Ok(raw) => raw,
        Err(error) => {
            let problem = yaml_problem(source, &error);
            if !is_duplicate(&error) {
                return Err(problem);
            }
            problems.push(problem);
            from_text(text, DuplicateKeyPolicy::FirstWins).map_err(|e| yaml_problem(source, &e))?
        }
    };
    Ok(raw.value.into_tree(source, range(text, &raw.defined)))
}

fn from_text(
    text: &str,
    duplicate_keys: DuplicateKeyPolicy,
) -> Result<Spanned<Raw>, serde_saphyr::Error> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEPTH_MAX,
            flow_nesting_limit: DEPTH_MAX,
            max_nodes: NODES_MAX,
            max_events: NODES_MAX * 4,
            max_aliases: 1_000,
            max_documents: 1,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: NODES_MAX,
            max_replay_stack_depth: DEPTH_MAX,
        },
        duplicate_keys: duplicate_keys,
        strict_booleans: true,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options)
}

fn is_duplicate(error: &serde_saphyr::Error) -> bool {
    matches!(
        error.without_snippet(),
        serde_saphyr::Error::DuplicateMappingKey { .. }
    )
}

fn yaml_problem(source: &Source, error: &serde_saphyr::Error) -> Problem {
    let at = error.location().map_or(0..0, |l| range(source.inner(), &l));
    let place = Place::new(source, at);
    if is_duplicate(error) {
        return Problem::at(
            place.clone(),
            format!("the key `{}` is there twice", place.text()),
        )
        .label("again here")
        .help("keep one of them");
    }
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    let (text, help) = match error.without_snippet() {
        serde_saphyr::Error::UnknownAnchor { .. } => (
            text,
            "quote the value if it is text that starts with `*`, or set the anchor by `&name` above",
        ),
        serde_saphyr::Error::Budget { .. } if text.contains("Documents") => (
            "it holds a second document",
            "put each scenario into a file of its own, and remove the line `---`",
        ),
        serde_saphyr::Error::Budget { .. } => (
            "it holds too much",
            "a scenario is a page of text: is this the right file?",
        ),
        _ if text.starts_with("alias replay limit") => (
            "it holds too much once its aliases are written out",
            "a scenario is a page of text: is this the right file?",
        ),
        _ if text.starts_with("recursion limit") => (
            "it is nested too deeply",
            "a scenario is a page of text: is this the right file?",
        ),
        _ => (text, YAML_HELP),
    };
    Problem::at(place, format!("failed to read the file as YAML: {text}")).help(help)
}

const YAML_HELP: &str = "indent with spaces, put a space after each colon, close brackets and quotes, \
and quote text that holds `: `, ` #`, `*`, `&` or brackets";

/// The bytes of a location; some errors carry only line and column.
fn range(text: &str, location: &Location) -> Range<usize> {
    let span = location.span();
    if let (Some(start), Some(len)) = (span.byte_offset(), span.byte_len()) {
        let start = usize::try_from(start).unwrap_or(text.len());
        return start..start.saturating_add(usize::try_from(len).unwrap_or(0));
    }
    let line = usize::try_from(location.line()).unwrap_or(1).max(1);
    let column = usize::try_from(location.column()).unwrap_or(1).max(1);
    let line_start: usize = text
        .split_inclusive('\n')
        .take(line - 1)
        .map(str::len)
        .sum();
    let in_line: usize = text[line_start.min(text.len())..]
        .chars()
        .take(column - 1)
        .map(char::len_utf8)
        .sum();
    let start = (line_start + in_line).min(text.len());
    start..(start + 1).min(text.len())
}

/// A value as the deserialiser hands it out, before places are resolved.
#[derive(Debug)]
enum Raw {
    /// The text as read, and whether the source holds the true spelling.
    Scalar(String, Spelling),
    Null,
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

/// Where the spelling of a scalar is found.
#[derive(Debug, PartialEq, Eq)]
enum Spelling {
    /// In the source: numbers and booleans have lost it.
    Source,
    /// In the text as read: quotes and escapes are resolved.
    Read,
}

impl Raw {
    fn into_tree(self, source: &Source, range: Range<usize>) -> Tree {
        let text = source.inner();
        let own = Place::new(source, range.clone());
        let (value, place) = match self {
            Self::Null => (Value::Null, own),
            Self::Scalar(read, Spelling::Read) => (Value::Scalar(read), own),
            Self::Scalar(_, Spelling::Source) => (Value::Scalar(own.text().to_owned()), own),
            Self::List(items) => {
                let items: Vec<Tree> = items
                    .into_iter()
                    .map(|item| {
                        let range = self::range(text, &item.defined);
                        item.value.into_tree(source, range)
                    })
                    .collect();
                (Value::List(items), own)
            }
            Self::Map(entries) => {
                let entries: Vec<(Key, Tree)> = entries
                    .into_iter()
                    .map(|(key, value)| entry(source, key, value))
                    .collect();
                let first = entries.first().map(|(key, _)| key.place.clone());
                (Value::Map(entries), first.unwrap_or(own))
            }
        };
        Tree { value, place }
    }
}

/// Maps and lists are shown at their key: their own range is one bracket or nothing at all.
fn entry(source: &Source, key: Spanned<String>, value: Spanned<Raw>) -> (Key, Tree) {
    let text = source.inner();
    let place = Place::new(source, range(text, &key.defined));
    let mut tree = value.value.into_tree(source, range(text, &value.defined));
    if !matches!(tree.value, Value::Scalar(_)) || tree.place.range().is_empty() {
        tree.place = place.clone();
    }
    let key = Key {
        text: key.value,
        place,
    };
    (key, tree)
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.to_string(), Spelling::Source))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.to_string(), Spelling::Source))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.to_string(), Spelling::Source))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.to_string(), Spelling::Source))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.to_string(), Spelling::Source))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.to_string(), Spelling::Source))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Scalar(value.to_owned(), Spelling::Read))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}
