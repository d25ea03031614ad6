//! Reads a reports folder: the register says which runs there were, each `result.json` what they came to.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    thread,
};

use jiff::Timestamp;

use crate::{
    evidence::{
        Pruned, Register, SetAside, files,
        folder::{EVENTS, MANIFEST},
        redact::REDACTED,
    },
    id::RunId,
    record::{Status, variant},
    score::Verdict,
    shown::shown,
};

use super::{ArchiveError, Named, Summary, registered::registered};

const RESULT: &str = "result.json";

/// A reports folder as read.
#[derive(Debug, Clone)]
pub struct Archive {
    /// The folder.
    pub path: PathBuf,
    /// Every run, oldest first: those that the register does not know, by their start; then those of the register, in its
    /// order.
    pub runs: Vec<Run>,
    /// Whether there is a register.
    pub registered: bool,
}

/// One run of a reports folder.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// The scenario's name.
    pub scenario: String,
    /// The scenario's name, and in brackets the values that replaced those of its file: a drill of another stack or with
    /// other targets is no evidence for the file's.
    pub variant: String,
    /// What replaced values of its scenario's file: by the register, or where that does not know it, by its own result.
    pub overrides: Vec<(String, String)>,
    /// Its folder.
    pub folder: PathBuf,
    /// When it started by the wall clock; `None` where the text is no time.
    pub started: Option<Timestamp>,
    /// How it ended by the register; `None` while it goes on, or died unnoticed.
    pub status: Option<Status>,
    /// Its verdict by the register, where the line names a manifest.
    pub verdict: Option<Verdict>,
    /// Whether it has a manifest, without which nothing protects it.
    pub sealed: bool,
    /// Whether the register knows it.
    pub registered: bool,
    /// What it came to; `None` where its `result.json` is gone, cannot be read, or is of another scenario than the register
    /// says.
    pub summary: Option<Summary>,
    /// Why it cannot be read.
    pub unread: Option<String>,
    /// What the register keeps of it where its folder was removed on purpose. It then has no verdict and is not sealed:
    /// it counts nowhere.
    pub pruned: Option<Pruned>,
    /// Why it no longer stands in the way of a decision, where it came to no verdict.
    pub set_aside: Option<SetAside>,
    /// Which repeat it was to be, from 1, and out of how many, where the register says so.
    pub opened_as: Option<(u32, u32)>,
}

impl Archive {
    /// Reads a reports folder. A damaged register is an error; a damaged run is a run without a summary.
    ///
    /// # Errors
    /// When the folder or its register cannot be read.
    pub fn read(reports: &Path) -> Result<Self, ArchiveError> {
        let register = Register::of(reports);
        let registered = registered(reports, register.entries()?);
        let mut runs = strangers(reports, &registered)?;
        let unregistered = runs.len();
        runs.extend(registered);
        summarize(&mut runs);
        // Nothing but their own word says when those were made, so that none of them is newer than a registered run.
        runs[..unregistered].sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
        Ok(Self {
            path: reports.to_owned(),
            runs,
            registered: register.path().is_file(),
        })
    }

    /// The scenarios by name, each variant apart.
    pub fn scenarios(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.runs.iter().map(|run| run.variant.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The runs of a scenario's variant, oldest first.
    pub fn of<'a>(&'a self, variant: &str) -> impl DoubleEndedIterator<Item = &'a Run> {
        self.runs.iter().filter(move |run| run.variant == variant)
    }

    /// A run by its name.
    pub fn run(&self, name: &str) -> Option<&Run> {
        let id = RunId::parse(name)?;
        self.runs.iter().find(|run| run.id == id)
    }
}

impl Run {
    /// Whether it counts in trends and comparisons: completed, sealed, and no control.
    pub fn counts(&self) -> bool {
        self.sealed
            && self.summary.as_ref().is_some_and(|summary| {
                summary.run.status == Status::Completed && summary.verdict != Verdict::Control
            })
    }

    /// Whether it was opened and came to no verdict that can be verified: it was killed, or goes on. Nobody knows what it
    /// would have shown, so it stands in the way of a decision until it is set aside with a reason. A verdict that only the
    /// register's line says is none: that line is not signed.
    pub fn unended(&self) -> bool {
        self.registered && !self.sealed && self.pruned.is_none() && self.set_aside.is_none()
    }

    /// Whether it ended with a manifest, or its folder was removed on purpose after it had.
    pub fn judged(&self) -> bool {
        self.set_aside.is_none() && (self.sealed || self.pruned.is_some())
    }

    /// Which repeat it was, from 1, and out of how many.
    pub fn attempt(&self) -> Option<(u32, u32)> {
        let named = &self.summary.as_ref()?.run;
        Some((named.attempt, named.attempts))
    }

