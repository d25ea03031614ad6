//! `drdrill verify`: whether evidence is what the runs left, offline and against a pinned key.

use std::path::{Path, PathBuf};

use drdrill::{
    evidence::{
        Audit, Problem, Register, Signers, Stamped, Verified, audit_signed, files, stamp,
        verify_signed,
    },
    score::Verdict,
    session::rendered,
    shown::{shown, shown_path},
};

use super::{
    arguments::VerifyArguments,
    exit::{Exit, Failure},
    keys, output,
    timestamp::refused,
};

/// What a verification of a folder of runs found.
pub struct Verification {
    /// Each run's folder.
    pub runs: Vec<Verified>,
    /// The register, where one was looked at.
    pub register: Option<Audit>,
    /// The time stamps beside it, where they were checked.
    pub stamped: Option<Stamped>,
}

impl Verification {
    /// Everything that is wrong, the place in front.
    pub fn problems(&self) -> Vec<Problem> {
        let register = self
            .register
            .iter()
            .flat_map(|audit| audit.problems.clone());
        let runs = self.runs.iter().flat_map(|run| {
            let place = |problem: &Problem| {
                let place = run.folder.join(&problem.place);
                Problem::new(place.to_string_lossy(), &problem.what)
            };
            let known = self
                .register
                .iter()
                .flat_map(|audit| audit.problems_of(run));
            let own: Vec<Problem> = run.problems.iter().map(place).collect();
            own.into_iter().chain(known)
        });
        let times = self.stamped.iter().zip(&self.register);
        let times = times.flat_map(|(stamped, audit)| {
            let of = |run| stamped.problem_of(audit, run);
            let own = stamped.problems.clone();
            own.into_iter().chain(self.runs.iter().filter_map(of))
        });
        runs.chain(register).chain(times).collect()
    }

    /// By when a run existed, by the time stamps.
    fn existed_by(&self, run: &Verified) -> Option<String> {
        let stamped = self.stamped.as_ref()?;
        let by = stamped.closed_by(self.register.as_ref()?, run)?;
        Some(by.to_string())
    }
}

/// Verifies a run folder, or every run of a reports folder with its register. Where nothing is sealed, nothing is
/// verified, and that is no success.
///
/// # Errors
/// When a key is none, or the folder holds no run.
pub fn verify(arguments: &VerifyArguments) -> Result<Exit, Failure> {
    let signers = keys::signers(&arguments.key, arguments.threshold)?;
    let mut found = verification(
        &arguments.folder,
        Some(&signers),
        arguments.register.as_deref(),
        arguments.head.as_deref(),
    )?;
    times(arguments, &mut found)?;
    let problems = found.problems();
    let nothing = found.runs.is_empty();
    if arguments.json {
        output::result(&json(&found, &problems));
    } else {
        output::result(&text(&found, &problems, &signers));
    }
    Ok(if problems.is_empty() && !nothing {
        Exit::Pass
    } else {
        Exit::EvidenceUnverified
    })
}

/// Checks the time stamps beside the register, where an authority is pinned; says that they were not looked at, where none is.
fn times(arguments: &VerifyArguments, found: &mut Verification) -> Result<(), Failure> {
    let own = Register::of(&arguments.folder);
    let register = arguments.register.as_deref().unwrap_or(own.path());
    match (&arguments.tsa_ca, &mut found.register) {
        (Some(authority), Some(audit)) => {
            let stamped = stamp::stamps(register, audit, authority);
            found.stamped = Some(stamped.map_err(|error| refused(&error))?);
        }
        (Some(_), None) => {
            let help = "name it with --register: time stamps are those of its head";
            let what = "there is no register to look for time stamps beside";
            return Err(Failure::new(Exit::Usage, what, help));
        }
        (None, Some(audit)) => {
            if let count @ 1.. = stamp::there(register).len() {
                let what =
                    format!("time stamps not looked at: {count}; --tsa-ca pins their authority");
                audit.notices.push(what);
            }
        }
        (None, None) => {}
    }
    Ok(())
}

