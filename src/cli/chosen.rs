//! What a decision over runs rests on: that they verify, and that they are of the scenario asked for.

use std::{collections::BTreeSet, fs, io, path::Path};

use drdrill::{
    archive::{BaselineRun, Run, Summary},
    evidence::{Audit, PinnedKey, Stamped, is_runbook, resolved, sha256, verify_run},
    scenario::Scenario,
    session::rendered,
};

/// The scenario's file in a run's folder.
const SCENARIO: &str = "scenario.yaml";

/// What runs are verified against.
pub struct Trust<'a> {
    /// The key that must have signed, if one is pinned.
    pub key: Option<&'a PinnedKey>,
    /// The register.
    pub audit: &'a Audit,
    /// The time stamps beside the register, if their authority is pinned.
    pub stamped: Option<&'a Stamped>,
}

impl Trust<'_> {
    /// Whether the register holds, and the time stamps beside it.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn register(&self) -> Result<(), String> {
        let stamps = self.stamped.iter().flat_map(|stamped| &stamped.problems);
        match self.audit.problems.iter().chain(stamps).next() {
            None => Ok(()),
            Some(problem) => Err(format!("the register does not verify: {problem}")),
        }
    }

    /// Verifies a run whole: digests, signature, register, time stamp, and every verdict derived again.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn whole(&self, run: &Run) -> Result<(), String> {
        if let Some(why) = &run.unread {
            return Err(format!("run {} does not verify: {why}", run.id));
        }
        let found = verify_run(&run.folder, self.key, &rendered);
        let known = self.audit.problems_of(&found);
        let late = self
            .stamped
            .and_then(|it| it.problem_of(self.audit, &found));
        match found.problems.iter().chain(&known).chain(&late).next() {
            None => Ok(()),
            Some(problem) => Err(format!("run {} does not verify: {problem}", run.id)),
        }
    }
}

/// The runs with the digests of their scenario files, and of the runbooks that these name.
///
/// # Errors
/// When a file cannot be read.
pub fn files(runs: &[&Run]) -> Result<Vec<(String, Vec<String>)>, String> {
    let one = |run: &&Run| {
        let digests = digests(&run.folder).map_err(|error| unreadable(run, &error))?;
        Ok((run.id.to_string(), digests))
    };
    runs.iter().map(one).collect()
}

fn digests(folder: &Path) -> io::Result<Vec<String>> {
    let names = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let names = names.into_iter().map(|entry| entry.file_name());
    let runbooks = names.filter(|name| is_runbook(&name.to_string_lossy()));
    let files = runbooks.chain([SCENARIO.into()]);
    files
        .map(|name| Ok(sha256(&fs::read(folder.join(name))?)))
        .collect()
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

/// Whether a run was made from the scenario as it stands in the file, but for what is only said of it, and as one of at least
/// as many repeats as the file asks for, on a stack of its own where it asks for that: neither `--repeat` nor `fresh-stacks` changes
/// the file or the name under which a run is decided.
///
/// # Errors
/// Which parts are others, or how many repeats there were to be.
pub fn same_scenario(run: &Run, wanted: &Scenario) -> Result<(), String> {
    let own =
        fs::read_to_string(run.folder.join(SCENARIO)).map_err(|error| unreadable(run, &error))?;
    let own = resolved(&run.folder, &own, &[])
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
    let asked = wanted;
    let (own, wanted) = (parts(&own), parts(wanted));
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
        return as_repeated(run, asked);
    }
    Err(format!(
        "run {} was made from another scenario of this name: `{}` differ from the file that is required",
        run.id,
        differ.join("`, `")
    ))
}

/// Whether a run was one of at least as many repeats as a scenario asks for, each on a stack of its own if it asks for that.
fn as_repeated(run: &Run, wanted: &Scenario) -> Result<(), String> {
    let planned = run.attempt().map_or(0, |(_, planned)| planned);
    if planned < wanted.repeat {
        return Err(format!(
            "run {} was one of {planned} repeats, and the file that is required asks for {}",
            run.id, wanted.repeat
        ));
    }
    let was_fresh = run
        .summary
        .as_ref()
        .is_some_and(|it| it.config.fresh_stacks);
    if wanted.fresh_stacks && !was_fresh {
        return Err(format!(
            "run {} was made without `fresh-stacks`, which the file that is required asks for",
            run.id
        ));
    }
    Ok(())
}

fn unreadable(run: &Run, error: &std::io::Error) -> String {
    format!("the scenario of run {} cannot be read: {error}", run.id)
}
