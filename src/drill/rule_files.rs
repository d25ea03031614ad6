//! Reading the files of alerting rules that a scenario names, from its own folder on.

use std::{fs, path::Path};

use crate::{
    alerting::RuleFile,
    scenario::{BYTES_MAX, Parsed, Problem, SHIPPED},
};

/// The files, in the order of the scenario; those that drdrill ships are not among them.
///
/// # Errors
/// Every file that cannot be read.
pub(super) fn read(parsed: &Parsed) -> Result<Vec<RuleFile>, Vec<Problem>> {
    let named = parsed.scenario.alerting.iter().flat_map(|it| &it.rules);
    let folder = Path::new(&parsed.source.file)
        .parent()
        .unwrap_or(Path::new("."));
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    for (index, name) in named.enumerate().filter(|(_, name)| *name != SHIPPED) {
        match text(&folder.join(name)) {
            Ok(text) => files.push(RuleFile {
                name: name.clone(),
                text,
            }),
            Err(cause) => problems.push(problem(parsed, index, name, &cause)),
        }
    }
    if problems.is_empty() {
        Ok(files)
    } else {
        Err(problems)
    }
}

fn problem(parsed: &Parsed, index: usize, name: &str, cause: &str) -> Problem {
    parsed.spans.problem(
        &["alerting", "rules", &index.to_string()],
        format!("failed to read the rules `{name}`: {cause}"),
        "name a file from the scenario's folder on, or `shipped` for drdrill's own",
    )
}

pub(super) fn text(path: &Path) -> Result<String, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if usize::try_from(size).is_ok_and(|size| size <= BYTES_MAX) {
        fs::read_to_string(path).map_err(|error| error.to_string())
    } else {
        Err(format!("it has {size} bytes; at most {BYTES_MAX} are read"))
    }
}
