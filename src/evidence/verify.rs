//! Verifies a run folder against a pinned public key, and derives everything in it again.

use std::{
    fmt, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::Value;

use crate::{
    history::History,
    id::RunId,
    record::Record,
    scenario,
    score::{Judgement, Verdict, judge},
};

use super::{
    Claims, LogEnd, Manifest, PinnedKey, Redactor, events,
    folder::{ENVIRONMENT, EVENTS, HISTORY, LOGS, MANIFEST, SCENARIO, json},
    history_read,
    load::{check_format, checked_scenario},
    manifest::{self, sha256},
    sign::{self, DSSE, MINISIG},
};

/// Every file that follows from a record and its operations alone, by name.
pub type Render<'a> = &'a dyn Fn(&Record, &History, &Judgement) -> Vec<(&'static str, Vec<u8>)>;

/// Something that is not as the run left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file, or the line of the register.
    pub place: String,
    /// What is wrong with it.
    pub what: String,
}

impl Problem {
    pub(super) fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            what: what.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// What a verification of one folder found.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The folder.
    pub folder: PathBuf,
    /// The run, as its event log says.
    pub run: Option<RunId>,
    /// The verdict, derived again.
    pub verdict: Option<Verdict>,
    /// The digest of its manifest.
    pub manifest_sha256: Option<String>,
    /// Everything that is wrong. Empty: the folder verifies.
    pub problems: Vec<Problem>,
    /// What a reader should know, and is not wrong.
    pub notices: Vec<String>,
}

impl Verified {
    fn problem(&mut self, place: &str, what: impl Into<String>) {
        self.problems.push(Problem::new(place, what));
    }
}

/// Verifies a folder: digests, signatures by the pinned key, the chain of the event log, the scenario, and
/// every verdict and report, derived again from events and history. Without a key signatures are not
/// looked at.
pub fn verify_run(folder: &Path, key: Option<&PinnedKey>, render: Render<'_>) -> Verified {
    let mut verified = Verified {
        folder: folder.to_owned(),
        run: None,
        verdict: None,
        manifest_sha256: None,
        problems: Vec::new(),
        notices: Vec::new(),
    };
    let manifest = sealed(folder, key, &mut verified);
    if let Some((record, end)) = recorded(folder, &mut verified) {
        verified.run = Some(record.opened.run.clone());
        same_scenario(folder, &record, &mut verified);
        judged(
            folder,
            &record,
            &end,
            manifest.as_ref(),
            render,
            &mut verified,
        );
    }
    verified
}

/// Checks the manifest, its signatures, and every file against it.
fn sealed(folder: &Path, key: Option<&PinnedKey>, verified: &mut Verified) -> Option<Manifest> {
    let manifest = match manifest::read(folder) {
        Ok(Some(manifest)) => manifest,
        Ok(None) => {
            verified.problem(MANIFEST, "missing: the run did not end, or it was removed");
            return None;
        }
        Err(error) => {
            verified.problem(MANIFEST, error.to_string());
            return None;
        }
    };
    let bytes = fs::read(folder.join(MANIFEST)).unwrap_or_default();
    verified.manifest_sha256 = Some(sha256(&bytes));
    if let Some(key) = key {
        signed(folder, &manifest, &bytes, key, verified);
    }
    match manifest::compare(folder, &manifest) {
        Ok(compared) => {
            for file in &compared.altered {
                verified.problem(file, "altered: its digest is not the manifest's");
            }
            for file in &compared.missing {
                verified.problem(file, "missing: the manifest names it");
            }
            for file in &compared.extra {
                verified.problem(file, "extra: the manifest does not name it");
            }
        }
        Err(error) => verified.problem(MANIFEST, error.to_string()),
    }
    Some(manifest)
}

fn signed(
    folder: &Path,
    manifest: &Manifest,
    bytes: &[u8],
    key: &PinnedKey,
    verified: &mut Verified,
) {
    match fs::read_to_string(folder.join(MINISIG)) {
        Ok(text) => {
            let problem = sign::check_minisig(manifest, bytes, &text, key);
            verified
                .problems
                .extend(problem.map(|it| Problem::new(MINISIG, it)));
        }
        Err(error) => verified.problem(MINISIG, format!("no signature: {error}")),
    }
    match fs::read(folder.join(DSSE)) {
        Ok(envelope) => {
            let problem = sign::check_dsse(manifest, bytes, &envelope, key);
            verified
                .problems
                .extend(problem.map(|it| Problem::new(DSSE, it)));
        }
        Err(error) => verified.problem(DSSE, format!("no signature: {error}")),
    }
}

/// Reads the event log, its chain checked, into a record.
fn recorded(folder: &Path, verified: &mut Verified) -> Option<(Record, LogEnd)> {
    let path = folder.join(EVENTS);
    let log = match events::read(&path) {
        Ok(log) => log,
        Err(error) => {
            verified.problem(EVENTS, error.to_string());
            return None;
        }
    };
    if log.cut {
        verified.problem(EVENTS, "its last line is cut off");
    }
    let record = Record::fold(&log.events)
        .map_err(|error| error.to_string())
        .and_then(|record| match check_format(&path, record.opened.format) {
            Ok(()) => Ok(record),
            Err(error) => Err(error.to_string()),
        });
    match (record, log.end) {
        (Ok(record), Some(end)) => Some((record, end)),
        (Ok(_), None) => None,
        (Err(error), _) => {
            verified.problem(EVENTS, error);
            None
        }
    }
}

/// Checks that the scenario is the one that the run was opened with, and resolves it again.
fn same_scenario(folder: &Path, record: &Record, verified: &mut Verified) {
    let bytes = match checked_scenario(folder, record) {
        Ok(bytes) => bytes,
        Err(error) => {
            verified.problem(SCENARIO, error.to_string());
            return;
        }
    };
    let text = String::from_utf8_lossy(&bytes);
    let opened = &record.opened;
    match scenario::read(SCENARIO, &text, &opened.overrides) {
        Ok(parsed) => {
            let plain = |scenario: &scenario::Scenario| {
                let value = serde_json::to_value(scenario).unwrap_or_default();
                Redactor::default().value(value)
            };
            if plain(&parsed.scenario) != plain(&opened.scenario) {
                verified.problem(
                    EVENTS,
                    "the scenario that it was opened with does not follow from `scenario.yaml` and the overrides",
                );
            }
        }
        Err(problems) => verified.problem(SCENARIO, problems.to_string()),
    }
}

/// Judges again, and compares every claim and every report.
fn judged(
    folder: &Path,
    record: &Record,
    end: &LogEnd,
    manifest: Option<&Manifest>,
    render: Render<'_>,
    verified: &mut Verified,
) {
    let Some(history) = operations(folder, record, verified) else {
        return;
    };
    let again = AssertUnwindSafe(|| {
        let judgement = judge(record, &history);
        let files = render(record, &history, &judgement);
        (judgement, files)
    });
    let Ok((judgement, mut files)) = catch_unwind(again) else {
        verified.problem(
            HISTORY,
            "the run cannot be judged: events and history do not fit together",
        );
        return;
    };
    verified.verdict = Some(judgement.scorecard.verdict);
    if let Ok(bytes) = json(&record.environment, &folder.join(ENVIRONMENT)) {
        files.push((ENVIRONMENT, bytes));
    }
    same_result(folder, &judgement, verified);
    same_files(folder, record, &files, verified);
    if let Some(manifest) = manifest {
        let claims = Claims::of(record, Some(end), Some(&judgement.scorecard));
        same_claims(manifest, &claims, record, verified);
        unknown_files(manifest, &files, verified);
    }
}

fn operations(folder: &Path, record: &Record, verified: &mut Verified) -> Option<History> {
    let path = folder.join(HISTORY);
    if !path.is_file() {
        return Some(History::default());
    }
    match history_read::read(&path) {
        Ok(read) => {
            if read.truncated {
                verified.problem(HISTORY, "its end is missing");
            }
            let run = record.opened.run.to_string();
            if read.run.as_ref() != Some(&run) {
                let other = read.run.unwrap_or_else(|| "no run".into());
                verified.problem(HISTORY, format!("it is of {other}, not of {run}"));
            }
            Some(read.history)
        }
        Err(error) => {
            verified.problem(HISTORY, error.to_string());
            None
        }
    }
}

/// Compares the verdict and every target line of `result.json`, whichever version wrote it.
fn same_result(folder: &Path, judgement: &Judgement, verified: &mut Verified) {
    const RESULT: &str = "result.json";
    let Ok(bytes) = fs::read(folder.join(RESULT)) else {
        return;
    };
    let said: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let derived = serde_json::to_value(&judgement.scorecard).unwrap_or_default();
    if said["verdict"] != derived["verdict"] {
        let what = format!(
            "it says {}; events and history give {}",
            said["verdict"], derived["verdict"]
        );
        verified.problem(RESULT, what);
    }
    let empty = Vec::new();
    let lines = derived["lines"].as_array().unwrap_or(&empty);
    for (index, line) in lines.iter().enumerate() {
        let found = &said["scorecard"]["lines"][index];
        let differs = ["figure", "state", "target", "measured"]
            .iter()
            .find(|key| found[**key] != line[**key]);
        if let Some(key) = differs {
            let what = format!(
                "{} of {} is {} there; events and history give {}",
                key, line["figure"], found[*key], line[*key]
            );
            verified.problem(RESULT, what);
        }
    }
}

/// Compares every file that can be derived. Another version of drdrill may render in another way.
fn same_files(
    folder: &Path,
    record: &Record,
    files: &[(&'static str, Vec<u8>)],
    verified: &mut Verified,
) {
    let version = &record.opened.harness.drdrill;
    let differ: Vec<&str> = files
        .iter()
        .filter(|(name, bytes)| fs::read(folder.join(name)).is_ok_and(|found| found != *bytes))
        .map(|(name, _)| *name)
        .collect();
    if version == env!("CARGO_PKG_VERSION") {
        for name in differ {
            verified.problem(name, "it does not follow from events and history");
        }
    } else if !differ.is_empty() {
        verified.notices.push(format!(
            "{} were rendered by drdrill {version}: their bytes can only be derived again with that version",
            differ.join(", ")
        ));
    }
}

fn same_claims(manifest: &Manifest, claims: &Claims, record: &Record, verified: &mut Verified) {
    if manifest.run != record.opened.run {
        verified.problem(
            MANIFEST,
            format!("it is of {}, the event log of another run", manifest.run),
        );
    }
    let fields = |claims: &Claims| serde_json::to_value(claims).unwrap_or_default();
    let (said, derived) = (fields(&manifest.claims), fields(claims));
    for (name, value) in said.as_object().into_iter().flatten() {
        if derived.get(name) != Some(value) {
            let what = format!("`{name}` does not follow from events and history");
            verified.problem(MANIFEST, what);
        }
    }
}

/// Names files that are neither written during a run nor derived from it.
fn unknown_files(manifest: &Manifest, files: &[(&'static str, Vec<u8>)], verified: &mut Verified) {
    let written = [SCENARIO, EVENTS, HISTORY];
    let logs = format!("{LOGS}/");
    for file in &manifest.files {
        let path = file.path.as_str();
        let known = written.contains(&path)
            || path.starts_with(&logs)
            || files.iter().any(|(name, _)| *name == path);
        if !known {
            verified.problem(path, "extra: no file of a run is called so");
        }
    }
    for (name, _) in files {
        let named = manifest.files.iter().any(|file| file.path == *name);
        if !named {
            verified.problem(name, "missing: every run has it");
        }
    }
}
