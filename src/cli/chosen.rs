//! What a decision over runs rests on: that runs verify, that a series is whole, that they are of the scenario asked for.

use std::{collections::BTreeSet, fs};

use drdrill::{
    archive::Run,
    evidence::{Audit, PinnedKey, verify_run},
    scenario::{Scenario, read},
    score::Verdict,
};

use super::session::rendered;

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

/// Whether every attempt of the newest run's series is among the runs that are judged.
///
/// # Errors
/// Which attempts are missing.
pub fn series(runs: &[&Run]) -> Result<(), String> {
    let Some((_, of)) = runs.last().and_then(|run| run.attempt()) else {
        return Ok(());
    };
    let there: BTreeSet<u32> = runs
        .iter()
        .filter_map(|run| run.attempt())
        .map(|(number, _)| number)
        .collect();
    let missing: Vec<String> = (1..=of)
        .filter(|number| !there.contains(number))
        .map(|number| number.to_string())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!(
        "of the {of} attempts of the newest series, {} not there: {}",
        if missing.len() == 1 {
            "one is"
        } else {
            "some are"
        },
        missing.join(", ")
    ))
}

/// Whether a run was made from the scenario as it stands in the file, but for what is only said of it.
///
/// # Errors
/// Which parts are others.
pub fn same_scenario(run: &Run, wanted: &Scenario) -> Result<(), String> {
    let own = fs::read_to_string(run.folder.join("scenario.yaml"))
        .map_err(|error| format!("the scenario of run {} cannot be read: {error}", run.id))?;
    let own = read("scenario.yaml", &own, &[])
        .map_err(|_| format!("the scenario of run {} is not one of this version", run.id))?;
    let parts = |scenario: &Scenario| {
        let bare = Scenario {
            summary: String::new(),
            tags: Vec::new(),
            must_fail: Vec::new(),
            ..scenario.clone()
        };
        serde_json::to_value(bare).unwrap_or_default()
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

/// What a reader must know of the runs before those that are judged: those that did not pass since the last one that did.
pub fn before(all: &[&Run], runs: &[&Run]) -> Option<String> {
    let older = &all[..all.len().saturating_sub(runs.len())];
    let since: Vec<&&Run> = older
        .iter()
        .rev()
        .take_while(|run| !matches!(run.verdict, Some(Verdict::Pass | Verdict::Control)))
        .filter(|run| run.pruned.is_none() && run.set_aside.is_none())
        .collect();
    if since.is_empty() {
        return None;
    }
    let count = since.len();
    let told: Vec<String> = since.iter().take(5).map(|run| told(run)).collect();
    let more = if count > told.len() { ", and more" } else { "" };
    let (noun, verb) = if count == 1 {
        ("run", "was")
    } else {
        ("runs", "were")
    };
    Some(format!(
        "Before that {count} {noun} since the last pass {verb} not green: {}{more}.",
        told.join(", ")
    ))
}

fn told(run: &Run) -> String {
    let word = match run.verdict {
        Some(Verdict::Fail) => "fail",
        Some(Verdict::Inconclusive) => "inconclusive",
        Some(Verdict::Pass) => "pass",
        Some(Verdict::Control) => "control",
        None => "no verdict",
    };
    format!("{} ({word})", run.id)
}
