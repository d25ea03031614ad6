//! Audits a register: its chain, and the run folders beside it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::Path,
};

use jiff::Timestamp;

use crate::{id::RunId, record::variant, score::Verdict, shown::shown};

use super::{
    Closing, Opening, PinnedKey, Problem, Pruned, SetAside, Signers, Verified, files,
    folder::EVENTS,
    manifest::{self, Manifest, sha256},
    register::{Entry, REGISTER, Said, complete, read_line},
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
    /// That its folder was removed on purpose, and the digest of the line before the one that says so.
    pub pruned: Option<(usize, Option<String>, Pruned)>,
    /// That it was set aside without a verdict, and the digest of the line before the one that says so.
    pub set_aside: Option<(Option<String>, SetAside)>,
}

impl Registered {
    /// Whether it was sealed, so that its folder counts.
    fn sealed(&self) -> bool {
        let closed = self.closed.as_ref();
        closed.is_some_and(|(_, closing)| closing.manifest_sha256.is_some())
    }

    /// When it started, for the order in which runs may be pruned.
    fn started(&self) -> Option<Timestamp> {
        let (_, opening) = self.opened.as_ref()?;
        opening.started.parse().ok()
    }

    /// Its scenario's variant.
    fn variant(&self) -> Option<String> {
        let (_, opening) = self.opened.as_ref()?;
        Some(variant(&opening.scenario, &opening.overrides))
    }
}

impl Audit {
    fn problem(&mut self, place: impl AsRef<str>, what: impl AsRef<str>) {
        self.problems.push(Problem::new(place, what));
    }

    /// How many runs were opened and never closed.
    pub fn unclosed(&self) -> usize {
        let runs = self.runs.values();
        runs.filter(|run| run.closed.is_none()).count()
    }

    /// How many runs ended without a manifest, so that nothing protects their folders.
    pub fn unsealed(&self) -> usize {
        let runs = self.runs.values();
        runs.filter(|run| run.closed.is_some() && !run.sealed())
            .count()
    }

