//! Choosing scenarios by their tags.

use std::collections::BTreeSet;

use drdrill::drill::Plan;

use super::{
    arguments::TagArguments,
    exit::{Exit, Failure},
};

/// The scenarios that the tags choose, in their order.
///
/// # Errors
/// When they choose none: nothing that was run is no pass.
pub fn chosen(all: Vec<Plan>, by: &TagArguments) -> Result<Vec<Plan>, Failure> {
    let tags: BTreeSet<String> = all
        .iter()
        .flat_map(|plan| plan.scenario.tags.iter().cloned())
        .collect();
    let fits = |plan: &Plan| {
        let has = |tag: &String| plan.scenario.tags.contains(tag);
        (by.tag.is_empty() || by.tag.iter().any(has)) && !by.except_tag.iter().any(has)
    };
    let chosen: Vec<Plan> = all.into_iter().filter(fits).collect();
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
