//! Reads a reports folder: the register says which runs there were, each `result.json` what they came to.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::{Path, PathBuf},
    thread,
};

use jiff::Timestamp;

use crate::{
    evidence::{
        Pruned, Register, SetAside, files,
        folder::{EVENTS, MANIFEST},
        register::Said,
    },
    id::RunId,
    record::{Status, variant},
    score::Verdict,
    shown::shown,
};

use super::{ArchiveError, Summary};

const RESULT: &str = "result.json";

/// A reports folder as read.
#[derive(Debug, Clone)]
pub struct Archive {
    /// The folder.
    pub path: PathBuf,
    /// Every run, oldest first.
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
    /// Its folder.
    pub folder: PathBuf,
    /// When it started by the wall clock; `None` where the text is no time.
    pub started: Option<Timestamp>,
    /// How it ended by the register; `None` while it goes on, or died unnoticed.
    pub status: Option<Status>,
    /// Its verdict by the register.
    pub verdict: Option<Verdict>,
    /// Whether it has a manifest, without which nothing protects it.
    pub sealed: bool,
    /// Whether the register knows it.
    pub registered: bool,
    /// What it came to; `None` where its `result.json` is gone or cannot be read.
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
        let mut runs: BTreeMap<RunId, Run> = BTreeMap::new();
        for entry in register.entries()? {
            match entry.what {
                Said::Opened(opening) => {
                    let run = Run {
                        id: opening.run.clone(),
                        folder: reports.join(&opening.folder),
                        variant: variant(&opening.scenario, &opening.overrides),
                        scenario: opening.scenario,
                        started: opening.started.parse().ok(),
                        status: None,
                        verdict: None,
                        sealed: false,
                        registered: true,
                        summary: None,
                        unread: None,
                        pruned: None,
                        set_aside: None,
                        opened_as: opening.attempt,
                    };
                    runs.insert(opening.run, run);
                }
                Said::Closed(closing) => {
                    if let Some(run) = runs.get_mut(&closing.run) {
                        run.status = Some(closing.status);
                        run.verdict = closing.verdict;
                        run.sealed = closing.manifest_sha256.is_some();
                    }
                }
                Said::Pruned(pruned) => {
                    if let Some(run) = runs.get_mut(&pruned.run) {
                        (run.verdict, run.sealed) = (None, false);
                        run.unread = Some(format!("pruned at {}", pruned.at));
                        run.pruned = Some(pruned);
                    }
                }
                Said::SetAside(aside) => {
                    if let Some(run) = runs.get_mut(&aside.run) {
                        run.set_aside = Some(aside);
                    }
                }
            }
        }
        let known: HashSet<PathBuf> = runs.values().map(|run| run.folder.clone()).collect();
        for run in strangers(reports, &known)? {
            runs.entry(run.id.clone()).or_insert(run);
        }
        let mut runs: Vec<Run> = runs.into_values().collect();
        runs.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
        summarize(&mut runs);
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

/// Run folders that the register does not know: of a folder without one, or copied from elsewhere.
fn strangers(reports: &Path, known: &HashSet<PathBuf>) -> Result<Vec<Run>, ArchiveError> {
    let mut found = Vec::new();
    for scenario in folders(reports)? {
        for folder in folders(&scenario)? {
            let name = folder.file_name().and_then(|name| name.to_str());
            let id = name.and_then(RunId::parse);
            let Some(id) = id.filter(|_| !known.contains(&folder)) else {
                continue;
            };
            if folder.join(EVENTS).is_file() {
                let scenario = scenario.file_name().unwrap_or_default();
                let scenario = shown(&scenario.to_string_lossy()).into_owned();
                found.push(Run {
                    id,
                    variant: scenario.clone(),
                    scenario,
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
        Ok(summary) => run.summary = Some(summary),
        Err(error) => run.unread = Some(format!("`{RESULT}` cannot be read: {error}")),
    }
    if let Some(summary) = &run.summary {
        run.started = run.started.or_else(|| summary.run.started.parse().ok());
        run.scenario = shown(&summary.run.scenario).into_owned();
        run.variant = variant(&run.scenario, &summary.run.overrides);
        if !run.registered {
            run.status = Some(summary.run.status.clone());
            run.verdict = Some(summary.verdict);
        }
    }
}
