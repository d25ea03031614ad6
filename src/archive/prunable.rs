//! Which runs of a reports folder may be removed: the oldest of each scenario.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::id::RunId;

use super::{Archive, Run};

/// The runs that may go, oldest first: those that started before a moment, where there is one, and are not among the
/// newest `keep` of their scenario. Repeats that were started together stay together.
pub fn prunable(archive: &Archive, keep: usize, before: Option<Timestamp>) -> Vec<&Run> {
    let of = |scenario| {
        let sealed: Vec<&Run> = archive.of(scenario).filter(|run| run.sealed).collect();
        oldest(sealed, keep.max(1), before)
    };
    let chosen = archive.scenarios().into_iter().flat_map(of);
    let chosen: HashSet<&RunId> = chosen.map(|run| &run.id).collect();
    let all = archive.runs.iter();
    all.filter(|run| chosen.contains(&run.id)).collect()
}

fn oldest(mut sealed: Vec<&Run>, keep: usize, before: Option<Timestamp>) -> Vec<&Run> {
    let old = |run: &&&Run| before.is_none_or(|before| run.started.is_some_and(|at| at < before));
    let mut count = sealed.iter().take_while(old).count();
    count = count.min(sealed.len().saturating_sub(keep));
    while count > 0 && count < sealed.len() && together(sealed[count - 1], sealed[count]) {
        count -= 1;
    }
    sealed.truncate(count);
    sealed
}

/// Whether a run and the next one were started together. A series may also have been run again with its own seed: then
/// its last repeat comes before its first.
fn together(run: &Run, next: &Run) -> bool {
    let again = run.attempt().is_some_and(|(number, of)| number == of)
        && next.attempt().is_some_and(|(number, _)| number == 1);
    run.repeats(next) && !again
}
