//! Reading the runbooks that a scenario names, from its own folder on.

use std::{collections::BTreeMap, path::Path};

use crate::scenario::{Parsed, Problem, RunbookText, Spans, with_runbooks};

use super::rule_files::text;

/// Where the keys of each runbook file stand, by the step that runs it.
pub(super) type Places = BTreeMap<usize, Spans>;

/// The scenario with the steps of every runbook that it names, and where those of each file stand.
///
/// # Errors
/// Every problem of every file that cannot be read.
pub(super) fn filled(parsed: &Parsed) -> Result<(Parsed, Places), Vec<Problem>> {
    let folder = Path::new(&parsed.source.file).parent();
    let folder = folder.unwrap_or(Path::new("."));
    with_runbooks(parsed, |_, name| {
        let path = folder.join(name);
        let text = text(&path)?;
        let file = path.display().to_string();
        Ok(RunbookText { file, text })
    })
}