/// Verifies a run folder, or a reports folder with its register. Without keys, signatures are not looked at.
///
/// # Errors
/// When the folder holds no run.
pub fn verification(
    folder: &Path,
    signers: Option<&Signers>,
    register: Option<&Path>,
    head: Option<&str>,
) -> Result<Verification, Failure> {
    let own = Register::of(folder);
    let reports = own.path().is_file();
    let register = register.or(reports.then(|| own.path()));
    let audit = register.map(|register| audit_signed(register, head, reports, signers));
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
        .map(|folder| verify_signed(folder, signers, &render));
    Ok(Verification {
        runs: runs.collect(),
        register: audit,
        stamped: None,
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
    .filter_map(|(_, opening)| files::below(reports, &opening.folder))
    .filter(|folder| folder.is_dir())
    .collect()
}

fn text(found: &Verification, problems: &[Problem], signers: &Signers) -> String {
    let mut text = String::new();
    for run in &found.runs {
        let state = match (run.problems.is_empty(), run.signed) {
            (true, _) => "verified",
            (false, Some(false)) => "NOT SIGNED",
            (false, _) => "NOT VERIFIED",
        };
        let name = run
            .run
            .as_ref()
            .map_or_else(|| "unknown run".into(), ToString::to_string);
        let verdict = run.verdict.map_or("not judged", word);
        text.push_str(&format!(
            "{state}  {}  {verdict}  {}\n",
            shown(&name),
            shown_path(&run.folder)
        ));
        if let Some(by) = found.existed_by(run) {
            text.push_str(&format!("  existed by {by}, as a time stamp shows\n"));
        }
        for notice in &run.notices {
            text.push_str(&format!("  notice: {}\n", shown(notice)));
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
            text.push_str(&format!("  notice: {}\n", shown(notice)));
        }
    }
    for problem in problems {
        text.push_str(&format!("WRONG  {problem}\n"));
    }
    text.push_str(&format!("{}\n", last_line(found, problems, signers)));
    text
}

/// What all of it comes to. Runs of which nothing could be verified are counted in it: who reads one line reads this one.
fn last_line(found: &Verification, problems: &[Problem], signers: &Signers) -> String {
    let unsigned = |run: &&Verified| run.signed == Some(false);
    let unsigned = found.runs.iter().filter(unsigned).count();
    let said = match (problems.len(), found.runs.len()) {
        (0, 0) => "Nothing was verified: there is no sealed run here.".to_owned(),
        (0, count) => format!(
            "Everything in {} follows from events and history, signed by {signers}.",
            runs(count)
        ),
        (count, _) if count == unsigned => format!(
            "{} not signed. Nothing was altered. Without a signature nothing shows who wrote it.",
            were(unsigned)
        ),
        (1, _) => "1 problem: this evidence is not what the runs left.".into(),
        (several, _) => format!("{several} problems: this evidence is not what the runs left."),
    };
    let Some(audit) = &found.register else {
        return said;
    };
    let apart = [
        (audit.unclosed(), "opened and never closed"),
        (audit.unsealed(), "closed without a manifest"),
        (audit.pruned(), "pruned"),
    ];
    let apart = apart.iter().filter(|(count, _)| *count > 0);
    let apart: Vec<String> = apart
        .map(|(count, what)| format!("{} {what}", were(*count)))
        .collect();
    match apart.as_slice() {
        [] => said,
        apart => format!("{said} Not verified: {}.", apart.join(", ")),
    }
}

fn runs(count: usize) -> String {
    match count {
        1 => "1 run".into(),
        several => format!("{several} runs"),
    }
}

fn were(count: usize) -> String {
    let verb = if count == 1 { "was" } else { "were" };
    format!("{} {verb}", runs(count))
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Control => "control",
        Verdict::Aborted => "aborted",
    }
}

fn json(found: &Verification, problems: &[Problem]) -> String {
    let runs: Vec<serde_json::Value> = found
        .runs
        .iter()
        .map(|run| {
            serde_json::json!({
                "folder": run.folder, "run": run.run, "verdict": run.verdict, "signed": run.signed,
                "manifest_sha256": run.manifest_sha256, "notices": run.notices, "existed_by": found.existed_by(run),
            })
        })
        .collect();
    let register = found.register.as_ref().map(|audit| {
        serde_json::json!({
            "runs": audit.runs.len(), "pruned": audit.pruned(), "unclosed": audit.unclosed(),
            "unsealed": audit.unsealed(), "head": audit.head, "notices": audit.notices,
        })
    });
    let all = serde_json::json!({
        "verified": problems.is_empty() && !found.runs.is_empty(), "problems": problems, "runs": runs, "register": register,
        "time_stamps": found.stamped.as_ref().map(Stamped::count),
    });
    format!("{all:#}\n")
}
