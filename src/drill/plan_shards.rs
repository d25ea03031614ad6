//! Checks what a scenario says of shards, before anything is created.

use crate::scenario::{Problem, Selector};

use super::plan_checks::Bound;

/// How many shards the stack has; 0 where it is not sharded.
fn shards(bound: &Bound<'_>) -> u32 {
    bound
        .nodes
        .checked_div(bound.topology.shard_size)
        .unwrap_or(0)
}

/// A shard without a write lane would not be measured.
pub fn lanes_problem(bound: &Bound<'_>) -> Option<Problem> {
    let (shards, lanes) = (shards(bound), bound.parsed.scenario.clients.service.lanes);
    (u32::from(lanes) < shards).then(|| {
        bound.spans.problem(
            &["clients", "service", "lanes"],
            format!("{lanes} write lanes cannot watch {shards} shards"),
            format!("each shard needs a write lane of its own: give at least {shards}"),
        )
    })
}

/// The clients of the measurement write to one node, and no node takes what belongs to every shard.
pub fn capacity_problem(bound: &Bound<'_>, index: &str) -> Option<Problem> {
    (shards(bound) > 0).then(|| {
        bound.spans.key_problem(
            &["drill", index, "capacity"],
            format!(
                "the capacity of `{}` cannot be measured yet",
                bound.topology.name
            ),
            "remove the step: it would measure one shard",
        )
    })
}

/// Roles that are one node in a stack are several in a sharded one, and the other way round.
pub fn selector_problem(bound: &Bound<'_>, path: &[&str], selector: &Selector) -> Option<Problem> {
    let (shards, name) = (shards(bound), bound.topology.name);
    let per_shard = format!(
        "shards are counted from 1; a stack has one per {} nodes",
        bound.topology.shard_size
    );
    let (message, help) = match selector {
        Selector::Primary | Selector::OldPrimary | Selector::Replica(_) if shards > 0 => (
            format!("`{selector}` is not one role in `{name}`, which has {shards} shards"),
            "say of which shard: `primary of shard 1`, `replicas of shard 1`, `shard 1`; or `minority of primaries`, `majority of primaries`, `primaries`".to_owned(),
        ),
        Selector::PrimaryOf(_)
        | Selector::ReplicasOf(_)
        | Selector::Shard(_)
        | Selector::Primaries(_)
            if shards == 0 =>
        {
            (
                format!("`{name}` has no shards"),
                "choose a role without them, such as `primary`".to_owned(),
            )
        }
        Selector::PrimaryOf(number) | Selector::ReplicasOf(number) | Selector::Shard(number)
            if u32::from(*number) > shards =>
        {
            (
                format!("there is no shard {number} in this stack"),
                per_shard,
            )
        }
        Selector::Primaries(part) if part.of(shards as usize) == 0 => (
            format!("`{selector}` of {shards} shards is nobody"),
            "name a shard, such as `primary of shard 1`".to_owned(),
        ),
        _ => return None,
    };
    Some(bound.spans.problem(path, message, help))
}
