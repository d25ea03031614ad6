//! Verifies a run folder against a pinned public key, and derives everything in it again.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    history::History,
    id::RunId,
    record::Record,
    scenario::Scenario,
    score::{Judgement, Verdict, judge},
    shown::shown,
};

use super::{
    Claims, EvidenceError, LogEnd, Manifest, PinnedKey, Redactor, Signers, events, files,
    folder::{ENVIRONMENT, EVENTS, HISTORY, LOGS, MANIFEST, SCENARIO, json, plain, runbook},
    guarded, history_read,
    load::{check_format, checked_scenario, resolved, there},
    manifest::{self, sha256},
    verify_sign,
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
    /// A problem. Both texts may hold what others wrote: here, and here alone, it is made fit to be shown.
    pub fn new(place: impl AsRef<str>, what: impl AsRef<str>) -> Self {
        Self {
            place: shown(place.as_ref()).into_owned(),
            what: shown(what.as_ref()).into_owned(),
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
    /// Its manifest; `None` where there is none that can be read.
    pub manifest: Option<Manifest>,
    /// Whether it holds signatures; `None` where none were looked for.
    pub signed: Option<bool>,
    /// Everything that is wrong. Empty: the folder verifies.
    pub problems: Vec<Problem>,
    /// What a reader should know, and is not wrong.
    pub notices: Vec<String>,
}

impl Verified {
    fn problem(&mut self, place: &str, what: impl AsRef<str>) {
        self.problems.push(Problem::new(place, what));
    }

    /// A file that cannot be read, with the reason.
    fn unread(&mut self, place: &str, error: &EvidenceError) {
        let why = std::error::Error::source(error);
        let why = why.map_or_else(String::new, |why| format!(": {why}"));
        self.problem(place, format!("{error}{why}"));
    }
}

/// Verifies a folder: digests, signatures by the pinned key, the chain of the event log, the scenario, and
/// every verdict and report, derived again from events and history. Without a key signatures are not
/// looked at.
pub fn verify_run(folder: &Path, key: Option<&PinnedKey>, render: Render<'_>) -> Verified {
    verify_signed(folder, key.map(Signers::from).as_ref(), render)
}

/// The same, where several may have to have signed.
pub fn verify_signed(folder: &Path, signers: Option<&Signers>, render: Render<'_>) -> Verified {
    let mut verified = Verified {
        folder: folder.to_owned(),
        run: None,
        verdict: None,
        manifest_sha256: None,
        manifest: None,
        signed: None,
        problems: Vec::new(),
        notices: Vec::new(),
    };
    let manifest = sealed(folder, signers, &mut verified);
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
    verified.manifest = manifest;
    verified
}

/// Checks the manifest, its signatures, and every file against it.
fn sealed(folder: &Path, signers: Option<&Signers>, verified: &mut Verified) -> Option<Manifest> {
    let (manifest, bytes) = match manifest::with_bytes(folder) {
        Ok(Some(found)) => found,
        Ok(None) => {
            verified.problem(MANIFEST, "missing: the run did not end, or it was removed");
            return None;
        }
        Err(error) => {
            verified.unread(MANIFEST, &error);
            return None;
        }
    };
    verified.manifest_sha256 = Some(sha256(&bytes));
    if let Some(signers) = signers {
        let checked = verify_sign::check(folder, &manifest, &bytes, signers);
        verified.signed = Some(checked.signed);
        verified.problems.extend(checked.problems);
        verified.notices.extend(checked.notices);
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
        Err(error) => verified.unread(MANIFEST, &error),
    }
    Some(manifest)
}

/// Reads the event log, its chain checked, into a record.
fn recorded(folder: &Path, verified: &mut Verified) -> Option<(Record, LogEnd)> {
    let path = folder.join(EVENTS);
    let log = match events::read(&path) {
        Ok(log) => log,
        Err(error) => {
            verified.unread(EVENTS, &error);
            return None;
        }
    };
    if log.cut {
        verified.problem(EVENTS, "its last line is cut off");
    }
    let folded = guarded(|| Record::fold(&log.events).map_err(|it| it.to_string()));
    let folded = folded.unwrap_or_else(|| Err("its events do not follow".into()));
    let record = folded.and_then(|record| {
        let known = check_format(&path, record.opened.format);
        known.map(|()| record).map_err(|error| error.to_string())
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
            verified.unread(SCENARIO, &error);
            return;
        }
    };
    let text = String::from_utf8_lossy(&bytes);
    let opened = &record.opened;
    match resolved(folder, &text, &opened.overrides) {
        Ok(resolved) => {
            let plain = |scenario: &Scenario| {
                let value = serde_json::to_value(scenario).unwrap_or_default();
                Redactor::default().value(value)
            };
            if plain(&resolved) != plain(&opened.scenario) {
                verified.problem(
                    EVENTS,
                    "the scenario that it was opened with does not follow from `scenario.yaml` and the overrides",
                );
            }
        }
        Err(problems) => {
            for problem in &problems.all {
                verified.problem(SCENARIO, problem.message());
            }
        }
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
    let again = guarded(|| {
        let judgement = judge(record, &history);
        let files = render(record, &history, &judgement);
        (judgement, files)
    });
    let Some((judgement, mut files)) = again else {
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
        unknown_files(manifest, record, &files, verified);
    }
}

fn operations(folder: &Path, record: &Record, verified: &mut Verified) -> Option<History> {
    let path = folder.join(HISTORY);
    match there(history_read::read(&path)) {
        Ok(None) => Some(History::default()),
        Ok(Some(read)) => {
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
            verified.unread(HISTORY, &error);
            None
        }
    }
}

/// What is compared of `result.json`; the rest is passed over unread, whatever its size.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    verdict: Value,
    scorecard: SaidCard,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SaidCard {
    lines: Vec<Value>,
}

/// Compares the verdict and every target line of `result.json`, whichever version wrote it.
fn same_result(folder: &Path, judgement: &Judgement, verified: &mut Verified) {
    const RESULT: &str = "result.json";
    let Ok(bytes) = files::read(&folder.join(RESULT), files::WHOLE_MOST) else {
        return;
    };
    let said: Said = match serde_json::from_slice(&bytes) {
        Ok(said) => said,
        Err(error) => return verified.problem(RESULT, format!("it cannot be read: {error}")),
    };
    let derived = serde_json::to_value(&judgement.scorecard).unwrap_or_default();
    if said.verdict != derived["verdict"] {
        let what = format!(
            "it says {}; events and history give {}",
            said.verdict, derived["verdict"]
        );
        verified.problem(RESULT, what);
    }
    let empty = Vec::new();
    let lines = derived["lines"].as_array().unwrap_or(&empty);
    if said.scorecard.lines.len() > lines.len() {
        verified.problem(
            RESULT,
            "it has more target lines than events and history give",
        );
    }
    for (index, line) in lines.iter().enumerate() {
        let found = said.scorecard.lines.get(index).unwrap_or(&Value::Null);
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
        .filter(|(name, bytes)| {
            // One that is longer than what is derived need not be read: it differs.
            let most = bytes.len() as u64;
            let found = files::read(&folder.join(name), most);
            let gone = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
            found.map_or_else(|error| !gone(&error), |found| found != *bytes)
        })
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
            format!("it is of {}, the event log is of another run", manifest.run),
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
fn unknown_files(
    manifest: &Manifest,
    record: &Record,
    files: &[(&'static str, Vec<u8>)],
    verified: &mut Verified,
) {
    let written = [SCENARIO, EVENTS, HISTORY];
    let named = record.opened.scenario.drill.own_runbooks();
    let named = named.filter(|(_, own)| own.file.is_some());
    let runbooks: Vec<String> = named.map(|(step, _)| runbook(step)).collect();
    let of_node = |path: &str| {
        let name = path.strip_prefix(LOGS).and_then(|it| it.strip_prefix('/'));
        name.and_then(|it| it.strip_suffix(".log"))
            .is_some_and(|node| plain(node).is_ok())
    };
    for file in &manifest.files {
        let path = file.path.as_str();
        let known = written.contains(&path)
            || runbooks.iter().any(|name| name == path)
            || of_node(path)
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
