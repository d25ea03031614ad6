//! The figures as Prometheus text, for the textfile collector: no timestamps, nothing that was not measured.

use crate::{
    measure::{Figure, Figures},
    record::Record,
    score::{Judgement, LineState, Verdict},
    time::Span,
};

use super::view::text;

/// A family of samples: labels beyond the common ones, and a value.
struct Family {
    name: &'static str,
    help: &'static str,
    samples: Vec<(Vec<(&'static str, String)>, String)>,
}

impl Family {
    fn new(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            help,
            samples: Vec::new(),
        }
    }

    fn add(&mut self, labels: &[(&'static str, &str)], value: impl ToString) {
        let labels = labels
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        self.samples.push((labels, value.to_string()));
    }
}

/// Renders the figures as Prometheus text; a figure that was not measured has no sample.
pub fn metrics(record: &Record, judgement: &Judgement) -> String {
    let scenario = &record.opened.scenario;
    let system = record.stack.as_ref().map_or_else(
        || scenario.stack.keys().next().cloned().unwrap_or_default(),
        |stack| stack.system.clone(),
    );
    let common = [("scenario", scenario.name.clone()), ("system", system)];
    let families = [
        info(record),
        verdict(judgement),
        started(record),
        lines(judgement),
        limits(judgement),
        recovery(&judgement.figures),
        durations(&judgement.figures),
        loss(&judgement.figures),
        operations(&judgement.figures),
    ];
    let mut out = String::new();
    for family in families.iter().filter(|family| !family.samples.is_empty()) {
        out.push_str(&format!("# HELP {} {}\n", family.name, family.help));
        out.push_str(&format!("# TYPE {} gauge\n", family.name));
        for (labels, value) in &family.samples {
            let labels: Vec<String> = common
                .iter()
                .chain(labels)
                .map(|(name, value)| format!("{name}=\"{}\"", escape(value)))
                .collect();
            out.push_str(&format!(
                "{}{{{}}} {value}\n",
                family.name,
                labels.join(",")
            ));
        }
    }
    out
}

fn info(record: &Record) -> Family {
    let mut family = Family::new("drdrill_run_info", "The run that the other samples are of.");
    let run = record.opened.run.to_string();
    family.add(
        &[("run", &run), ("version", &record.environment.drdrill)],
        1,
    );
    family
}

fn verdict(judgement: &Judgement) -> Family {
    let mut family = Family::new(
        "drdrill_verdict",
        "1 for the run's verdict, 0 for the others.",
    );
    let all = [
        Verdict::Pass,
        Verdict::Fail,
        Verdict::Inconclusive,
        Verdict::Control,
        Verdict::Aborted,
    ];
    for verdict in all {
        let word = text::verdict(verdict).to_ascii_lowercase();
        let value = u8::from(verdict == judgement.scorecard.verdict);
        family.add(&[("verdict", &word)], value);
    }
    family
}

fn started(record: &Record) -> Family {
    let mut family = Family::new(
        "drdrill_run_started_timestamp_seconds",
        "Wall-clock start of the run.",
    );
    if let Ok(started) = record.opened.started.parse::<jiff::Timestamp>() {
        family.add(&[], started.as_second());
    }
    family
}

fn lines(judgement: &Judgement) -> Family {
    let mut family = Family::new(
        "drdrill_target_state",
        "1 for the state of each target line: met, missed, inconclusive or any.",
    );
    for line in &judgement.scorecard.lines {
        family.add(
            &[("figure", &line.figure), ("state", text::state(line.state))],
            1,
        );
    }
    family
}

fn limits(judgement: &Judgement) -> Family {
    let mut family = Family::new(
        "drdrill_target_limit",
        "The limit of each target line in the figure's base unit.",
    );
    for line in &judgement.scorecard.lines {
        if let (Some(limit), true) = (line.limit, line.state != LineState::Any) {
            family.add(&[("figure", &line.figure)], limit);
        }
    }
    family
}

fn recovery(figures: &Figures) -> Family {
    let mut family = Family::new(
        "drdrill_rto_seconds",
        "Recovery time of the headline event; +Inf where no recovery was seen.",
    );
    let Some(event) = figures.headline.and_then(|index| figures.events.get(index)) else {
        return family;
    };
    for (name, figure) in [
        ("rto", &event.rto),
        ("rto_write", &event.rto_write),
        ("rto_read", &event.rto_read),
        ("rto_first", &event.rto_first),
        ("rto_app", &event.rto_app),
        ("outage", &event.outage),
    ] {
        span(&mut family, name, figure);
    }
    if let Some(group) = &event.rebalance {
        span(&mut family, "rebalance", &group.time);
    }
    family
}

fn durations(figures: &Figures) -> Family {
    let mut family = Family::new(
        "drdrill_duration_seconds",
        "Further times of the run; +Inf where the end was not seen.",
    );
    if let Figure::Measured((gap, _)) = &figures.max_gap {
        span(&mut family, "max_gap", &Figure::Measured(*gap));
    }
    for (name, figure) in [
        ("rto_slo", &figures.rto_slo),
        ("rto_capacity", &figures.rto_capacity),
        ("unavailable_total", &figures.unavailable_total),
        ("redundancy_restored", &figures.redundancy_restored),
    ] {
        span(&mut family, name, figure);
    }
    if let Figure::Measured(loss) = &figures.loss {
        span(
            &mut family,
            "rpo_seconds",
            &Figure::Measured(loss.rpo_seconds),
        );
    }
    family
}

fn span(family: &mut Family, name: &'static str, figure: &Figure<Span>) {
    if let Figure::Measured(span) = figure {
        let high = span.high_ns.map_or_else(|| "+Inf".into(), decimal);
        family.add(&[("figure", name), ("bound", "low")], decimal(span.low_ns));
        family.add(&[("figure", name), ("bound", "high")], high);
    }
}

fn loss(figures: &Figures) -> Family {
    let mut family = Family::new("drdrill_writes", "Writes by what became of them.");
    if let Figure::Measured(loss) = &figures.loss {
        for (name, number) in [
            ("acknowledged", loss.acknowledged),
            ("lost", loss.lost.len() as u64),
            ("split_brain", loss.split_brain.len() as u64),
            ("duplicate", loss.duplicate.len() as u64),
            ("corrupt", loss.corrupt.len() as u64),
            ("phantom", loss.phantom.len() as u64),
            ("resurrected", loss.resurrected.len() as u64),
            ("exposed", loss.exposure.writes),
        ] {
            family.add(&[("fate", name)], number);
        }
    }
    family
}

fn operations(figures: &Figures) -> Family {
    let mut family = Family::new("drdrill_operations", "Operations by outcome.");
    let names = ["ok", "conflict", "fail", "info", "shed"];
    for (name, number) in names.iter().zip(figures.outcomes) {
        family.add(&[("outcome", name)], number);
    }
    family
}

/// Nanoseconds as seconds, rounded as the reports do, so that equal reports compare equal.
fn decimal(ns: u64) -> String {
    let ms = (ns + 500_000) / 1_000_000;
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
