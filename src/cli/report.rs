//! `drdrill report`: judges and renders a finished run again.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use drdrill::{
    evidence::{self, EvidenceError, Loaded, files::read, folder::replace},
    history::History,
    record::Record,
    report::{View, csv::csv, run_document::run_document, terminal, why},
    score,
    session::rendered,
};

use super::{
    arguments::ReportArguments,
    exit::{Exit, Failure},
    output, pdf, quarter,
    run::exit_of,
};

/// Judges a run again from its folder, prints the scorecard, and compares every report with what the
/// folder holds; an incomplete folder gets its reports.
///
/// # Errors
/// When the folder is no run's, or its files are not what its manifest says.
pub fn report(arguments: &ReportArguments) -> Result<Exit, Failure> {
    if let Some(of) = arguments.quarter {
        return quarter::quarter(arguments, of);
    }
    let folder = &arguments.folder;
    let loaded = loaded(folder)?;
    // A folder without a manifest may hold anything.
    let judged = evidence::guarded(|| {
        let judgement = score::judge(&loaded.record, &loaded.history);
        let files = rendered(&loaded.record, &loaded.history, &judgement);
        (judgement, files)
    });
    let (judgement, files) = judged.ok_or_else(misfit)?;
    for (name, bytes) in files {
        let path = folder.join(name);
        let same = read(&path, bytes.len() as u64).is_ok_and(|old| old == bytes);
        if loaded.manifest.is_none() {
            replace(&path, &bytes).map_err(|error| unwritten(&error))?;
        } else if !same {
            output::talk(&format!(
                "notice: `{name}` of the folder was rendered by another version of drdrill\n"
            ));
        }
    }
    let view = View::new(&loaded.record, &loaded.history, &judgement);
    let date = loaded.record.opened.started.parse().ok();
    pdf::write(arguments, &run_document(&view), date)?;
    if let Some(path) = &arguments.csv {
        operations(path, &loaded.record, &loaded.history)?;
    }
    let place = folder.join("report.html");
    output::result(&terminal(
        &view,
        &place.display().to_string(),
        output::style(),
    ));
    Ok(exit_of(&loaded.record, &judgement))
}

/// Judges a run again from its folder, and says why its recovery took as long as it did.
///
/// # Errors
/// When the folder is no run's, or its files are not what its manifest says.
pub fn why(folder: &Path) -> Result<Exit, Failure> {
    let loaded = loaded(folder)?;
    let judged = evidence::guarded(|| score::judge(&loaded.record, &loaded.history));
    let judgement = judged.ok_or_else(misfit)?;
    output::result(&why::why(&loaded.record, &judgement, output::style()));
    Ok(exit_of(&loaded.record, &judgement))
}

/// A run's record and history from its folder; what is odd about them is said.
fn loaded(folder: &Path) -> Result<Loaded, Failure> {
    let loaded = evidence::load(folder)
        .map_err(|error| Failure::new(Exit::EvidenceUnverified, error.to_string(), error.help()))?;
    for notice in &loaded.notices {
        output::talk(&format!("notice: {notice}\n"));
    }
    Ok(loaded)
}

fn misfit() -> Failure {
    Failure::new(
        Exit::EvidenceUnverified,
        "failed to judge the run: events and history do not fit together",
        "the folder is damaged: restore it from a copy, or repeat the drill",
    )
}

/// Writes the run's operations as CSV.
fn operations(path: &Path, record: &Record, history: &History) -> Result<(), Failure> {
    let written = File::create(path).map(BufWriter::new).and_then(|mut out| {
        csv(record, history, &mut out)?;
        out.flush()
    });
    written.map_err(|error| {
        let message = format!("failed to write `{}`: {error}", path.display());
        Failure::new(Exit::EnvironmentUnfit, message, "name another file")
    })?;
    output::talk(&format!("wrote {}\n", path.display()));
    Ok(())
}

fn unwritten(error: &EvidenceError) -> Failure {
    Failure::new(Exit::EnvironmentUnfit, error.to_string(), error.help())
}
