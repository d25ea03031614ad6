//! `drdrill verify`: whether evidence is what the runs left, offline and against a pinned key.

use std::path::{Path, PathBuf};

use drdrill::{
    evidence::{Audit, PinnedKey, Problem, Register, Verified, audit, verify_run},
    score::Verdict,
};

use super::{
    arguments::VerifyArguments,
    exit::{Exit, Failure},
    keys, output,
    session::rendered,
};

/// What a verification of a folder of runs found.
pub struct Verification {
    /// Each run's folder.
    pub runs: Vec<Verified>,
    /// The register, where one was looked at.
    pub register: Option<Audit>,
}

impl Verification {
    /// Everything that is wrong, the place in front.
    pub fn problems(&self) -> Vec<Problem> {
        let register = self
            .register
            .iter()
            .flat_map(|audit| audit.problems.clone());
        let runs = self.runs.iter().flat_map(|run| {
            let place = |problem: &Problem| Problem {
                place: run.folder.join(&problem.place).display().to_string(),
                what: problem.what.clone(),
            };
            let known = self
                .register
                .iter()
                .flat_map(|audit| audit.problems_of(run));
            let own: Vec<Problem> = run.problems.iter().map(place).collect();
            own.into_iter().chain(known)
        });
        runs.chain(register).collect()
    }
}

/// Verifies a run folder, or every run of a reports folder with its register.
///
/// # Errors
/// When the key is none, or the folder holds no run.
pub fn verify(arguments: &VerifyArguments) -> Result<Exit, Failure> {
    let key = keys::pinned(&arguments.key)?;
    let found = verification(
        &arguments.folder,
        Some(&key),
        arguments.register.as_deref(),
        arguments.head.as_deref(),
    )?;
    let problems = found.problems();
    if arguments.json {
        output::result(&json(&found, &problems));
    } else {
        output::result(&text(&found, &problems, &key));
    }
    Ok(if problems.is_empty() {
        Exit::Pass
    } else {
        Exit::EvidenceUnverified
    })
}

/// Verifies a run folder, or a reports folder with its register. Without a key, signatures are not looked at.
///
/// # Errors
/// When the folder holds no run.
pub fn verification(
    folder: &Path,
    key: Option<&PinnedKey>,
    register: Option<&Path>,
    head: Option<&str>,
) -> Result<Verification, Failure> {
    let own = Register::of(folder);
    let reports = own.path().is_file();
    let register = register.or(reports.then(|| own.path()));
    let audit = register.map(|register| audit(register, head, reports, key));
    let folders = if reports {
        sealed(folder, audit.as_ref())
    } else {
        vec![folder.to_owned()]
    };
    if !folder.is_dir() {
        return Err(Failure::new(
            Exit::Usage,
            format!("there is no folder `{}`", folder.display()),
            "name a run's folder, or the reports folder above it",
        ));
    }
    let render = |record: &_, history: &_, judgement: &_| rendered(record, history, judgement);
    let runs = folders
        .iter()
        .map(|folder| verify_run(folder, key, &render));
    Ok(Verification {
        runs: runs.collect(),
        register: audit,
    })
}

/// The folders of the runs that were sealed, oldest first. That one is gone is the audit's to say.
fn sealed(reports: &Path, audit: Option<&Audit>) -> Vec<PathBuf> {
    let runs = audit.iter().flat_map(|audit| audit.runs.values());
    runs.filter(|run| {
        let closed = run.closed.as_ref();
        closed.is_some_and(|(_, it)| it.manifest_sha256.is_some()) && run.pruned.is_none()
    })
    .filter_map(|run| run.opened.as_ref())
    .map(|(_, opening)| reports.join(&opening.folder))
    .filter(|folder| folder.is_dir())
    .collect()
}

fn text(found: &Verification, problems: &[Problem], key: &PinnedKey) -> String {
    let mut text = String::new();
    for run in &found.runs {
        let wrong = !run.problems.is_empty();
        let name = run
            .run
            .as_ref()
            .map_or_else(|| "unknown run".into(), ToString::to_string);
        let verdict = run.verdict.map_or("not judged", word);
        let state = if wrong { "NOT VERIFIED" } else { "verified" };
        text.push_str(&format!(
            "{state}  {name}  {verdict}  {}\n",
            run.folder.display()
        ));
        for notice in &run.notices {
            text.push_str(&format!("  notice: {notice}\n"));
        }
    }
    if let Some(audit) = &found.register {
        let head = audit.head.as_deref().unwrap_or("none");
        text.push_str(&format!(
            "register: {} runs, {} of them pruned, head {head}\n",
            audit.runs.len(),
            audit.pruned()
        ));
        for notice in &audit.notices {
            text.push_str(&format!("  notice: {notice}\n"));
        }
    }
    for problem in problems {
        text.push_str(&format!("WRONG  {problem}\n"));
    }
    text.push_str(&match problems.len() {
        0 => format!(
            "Everything follows from events and history, signed by key {}.\n",
            key.id()
        ),
        1 => "1 problem: this evidence is not what the runs left.\n".into(),
        several => format!("{several} problems: this evidence is not what the runs left.\n"),
    });
    text
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Control => "control",
    }
}

fn json(found: &Verification, problems: &[Problem]) -> String {
    let runs: Vec<serde_json::Value> = found
        .runs
        .iter()
        .map(|run| {
            serde_json::json!({
                "folder": run.folder, "run": run.run, "verdict": run.verdict,
                "manifest_sha256": run.manifest_sha256, "notices": run.notices,
            })
        })
        .collect();
    let register = found.register.as_ref().map(|audit| {
        serde_json::json!({
            "runs": audit.runs.len(), "pruned": audit.pruned(), "head": audit.head, "notices": audit.notices,
        })
    });
    let all = serde_json::json!({
        "verified": problems.is_empty(), "problems": problems, "runs": runs, "register": register,
    });
    format!("{all:#}\n")
}
