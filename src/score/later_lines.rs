//! The lines of every event but the headline, of what was undone, of late outages and of expectations that were not met.
//! `docs/measurement.md`, section 4, *Every event*.

use std::time::Duration;

use crate::{
    check::Touch,
    history::{Access, Group, Lane},
    measure::{
        EventFigures, Figure, Figures, LaneOutage, Undone, UndoneFigures,
        cause::strikes_again,
        format::{self, Round},
    },
    record::{DisruptionKind, Record, StepResult},
    scenario::{Dur, Expect, Goal, Step},
    time::Span,
};

use super::{
    Line, LineState,
    lines::{Judged, is_planned, recovered_by_line, span_line},
};

/// The name of the line of late outages.
pub const LATE: &str = "late_outage";

/// The lines that the run needs: an event without an outage of its own needs none.
pub fn lines(record: &Record, figures: &Figures) -> Vec<Judged> {
    let events = figures.events.iter().enumerate();
    let others = events.filter(|(index, _)| Some(*index) != figures.headline);
    let mut lines: Vec<Judged> = others
        .flat_map(|(_, event)| of_event(record, event))
        .collect();
    lines.extend(figures.undone.iter().flat_map(|it| of_undone(record, it)));
    lines.extend(late(record, figures));
    lines.extend(unmet(record));
    lines
}

/// Whether the targets judge what clients see of a step.
fn judges(record: &Record, step: usize) -> bool {
    record.opened.scenario.drill.judges(step)
}

/// The goal for an event, or `any` where its step says so.
fn goal(goal: Option<Goal<Dur>>, judged: bool) -> Option<Goal<Dur>> {
    goal.map(|goal| if judged { goal } else { Goal::Any })
}

/// An event with an outage of its own, over the lanes that saw it.
fn of_event(record: &Record, event: &EventFigures) -> Vec<Judged> {
    let targets = &record.opened.scenario.targets;
    let judged = judges(record, event.step);
    let suffix = format!("after_step_{}", event.step);
    let own = |fits: &dyn Fn(&Lane) -> bool, of: fn(&LaneOutage) -> Span| {
        let lanes = event.lanes.iter();
        let lanes = lanes.filter(|outage| !event.late.contains(outage));
        let lanes = lanes.filter(|outage| lane(record, outage).is_some_and(fits));
        worst(lanes.map(of))
    };
    let service = |lane: &Lane| lane.group == Group::Service;
    if is_planned(event.kind) {
        // `failback` has a line of its own where it has a target.
        let told = event.kind == DisruptionKind::Failback && targets.failback.is_some();
        let limit = goal(targets.outage.or(targets.rto), judged).filter(|_| !told);
        let outage = own(&service, |outage| outage.length);
        let line = limit.zip(outage);
        return line
            .map(|(limit, span)| timed(&format!("outage_{suffix}"), limit, span))
            .into_iter()
            .collect();
    }
    let of = |access: Access| move |lane: &Lane| service(lane) && lane.access == access;
    let rto = |outage: &LaneOutage| outage.rto;
    let rows = [
        ("rto", targets.rto, own(&service, rto)),
        ("rto_write", targets.rto_write, own(&of(Access::Write), rto)),
        ("rto_read", targets.rto_read, own(&of(Access::Read), rto)),
        (
            "rto_app",
            targets.rto_app,
            own(&|lane| lane.group == Group::App, rto),
        ),
    ];
    let mut lines = rows_of(&suffix, judged, rows);
    if let Some(way) = targets.recovered_by.filter(|_| judged && event.outage_seen) {
        let mut line = recovered_by_line(way, &event.recovered_by);
        line.line.figure = format!("recovered_by_{suffix}");
        lines.push(line);
    }
    lines
}

/// What followed a heal or a return; it goes with the step that it undoes.
fn of_undone(record: &Record, undone: &UndoneFigures) -> Vec<Judged> {
    let targets = &record.opened.scenario.targets;
    let (suffix, step) = match &undone.what {
        Undone::Heal { step } => (format!("after_heal_of_step_{step}"), Some(*step)),
        Undone::Return { node } => {
            let before = record.disruptions.iter().rev();
            let mut before = before.filter(|(at, _)| at.low <= undone.at.high);
            let cause = before.find(|(_, disruption)| disruption.victims.contains(node));
            let step = cause.map(|(_, disruption)| disruption.step);
            (format!("after_return_of_{node}"), step)
        }
    };
    let judged = step.is_none_or(|step| judges(record, step));
    let rows = [
        ("rto", targets.rto, undone.rto),
        ("rto_write", targets.rto_write, undone.rto_write),
        ("rto_read", targets.rto_read, undone.rto_read),
        ("rto_app", targets.rto_app, undone.rto_app),
    ];
    rows_of(&suffix, judged, rows)
}

