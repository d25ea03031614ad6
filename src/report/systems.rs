//! What was drilled on which system, as Markdown: `docs/systems.md` is made from run folders with it.

use crate::{
    archive::{Drilled, Predicted, Summary},
    measure::Figure,
    score::Verdict,
};

use super::{
    document::{Cell, Document, Section, Tone, plain, toned},
    history::started,
    view::text,
};

/// A line per scenario, and per change of one, with what its runs measured. `all` counts the runs that the folder holds: what
/// did not complete, or carries no seal, is in no line. `offered` are all systems with their topologies: those without a
/// line are named.
pub fn systems(drilled: &[Drilled<'_>], all: usize, offered: &[(&str, &str)]) -> Document {
    let head = [
        "system",
        "scenario",
        "changed",
        "event",
        "route",
        "runs",
        "pass/fail/inconclusive/control",
        "recovery time",
        "predicted",
        "lost",
        "lost after the fault",
        "newest run",
        "turned red by",
    ];
    let mut section = Section::new("Systems, faults and routes", &head, "No completed run.");
    section.note("Made from run folders by drdrill history DIR --systems. Recovery time: median and longest of the runs in which it was measured, upper ends. Predicted: from the settings that the newest run read back; outside where it took more or less. Lost: acknowledged writes, fewest to most in one run; those sent after the fault, as to a second primary, stand apart. A line with something under changed is the scenario with those values replaced. Turned red by: what was changed in the stack or the drill for it to fail, targets as they are, and the newest run that did; drdrill prove makes such runs.");
    if let Some(never) = never_drilled(drilled, offered) {
        section.note(&never);
    }
    section.rows = drilled.iter().map(row).collect();
    let runs: usize = drilled
        .iter()
        .map(|it| it.verdicts.iter().sum::<usize>())
        .sum();
    Document {
        title: "What was drilled".into(),
        lead: format!(
            "{} from {}; {} more did not complete or carry no seal, and are in none.",
            text::plural(drilled.len() as u64, "line"),
            text::plural(runs as u64, "completed run"),
            text::count(all.saturating_sub(runs) as u64),
        ),
        sections: vec![section],
        landscape: true,
    }
}

/// The topologies of which no run completed.
fn never_drilled(drilled: &[Drilled<'_>], offered: &[(&str, &str)]) -> Option<String> {
    let ran = |(system, topology): &&(&str, &str)| {
        drilled.iter().any(|it| {
            let stood = it.newest.1.system.as_ref();
            it.system == *system && stood.is_some_and(|stood| stood.topology == *topology)
        })
    };
    let never: Vec<String> = offered
        .iter()
        .filter(|it| !ran(it))
        .map(|(system, topology)| format!("{topology} of {system}"))
        .collect();
    (!never.is_empty()).then(|| format!("Never drilled: {}.", never.join(", ")))
}

fn row(it: &Drilled<'_>) -> Vec<Cell> {
    let (run, summary) = it.newest;
    let stood = summary.system.as_ref();
    let tone = match summary.verdict {
        Verdict::Pass => Tone::Plain,
        Verdict::Control => Tone::Plain,
        Verdict::Fail => Tone::Bad,
        Verdict::Inconclusive | Verdict::Aborted => Tone::Warn,
    };
    let verdicts = it.verdicts.map(|count| count.to_string()).join("/");
    vec![
        plain(stood.map_or(it.system, |stood| stood.server.as_str())),
        plain(it.scenario),
        plain(changed(it.overrides)),
        plain(event(summary)),
        plain(stood.map_or(String::new(), |stood| {
            format!("{}, {}", stood.topology, stood.route)
        })),
        plain(it.verdicts.iter().sum::<usize>().to_string()),
        toned(verdicts, tone),
        plain(recovery(it, summary)),
        predicted(it),
        plain(counts(it.lost)),
        plain(counts(it.split_brain)),
        plain(format!("{} of {}", run.id, started(run))),
        plain(red(it)),
    ]
}

/// What the settings allow, and where the newest run took another time.
fn predicted(it: &Drilled<'_>) -> Cell {
    match it.predicted() {
        Predicted::Nothing => plain("none"),
        Predicted::NoFailover => plain("no failover"),
        Predicted::Within(allowed) => plain(text::bracket(allowed)),
        Predicted::Outside(allowed) => {
            toned(format!("{}, outside", text::bracket(allowed)), Tone::Bad)
        }
    }
}

fn changed(overrides: &[(String, String)]) -> String {
    let pairs = overrides
        .iter()
        .map(|(key, value)| format!("{key}={value}"));
    pairs.collect::<Vec<_>>().join(", ")
}

/// What turned it red, each with its run.
fn red(it: &Drilled<'_>) -> String {
    let red = it.red.iter();
    let red = red.map(|(overrides, run)| format!("{} (run {})", changed(overrides), run.id));
    red.collect::<Vec<_>>().join("; ")
}

/// The fewest and the most.
fn counts(counts: Option<(u64, u64)>) -> String {
    match counts {
        Some((least, most)) if least == most => text::count(most),
        Some((least, most)) => format!("{} to {}", text::count(least), text::count(most)),
        None => "not known".into(),
    }
}

/// What happened to whom: a fault with the victim's role, else the event by itself.
fn event(summary: &Summary) -> String {
    match summary.headline().map(|event| event.kind) {
        Some(crate::record::DisruptionKind::Fault) => summary
            .hit()
            .map_or_else(|| summary.mode(), |hit| hit.to_string()),
        _ => summary.mode(),
    }
}

fn recovery(it: &Drilled<'_>, summary: &Summary) -> String {
    if let Some((median, worst)) = it.median_worst {
        return match it.measured {
            1 => text::nanoseconds(worst),
            measured => format!(
                "{}, longest {}, n {measured}",
                text::nanoseconds(median),
                text::nanoseconds(worst)
            ),
        };
    }
    match summary.headline().map(|event| &event.rto) {
        Some(Figure::Missing(why)) => why.to_string(),
        _ => "not measured".into(),
    }
}