    /// Whether both are repeats with the same seed of the same file.
    pub fn repeats(&self, other: &Self) -> bool {
        let series = |run: &Self| {
            let named = &run.summary.as_ref()?.run;
            Some((named.seed.clone(), named.attempts, named.file.clone()))
        };
        series(self).is_some_and(|own| series(other) == Some(own))
    }

    /// Its recovery time in nanoseconds: the upper end, `+inf` where no recovery was seen, `None` where
    /// it was not measured.
    pub fn rto_ns(&self) -> Option<f64> {
        let span = self.summary.as_ref()?.rto()?;
        Some(span.high_ns.map_or(f64::INFINITY, |ns| ns as f64))
    }
}

/// Run folders that the register does not know: of a folder without one, or copied from elsewhere. Where several have one
/// name, one of them.
fn strangers(reports: &Path, registered: &[Run]) -> Result<Vec<Run>, ArchiveError> {
    let known: HashSet<&Path> = registered.iter().map(|run| run.folder.as_path()).collect();
    let mut names: HashSet<RunId> = registered.iter().map(|run| run.id.clone()).collect();
    let mut found = Vec::new();
    for scenario in folders(reports)? {
        for folder in folders(&scenario)? {
            let name = folder.file_name().and_then(|name| name.to_str());
            let id = name.and_then(RunId::parse);
            let Some(id) = id.filter(|_| !known.contains(folder.as_path())) else {
                continue;
            };
            if folder.join(EVENTS).is_file() && names.insert(id.clone()) {
                let scenario = scenario.file_name().unwrap_or_default();
                let scenario = shown(&scenario.to_string_lossy()).into_owned();
                found.push(Run {
                    id,
                    variant: scenario.clone(),
                    scenario,
                    overrides: Vec::new(),
                    started: None,
                    status: None,
                    verdict: None,
                    sealed: folder.join(MANIFEST).is_file(),
                    registered: false,
                    summary: None,
                    unread: None,
                    pruned: None,
                    set_aside: None,
                    opened_as: None,
                    folder,
                });
            }
        }
    }
    Ok(found)
}

fn folders(path: &Path) -> Result<Vec<PathBuf>, ArchiveError> {
    let entries = fs::read_dir(path).map_err(ArchiveError::io("list", path))?;
    let paths = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    Ok(paths.map(|entry| entry.path()).collect())
}

/// Reads every result, on as many threads as there are cores.
fn summarize(runs: &mut [Run]) {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = runs.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        for part in runs.chunks_mut(share) {
            let kept = part.iter_mut().filter(|run| run.pruned.is_none());
            scope.spawn(|| kept.for_each(result));
        }
    });
}

fn result(run: &mut Run) {
    let read =
        files::read(&run.folder.join(RESULT), files::WHOLE_MOST).map_err(|it| it.to_string());
    let parsed = read.and_then(|bytes| {
        serde_json::from_slice::<Summary>(&bytes).map_err(|error| error.to_string())
    });
    match parsed {
        Ok(summary) => told(run, summary),
        Err(error) => run.unread = Some(format!("`{RESULT}` cannot be read: {error}")),
    }
}

/// Takes what a result says. Nothing has verified it here, so that the scenario of a registered run is that of the
/// register: a result that says otherwise is not read, and its run stays where the register has it.
fn told(run: &mut Run, summary: Summary) {
    let named = &summary.run;
    if run.registered && !is_of(run, named) {
        let said = variant(&named.scenario, &named.overrides);
        run.unread = Some(format!(
            "`{RESULT}` is of another scenario, or of other values, than the register says: of `{said}`"
        ));
        return;
    }
    if !run.registered {
        run.started = named.started.parse().ok();
        run.scenario = shown(&named.scenario).into_owned();
        run.overrides = named.overrides.clone();
        run.variant = variant(&named.scenario, &named.overrides);
        run.status = Some(named.status.clone());
        run.verdict = Some(summary.verdict);
    }
    run.summary = Some(summary);
}

/// Whether a result names the scenario and the replaced values that the register has of a run. Secrets are taken out of the
/// two in different ways, so that a value without its secret is not compared.
fn is_of(run: &Run, named: &Named) -> bool {
    let redacted =
        |(key, value): &(String, String)| key.contains(REDACTED) || value.contains(REDACTED);
    let same = |(own, said): (&(String, String), &(String, String))| {
        own == said || redacted(own) || redacted(said)
    };
    run.scenario == shown(&named.scenario)
        && run.overrides.len() == named.overrides.len()
        && run.overrides.iter().zip(&named.overrides).all(same)
}
