//! The chain of manifests that a register names: followed over the folders beside it, and for a run that lies elsewhere.

use std::path::Path;

use crate::id::RunId;

use super::{
    Audit, Closing, Opening, Verified, files,
    manifest::{self, Manifest, sha256},
};

/// Follows the manifests in the order in which their runs were closed.
pub(super) fn manifests(base: &Path, audit: &mut Audit) {
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
    for closed in closed {
        let (index, closing) = &closed;
        let opened = audit
            .runs
            .get(&closing.run)
            .and_then(|it| it.opened.clone());
        let Some(opened) = opened else {
            let place = format!("register line {}", index + 1);
            audit.problem(place, format!("run {} was never opened", closing.run));
            continue;
        };
        let Some(digest) = closing.manifest_sha256.clone() else {
            let why = "it ended without a manifest, so that nothing protects its folder";
            audit.notices.push(format!("run {}: {why}", closing.run));
            continue;
        };
        let place = opened.1.folder.clone();
        let problems = if audit.runs[&closing.run].pruned.is_some() {
            pruned(base, &opened.1)
        } else {
            followed(base, &opened, &closed, previous.as_deref(), audit)
        };
        for what in problems {
            audit.problem(&place, what);
        }
        previous = Some(digest);
    }
}

/// What is wrong with the place of a run that was pruned.
fn pruned(base: &Path, opening: &Opening) -> Vec<&'static str> {
    if files::below(base, &opening.folder).is_some_and(|folder| !folder.exists()) {
        return Vec::new();
    }
    vec![
        "the register says that it was pruned, and its folder is there: `drdrill prune` removes what is left",
    ]
}

/// What is wrong with one run's folder by its register lines.
fn followed(
    base: &Path,
    opened: &(usize, Opening),
    closed: &(usize, Closing),
    previous: Option<&str>,
    audit: &mut Audit,
) -> Vec<&'static str> {
    let (manifest, bytes) = match beside(base, &opened.1) {
        Ok(found) => found,
        Err(what) => return vec![what],
    };
    let mut problems = Vec::new();
    if Some(sha256(&bytes)) != closed.1.manifest_sha256 {
        problems.push("its manifest is not the one that was registered");
    }
    problems.extend(against(audit, &manifest, opened, closed, previous));
    audit.followed.insert(closed.1.run.clone());
    problems
}

/// The manifest in a run's folder beside the register.
///
/// # Errors
/// Why there is none.
fn beside(base: &Path, opening: &Opening) -> Result<(Manifest, Vec<u8>), &'static str> {
    if !opening.stays_within() {
        return Err("the register names a folder outside its own");
    }
    let Some(folder) = files::below(base, &opening.folder) else {
        return Err("a link lies where its folder was: what it leads to is not what the run left");
    };
    if !folder.is_dir() {
        return Err("deleted: the register names this run and its folder is gone");
    }
    match manifest::with_bytes(&folder) {
        Ok(Some(found)) => Ok(found),
        Ok(None) | Err(_) => Err("its manifest is gone or cannot be read"),
    }
}

/// What is wrong with a run by the register, wherever its folder lies: it is unknown there, another one was registered, or
/// its manifest was written to another register. What `manifests` found beside the register is not said again.
pub(super) fn of_run(audit: &Audit, run: &RunId, verified: &Verified) -> Vec<&'static str> {
    let registered = audit.runs.get(run);
    let closed = registered.and_then(|it| it.closed.as_ref());
    let Some((registered, closed)) = registered.zip(closed) else {
        return vec!["the register does not know this run as ended"];
    };
    let mut problems = Vec::new();
    if closed.1.manifest_sha256 != verified.manifest_sha256 {
        problems.push("the register names another manifest of this run");
    }
    let elsewhere = |_: &&Manifest| !audit.followed.contains(run);
    let Some(manifest) = verified.manifest.as_ref().filter(elsewhere) else {
        return problems;
    };
    match &registered.opened {
        Some(opened) => {
            let previous = before(audit, closed.0);
            problems.extend(against(audit, manifest, opened, closed, previous));
        }
        None => problems.push("the register does not say that this run was opened"),
    }
    problems
}

/// The digest of the last manifest that was registered before a line.
fn before(audit: &Audit, line: usize) -> Option<&str> {
    let closed = audit.runs.values().filter_map(|it| it.closed.as_ref());
    let earlier = closed.filter(|(at, closing)| *at < line && closing.manifest_sha256.is_some());
    let (_, closing) = earlier.max_by_key(|(at, _)| *at)?;
    closing.manifest_sha256.as_deref()
}

/// What is wrong with a manifest by the register's lines about its run, each with its number from 0, and by the digest of
/// the manifest that was registered before it.
fn against(
    audit: &Audit,
    manifest: &Manifest,
    (first, opening): &(usize, Opening),
    (last, closing): &(usize, Closing),
    previous: Option<&str>,
) -> Vec<&'static str> {
    let mut problems = Vec::new();
    if manifest.previous.as_deref() != previous {
        problems.push("its manifest does not follow from that of the run before: a run was removed, added or moved");
    }
    let head = manifest.register.as_deref();
    let line = head.and_then(|head| audit.line_of(head));
    if !line.is_some_and(|line| (*first..*last).contains(&line)) {
        problems.push(
            "the register is not the one that its manifest was written to: lines were rewritten",
        );
    }
    problems.extend(disagreement(manifest, opening, closing));
    problems
}

/// How a manifest differs from what was registered before and after the run.
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
