//! One line per target: its measurement, and how it came out by itself.

use std::time::Duration;

use crate::{
    check::{Touch, split_brain::UNLOOKED},
    history::{Access, Group},
    measure::{
        EventFigures, Figure, Figures,
        format::{self, Round},
    },
    record::{DisruptionKind, Record},
    scenario::{Dur, Goal, RecoveredBy, Rpo, Targets},
    time::Span,
};

use super::{Line, LineState};

/// A line and the family of reasons that touch it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The line.
    pub line: Line,
    /// `Time`, `Data` or `Alerts`.
    pub family: Touch,
}

/// All lines: RTO and RPO first, a missing target of either is a line too. Reasons are not yet applied.
pub fn lines(record: &Record, figures: &Figures) -> Vec<Judged> {
    let targets = &record.opened.scenario.targets;
    let event = figures.headline.and_then(|index| figures.events.get(index));
    let mut lines = vec![rto(targets, event)];
    lines.extend(rpo(record, figures));
    lines.extend(times(targets, figures, event, record));
    lines.push(split_brain(targets, figures));
    lines.extend(staleness(targets, figures));
    lines.extend(super::consistency_line::line(record, figures));
    lines.extend(super::availability_line::line(targets, figures));
    lines.extend(recovered_by(targets, event));
    lines.extend(super::alert_lines::lines(record, figures));
    lines.extend(super::restore_lines::lines(record, figures));
    lines.extend(super::runbook_lines::lines(record, figures));
    lines.extend(super::later_lines::lines(record, figures));
    lines
}

/// Whether a planned move is the headline: it gates on `outage`, which then stands for `rto`.
pub fn is_planned(kind: DisruptionKind) -> bool {
    match kind {
        DisruptionKind::Switchover | DisruptionKind::Failback => true,
        DisruptionKind::Fault | DisruptionKind::Control => false,
    }
}

fn rto(targets: &Targets, event: Option<&EventFigures>) -> Judged {
    let planned = event.is_some_and(|event| is_planned(event.kind));
    let (name, goal) = match (targets.rto, targets.outage) {
        (None, Some(goal)) if planned => ("outage", Some(goal)),
        (goal, _) => ("rto", goal),
    };
    let figure = event.map_or_else(no_event, |event| match name {
        "outage" => event.outage.clone(),
        _ => event.rto.clone(),
    });
    line_of_span(name, goal, &figure, quiet(event))
}

fn no_event() -> Figure<Span> {
    Figure::Missing("no disruptive step was taken".into())
}

/// How a span without an outage is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quiet {
    /// No outage was seen: the upper end is the resolution.
    Yes,
    /// The span was measured.
    No,
}

fn quiet(event: Option<&EventFigures>) -> Quiet {
    if event.is_some_and(|event| !event.outage_seen) {
        Quiet::Yes
    } else {
        Quiet::No
    }
}

/// Whether no lane of a kind saw an outage of the event.
fn quiet_in(
    record: &Record,
    event: Option<&EventFigures>,
    group: Group,
    access: Option<Access>,
) -> Quiet {
    let among = event.is_some_and(|event| {
        event.lanes.iter().any(|outage| {
            record
                .lanes
                .get(usize::from(outage.lane.0))
                .is_some_and(|lane| {
                    lane.group == group && access.is_none_or(|access| access == lane.access)
                })
        })
    });
    if among { Quiet::No } else { Quiet::Yes }
}

