//! Overrides from the command line: `targets.rto=20s` replaces or adds one value of the tree.

use std::sync::Arc;

use miette::NamedSource;

use crate::scenario::problem::{Place, Problem, Source};

use super::{
    decode::Decoder,
    tree::{self, Key, Tree, Value},
};

/// What the name of an override's source begins with.
const GIVEN: &str = "--set ";

/// Puts the value at the path, adding maps on the way; list items are named by their number from 0.
/// Problems with it point at the argument.
pub fn apply(d: &mut Decoder, tree: &mut Tree, path: &str, value: &str) {
    let text = format!("{path}={value}");
    let source: Source = Arc::new(NamedSource::new(format!("{GIVEN}{text}"), text));
    let place = Place::new(&source, 0..path.len());
    let keys: Vec<&str> = path.split('.').collect();
    if keys.iter().any(|key| key.is_empty()) || keys.len() > 16 {
        d.note(
            Problem::at(place, "failed to read this path")
                .help("write keys with dots between them, such as `--set targets.rto=20s`"),
        );
        return;
    }
    let Some(new) = new_value(d, &source, path.len() + 1) else {
        return;
    };
    if let Err(problem) = put(tree, &keys, &place, new) {
        d.note(problem);
    }
}

/// Whether a value was given by an override and does not stand in the file.
pub fn gave(tree: &Tree) -> bool {
    tree.place.source_name().starts_with(GIVEN)
}

/// The value is YAML too, so that `--set tags=[a,b]` and `--set drill.1.fault=noop` work.
fn new_value(d: &mut Decoder, source: &Source, at: usize) -> Option<Tree> {
    // Blanks instead of the path keep all places right.
    let padded = format!("{}{}", " ".repeat(at), &source.inner()[at..]);
    let padded: Source = Arc::new(NamedSource::new(source.name(), padded));
    match tree::parse(&padded, &mut d.problems) {
        Ok(mut tree) => {
            moved(&mut tree, source);
            Some(tree)
        }
        Err(problem) => {
            let place = Place::new(source, at..source.inner().len());
            let message = problem.message().replace("the file", "the value");
            d.note(
                Problem::at(place, message)
                    .help("quote it for the shell as a whole: `--set 'key=value'`"),
            );
            None
        }
    }
}

/// Points all places at the argument as it was given.
fn moved(tree: &mut Tree, source: &Source) {
    tree.place = Place::new(source, tree.place.range());
    match &mut tree.value {
        Value::Scalar(_) | Value::Null => {}
        Value::List(items) => items.iter_mut().for_each(|item| moved(item, source)),
        Value::Map(entries) => {
            for (key, value) in entries {
                key.place = Place::new(source, key.place.range());
                moved(value, source);
            }
        }
    }
}

fn put(tree: &mut Tree, keys: &[&str], place: &Place, new: Tree) -> Result<(), Problem> {
    let Some((first, rest)) = keys.split_first() else {
        *tree = new;
        return Ok(());
    };
    if let Value::List(items) = &mut tree.value {
        let count = items.len();
        let item = first.parse().ok().and_then(|at: usize| items.get_mut(at));
        return match item {
            Some(item) => put(item, rest, place, new),
            None => Err(Problem::at(
                place.clone(),
                format!("there is no item `{first}` in the list"),
            )
            .help(format!(
                "items are numbered from 0 to {}",
                count.saturating_sub(1)
            ))),
        };
    }
    if !matches!(tree.value, Value::Map(_)) {
        tree.value = Value::Map(Vec::new());
        tree.place = place.clone();
    }
    let Value::Map(entries) = &mut tree.value else {
        return Ok(());
    };
    if !entries.iter().any(|(key, _)| key.text == *first) {
        let key = Key {
            text: (*first).to_owned(),
            place: place.clone(),
        };
        let empty = Tree {
            value: Value::Null,
            place: place.clone(),
        };
        entries.push((key, empty));
    }
    match entries.iter_mut().find(|(key, _)| key.text == *first) {
        Some((_, value)) => put(value, rest, place, new),
        None => Ok(()),
    }
}
