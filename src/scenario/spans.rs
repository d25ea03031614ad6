//! Where each key of a scenario stands, so that later checks can point at it.

use std::{collections::BTreeMap, ops::Range};

use super::{
    problem::{Place, Problem},
    read::tree::{Tree, Value},
};

/// Places by path of keys, for instance `["stack", "redis", "settings", "down-after"]` or
/// `["drill", "2", "fault"]`; list items are numbered from 0.
#[derive(Debug, Clone, Default)]
pub struct Spans {
    places: BTreeMap<Vec<String>, Marks>,
    root: Option<Place>,
}

#[derive(Debug, Clone)]
struct Marks {
    key: Place,
    value: Place,
}

impl Spans {
    /// Collects the places of a whole tree.
    pub(super) fn of(tree: &Tree) -> Self {
        let mut spans = Self {
            places: BTreeMap::new(),
            root: Some(tree.place.clone()),
        };
        spans.walk(tree, &mut Vec::new());
        spans
    }

    fn walk(&mut self, tree: &Tree, path: &mut Vec<String>) {
        let mut step = |name: String, key: &Place, value: &Tree| {
            path.push(name);
            let marks = Marks {
                key: key.clone(),
                value: value.place.clone(),
            };
            self.places.insert(path.clone(), marks);
            self.walk(value, path);
            path.pop();
        };
        match &tree.value {
            Value::Scalar(_) | Value::Null => {}
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    step(index.to_string(), &item.place, item);
                }
            }
            Value::Map(entries) => {
                for (key, value) in entries {
                    step(key.text.clone(), &key.place, value);
                }
            }
        }
    }

    /// Whether the file, or a `--set`, says anything at this path.
    pub fn has(&self, path: &[&str]) -> bool {
        self.marks(path).is_some()
    }

    /// The bytes of the value at a path, within the file or the `--set` that holds it.
    pub fn range(&self, path: &[&str]) -> Option<Range<usize>> {
        self.marks(path).map(|marks| marks.value.range())
    }

    /// The place of the value at a path, or of the nearest thing around it that is in the file.
    pub fn place(&self, path: &[&str]) -> Option<Place> {
        (1..=path.len())
            .rev()
            .find_map(|len| self.marks(&path[..len]))
            .map(|marks| marks.value.clone())
            .or_else(|| self.root.clone())
    }

    /// A problem with the value at a path.
    pub fn problem(
        &self,
        path: &[&str],
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Problem {
        pointing(self.place(path), message.into()).help(help)
    }

    /// A problem with the key at a path, for instance that its name is unknown.
    pub fn key_problem(
        &self,
        path: &[&str],
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Problem {
        let place = self
            .marks(path)
            .map(|marks| marks.key.clone())
            .or_else(|| self.place(path));
        pointing(place, message.into()).help(help)
    }

    fn marks(&self, path: &[&str]) -> Option<&Marks> {
        let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
        self.places.get(&path)
    }
}

fn pointing(place: Option<Place>, message: String) -> Problem {
    match place {
        Some(place) => Problem::at(place, message),
        None => Problem::new(message),
    }
}
