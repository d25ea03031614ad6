//! What `drdrill run` says while drills run and of runs that ended.

use std::io::{self, IsTerminal, Write};

use drdrill::{
    report::{Progress, ProgressDrawTarget, RepeatRow, View, terminal},
    score::{LineState, Scorecard},
    session::Ended,
};
use serde_json::{Value, json};

use super::{arguments::SayingArguments, output};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saying {
    /// How each drill goes, live on a terminal, and a report of each run.
    Report,
    /// The same, line by line.
    Lines,
    /// One line about each run that ended.
    Line,
    /// One line of JSON about each run that ended.
    Json,
}

impl Saying {
    /// What the arguments ask for. Of several stacks at once a line each is said: those of several drills would mix.
    pub fn of(arguments: &SayingArguments, stacks: u32) -> Self {
        match arguments {
            SayingArguments { json: true, .. } => Self::Json,
            SayingArguments { quiet: true, .. } => Self::Line,
            _ if stacks > 1 => Self::Line,
            SayingArguments { verbose: true, .. } => Self::Lines,
            _ => Self::Report,
        }
    }

    /// How a drill goes; none where nothing is said of that.
    pub fn progress(self) -> Option<Progress<io::Stderr>> {
        match self {
            Self::Report => Some(progress()),
            Self::Lines => Some(Progress::plain(io::stderr())),
            Self::Line | Self::Json => None,
        }
    }

    /// Says what came of a run.
    pub fn ended(self, run: &Ended) {
        match self {
            Self::Report | Self::Lines => show(run),
            Self::Line => {
                let row = RepeatRow::new(&run.record, &run.judgement);
                let (rto, bracket) = &row.rto;
                let name = &run.record.opened.scenario.name;
                let verdict = format!("{}{}", row.verdict, why(&run.judgement.scorecard));
                let line = format!("{name} {}: {verdict}, rto {rto} {bracket}", row.run);
                output::result(&format!("{}\n", line.trim_end()));
            }
            // It goes to a program: nothing but the JSON, as it is.
            Self::Json => {
                let mut all = data(run);
                all["folder"] = json!(run.folder);
                let _ = writeln!(io::stdout().lock(), "{all}");
            }
        }
    }

    /// Whether tables over several runs are printed.
    pub fn tables(self) -> bool {
        self != Self::Json
    }
}

/// The targets that were missed or else the named reasons, in brackets; empty where there are none.
fn why(scorecard: &Scorecard) -> String {
    let missed = scorecard.lines.iter();
    let mut names: Vec<&str> = missed
        .filter(|line| line.state == LineState::Missed)
        .map(|line| line.figure.as_str())
        .collect();
    if names.is_empty() {
        names = scorecard
            .reasons
            .iter()
            .map(|it| it.name.as_str())
            .collect();
        // A run that was cut short leaves everything open: that it was is what counts.
        if names.first().is_some_and(|name| name.starts_with("run-")) {
            names.truncate(1);
        }
    }
    if names.is_empty() {
        String::new()
    } else {
        format!(" ({})", names.join(", "))
    }
}

/// What is told of a run to programs.
pub fn data(run: &Ended) -> Value {
    let opened = &run.record.opened;
    json!({
        "run": opened.run,
        "scenario": opened.scenario.name,
        "status": run.record.status,
        "scorecard": run.judgement.scorecard,
    })
}

/// Shows a run that has ended.
pub fn show(run: &Ended) {
    let view = View::new(&run.record, &run.history, &run.judgement);
    let place = run.folder.join("report.html");
    output::result(&terminal(
        &view,
        &place.display().to_string(),
        output::style(),
    ));
}

/// How a run goes, on a terminal or line by line.
pub fn progress() -> Progress<io::Stderr> {
    if io::stderr().is_terminal() {
        Progress::live(io::stderr(), ProgressDrawTarget::stderr())
    } else {
        Progress::plain(io::stderr())
    }
}
