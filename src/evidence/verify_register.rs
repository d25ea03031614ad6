//! Audits a register: its chain, and the run folders beside it.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Component, Path},
};

use crate::id::RunId;

use super::{
    Closing, Opening, Problem, Verified,
    folder::{EVENTS, MANIFEST},
    manifest::{self, Manifest, sha256},
    register::{Said, complete, read_line},
};

/// What an audit of a register found.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    /// The digest of its last line: noted elsewhere, it shows later that nothing was cut off.
    pub head: Option<String>,
    /// The runs, by name.
    pub runs: BTreeMap<RunId, Registered>,
    /// Everything that is wrong. Empty: the register holds.
    pub problems: Vec<Problem>,
    /// What a reader should know, and is not wrong.
    pub notices: Vec<String>,
}

/// What the register says of a run, each with its line from 0.
#[derive(Debug, Clone, Default)]
pub struct Registered {
    /// Its opening.
    pub opened: Option<(usize, Opening)>,
    /// Its closing.
    pub closed: Option<(usize, Closing)>,
}

impl Audit {
    fn problem(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.problems.push(Problem::new(place, what));
    }

    /// What is wrong with a run by the register: it is unknown there, or another one was registered.
    pub fn problems_of(&self, verified: &Verified) -> Vec<Problem> {
        let Some(run) = &verified.run else {
            return Vec::new();
        };
        let place = verified.folder.display().to_string();
        let registered = self.runs.get(run).and_then(|it| it.closed.as_ref());
        let problem = match registered {
            None => Some("the register does not know this run as ended"),
            Some((_, closing)) => (closing.manifest_sha256 != verified.manifest_sha256)
                .then_some("the register names another manifest of this run"),
        };
        problem
            .map(|it| Problem::new(place, it))
            .into_iter()
            .collect()
    }
}

/// Audits a register: the chain of its lines, the chain of the manifests that it names, and that every
/// folder beside it is there and is the one that was registered. `noted` is a head that was noted
/// elsewhere. With `folders` false, a register that was taken away from its folders is no problem.
pub fn audit(register: &Path, noted: Option<&str>, folders: bool) -> Audit {
    let mut audit = Audit::default();
    let text = match fs::read_to_string(register) {
        Ok(text) => text,
        Err(error) => {
            audit.problem(
                register.display().to_string(),
                format!("it cannot be read: {error}"),
            );
            return audit;
        }
    };
    let heads = lines(&text, &mut audit);
    if let Some(noted) = noted
        && !heads.contains_key(noted)
    {
        let what = "it does not hold the line with the noted head: its end was cut off, or it was rewritten";
        audit.problem("register", what);
    }
    let base = register.parent().unwrap_or(Path::new("."));
    let beside = |it: &Registered| {
        it.opened
            .as_ref()
            .is_some_and(|(_, o)| base.join(&o.folder).is_dir())
    };
    if !folders && !audit.runs.values().any(beside) {
        audit.notices.push(
            "no run folder lies beside this register, so that deleted runs were not looked for"
                .into(),
        );
        return audit;
    }
    manifests(base, &heads, &mut audit);
    unregistered(base, &mut audit);
    audit
}

/// Reads every line, names each that does not follow, and returns the lines' digests with their numbers.
fn lines(text: &str, audit: &mut Audit) -> HashMap<String, usize> {
    let mut heads = HashMap::new();
    let mut previous: Option<String> = None;
    let whole = complete(text);
    if whole.len() < text.len() {
        audit.problem("register", "its last line is cut off");
    }
    for (index, line) in whole.lines().enumerate() {
        let place = format!("register line {}", index + 1);
        match read_line(line, previous.as_deref()) {
            Ok((entry, _)) => enter(index, entry.what, audit),
            Err(problem) => {
                audit.problem(place, problem);
                // What it says still counts, so that one break is named once.
                if let Ok(entry) = serde_json::from_str::<super::register::Entry>(line) {
                    enter(index, entry.what, audit);
                }
            }
        }
        let head = sha256(line.as_bytes());
        heads.insert(head.clone(), index);
        previous = Some(head);
    }
    audit.head = previous;
    heads
}

fn enter(index: usize, said: Said, audit: &mut Audit) {
    let (run, twice) = match said {
        Said::Opened(opening) => {
            let run = opening.run.clone();
            let registered = audit.runs.entry(run.clone()).or_default();
            (run, registered.opened.replace((index, opening)).is_some())
        }
        Said::Closed(closing) => {
            let run = closing.run.clone();
            let registered = audit.runs.entry(run.clone()).or_default();
            (run, registered.closed.replace((index, closing)).is_some())
        }
    };
    if twice {
        audit.problem(
            format!("register line {}", index + 1),
            format!("run {run} is there twice"),
        );
    }
}

