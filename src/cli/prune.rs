//! `drdrill prune`: removes old runs and leaves in the register what was known of them.

use std::path::Path;

use drdrill::{
    archive::{Archive, Run, prunable},
    evidence::{
        Audit, EvidenceError, PinnedKey, Pruned, Register, SetAside, SigningKey, audit, finish,
        prune as prune_run, verify_run,
    },
    session::rendered,
    time::wall_now,
};

use super::{
    arguments::PruneArguments,
    exit::{Exit, Failure},
    history::archive,
    keys, output,
};

/// Removes the oldest runs of each scenario, each with a signed line in the register. What does not verify stays.
///
/// # Errors
/// When there is no key, the register or a run does not verify, or something cannot be written or removed.
pub fn prune(arguments: &PruneArguments) -> Result<Exit, Failure> {
    let reports = &arguments.reports;
    let register = Register::of(reports);
    let key = keys::signing(&arguments.signing)?;
    if key.is_none() && !arguments.unsigned {
        return Err(Failure::new(
            Exit::Usage,
            "no key to sign with that runs were removed",
            "name it with --sign-key; --unsigned is for runs without signatures",
        ));
    }
    let public = key.as_ref().map(SigningKey::public);
    if !arguments.dry_run {
        finish(&register, public).map_err(|error| failed(&error))?;
    }
    let found = audit(register.path(), None, true, public);
    if let Some(problem) = found.problems.first() {
        return Err(unverified(&problem.to_string()));
    }
    let archive = archive(reports)?;
    if let (Some(run), Some(reason)) = (&arguments.run, &arguments.reason) {
        return set_aside(&archive, &register, (run, reason), key.as_ref(), arguments);
    }
    let before = arguments.older_than.map(|age| wall_now() - age.0);
    let runs = prunable(&archive, arguments.keep, before);
    for run in &runs {
        verified(run, public, &found)?;
    }
    if !arguments.dry_run {
        for run in &runs {
            go(&register, run, &found, arguments, key.as_ref())?;
        }
    }
    output::result(&text(&archive, &runs, arguments.dry_run));
    Ok(Exit::Pass)
}

/// Writes that a run which came to no verdict is set aside.
fn set_aside(
    archive: &Archive,
    register: &Register,
    (run, reason): (&str, &str),
    key: Option<&SigningKey>,
    arguments: &PruneArguments,
) -> Result<Exit, Failure> {
    let refused = |message: String, help: &'static str| Failure::new(Exit::Usage, message, help);
    let Some(found) = archive.run(run) else {
        let help = "`drdrill gate` names the runs that never ended";
        return Err(refused(format!("there is no run `{run}`"), help));
    };
    if !found.unended() {
        let message = format!("run {run} came to a verdict, or was set aside already");
        let help = "only a run that was killed or never ended can be set aside";
        return Err(refused(message, help));
    }
    if reason.trim().is_empty() {
        return Err(refused(
            "no reason is given".into(),
            "say why, with --reason",
        ));
    }
    let aside = SetAside {
        run: found.id.clone(),
        at: wall_now().to_string(),
        reason: reason.trim().to_owned(),
        signature: None,
    };
    if !arguments.dry_run {
        let written = register.set_aside(aside, key);
        written.map_err(|error| failed(&error))?;
    }
    output::result(&format!("set aside  {run}\n"));
    Ok(Exit::Pass)
}

/// Whether a run is as it was left: what was altered must not vanish.
fn verified(run: &Run, key: Option<&PinnedKey>, found: &Audit) -> Result<(), Failure> {
    let seen = verify_run(&run.folder, key, &rendered);
    let registered = found.problems_of(&seen);
    if let Some(problem) = seen.problems.iter().chain(&registered).next() {
        return Err(unverified(&format!("run {}: {problem}", run.id)));
    }
    let signed = run.folder.join("manifest.json.minisig").exists();
    if key.is_none() && signed {
        return Err(unverified(&format!(
            "run {} is signed, so the line that it was removed must be signed too",
            run.id
        )));
    }
    Ok(())
}

fn go(
    register: &Register,
    run: &Run,
    found: &Audit,
    arguments: &PruneArguments,
    key: Option<&SigningKey>,
) -> Result<(), Failure> {
    let registered = found.runs.get(&run.id);
    let parts = registered.and_then(|it| it.opened.as_ref().zip(it.closed.as_ref()));
    let Some(((_, opening), (_, closing))) = parts else {
        return Err(unverified(&format!("run {} is not registered", run.id)));
    };
    let Some(manifest_sha256) = closing.manifest_sha256.clone() else {
        return Err(unverified(&format!("run {} has no manifest", run.id)));
    };
    let pruned = Pruned {
        run: run.id.clone(),
        manifest_sha256,
        verdict: closing.verdict,
        at: wall_now().to_string(),
        rule: rule(arguments),
        signature: None,
    };
    prune_run(register, &opening.folder, pruned, key).map_err(|error| failed(&error))
}

/// The rule in words, for the register.
fn rule(arguments: &PruneArguments) -> String {
    let keep = format!("all but the newest {} of its scenario", arguments.keep);
    match &arguments.older_than {
        Some(age) => format!("{keep}, of those older than {age}"),
        None => keep,
    }
}

fn text(archive: &Archive, runs: &[&Run], dry: bool) -> String {
    let done = if dry { "would go" } else { "pruned" };
    let mut text = String::new();
    for run in runs {
        let place = run.folder.strip_prefix(&archive.path);
        let place: &Path = place.unwrap_or(&run.folder);
        text.push_str(&format!("{done}  {}\n", place.display()));
    }
    let left = archive.runs.iter().filter(|run| run.sealed).count() - runs.len();
    text.push_str(&format!("{} runs {done}, {left} stay\n", runs.len()));
    text
}

fn unverified(problem: &str) -> Failure {
    Failure::new(
        Exit::EvidenceUnverified,
        format!("nothing was removed: {problem}"),
        "`drdrill verify` names all that is wrong; evidence that was altered must not vanish",
    )
}

fn failed(error: &EvidenceError) -> Failure {
    Failure::new(Exit::EnvironmentUnfit, error.to_string(), error.help())
}
