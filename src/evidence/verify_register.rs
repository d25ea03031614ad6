//! Audits a register: its chain, and the run folders beside it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use crate::{id::RunId, record::variant, score::Verdict};

use super::{
    Closing, Opening, PinnedKey, Problem, Pruned, SetAside, Signers, Verified, beside, files,
    manifest::sha256,
    register::{Entry, Said, complete, read_line},
    verify_chain::{manifests, of_run},
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
    /// The digest of each line, with its number from 0.
    heads: HashMap<String, usize>,
    /// The runs whose manifests lie beside it and were held against its lines.
    pub(super) followed: BTreeSet<RunId>,
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

    /// The line that opened it, for the order in which runs may be pruned: clocks have no say in it.
    fn place(&self) -> Option<usize> {
        self.opened.as_ref().map(|(line, _)| *line)
    }

    /// Its scenario's variant.
    fn variant(&self) -> Option<String> {
        let (_, opening) = self.opened.as_ref()?;
        Some(variant(&opening.scenario, &opening.overrides))
    }
}

impl Audit {
    /// The number, from 0, of the line with this digest.
    pub fn line_of(&self, head: &str) -> Option<usize> {
        self.heads.get(head).copied()
    }

    pub(super) fn problem(&mut self, place: impl AsRef<str>, what: impl AsRef<str>) {
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

    /// What is wrong with a run by the register: it is unknown there, another one was registered, or this is not the register
    /// that its manifest was written to. What was found in the folder beside the register is not said again.
    pub fn problems_of(&self, verified: &Verified) -> Vec<Problem> {
        let Some(run) = &verified.run else {
            return Vec::new();
        };
        let place = verified.folder.display().to_string();
        let found = of_run(self, run, verified).into_iter();
        found.map(|what| Problem::new(&place, what)).collect()
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
    lines(&text, &mut audit);
    if let Some(noted) = noted
        && audit.line_of(noted).is_none()
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
    manifests(base, &mut audit);
    beside::unregistered(base, &mut audit);
    audit
}

/// Reads every line, names each that does not follow, and notes the lines' digests with their numbers.
fn lines(text: &str, audit: &mut Audit) {
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
        audit.heads.insert(head.clone(), index);
        previous = Some(head);
    }
    audit.head = previous;
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
    let own = registered.place();
    let own_variant = registered.variant();
    let mut newer = false;
    for (other, it) in &audit.runs {
        if other == run || !it.sealed() || it.variant() != own_variant {
            continue;
        }
        let older = it.place() < own;
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
