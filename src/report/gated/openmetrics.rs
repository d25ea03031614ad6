//! The decisions as metrics: a report for merge requests, and a file for Prometheus' textfile collector.

use crate::{gate::State, score::LineState};

use super::Gated;

/// One sample: labels beyond the scenario's, and a value.
type Sample = (Vec<(&'static str, &'static str)>, String);

/// The states, each of which has a sample.
const STATES: [State; 5] = [
    State::Pass,
    State::TargetMissed,
    State::Regression,
    State::Inconclusive,
    State::Evidence,
];

/// A metrics report as GitLab reads it: it compares values as text between branches, so that times are
/// rounded to a tenth of a second and nothing that always differs is in it.
pub fn metrics_report(gated: &[Gated<'_>]) -> String {
    let mut out = common(gated, 1);
    out.push_str("# EOF\n");
    out
}

/// The text format for the textfile collector: no time stamps on samples, or the whole file is ignored.
pub fn textfile(gated: &[Gated<'_>]) -> String {
    let mut out = common(gated, 3);
    let started = |it: &Gated<'_>| it.runs.last()?.started;
    let second = |at: Option<jiff::Timestamp>| at.map(|at| (vec![], at.as_second().to_string()));
    family(
        &mut out,
        "drdrill_last_run_timestamp_seconds",
        "Start of the newest run of the scenario.",
        gated,
        |it| second(started(it)).into_iter().collect(),
    );
    family(
        &mut out,
        "drdrill_last_success_timestamp_seconds",
        "Start of the newest run that passed; 0 where none ever did.",
        gated,
        |it| {
            second(Some(it.passed.unwrap_or_default()))
                .into_iter()
                .collect()
        },
    );
    out
}

fn common(gated: &[Gated<'_>], digits: usize) -> String {
    let mut out = String::new();
    family(
        &mut out,
        "drdrill_gate_state",
        "1 for what the gate says of the scenario, 0 for the other states.",
        gated,
        |it| {
            let value = |state| u8::from(it.decision.state == state).to_string();
            let sample = |state: State| (vec![("state", state.word())], value(state));
            STATES.map(sample).to_vec()
        },
    );
    family(
        &mut out,
        "drdrill_last_rto_seconds",
        "Worst recovery time of the runs that were judged; +Inf where none was seen.",
        gated,
        |it| {
            let worst = it
                .runs
                .iter()
                .filter_map(|run| run.rto_ns())
                .reduce(f64::max);
            worst
                .map(|ns| (vec![], seconds(ns, digits)))
                .into_iter()
                .collect()
        },
    );
    family(
        &mut out,
        "drdrill_rto_target_seconds",
        "The target of the recovery time.",
        gated,
        |it| {
            let lines = it
                .newest()
                .into_iter()
                .flat_map(|summary| &summary.scorecard.lines);
            let mut limits = lines
                .filter(|line| line.figure == "rto" && line.state != LineState::Any)
                .filter_map(|line| line.limit);
            limits
                .next()
                .map(|limit| (vec![], limit.to_string()))
                .into_iter()
                .collect()
        },
    );
    family(
        &mut out,
        "drdrill_last_lost_writes",
        "Acknowledged writes lost in the worst of the runs that were judged.",
        gated,
        |it| {
            let lost = it
                .runs
                .iter()
                .filter_map(|run| run.summary.as_ref()?.lost())
                .max();
            lost.map(|lost| (vec![], lost.to_string()))
                .into_iter()
                .collect()
        },
    );
    out
}

fn family(
    out: &mut String,
    name: &str,
    help: &str,
    gated: &[Gated<'_>],
    samples: impl Fn(&Gated<'_>) -> Vec<Sample>,
) {
    out.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n"));
    for it in gated {
        for (labels, value) in samples(it) {
            let own = [("scenario", it.scenario.as_str()), ("system", it.system())];
            let labels: Vec<String> = own
                .into_iter()
                .chain(labels)
                .map(|(name, value)| format!("{name}=\"{}\"", escape(value)))
                .collect();
            out.push_str(&format!("{name}{{{}}} {value}\n", labels.join(",")));
        }
    }
}

fn seconds(ns: f64, digits: usize) -> String {
    if ns.is_finite() {
        format!("{:.digits$}", ns / 1e9)
    } else {
        "+Inf".into()
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
