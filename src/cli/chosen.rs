//! What a decision over runs rests on: that runs verify, that a series is whole, that they are of the scenario asked for.

use std::{collections::BTreeSet, fs};

use drdrill::{
    archive::{BaselineRun, Run, Summary},
    evidence::{Audit, PinnedKey, sha256, verify_run},
    scenario::{Scenario, read},
    score::Verdict,
};
use jiff::{SignedDuration, Timestamp};

use super::session::rendered;

/// The scenario's file in a run's folder.
const SCENARIO: &str = "scenario.yaml";
/// The most by which the first attempts of a series start apart on several stacks: far less than a drill takes.
const TOGETHER: SignedDuration = SignedDuration::from_secs(5);
/// Runs that a sentence names.
const NAMED: usize = 5;

/// Verifies a run whole: digests, signature, register, and every verdict derived again.
///
/// # Errors
/// The first thing that is wrong.
pub fn whole(run: &Run, key: Option<&PinnedKey>, audit: &Audit) -> Result<(), String> {
    let found = verify_run(&run.folder, key, &rendered);
    let known = audit.problems_of(&found);
    let problem = found.problems.iter().chain(&known).next();
    match problem {
        None => Ok(()),
        Some(problem) => Err(format!("run {} does not verify: {problem}", run.id)),
    }
}

/// The newest run and the repeats that it was started with, oldest first. A series of the same seed and file before it is
/// another one: it starts anew with its first attempt, or with a number that is there already.
pub fn newest_series<'a>(all: &[&'a Run]) -> Vec<&'a Run> {
    let Some(newest) = all.last() else {
        return Vec::new();
    };
    let mut seen = BTreeSet::new();
    let mut begun = None;
    let own = all.iter().rev().take_while(|run| {
        let Some((number, _)) = run.attempt() else {
            return run.id == newest.id;
        };
        let earlier = begun
            .zip(run.started)
            .is_some_and(|(begun, at): (Timestamp, _)| begun.duration_since(at) > TOGETHER);
        if number == 1 {
            begun = run.started;
        }
        run.repeats(newest) && !earlier && seen.insert(number)
    });
    let mut own: Vec<&Run> = own.copied().collect();
    own.reverse();
    own
}

/// Whether every attempt of the newest run's series is there. Where runs were `chosen` by number, its first attempts may
/// have been pruned. A series that broke off with a run that was set `aside` is what ended of it.
///
/// # Errors
/// Which attempts are missing.
pub fn series(all: &[&Run], chosen: bool, aside: &[&Run]) -> Result<(), String> {
    let own = newest_series(all);
    let Some((newest, (_, of))) = own.last().and_then(|run| Some((run, run.attempt()?))) else {
        return Ok(());
    };
    let there: BTreeSet<u32> = own
        .iter()
        .filter_map(|run| run.attempt())
        .map(|it| it.0)
        .collect();
    let (first, reached) = (
        there.first().copied().unwrap_or(1),
        there.last().copied().unwrap_or(0),
    );
    let cut = chosen && all.iter().any(|run| run.pruned.is_some());
    let asked = if cut { first } else { 1 }..=of;
    let missing: Vec<u32> = asked.filter(|number| !there.contains(number)).collect();
    let broke_off = aside.iter().any(|run| run.started >= newest.started)
        && missing.iter().all(|number| *number > reached);
    if missing.is_empty() || broke_off {
        return Ok(());
    }
    let numbers: Vec<String> = missing.iter().map(u32::to_string).collect();
    let noun = if missing.len() == 1 {
        "one is"
    } else {
        "some are"
    };
    Err(format!(
        "of the {of} attempts of the newest series, {noun} not there: {}",
        numbers.join(", ")
    ))
}

/// The runs with the digests of their scenario files.
///
/// # Errors
/// When a file cannot be read.
pub fn files(runs: &[&Run]) -> Result<Vec<(String, String)>, String> {
    let one = |run: &&Run| match fs::read(run.folder.join(SCENARIO)) {
        Ok(bytes) => Ok((run.id.to_string(), sha256(&bytes))),
        Err(error) => Err(unreadable(run, &error)),
    };
    runs.iter().map(one).collect()
}

/// Whether a baseline says of a run what the run itself says. With a key pinned, the run must be there: the baseline's file
/// is not signed, and proves nothing by itself.
///
/// # Errors
/// What is wrong with it.
pub fn kept(
    kept: &BaselineRun,
    run: Option<&Run>,
    scenario: &str,
    pinned: bool,
) -> Result<(), String> {
    let Some(run) = run.filter(|run| run.pruned.is_none()) else {
        let gone = format!(
            "run {} of the baseline is not here: nothing signed shows what it measured; set the baseline anew",
            kept.run
        );
        return if pinned { Err(gone) } else { Ok(()) };
    };
    if run.variant != scenario {
        return Err(format!(
            "run {} of the baseline is one of `{}`",
            run.id, run.variant
        ));
    }
    if !run.sealed {
        return Err(format!("run {} of the baseline is not sealed", run.id));
    }
    if run.summary.as_ref().and_then(Summary::rto) != kept.rto {
        return Err(format!(
            "the baseline gives run {} another recovery time than its own result",
            run.id
        ));
    }
    Ok(())
}