/// The lines of time that the scenario sets a target for, except the first.
fn times(
    targets: &Targets,
    figures: &Figures,
    event: Option<&EventFigures>,
    record: &Record,
) -> Vec<Judged> {
    let of = |pick: fn(&EventFigures) -> &Figure<Span>| {
        event.map_or_else(no_event, |event| pick(event).clone())
    };
    let write = quiet_in(record, event, Group::Service, Some(Access::Write));
    let read = quiet_in(record, event, Group::Service, Some(Access::Read));
    let app = quiet_in(record, event, Group::App, None);
    let planned = event.is_some_and(|event| is_planned(event.kind));
    let outage = targets.outage.filter(|_| !planned || targets.rto.is_some());
    // It is a planned switchover's: where the headline is a fault, that of the switchovers of the drill.
    let switched = match planned {
        true => (of(|e| &e.outage), quiet(event)),
        false => worst_outage(record, figures, DisruptionKind::Switchover),
    };
    let gap = match &figures.max_gap {
        Figure::Measured((span, _)) => Figure::Measured(*span),
        Figure::Missing(why) => Figure::Missing(why.clone()),
    };
    let failback = worst_outage(record, figures, DisruptionKind::Failback);
    let rebalance = event.map_or_else(no_event, rebalance);
    let rows = [
        ("rto_write", targets.rto_write, of(|e| &e.rto_write), write),
        ("rto_read", targets.rto_read, of(|e| &e.rto_read), read),
        ("rto_app", targets.rto_app, of(|e| &e.rto_app), app),
        (
            "rto_slo",
            targets.rto_slo,
            figures.rto_slo.clone(),
            Quiet::No,
        ),
        ("outage", outage, switched.0, switched.1),
        ("failback", targets.failback, failback.0, failback.1),
        ("rebalance", targets.rebalance, rebalance, Quiet::No),
        ("max_gap", targets.max_gap, gap, Quiet::No),
        ("fencing", targets.fencing, of(|e| &e.fencing), Quiet::No),
        (
            "redundancy_restored",
            targets.redundancy_restored,
            figures.redundancy_restored.clone(),
            Quiet::No,
        ),
        (
            "unavailable_total",
            targets.unavailable_total,
            figures.unavailable_total.clone(),
            Quiet::No,
        ),
    ];
    rows.into_iter()
        .filter(|(_, goal, _, _)| goal.is_some())
        .map(|(name, goal, figure, quiet)| line_of_span(name, goal, &figure, quiet))
        .collect()
}

fn rebalance(event: &EventFigures) -> Figure<Span> {
    let none = || Figure::Missing("there is no consumer group".into());
    event
        .rebalance
        .as_ref()
        .map_or_else(none, |it| it.time.clone())
}

/// The worst outage over planned moves of a kind that are judged.
fn worst_outage(record: &Record, figures: &Figures, kind: DisruptionKind) -> (Figure<Span>, Quiet) {
    let moves: Vec<&EventFigures> = figures
        .events
        .iter()
        .filter(|event| event.kind == kind && record.opened.scenario.drill.judges(event.step))
        .collect();
    if moves.is_empty() {
        let what = match kind {
            DisruptionKind::Failback => "failback",
            _ => "switchover",
        };
        let why = format!("no {what} that is judged took place");
        return (Figure::Missing(why), Quiet::No);
    }
    let quiet = if moves.iter().any(|event| event.outage_seen) {
        Quiet::No
    } else {
        Quiet::Yes
    };
    let outages = moves.iter().map(|event| event.outage.clone());
    (crate::measure::rto::worst(outages), quiet)
}

/// A line of a time that was measured, of a family other than `Time`.
pub(super) fn time_line(
    name: &str,
    goal: Goal<Dur>,
    figure: &Figure<Span>,
    family: Touch,
) -> Judged {
    Judged {
        family,
        ..span_line(name, Some(goal), figure)
    }
}

/// A line of a time in which an outage was seen.
pub(super) fn span_line(name: &str, goal: Option<Goal<Dur>>, figure: &Figure<Span>) -> Judged {
    line_of_span(name, goal, figure, Quiet::No)
}

fn line_of_span(
    name: &str,
    goal: Option<Goal<Dur>>,
    figure: &Figure<Span>,
    quiet: Quiet,
) -> Judged {
    let (measured, bracket) = match figure {
        Figure::Missing(_) => (NOT_MEASURED.into(), String::new()),
        Figure::Measured(span) => match (quiet, span.high()) {
            (Quiet::Yes, Some(high)) => (
                "no outage seen".into(),
                format!("resolution {}", format::duration(high, Round::Up)),
            ),
            _ => (format::value(*span), format::bracket(*span)),
        },
    };
    let (state, why) = match (goal, figure) {
        (None, _) => (LineState::Inconclusive, "no target is set".into()),
        (Some(_), Figure::Missing(why)) => (LineState::Inconclusive, why.clone()),
        (Some(Goal::Any), Figure::Measured(_)) => (LineState::Any, JUST_MEASURED.into()),
        (Some(Goal::Limit(limit)), Figure::Measured(span)) => within(*span, limit.0),
    };
    Judged {
        line: Line {
            figure: name.into(),
            target: target(goal),
            measured,
            bracket,
            value: figure
                .value()
                .and_then(|span| span.high())
                .map(|d| d.as_secs_f64()),
            limit: goal
                .and_then(Goal::limit)
                .map(|limit| limit.0.as_secs_f64()),
            state,
            why,
        },
        family: Touch::Time,
    }
}