/// Follows the manifests in the order in which their runs were closed.
fn manifests(base: &Path, heads: &HashMap<String, usize>, audit: &mut Audit) {
    let mut closed: Vec<(usize, Closing)> = audit
        .runs
        .values()
        .filter_map(|it| it.closed.clone())
        .collect();
    closed.sort_by_key(|(index, _)| *index);
    for (run, registered) in audit.runs.clone() {
        if registered.closed.is_none() {
            let what = format!("run {run} was opened and never closed: it goes on, or it died");
            audit.notices.push(what);
        }
    }
    let mut previous = None;
    for (index, closing) in closed {
        let opened = audit
            .runs
            .get(&closing.run)
            .and_then(|it| it.opened.clone());
        let Some((first, opening)) = opened else {
            let place = format!("register line {}", index + 1);
            audit.problem(place, format!("run {} was never opened", closing.run));
            continue;
        };
        let Some(digest) = closing.manifest_sha256.clone() else {
            let why = "it ended without a manifest, so that nothing protects its folder";
            audit.notices.push(format!("run {}: {why}", closing.run));
            continue;
        };
        let place = opening.folder.clone();
        for what in problems(base, &opening, &closing, previous.as_deref(), |head| {
            heads
                .get(head)
                .is_some_and(|line| (first..index).contains(line))
        }) {
            audit.problem(place.clone(), what);
        }
        previous = Some(digest);
    }
}

/// What is wrong with one run's folder by its register lines.
fn problems(
    base: &Path,
    opening: &Opening,
    closing: &Closing,
    previous: Option<&str>,
    within: impl Fn(&str) -> bool,
) -> Vec<&'static str> {
    let relative = Path::new(&opening.folder);
    if !relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)))
    {
        return vec!["the register names a folder outside its own"];
    }
    let folder = base.join(relative);
    if !folder.is_dir() {
        return vec!["deleted: the register names this run and its folder is gone"];
    }
    let (manifest, bytes) = match (manifest::read(&folder), fs::read(folder.join(MANIFEST))) {
        (Ok(Some(manifest)), Ok(bytes)) => (manifest, bytes),
        _ => return vec!["its manifest is gone or cannot be read"],
    };
    let mut problems = Vec::new();
    if Some(sha256(&bytes)) != closing.manifest_sha256 {
        problems.push("its manifest is not the one that was registered");
    }
    if manifest.previous.as_deref() != previous {
        problems.push("its manifest does not follow from that of the run before: a run was removed, added or moved");
    }
    if !manifest.register.as_deref().is_some_and(within) {
        problems.push(
            "the register is not the one that its manifest was written to: lines were rewritten",
        );
    }
    problems.extend(disagreement(&manifest, opening, closing));
    problems
}

fn disagreement(manifest: &Manifest, opening: &Opening, closing: &Closing) -> Vec<&'static str> {
    let claims = &manifest.claims;
    let first = claims.events.as_ref().map(|end| &end.first);
    let checks = [
        (
            claims.scenario_sha256 == opening.scenario_sha256,
            "its scenario is not the one that was registered before the run",
        ),
        (
            first == Some(&opening.opening_sha256),
            "its targets, overrides or seed are not those that were registered before the run",
        ),
        (
            claims.started == opening.started && claims.scenario == opening.scenario,
            "its name or start is not the one that was registered",
        ),
        (
            claims.verdict == closing.verdict && claims.status == closing.status,
            "its verdict or status is not the one that was registered",
        ),
    ];
    let wrong = checks.iter().filter(|(holds, _)| !holds);
    wrong.map(|(_, what)| *what).collect()
}

/// Names run folders that the register does not know.
fn unregistered(base: &Path, audit: &mut Audit) {
    let folders = |path: &Path| -> Vec<std::path::PathBuf> {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.path())
            .filter(|path| path.is_dir())
            .collect()
    };
    let known: Vec<std::path::PathBuf> = audit
        .runs
        .values()
        .filter_map(|it| it.opened.as_ref())
        .map(|(_, opening)| base.join(&opening.folder))
        .collect();
    let known: std::collections::HashSet<_> = known.into_iter().collect();
    for run in folders(base).iter().flat_map(|scenario| folders(scenario)) {
        if run.join(EVENTS).is_file() && !known.contains(&run) {
            let place = run.strip_prefix(base).unwrap_or(&run).display().to_string();
            audit.problem(place, "the register does not know this run");
        }
    }
}
