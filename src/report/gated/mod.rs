//! What a gate decided, for terminals and for what CI systems read.

mod github;
mod junit;
mod openmetrics;

use serde_json::{Value, json};

use crate::{
    archive::{Run, Summary},
    gate::{Decision, State},
    score::LineState,
    shown::shown,
};

pub use github::{annotations, summary};
pub use junit::gate_junit;
pub use openmetrics::{metrics_report, textfile};

use super::{
    terminal::{Style, grid, wrap},
    view::text,
};

/// A scenario's decision with what it rests on.
#[derive(Debug, Clone)]
pub struct Gated<'a> {
    /// The scenario's name.
    pub scenario: String,
    /// The decision.
    pub decision: Decision,
    /// The runs that were judged, oldest first.
    pub runs: Vec<&'a Run>,
    /// When a run of the scenario last passed.
    pub passed: Option<jiff::Timestamp>,
}

impl Gated<'_> {
    /// The newest of the runs, as far as it has a result.
    fn newest(&self) -> Option<&Summary> {
        self.runs.last()?.summary.as_ref()
    }

    fn file(&self) -> &str {
        self.newest()
            .map_or("", |summary| summary.run.file.as_str())
    }

    fn system(&self) -> &str {
        self.newest().map_or("none", Summary::system)
    }

    /// The worst recovery time of the runs in words.
    fn rto(&self) -> String {
        let spans = self
            .runs
            .iter()
            .filter_map(|run| run.summary.as_ref()?.rto());
        let worst = spans.max_by_key(|span| span.high_ns.unwrap_or(u64::MAX));
        worst.map_or_else(|| "not measured".into(), text::upper)
    }
}

/// The decisions as a table, with a sentence each.
pub fn gate_terminal(gated: &[Gated<'_>], style: Style) -> String {
    let rows = gated.iter().map(|it| {
        let newest = it.runs.last();
        vec![
            it.decision.state.word().to_owned(),
            shown(&it.scenario).into_owned(),
            it.runs.len().to_string(),
            it.rto(),
            newest.map_or_else(
                || "none".into(),
                |run| shown(&run.id.to_string()).into_owned(),
            ),
        ]
    });
    let head = ["gate", "scenario", "runs", "worst rto", "newest run"];
    let table = grid(&head, rows.collect(), style);
    let mut out: String = table
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    for it in gated {
        let sentence = text::clean(&it.decision.sentence);
        out.push_str(&wrap(
            &sentence,
            style.width,
            &format!("  {}: ", shown(&it.scenario)),
        ));
    }
    out
}

/// The decisions as a value, for programs and for events.
pub fn gate_json(gated: &[Gated<'_>]) -> Value {
    let one = |it: &Gated<'_>| {
        let lines = it.newest().map(|summary| &summary.scorecard.lines);
        json!({
            "scenario": it.scenario,
            "system": it.system(),
            "state": it.decision.state.word(),
            "sentence": it.decision.sentence,
            "runs": it.runs.iter().map(|run| run.id.to_string()).collect::<Vec<_>>(),
            "lines": lines,
        })
    };
    gated.iter().map(one).collect()
}

/// Whether a state is one that a gate lets through.
fn passes(state: State) -> bool {
    match state {
        State::Pass => true,
        State::TargetMissed | State::Regression | State::Inconclusive | State::Evidence => false,
    }
}

/// The target lines of the newest run that are not met, one sentence each.
fn open_lines<'a>(gated: &'a Gated<'_>) -> impl Iterator<Item = String> + 'a {
    let lines = gated
        .newest()
        .into_iter()
        .flat_map(|summary| &summary.scorecard.lines);
    lines
        .filter(|line| matches!(line.state, LineState::Missed | LineState::Inconclusive))
        .map(super::View::sentence)
}
