//! Reading the runbooks that a scenario names, from its own folder on.

use std::{collections::BTreeMap, path::Path};

use crate::scenario::{OwnRunbook, Parsed, Problem, RunbookStep, Spans, Step, read_runbook};

use super::rule_files::text;

/// Where the keys of a runbook stand: in a file of its own, or within the scenario.
pub(super) type Places = BTreeMap<usize, Spans>;

/// The scenario with the steps of every runbook that it names, and where those of each file stand.
///
/// # Errors
/// Every problem of every file that cannot be read.
pub(super) fn filled(parsed: &Parsed) -> Result<(Parsed, Places), Vec<Problem>> {
    let mut filled = parsed.clone();
    let (mut places, mut problems) = (Places::new(), Vec::new());
    for (index, step) in filled.scenario.drill.iter_mut().enumerate() {
        let Step::Runbook(RunbookStep::Own(own)) = step else {
            continue;
        };
        match read(parsed, index, own) {
            Ok(spans) => places.extend(spans.map(|spans| (index, spans))),
            Err(more) => problems.extend(more),
        }
    }
    match problems.is_empty() {
        true => Ok((filled, places)),
        false => Err(problems),
    }
}

/// Reads the file of a runbook, if it has one.
fn read(
    parsed: &Parsed,
    index: usize,
    own: &mut OwnRunbook,
) -> Result<Option<Spans>, Vec<Problem>> {
    let Some(name) = own.file.clone() else {
        return Ok(None);
    };
    let folder = Path::new(&parsed.source.file).parent();
    let path = folder.unwrap_or(Path::new(".")).join(&name);
    let text = text(&path).map_err(|cause| {
        vec![parsed.spans.problem(
            &["drill", &index.to_string(), "runbook"],
            format!("failed to read the runbook `{name}`: {cause}"),
            "name a file from the scenario's folder on; `drdrill list` shows the runbooks that systems bring along",
        )]
    })?;
    let file = read_runbook(&path.display().to_string(), &text)?;
    own.steps = file.steps;
    own.on_failure = file.on_failure;
    Ok(Some(file.spans))
}