type Row = (&'static str, Option<Goal<Dur>>, Option<Span>);

fn rows_of<const N: usize>(suffix: &str, judged: bool, rows: [Row; N]) -> Vec<Judged> {
    rows.into_iter()
        .filter_map(|(name, limit, span)| {
            let limit = goal(limit, judged)?;
            Some(timed(&format!("{name}_{suffix}"), limit, span?))
        })
        .collect()
}

fn timed(name: &str, limit: Goal<Dur>, span: Span) -> Judged {
    span_line(name, Some(limit), &Figure::Measured(span))
}

fn worst(spans: impl Iterator<Item = Span>) -> Option<Span> {
    spans.reduce(Span::max)
}

fn lane<'a>(record: &'a Record, outage: &LaneOutage) -> Option<&'a Lane> {
    record.lanes.get(usize::from(outage.lane.0))
}

/// The worst outage of a service lane that nothing explains: by its own length it can miss the target; it is never met.
fn late(record: &Record, figures: &Figures) -> Option<Judged> {
    let target = record.opened.scenario.targets.rto;
    let judged = figures.events.iter();
    let judged = judged.filter(|event| judges(record, event.step));
    let all = judged.flat_map(|event| event.late.iter().map(move |outage| (event, outage)));
    let service = all.filter_map(|(event, outage)| {
        let lane = lane(record, outage).filter(|lane| lane.group == Group::Service)?;
        Some((event, outage, lane))
    });
    let (event, outage, lane) =
        service.max_by_key(|(_, outage, _)| (outage.length.low_ns, outage.length.high_ns))?;
    let begun = format::duration(outage.onset.high.since(event.at.low), Round::Up);
    let why = format!(
        "{} failed {begun} after step {}, when it had been well: nothing that the drill did explains it",
        lane.name, event.step
    );
    let beyond = target
        .and_then(Goal::limit)
        .is_some_and(|limit| outage.length.low() > limit.0);
    let goal = target.unwrap_or(Goal::Any);
    let mut line = timed(LATE, goal, outage.length);
    line.line.state = match (beyond, strikes_again(record, event, outage)) {
        (true, _) => LineState::Missed,
        // The fault struck again: its length is held against the target as any other.
        (false, true) => return Some(line),
        (false, false) => LineState::Inconclusive,
    };
    line.line.why = why;
    Some(line)
}

/// A line for each expectation that was not met by its deadline.
fn unmet(record: &Record) -> Vec<Judged> {
    let steps = record.steps.iter();
    steps
        .filter_map(|(_, index, result)| {
            let StepResult::Unmet(why) = result else {
                return None;
            };
            let Step::Expect(expect) = record.opened.scenario.drill.get(*index)? else {
                return None;
            };
            Some(expected(*index, expect, why))
        })
        .collect()
}

fn expected(step: usize, expect: &Expect, why: &str) -> Judged {
    let (name, within, family) = match expect {
        Expect::Recovered(limit) => ("recovered", limit, Touch::Time),
        Expect::Redundant(limit) => ("redundant", limit, Touch::Time),
        Expect::Consumed(limit) => ("consumed", limit, Touch::Time),
        Expect::Alerted(limit) => ("alerted", limit, Touch::Alerts),
        Expect::Resolved(limit) => ("resolved", limit, Touch::Alerts),
    };
    let limit: Duration = within.within.0;
    Judged {
        line: Line {
            figure: format!("expect_{name}_step_{step}"),
            target: format!("<= {}", within.within),
            measured: format!("not within {}", within.within),
            bracket: String::new(),
            value: None,
            limit: Some(limit.as_secs_f64()),
            state: LineState::Missed,
            why: why.to_owned(),
        },
        family,
    }
}

#[cfg(test)]
mod tests;
