//! The runs of a reports folder for a terminal and for programs: a line per scenario, or a line per run.

use serde_json::{Value, json};

use crate::{
    archive::{Change, Run, Trend},
    record::Status,
    score::Verdict,
    shown::shown,
};

use super::{
    terminal::{Style, grid, wrap},
    view::text,
};

/// Runs that a trend shows.
pub const TREND_RUNS: usize = 24;
/// The heights of a trend's columns.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A line per scenario, and where its recovery time changed.
pub fn history_terminal(trends: &[Trend<'_>], style: Style) -> String {
    let rows = trends.iter().map(|trend| {
        let newest = trend.runs.last();
        let [passed, failed, unsure, ..] = trend.verdicts;
        let (median, worst) = match trend.median_worst {
            Some((median, worst)) => (text::nanoseconds(median), text::nanoseconds(worst)),
            None => ("none".into(), "none".into()),
        };
        vec![
            shown(trend.scenario).into_owned(),
            trend.runs.len().to_string(),
            format!("{passed}/{failed}/{unsure}"),
            newest.map_or_else(String::new, |run| day(run)),
            newest.map_or("", |run| outcome(run)).to_owned(),
            newest.map_or_else(String::new, |run| recovery(run)),
            median,
            worst,
            spark(&trend.runs),
        ]
    });
    let head = [
        "scenario", "runs", "p/f/i", "newest", "verdict", "rto", "median", "worst", "trend",
    ];
    let mut out = trimmed(&grid(&head, rows.collect(), style));
    for trend in trends {
        for change in &trend.changes {
            out.push_str(&wrap(
                &changed(change),
                style.width,
                &format!("  {}: ", shown(trend.scenario)),
            ));
        }
        for run in trend.runs.iter().filter(|run| run.unended()) {
            let said = format!(
                "run {} was opened and came to no verdict: a gate cannot pass until it is set aside",
                run.id
            );
            let scenario = text::clean(trend.scenario);
            out.push_str(&wrap(&said, style.width, &format!("  {scenario}: ")));
        }
    }
    out.push_str("\np/f/i: passed, failed, inconclusive. Trend: the newest runs' recovery times, × where none was seen, · where not measured.\n");
    out
}

/// A line per run of one scenario, newest first.
pub fn history_runs(trend: &Trend<'_>, last: usize, style: Style) -> String {
    let rows = trend.runs.iter().rev().take(last).map(|run| {
        let summary = run.summary.as_ref();
        let lost = summary.and_then(|it| it.lost());
        let marked = trend.changes.iter().any(|change| change.run.id == run.id);
        vec![
            shown(&run.id.to_string()).into_owned(),
            started(run),
            outcome(run).to_owned(),
            recovery(run),
            lost.map_or_else(|| "not known".into(), text::count),
            match &run.unread {
                Some(why) => text::clean(why),
                None if marked => "changed here".into(),
                None => String::new(),
            },
        ]
    });
    let head = ["run", "started", "verdict", "rto", "lost", ""];
    let mut out = trimmed(&grid(&head, rows.collect(), style));
    let shown = trend.runs.len().min(last);
    if shown < trend.runs.len() {
        out.push_str(&format!(
            "{shown} of {} runs; --last shows more\n",
            trend.runs.len()
        ));
    }
    for change in &trend.changes {
        out.push_str(&wrap(&changed(change), style.width, ""));
    }
    out
}

/// Everything as a value.
pub fn history_json(trends: &[Trend<'_>]) -> Value {
    let run = |run: &&Run| {
        json!({
            "run": run.id, "started": run.started.map(|at| at.to_string()), "outcome": outcome(run),
            "rto": run.summary.as_ref().and_then(|it| it.rto()),
            "lost": run.summary.as_ref().and_then(|it| it.lost()),
            "folder": run.folder,
        })
    };
    let change = |change: &Change<'_>| {
        json!({
            "run": change.run.id, "median_before_ns": finite(change.medians.0),
            "median_after_ns": finite(change.medians.1), "p": change.p,
        })
    };
    let one = |trend: &Trend<'_>| {
        json!({
            "scenario": trend.scenario,
            "runs": trend.runs.iter().map(run).collect::<Vec<_>>(),
            "changes": trend.changes.iter().map(change).collect::<Vec<_>>(),
        })
    };
    trends.iter().map(one).collect()
}

/// JSON has no infinity: a recovery that was not seen is null.
fn finite(ns: f64) -> Option<f64> {
    ns.is_finite().then_some(ns)
}

/// What became of a run, in a word.
pub(super) fn outcome(run: &Run) -> &'static str {
    match (&run.status, run.verdict) {
        _ if run.pruned.is_some() => "pruned",
        (None, _) => "not closed",
        (Some(_), Some(verdict)) => word(verdict),
        (Some(Status::Interrupted), None) => "interrupted",
        (Some(Status::Completed | Status::Aborted(_) | Status::Halted(_)), None) => "aborted",
    }
}

/// A verdict in a word.
pub(super) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Control => "control",
        Verdict::Aborted => "aborted",
    }
}

/// A run's recovery time in words.
pub(super) fn recovery(run: &Run) -> String {
    let rto = run.summary.as_ref().and_then(|summary| summary.rto());
    rto.map_or_else(|| "not measured".into(), text::upper)
}

/// When a run started, to the minute.
pub(super) fn started(run: &Run) -> String {
    run.started.map_or_else(
        || "not known".into(),
        |at| at.strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

fn day(run: &Run) -> String {
    started(run).chars().take(10).collect()
}

/// A change in one sentence.
pub(super) fn changed(change: &Change<'_>) -> String {
    let (before, after) = change.medians;
    let word = if after > before { "rose" } else { "fell" };
    format!(
        "the recovery time {word} with run {} of {}: median {} before, {} from there on (p {:.3})",
        change.run.id,
        started(change.run),
        text::nanoseconds(before),
        text::nanoseconds(after),
        change.p
    )
}

/// The newest runs as columns, between the least and the largest recovery time among them.
fn spark(runs: &[&Run]) -> String {
    let shown = &runs[runs.len().saturating_sub(TREND_RUNS)..];
    let times: Vec<Option<f64>> = shown.iter().map(|run| run.rto_ns()).collect();
    let known: Vec<f64> = times
        .iter()
        .flatten()
        .copied()
        .filter(|ns| ns.is_finite())
        .collect();
    let low = known.iter().copied().fold(f64::INFINITY, f64::min);
    let high = known.iter().copied().fold(0.0, f64::max);
    let column = |ns: &Option<f64>| match ns {
        None => '·',
        Some(ns) if !ns.is_finite() => '×',
        Some(_) if high <= low => BLOCKS[3],
        Some(ns) => BLOCKS[(((ns - low) / (high - low)) * 7.0).round().clamp(0.0, 7.0) as usize],
    };
    times.iter().map(column).collect()
}

fn trimmed(table: &str) -> String {
    table
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}