/// How a line tells that there is no measurement.
pub const NOT_MEASURED: &str = "not measured";
/// How a line tells that there is a measurement and nothing that it must hold.
pub const JUST_MEASURED: &str = "measured, not judged";
/// How a line tells that there is no target.
pub const MISSING: &str = "missing";

fn target<T: std::fmt::Display>(goal: Option<Goal<T>>) -> String {
    match goal {
        None => MISSING.into(),
        Some(Goal::Any) => "any".into(),
        Some(Goal::Limit(limit)) => format!("<= {limit}"),
    }
}

/// Met iff the high end is within the limit, missed iff the low end is beyond it.
fn within(span: Span, limit: Duration) -> (LineState, String) {
    if span.low() > limit {
        return (
            LineState::Missed,
            "the lower end of the bracket is beyond the target".into(),
        );
    }
    match span.high() {
        Some(high) if high <= limit => (
            LineState::Met,
            "the upper end of the bracket is within the target".into(),
        ),
        Some(_) => (
            LineState::Inconclusive,
            "the target lies within the bracket".into(),
        ),
        None => (
            LineState::Inconclusive,
            "the end was not seen within the run".into(),
        ),
    }
}

fn rpo(record: &Record, figures: &Figures) -> Vec<Judged> {
    let targets = record.opened.scenario.targets.rpo.as_ref();
    let set = targets
        .is_some_and(|rpo| rpo.seconds.is_some() || rpo.count.is_some() || rpo.bytes.is_some());
    let lost = match &figures.loss {
        Figure::Measured(loss) => Figure::Measured((loss.lost.len() as u64, loss.rpo_seconds)),
        Figure::Missing(why) => Figure::Missing(why.clone()),
    };
    let Some(targets) = targets.filter(|_| set) else {
        return vec![count_line("rpo_count", None, &lost, |(lost, _)| {
            number(*lost)
        })];
    };
    let mut lines = rpo_of(record, targets, "", &lost);
    let others = figures.loss.value().map_or(&[][..], |loss| &loss.later);
    lines.extend(others.iter().flat_map(|event| {
        let judged = record.opened.scenario.drill.judges(event.step);
        let targets = if judged { targets } else { &Rpo::ANY };
        let lost = Figure::Measured((event.lost.len() as u64, event.rpo_seconds));
        rpo_of(
            record,
            targets,
            &format!("_after_step_{}", event.step),
            &lost,
        )
    }));
    lines
}

pub(super) fn number(count: u64) -> (u64, String) {
    (count, format::count(count))
}

/// The lines of one event's loss: how many writes, and the age of the oldest.
fn rpo_of(record: &Record, targets: &Rpo, suffix: &str, lost: &Figure<(u64, Span)>) -> Vec<Judged> {
    let mut lines = Vec::new();
    if let Some(goal) = targets.seconds {
        let seconds = match lost {
            Figure::Measured((_, age)) => Figure::Measured(*age),
            Figure::Missing(why) => Figure::Missing(why.clone()),
        };
        let name = format!("rpo_seconds{suffix}");
        lines.push(time_line(&name, goal, &seconds, Touch::Data));
    }
    if let Some(goal) = targets.count {
        let name = format!("rpo_count{suffix}");
        let count = |(lost, _): &(u64, Span)| number(*lost);
        lines.push(count_line(&name, Some(goal), lost, count));
    }
    if let Some(goal) = targets.bytes {
        let size = record.stack.as_ref().map_or(0, |stack| stack.element_bytes);
        let unknown = Figure::Missing("the size of an element is not known".into());
        let lost = if size > 0 { lost } else { &unknown };
        let name = format!("rpo_bytes{suffix}");
        lines.push(count_line(&name, Some(goal), lost, |(lost, _)| {
            let bytes = lost.saturating_mul(u64::from(size));
            (bytes, format!("{} B", format::count(bytes)))
        }));
    }
    lines
}

