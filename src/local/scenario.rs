//! A scenario file of this machine: its text, and what is to be said of it before it is run.

use std::{io::Read, path::Path, sync::Arc};

use crate::{
    drill::{Plan, validate_foresight},
    evidence::files,
    scenario::{BYTES_MAX, Parsed, Problem, Problems, Source, read},
    system::{Description, System},
};

/// The file's text, at most a little more than the reader takes.
///
/// # Errors
/// When it cannot be read as text.
pub fn text(path: &Path) -> Result<String, Problem> {
    let unreadable = |cause: String| {
        Problem::new(format!("failed to read the file: {cause}"))
            .help("a scenario is a UTF-8 text file")
    };
    // A pipe or a device would be waited for; a file that is too long is the reader's to refuse, by its first part.
    let file = files::open_named(path, files::FILE_MOST);
    let file = file.map_err(|error| unreadable(error.to_string()))?;
    let mut bytes = Vec::new();
    let most = u64::try_from(BYTES_MAX)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    file.take(most)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| unreadable(error.utf8_error().to_string()))
}

/// A drill that can be run, or everything that is wrong with it, with what else is known to be.
///
/// # Errors
/// All problems at once.
pub fn checked(
    parsed: &Parsed,
    systems: &[Arc<dyn System>],
    mut problems: Vec<Problem>,
) -> Result<Plan, Problems> {
    let checked = Plan::check(parsed, systems);
    if checked.is_ok() && parsed.source.overrides.is_empty() {
        problems.extend(change_problems(parsed, systems));
    }
    // With the steps of runbooks that it names, where they could be read.
    let known = match &checked {
        Ok(plan) => plan.scenario.clone(),
        Err(_) => parsed.scenario.clone(),
    };
    let known = Parsed {
        scenario: known,
        ..parsed.clone()
    };
    problems.extend(foreseen(&known, systems));
    match checked {
        Ok(plan) if problems.is_empty() => Ok(plan),
        Ok(_) => Err(Problems::new(&parsed.source.file, problems)),
        Err(wrong) => Err(wrong.and(problems)),
    }
}

/// What can be foreseen of the drill. Not of changes that are meant to make it fail.
fn foreseen(parsed: &Parsed, systems: &[Arc<dyn System>]) -> Vec<Problem> {
    let offers: Vec<Description> = systems.iter().map(|system| system.describe()).collect();
    let used = systems.iter().zip(&offers);
    used.filter(|(_, offer)| parsed.scenario.stack.contains_key(offer.name))
        .flat_map(|(system, _)| validate_foresight(parsed, system.as_ref(), &offers))
        .collect()
}

/// Changes of `must-fail` with which the drill could not be run.
fn change_problems(parsed: &Parsed, systems: &[Arc<dyn System>]) -> Vec<Problem> {
    let changes = (0_usize..).zip(&parsed.scenario.must_fail);
    let wrong = changes.filter_map(|(index, change)| {
        let Source { file, text, .. } = &parsed.source;
        let varied =
            read(file, text, &change.overrides()).and_then(|varied| Plan::check(&varied, systems));
        let problems = varied.err()?;
        let first = problems.all.first()?;
        let message = format!("the drill cannot be run so: {}", first.message());
        let help = first.help_text().unwrap_or("change something else");
        let place = ["must-fail", &index.to_string(), "with"];
        Some(parsed.spans.problem(&place, message, help))
    });
    wrong.collect()
}
