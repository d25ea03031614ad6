//! `drdrill baseline`: the runs that later ones are held against.

use std::path::Path;

use drdrill::{
    archive::{Baseline, Baselines, Run},
    evidence::{PinnedKey, Register, audit},
    measure::format::nanoseconds,
    score::Verdict,
};

use super::{
    arguments::{BaselineArguments, BaselineCommand},
    chosen::Trust,
    exit::{Exit, Failure},
    history::archive,
    keys, output,
};

/// Sets or shows baselines.
///
/// # Errors
/// When a file cannot be read or written, or the runs cannot be a baseline.
pub fn baseline(arguments: &BaselineArguments) -> Result<Exit, Failure> {
    match &arguments.command {
        BaselineCommand::Show { file } => show(file),
        BaselineCommand::Set {
            reports,
            scenario,
            last,
            key,
            file,
        } => {
            let key = key.as_deref().map(keys::pinned).transpose()?;
            set(reports, scenario.as_deref(), *last, key.as_ref(), file)
        }
    }
}

/// Reads a baseline that must be there.
///
/// # Errors
/// When it is not, or holds something else.
pub fn read_baselines(path: &Path) -> Result<Baselines, Failure> {
    let help = "`drdrill baseline set` writes it";
    if !path.is_file() {
        let message = format!("there is no baseline `{}`", path.display());
        return Err(Failure::new(Exit::Usage, message, help));
    }
    Baselines::read(path).map_err(|error| Failure::new(Exit::Usage, error.to_string(), help))
}

fn show(file: &Path) -> Result<Exit, Failure> {
    let baselines = read_baselines(file)?;
    let mut text = String::new();
    for (scenario, baseline) in &baselines.scenarios {
        text.push_str(&format!("{scenario}: {} runs\n", baseline.runs.len()));
        for run in &baseline.runs {
            let rto = run.rto.map_or_else(
                || "not measured".into(),
                |span| nanoseconds(span.high_ns.map_or(f64::INFINITY, |ns| ns as f64)),
            );
            text.push_str(&format!("  {}  {}  rto {rto}\n", run.run, run.started));
        }
    }
    output::result(&text);
    Ok(Exit::Pass)
}

fn set(
    reports: &Path,
    scenario: Option<&str>,
    last: usize,
    key: Option<&PinnedKey>,
    file: &Path,
) -> Result<Exit, Failure> {
    let archive = archive(reports)?;
    let audit = audit(Register::of(reports).path(), None, true, key);
    let trust = Trust {
        key,
        audit: &audit,
        stamped: None,
    };
    trust.register().map_err(|why| unverified(&why))?;
    let mut baselines = Baselines::read(file)
        .map_err(|error| Failure::new(Exit::Usage, error.to_string(), "name another file"))?;
    let names: Vec<&str> = match scenario {
        Some(scenario) => vec![scenario],
        None => archive.scenarios(),
    };
    for name in names {
        // What cannot be read might not have passed.
        let unread = |run: &&Run| run.sealed && run.pruned.is_none() && run.unread.is_some();
        let runs = archive.of(name).filter(|run| run.counts() || unread(run));
        let runs: Vec<&Run> = runs.collect();
        let runs = &runs[runs.len().saturating_sub(last)..];
        if let Some(run) = runs.iter().copied().find(unread) {
            trust.whole(run).map_err(|why| unverified(&why))?;
        }
        if runs.is_empty() {
            output::talk(&format!("{name}: no completed run, so no baseline\n"));
            continue;
        }
        if let Some(bad) = runs.iter().find(|run| run.verdict != Some(Verdict::Pass)) {
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "run {} of `{name}` did not pass, so it cannot be part of a baseline",
                    bad.id
                ),
                "choose fewer runs with --last, or run the drill until the newest ones pass",
            ));
        }
        for run in runs {
            trust.whole(run).map_err(|why| unverified(&why))?;
        }
        baselines
            .scenarios
            .insert(name.to_owned(), Baseline::of(runs));
        output::result(&format!("{name}: baseline of {} runs\n", runs.len()));
    }
    baselines.write(file).map_err(|error| {
        Failure::new(
            Exit::EnvironmentUnfit,
            error.to_string(),
            "check the folder",
        )
    })?;
    Ok(Exit::Pass)
}

fn unverified(why: &str) -> Failure {
    Failure::new(
        Exit::EvidenceUnverified,
        format!("no baseline is set: {why}"),
        "`drdrill verify` names all that is wrong; later runs are only held against what the runs left",
    )
}
