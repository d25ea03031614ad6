//! Choosing scenarios by their tags.

use std::collections::BTreeSet;

use drdrill::scenario::Parsed;

use super::{
    arguments::TagArguments,
    exit::{Exit, Failure},
};

/// The scenarios that the tags choose, in their order.
///
/// # Errors
/// When they choose none: nothing that was run is no pass.
pub fn chosen(all: Vec<Parsed>, by: &TagArguments) -> Result<Vec<Parsed>, Failure> {
    let tags: BTreeSet<String> = all
        .iter()
        .flat_map(|parsed| parsed.scenario.tags.iter().cloned())
        .collect();
    let fits = |parsed: &Parsed| {
        let has = |tag: &String| parsed.scenario.tags.contains(tag);
        (by.tag.is_empty() || by.tag.iter().any(has)) && !by.except_tag.iter().any(has)
    };
    let chosen: Vec<Parsed> = all.into_iter().filter(fits).collect();
    if !chosen.is_empty() {
        return Ok(chosen);
    }
    let known: Vec<String> = tags.into_iter().collect();
    let help = match known.as_slice() {
        [] => "these scenarios have no tags".to_owned(),
        known => format!("their tags are {}", known.join(", ")),
    };
    let message = "no scenario has the tags that were asked for";
    Err(Failure::new(Exit::Usage, message, help))
}
