//! The keys that most faults share.

use std::time::Duration;

use super::{Decoder, Dur, Fields, Selector, Tree};
use crate::scenario::problem::Problem;

/// Whom a fault hits.
pub(super) fn node(d: &mut Decoder, f: &mut Fields<'_>) -> Option<Selector> {
    node_or(d, f, "say whom, such as `node: primary`")
}

/// Whom a fault hits; `help` says what to write where that is missing.
pub(super) fn node_or(d: &mut Decoder, f: &mut Fields<'_>, help: &'static str) -> Option<Selector> {
    let tree = f.need("node", help)?;
    d.scalar(tree, "a node")
}

/// How long a fault lasts, where its `for` says so.
pub(super) fn length(d: &mut Decoder, f: &mut Fields<'_>) -> Option<Dur> {
    let tree = f.get("for")?;
    lasting(d, tree)
}

/// A time for which a fault lasts.
pub(super) fn lasting(d: &mut Decoder, tree: &Tree) -> Option<Dur> {
    let dur: Dur = d.scalar(tree, "a duration")?;
    let range = Dur(Duration::from_millis(100))..=Dur(Duration::from_secs(24 * 3600));
    d.within(tree, "a time", dur, range)
}

/// A clock goes wrong in one way.
pub(super) fn one_way(d: &mut Decoder, tree: &Tree, given: bool, help: &'static str) -> Option<()> {
    if !given {
        let message = "the clock is to go wrong in one way";
        d.note(Problem::at(tree.place.clone(), message).help(help));
    }
    given.then_some(())
}

/// The schema of a fault that is its keys and nothing more: theirs, under their name.
macro_rules! keys_of {
    ($Kind:ident: $Keys:ident) => {
        impl schemars::JsonSchema for $Kind {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $Keys::schema_name()
            }

            fn schema_id() -> std::borrow::Cow<'static, str> {
                $Keys::schema_id()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $Keys::json_schema(generator)
            }
        }
    };
}
