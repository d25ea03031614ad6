//! `drdrill sweep`, and the sweep before every run.

use drdrill::{
    local,
    measure::format,
    runtime::sweep::{Scope, SweepReport, Swept},
    session::Host,
};

use super::{
    arguments::SweepArguments,
    exit::{Exit, Failure},
    output,
    run::runtime,
};

/// Removes what dead runs left behind, and closes them in their registers.
///
/// # Errors
/// When the journals cannot be read.
pub fn sweep(arguments: &SweepArguments) -> Result<Exit, Failure> {
    let scope = arguments.run.clone().map_or(Scope::Dead, Scope::Run);
    let host = local::sweeper()?;
    let report = runtime()?.block_on(host.sweep(&scope)).map_err(|error| {
        let message = format!(
            "failed to read the journals in `{}`: {error}",
            host.state.display()
        );
        Failure::new(
            Exit::EnvironmentUnfit,
            message,
            "check the folder's permissions",
        )
    })?;
    output::result(&text(&report));
    let named = matches!(scope, Scope::Run(_));
    let left = report.swept.iter().any(|swept| !swept.failures.is_empty());
    let left = left || named && !report.left.is_empty();
    Ok(if left {
        Exit::CleanupIncomplete
    } else {
        Exit::Pass
    })
}

/// Does the same before a run, and speaks only of what it found. That an engine does not answer is
/// said by the run that needs it.
pub async fn before_a_run(host: &Host) {
    if let Ok(report) = host.sweep(&Scope::Dead).await
        && !report.swept.is_empty()
    {
        output::talk(&text(&report));
    }
}

fn text(report: &SweepReport) -> String {
    let mut text = String::new();
    for Swept {
        run,
        removed,
        failures,
        ..
    } in &report.swept
    {
        let removed = format::counted((*removed).into(), "thing");
        text.push_str(&format!("swept run {run}: {removed} removed\n"));
        for failure in failures {
            text.push_str(&format!("  still there: {failure}\n"));
        }
    }
    for left in report.left.iter().chain(&report.unseen) {
        text.push_str(&format!("{left}\n"));
    }
    if text.is_empty() {
        text.push_str("nothing to sweep: no run has left anything behind\n");
    }
    text
}