    /// How many runs were pruned.
    pub fn pruned(&self) -> usize {
        let runs = self.runs.values();
        runs.filter(|run| run.pruned.is_some()).count()
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
/// folder beside it is there and is the one that was registered, or was pruned by a line that the pinned key signed.
/// `noted` is a head that was noted elsewhere. With `folders` false, a register that was taken away from its folders is
/// no problem. Without a key signatures are not looked at.
pub fn audit(
    register: &Path,
    noted: Option<&str>,
    folders: bool,
    key: Option<&PinnedKey>,
) -> Audit {
    audit_signed(register, noted, folders, key.map(Signers::from).as_ref())
}

/// The same, where several may sign. A line that says that a run was pruned has one signature: by any of them.
pub fn audit_signed(
    register: &Path,
    noted: Option<&str>,
    folders: bool,
    signers: Option<&Signers>,
) -> Audit {
    let mut audit = Audit::default();
    let text = match files::text_named(register, files::WHOLE_MOST) {
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
    pruned(signers, &mut audit);
    set_aside(signers, &mut audit);
    let base = register.parent().unwrap_or(Path::new("."));
    let beside = |it: &Registered| {
        it.opened
            .as_ref()
            .is_some_and(|(_, o)| files::below(base, &o.folder).is_some_and(|it| it.is_dir()))
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
            Ok((entry, _)) => enter(index, entry, audit),
            Err(problem) => {
                audit.problem(place, problem);
                // What it says still counts, so that one break is named once.
                if let Ok(entry) = serde_json::from_str::<Entry>(line) {
                    enter(index, entry, audit);
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

fn enter(index: usize, entry: Entry, audit: &mut Audit) {
    let (run, twice) = match entry.what {
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
        Said::Pruned(pruned) => {
            let run = pruned.run.clone();
            let registered = audit.runs.entry(run.clone()).or_default();
            let said = (index, entry.previous, pruned);
            (run, registered.pruned.replace(said).is_some())
        }
        Said::SetAside(aside) => {
            let run = aside.run.clone();
            let registered = audit.runs.entry(run.clone()).or_default();
            let said = (entry.previous, aside);
            (run, registered.set_aside.replace(said).is_some())
        }
    };
    if twice {
        audit.problem(
            format!("register line {}", index + 1),
            format!("run {run} is there twice"),
        );
    }
}

/// Checks every line that says that a run was pruned: who said it, of what, and that the oldest runs went first and the
/// newest stayed. Nobody can thus be rid of one run that he dislikes.
fn pruned(signers: Option<&Signers>, audit: &mut Audit) {
    let mut found = Vec::new();
    let mut verdicts = [0usize; 2];
    for (run, registered) in &audit.runs {
        let Some((index, previous, said)) = &registered.pruned else {
            continue;
        };
        verdicts[usize::from(said.verdict == Some(Verdict::Pass))] += 1;
        let unsigned = by_nobody(signers, |key| said.unsigned(previous.clone(), key));
        let closed = match &registered.closed {
            Some((line, closing)) if line < index => said.disagreement(closing),
            Some(_) | None => Some("pruned before it ended"),
        };
        let order = order(run, registered, audit);
        let problems = [unsigned, closed, order].into_iter().flatten();
        found.extend(problems.map(|what| Problem::new(format!("run {run}"), what)));
    }
    audit.problems.extend(found);
    if let count @ 1.. = verdicts[0] + verdicts[1] {
        let what = format!(
            "{count} runs were pruned, {} of them registered as pass: their folders are gone, so that nothing in them can be \
             verified and they count as no evidence",
            verdicts[1]
        );
        audit.notices.push(what);
    }
}

/// Checks every line that says that a run was set aside: who said it, and that the run had come to no verdict.
fn set_aside(signers: Option<&Signers>, audit: &mut Audit) {
    let mut found = Vec::new();
    let mut notices = Vec::new();
    for (run, registered) in &audit.runs {
        let Some((previous, said)) = &registered.set_aside else {
            continue;
        };
        let unsigned = by_nobody(signers, |key| said.unsigned(previous.clone(), key));
        let judged = registered
            .sealed()
            .then_some("set aside, and it came to a verdict");
        let unknown = registered
            .opened
            .is_none()
            .then_some("set aside, and it was never opened");
        let problems = [unsigned, judged, unknown].into_iter().flatten();
        found.extend(problems.map(|what| Problem::new(format!("run {run}"), what)));
        notices.push(format!(
            "run {run} was set aside without a verdict: {}",
            said.reason
        ));
    }
    audit.problems.extend(found);
    audit.notices.extend(notices);
}

/// What is wrong with a line by the last of the pinned keys: nothing if one of them signed it.
fn by_nobody(
    signers: Option<&Signers>,
    wrong: impl Fn(&PinnedKey) -> Option<&'static str>,
) -> Option<&'static str> {
    let mut wrong = signers?.keys().iter().map(wrong);
    wrong.try_fold(None, |_, by| by.map(Some)).flatten()
}

/// What is wrong with pruning this run and not others of its scenario.
fn order(run: &RunId, registered: &Registered, audit: &Audit) -> Option<&'static str> {
    let place = |run: &RunId, it: &Registered| (it.started(), run.clone());
    let own = place(run, registered);
    let own_variant = registered.variant();
    let mut newer = false;
    for (other, it) in &audit.runs {
        if other == run || !it.sealed() || it.variant() != own_variant {
            continue;
        }
        let older = place(other, it) < own;
        if older && it.pruned.is_none() {
            return Some(
                "pruned, and an older run of its scenario was not: runs may only go from the oldest on",
            );
        }
        newer |= !older && it.pruned.is_none();
    }
    (!newer)
        .then_some("pruned, and no newer run of its scenario was kept: the newest run may not go")
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
        if audit.runs[&closing.run].pruned.is_some() {
            if files::below(base, &opening.folder).is_none_or(|folder| folder.exists()) {
                let what = "the register says that it was pruned, and its folder is there: `drdrill prune` removes what is left";
                audit.problem(place, what);
            }
            previous = Some(digest);
            continue;
        }
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
    if !opening.stays_within() {
        return vec!["the register names a folder outside its own"];
    }
    let Some(folder) = files::below(base, &opening.folder) else {
        return vec!["a link lies where its folder was: what it leads to is not what the run left"];
    };
    if !folder.is_dir() {
        return vec!["deleted: the register names this run and its folder is gone"];
    }
    let Ok(Some((manifest, bytes))) = manifest::with_bytes(&folder) else {
        return vec!["its manifest is gone or cannot be read"];
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

/// Names everything beside the register that is no run of it: whoever looks for evidence there must find nothing else.
/// Plain files beside the register are told and no more, since gates and reports are written there.
fn unregistered(base: &Path, audit: &mut Audit) {
    let openings = audit.runs.values().filter_map(|it| it.opened.as_ref());
    let known: BTreeSet<String> = openings.map(|(_, it)| it.folder.clone()).collect();
    // Every folder on the way to a run.
    let on_the_way = |name: &str| known.iter().any(|it| it.starts_with(&format!("{name}/")));
    let mut folders = vec![String::new()];
    let mut beside = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(base.join(&folder))
            .into_iter()
            .flatten()
            .flatten()
        {
            let own = entry.file_name();
            let top = folder.is_empty();
            let name = match own.to_str() {
                Some(own) if top => own.to_owned(),
                Some(own) => format!("{folder}/{own}"),
                None => {
                    let name = Path::new(&folder).join(&own);
                    let what = "the register does not know this: its name is no text";
                    audit.problem(name.to_string_lossy(), what);
                    continue;
                }
            };
            let kind = entry.file_type();
            let is_folder = kind.as_ref().is_ok_and(fs::FileType::is_dir);
            let is_file = kind.as_ref().is_ok_and(fs::FileType::is_file);
            if known.contains(&name) || (top && (name == REGISTER || name == REPOSITORY)) {
                continue;
            }
            if is_folder && (on_the_way(&name) || (top && name == QUARTERLY)) {
                folders.push(name);
            } else if is_file && (top || folder == QUARTERLY) {
                beside.push(shown(&name).into_owned());
            } else {
                audit.problem(&name, stranger(&base.join(&name), is_folder, is_file));
            }
        }
    }
    if !beside.is_empty() {
        beside.sort();
        let what = format!(
            "nothing protects what lies beside the register: {}",
            beside.join(", ")
        );
        audit.notices.push(what);
    }
}

/// Where quarterly reports are written.
const QUARTERLY: &str = "quarterly";
/// What a repository of its own keeps beside the register.
const REPOSITORY: &str = ".git";

/// What is wrong with something that the register does not know.
fn stranger(path: &Path, is_folder: bool, is_file: bool) -> &'static str {
    if is_folder && path.join(EVENTS).is_file() {
        "the register does not know this run"
    } else if is_folder {
        "the register does not know this folder"
    } else if is_file {
        "the register does not know this file"
    } else {
        "it is a link, a pipe or a device: no run leaves such a thing"
    }
}