/// Whether a run was made from the scenario as it stands in the file, but for what is only said of it.
///
/// # Errors
/// Which parts are others.
pub fn same_scenario(run: &Run, wanted: &Scenario) -> Result<(), String> {
    let own =
        fs::read_to_string(run.folder.join(SCENARIO)).map_err(|error| unreadable(run, &error))?;
    let own = read(SCENARIO, &own, &[])
        .map_err(|_| format!("the scenario of run {} is not one of this version", run.id))?;
    let parts = |scenario: &Scenario| {
        let bare = Scenario {
            summary: String::new(),
            tags: Vec::new(),
            must_fail: Vec::new(),
            ..scenario.clone()
        };
        serde_json::to_value(bare)
            .expect("a scenario has text keys and no value that JSON cannot hold")
    };
    let (own, wanted) = (parts(&own.scenario), parts(wanted));
    let keys = |value: &serde_json::Value| -> BTreeSet<String> {
        value
            .as_object()
            .into_iter()
            .flat_map(|map| map.keys().cloned())
            .collect()
    };
    let all: BTreeSet<String> = keys(&own).union(&keys(&wanted)).cloned().collect();
    let differ: Vec<String> = all
        .into_iter()
        .filter(|key| own[key] != wanted[key])
        .collect();
    if differ.is_empty() {
        return Ok(());
    }
    Err(format!(
        "run {} was made from another scenario of this name: `{}` differ from the file that is required",
        run.id,
        differ.join("`, `")
    ))
}

/// What a reader must know of the runs before those that are judged: those that did not pass since the last one that did,
/// those that were set aside, and from how many a series could have been chosen.
pub fn before(known: &[&Run], runs: &[&Run]) -> Option<String> {
    let judged = |run: &&&Run| runs.iter().any(|other| other.id == run.id);
    let aside = known.iter().filter(|run| run.set_aside.is_some());
    let aside: Vec<String> = aside.map(|run| set_aside(run)).collect();
    let known = known.iter().filter(|run| run.set_aside.is_none());
    let older: Vec<&&Run> = known.filter(|run| !judged(run) && !run.unended()).collect();
    let newest_first = older.iter().rev();
    let since: Vec<String> = newest_first
        .take_while(|run| !matches!(verdict(run), Some(Verdict::Pass | Verdict::Control)))
        .map(|run| told(run))
        .collect();
    let passed = older
        .iter()
        .filter(|run| verdict(run) == Some(Verdict::Pass));
    let passed = passed.count();
    let mut said = Vec::new();
    if !since.is_empty() {
        let (noun, verb) = noun(since.len());
        let names = few(&since);
        said.push(format!(
            "Before that {} {noun} since the last pass {verb} not green: {names}.",
            since.len()
        ));
    }
    if !aside.is_empty() {
        let (noun, verb) = noun(aside.len());
        let names = few(&aside);
        said.push(format!("{} {noun} {verb} set aside: {names}.", aside.len()));
    }
    if runs.len() > 1 && !older.is_empty() {
        let (noun, _) = noun(older.len());
        said.push(format!(
            "The register holds {} earlier {noun} of it, {passed} passed: \
             the confidence is that of one look, not of the best of several.",
            older.len()
        ));
    }
    (!said.is_empty()).then(|| said.join(" "))
}

/// A run's verdict, also where its folder was removed on purpose.
fn verdict(run: &Run) -> Option<Verdict> {
    let pruned = run.pruned.as_ref().and_then(|it| it.verdict);
    run.verdict.or(pruned)
}

fn noun(count: usize) -> (&'static str, &'static str) {
    if count == 1 {
        ("run", "was")
    } else {
        ("runs", "were")
    }
}

/// The first few of some names.
fn few(names: &[String]) -> String {
    let more = if names.len() > NAMED {
        ", and more"
    } else {
        ""
    };
    let shown = &names[..names.len().min(NAMED)];
    format!("{}{more}", shown.join(", "))
}

fn set_aside(run: &Run) -> String {
    let reason = run.set_aside.as_ref().map_or("", |it| it.reason.as_str());
    format!("{} ({reason})", run.id)
}

fn told(run: &Run) -> String {
    let word = match verdict(run) {
        Some(Verdict::Fail) => "fail",
        Some(Verdict::Inconclusive) => "inconclusive",
        Some(Verdict::Pass) => "pass",
        Some(Verdict::Control) => "control",
        None => "no verdict",
    };
    format!("{} ({word})", run.id)
}

fn unreadable(run: &Run, error: &std::io::Error) -> String {
    format!("the scenario of run {} cannot be read: {error}", run.id)
}
