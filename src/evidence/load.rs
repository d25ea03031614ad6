//! Reads a run folder back into what judging and reporting take.

use std::{fmt, io, path::Path};

use crate::{
    history::History,
    record::Record,
    scenario::{self, Problems, RunbookText, Scenario},
};

use super::{
    EvidenceError, LogEnd, Manifest, events, files,
    folder::{self, EVENTS, FORMAT, HISTORY, MANIFEST, SCENARIO},
    guarded, history_read, manifest,
};

/// A run as its folder holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// Everything observed, except the operations.
    pub record: Record,
    /// The operations, sorted.
    pub history: History,
    /// The scenario file's bytes as given.
    pub scenario: Vec<u8>,
    /// Where the event log ends.
    pub end: Option<LogEnd>,
    /// The manifest, if the run got as far as writing it. Its digests hold.
    pub manifest: Option<Manifest>,
    /// What is not as it should be and yet does not keep the run from being read.
    pub notices: Vec<Notice>,
}

/// Something that a reader of the run must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// There is no manifest: the run did not end, or is still going on.
    Incomplete,
    /// The last line of the event log was cut off.
    EventsTruncated,
    /// The history has no end mark: operations after the last complete batch are missing.
    HistoryTruncated,
    /// There is no history: the run ended before the clients started.
    NoHistory,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Incomplete => {
                "incomplete: there is no `manifest.json`, so the run did not end or is still going on; nothing protects its files"
            }
            Self::EventsTruncated => "the last line of `events.jsonl` is cut off and was left out",
            Self::HistoryTruncated => {
                "`history.arrows` is truncated: operations after its last complete batch are missing"
            }
            Self::NoHistory => "there is no `history.arrows`: no client ran",
        })
    }
}

/// Loads a run. Where there is a manifest, every file must agree with it.
///
/// # Errors
/// When the folder is not a run's, a file is damaged or of another version, or the digests do not hold.
pub fn load(folder: &Path) -> Result<Loaded, EvidenceError> {
    for missing in [EVENTS, SCENARIO] {
        if !folder.join(missing).is_file() {
            return Err(EvidenceError::NotARun {
                folder: folder.to_owned(),
                missing,
            });
        }
    }
    let mut notices = Vec::new();
    let manifest = checked_manifest(folder)?;
    if manifest.is_none() {
        notices.push(Notice::Incomplete);
    }
    let events_path = folder.join(EVENTS);
    let log = events::read(&events_path)?;
    if log.cut {
        notices.push(Notice::EventsTruncated);
    }
    let folded = guarded(|| Record::fold(&log.events).map_err(|error| error.to_string()));
    let mut record = folded
        .unwrap_or_else(|| Err("its events do not follow".into()))
        .map_err(|e| EvidenceError::content(&events_path, e))?;
    check_format(&events_path, record.opened.format)?;
    let scenario = checked_scenario(folder, &record)?;
    let history = read_history(folder, &mut notices, &mut record)?;
    Ok(Loaded {
        record,
        history,
        scenario,
        end: log.end,
        manifest,
        notices,
    })
}

fn checked_manifest(folder: &Path) -> Result<Option<Manifest>, EvidenceError> {
    let Some(manifest) = manifest::read(folder)? else {
        return Ok(None);
    };
    let verification = manifest::compare(folder, &manifest)?;
    if verification.holds() {
        Ok(Some(manifest))
    } else {
        Err(EvidenceError::Altered {
            folder: folder.to_owned(),
            problems: format!("against `{MANIFEST}` {verification}"),
        })
    }
}

pub(super) fn check_format(path: &Path, found: u32) -> Result<(), EvidenceError> {
    if found == FORMAT {
        Ok(())
    } else {
        Err(EvidenceError::Format {
            path: path.to_owned(),
            found,
            known: FORMAT,
        })
    }
}

pub(super) fn checked_scenario(folder: &Path, record: &Record) -> Result<Vec<u8>, EvidenceError> {
    let path = folder.join(SCENARIO);
    let bytes = files::bytes(&path, files::MANIFEST_MOST)?;
    let expected = &record.opened.scenario_sha256;
    if manifest::sha256(&bytes) == *expected {
        Ok(bytes)
    } else {
        let problem = format!("it is not the scenario that the run was opened with ({expected})");
        Err(EvidenceError::content(&path, problem))
    }
}

/// A scenario with the runbooks that it names, as the run's folder keeps them.
///
/// # Errors
/// Every problem of the scenario and of the runbooks, and which copy is not there.
pub fn resolved(
    folder: &Path,
    text: &str,
    overrides: &[(String, String)],
) -> Result<Scenario, Problems> {
    let parsed = scenario::read(SCENARIO, text, overrides)?;
    let filled = scenario::with_runbooks(&parsed, |step, _| {
        let file = folder::runbook(step);
        let bytes = files::bytes(&folder.join(&file), files::MANIFEST_MOST);
        let bytes = bytes.map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(RunbookText { file, text })
    });
    match filled {
        Ok((filled, _)) => Ok(filled.scenario),
        Err(problems) => Err(Problems::new(SCENARIO, problems)),
    }
}

/// What was read; `None` where there is no such file.
pub(super) fn there<T>(read: Result<T, EvidenceError>) -> Result<Option<T>, EvidenceError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(EvidenceError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

pub(super) fn read_history(
    folder: &Path,
    notices: &mut Vec<Notice>,
    record: &mut Record,
) -> Result<History, EvidenceError> {
    let path = folder.join(HISTORY);
    let Some(read) = there(history_read::read(&path))? else {
        notices.push(Notice::NoHistory);
        return Ok(History::default());
    };
    if read.truncated {
        notices.push(Notice::HistoryTruncated);
        record.history_doubt = Some(Notice::HistoryTruncated.to_string());
    }
    let own = record.opened.run.to_string();
    if let Some(other) = read.run.filter(|run| *run != own) {
        record.history_doubt = Some(format!("`{HISTORY}` is of run {other}, not of {own}"));
    }
    Ok(read.history)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{RunbookStep, Step};

    const DRILL: &str = "schema: 1\nname: a\nsummary: b\nstack: { redis: { topology: replicas } }\n\
                         targets: { rto: 1m, rpo: any }\ndrill: [ { steady: 10s }, { fault: { kill: primary } },\n\
                         { runbook: failover.yaml }, { expect: { recovered: { within: 1m } } } ]\n";

    fn runbook(step: &str) -> String {
        format!("schema: 1\nname: a\nsummary: b\non-failure: rollback\nsteps: [ {step} ]\n")
    }

    #[test]
    fn a_scenario_is_resolved_with_the_runbook_that_its_run_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let written = |text: String| std::fs::write(folder.path().join("runbook-2.yaml"), text);
        let told = |problems: Problems| {
            let all = problems.all.iter().map(|problem| problem.message());
            all.collect::<Vec<_>>().join("\n")
        };
        let read = || resolved(folder.path(), DRILL, &[]).map_err(told);
        let unread = read().expect_err("it is not there");
        assert!(unread.contains("failover.yaml"), "{unread}");
        written(runbook("{ promote: best }")).expect("a file");
        let scenario = read().expect("a scenario");
        let Step::Runbook(RunbookStep::Own(own)) = &scenario.drill[2] else {
            panic!("{:?}", scenario.drill[2]);
        };
        assert_eq!(own.steps.len(), 1);
        written(runbook("{ promote: best }, { repoint: clients }")).expect("a file");
        assert_ne!(read().expect("a scenario"), scenario);
        written(runbook("{ promote: [] }")).expect("a file");
        assert!(read().is_err());
    }
}
