//! `drdrill history`: the runs of a reports folder and how they went over time.

use std::path::Path;

use drdrill::{
    archive::{Archive, ArchiveError, drilled, trend, trends},
    report::{history_json, history_runs, history_terminal, systems},
    system::{Description, catalogue},
};

use super::{
    arguments::HistoryArguments,
    exit::{Exit, Failure},
    output,
};

/// Shows a line per scenario, or the runs of one.
///
/// # Errors
/// When the folder cannot be read, or holds no such scenario.
pub fn history(arguments: &HistoryArguments) -> Result<Exit, Failure> {
    let archive = runs_of(&arguments.reports)?;
    if arguments.systems {
        let offers: Vec<Description> = catalogue::all().iter().map(|it| it.describe()).collect();
        let offered: Vec<(&str, &str)> = offers
            .iter()
            .flat_map(|it| {
                it.topologies
                    .iter()
                    .map(|topology| (it.name, topology.name))
            })
            .collect();
        let document = systems(&drilled(&archive), archive.runs.len(), &offered);
        output::result(&document.markdown());
        return Ok(Exit::Pass);
    }
    let trends = match &arguments.scenario {
        Some(scenario) if archive.scenarios().contains(&scenario.as_str()) => {
            vec![trend(&archive, scenario)]
        }
        Some(scenario) => {
            let known = archive.scenarios().join(", ");
            return Err(Failure::new(
                Exit::Usage,
                format!("there is no run of `{scenario}`"),
                format!("there are runs of {known}"),
            ));
        }
        None => trends(&archive),
    };
    let text = match (&arguments.scenario, trends.as_slice()) {
        _ if arguments.json => format!("{:#}\n", history_json(&trends)),
        (Some(_), [trend]) => history_runs(trend, arguments.last, output::style()),
        _ => history_terminal(&trends, output::style()),
    };
    output::result(&text);
    Ok(Exit::Pass)
}

/// Reads a reports folder.
///
/// # Errors
/// When it cannot be read or its register is damaged.
pub fn archive(reports: &Path) -> Result<Archive, Failure> {
    let failed = |error: ArchiveError| {
        let exit = match error {
            ArchiveError::Evidence(_) => Exit::EvidenceUnverified,
            ArchiveError::Io { .. } | ArchiveError::Content { .. } => Exit::Usage,
        };
        let help = "name the folder that `drdrill run --out` wrote to; `drdrill verify` says what is wrong with it";
        Failure::new(exit, error.to_string(), help)
    };
    Archive::read(reports).map_err(failed)
}

/// Reads a reports folder that is to be looked at: one without a run is the wrong one.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn runs_of(reports: &Path) -> Result<Archive, Failure> {
    let nothing = |why: &str| {
        let message = format!("`{}` is no reports folder: {why}", reports.display());
        let help = "name the folder that `drdrill run --out` wrote to; `drdrill run scenarios/reference` makes `reports`";
        Failure::new(Exit::Usage, message, help)
    };
    if !reports.is_dir() {
        return Err(nothing("there is no such folder"));
    }
    let archive = archive(reports)?;
    if archive.runs.is_empty() {
        return Err(nothing("it holds no run"));
    }
    Ok(archive)
}