pub(super) fn count_line<T>(
    name: &str,
    goal: Option<Goal<u64>>,
    loss: &Figure<T>,
    number: impl Fn(&T) -> (u64, String),
) -> Judged {
    let measured = loss.value().map(number);
    let (state, why) = match (goal, loss, &measured) {
        (None, _, _) => (LineState::Inconclusive, "no target is set".into()),
        (Some(_), Figure::Missing(why), _) => (LineState::Inconclusive, why.clone()),
        (Some(_), Figure::Measured(_), None) => (LineState::Inconclusive, NOT_MEASURED.into()),
        (Some(Goal::Any), Figure::Measured(_), Some(_)) => (LineState::Any, JUST_MEASURED.into()),
        (Some(Goal::Limit(limit)), Figure::Measured(_), Some((count, _))) => {
            if *count <= limit {
                (LineState::Met, "the count is within the target".into())
            } else {
                (LineState::Missed, "the count is beyond the target".into())
            }
        }
    };
    Judged {
        line: Line {
            figure: name.into(),
            target: target(goal),
            measured: measured
                .as_ref()
                .map_or_else(|| NOT_MEASURED.into(), |(_, text)| text.clone()),
            bracket: String::new(),
            value: measured.map(|(count, _)| count as f64),
            limit: goal.and_then(Goal::limit).map(|limit| limit as f64),
            state,
            why,
        },
        family: Touch::Data,
    }
}

/// Always a line: 0 unless said otherwise. Two primaries seen by probes miss a limit of 0 even where
/// loss could not be told.
fn split_brain(targets: &Targets, figures: &Figures) -> Judged {
    let goal = targets.split_brain.unwrap_or(Goal::Limit(0));
    let mut judged = count_line("split_brain", Some(goal), &figures.loss, |loss| {
        let count = loss.split_brain.len() as u64;
        (count, format::count(count))
    });
    if figures.integrity.unlooked && judged.line.state == LineState::Met {
        judged.line.state = LineState::Inconclusive;
        judged.line.why = UNLOOKED.into();
    }
    if let Some((a, b, _)) = &figures.integrity.dual_primary {
        judged.line.measured = format!("{}; {a} and {b} both primary", judged.line.measured);
        if goal == Goal::Limit(0) {
            judged.line.state = LineState::Missed;
            judged.line.why = "two nodes acknowledged writes at once".into();
        }
    }
    judged
}

fn staleness(targets: &Targets, figures: &Figures) -> Option<Judged> {
    let goal = targets.staleness?;
    let figure = match &figures.staleness {
        Figure::Measured(staleness) => Figure::Measured(staleness.worst),
        Figure::Missing(why) => Figure::Missing(why.clone()),
    };
    Some(time_line("staleness", goal, &figure, Touch::Data))
}

/// How a way of recovery is written, as in a scenario.
pub fn way(by: RecoveredBy) -> &'static str {
    match by {
        RecoveredBy::OtherNode => "other-node",
        RecoveredBy::Restart => "restart",
        RecoveredBy::Heal => "heal",
    }
}

fn recovered_by(targets: &Targets, event: Option<&EventFigures>) -> Option<Judged> {
    let figure = event.map_or_else(
        || Figure::Missing("no disruptive step was taken".into()),
        |event| event.recovered_by.clone(),
    );
    Some(recovered_by_line(targets.recovered_by?, &figure))
}

/// How the service came back, against how it should.
pub(super) fn recovered_by_line(expected: RecoveredBy, figure: &Figure<RecoveredBy>) -> Judged {
    let (measured, state, why) = match figure {
        Figure::Missing(why) => (NOT_MEASURED.into(), LineState::Inconclusive, why.clone()),
        Figure::Measured(by) if *by == expected => (
            way(*by).to_owned(),
            LineState::Met,
            "the service came back as expected".into(),
        ),
        Figure::Measured(by) => (
            way(*by).to_owned(),
            LineState::Missed,
            "the service came back in another way".into(),
        ),
    };
    word_line("recovered_by", way(expected), measured, (state, why))
}

/// A line of what is told in a word.
pub(super) fn word_line(
    figure: &str,
    target: &str,
    measured: String,
    (state, why): (LineState, String),
) -> Judged {
    Judged {
        line: Line {
            figure: figure.into(),
            target: target.into(),
            measured,
            bracket: String::new(),
            value: None,
            limit: None,
            state,
            why,
        },
        family: Touch::Time,
    }
}
