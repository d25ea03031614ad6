//! The lines of every event but the headline, of what was undone, of late outages and of expectations that were not met.
//! `docs/measurement.md`, section 4, *Every event*.

use std::time::Duration;

use crate::{
    check::Touch,
    history::{Access, Group, Lane},
    measure::{
        EventFigures, Extent, Figure, Figures, NotMeasured, Undetected, Undone, UndoneFigures,
        cause::{self, strikes_again},
        format::{self, Round},
        lane::sustain,
        rto,
    },
    record::{DisruptionKind, Record, StepResult},
    scenario::{Dur, Expect, Goal, Step, Targets},
    time::Span,
};

use super::{
    Line, LineState,
    lines::{Judged, is_planned, recovered_by_line, span_line},
};

/// The name of the line of late outages.
pub const LATE: &str = "late_outage";

/// The lines that the run needs: an event needs none that shows no outage, and that leaves open none beyond a target.
pub fn lines(record: &Record, figures: &Figures) -> Vec<Judged> {
    let events = figures.events.iter().enumerate();
    let others = events.filter(|(index, _)| Some(*index) != figures.headline);
    let mut lines: Vec<Judged> = others
        .flat_map(|(_, event)| of_event(record, figures, event))
        .collect();
    let undone = figures.undone.iter().chain(&figures.undone_without_outage);
    lines.extend(undone.flat_map(|it| of_undone(record, it)));
    lines.extend(late(record, figures));
    lines.extend(unmet(record));
    lines
}

/// Whether the targets judge what clients see of a step.
pub(super) fn judges(record: &Record, step: usize) -> bool {
    record.opened.scenario.drill.judges(step)
}

/// The goal for an event, or `any` where its step says so.
pub(super) fn goal(goal: Option<Goal<Dur>>, judged: bool) -> Option<Goal<Dur>> {
    goal.map(|goal| if judged { goal } else { Goal::Any })
}

/// An event: over the lanes that saw an outage of it, and those that leave one open.
fn of_event(record: &Record, figures: &Figures, event: &EventFigures) -> Vec<Judged> {
    let targets = &record.opened.scenario.targets;
    let judged = judges(record, event.step);
    let suffix = format!("after_step_{}", event.step);
    let lanes = |fits: Fits| {
        let lanes = event.lanes.iter();
        let lanes = lanes.filter(|outage| !event.late.contains(outage));
        lanes.filter(move |outage| lane(record, outage.lane.0).is_some_and(fits))
    };
    let open = |fits: Fits, limit: Option<Goal<Dur>>| {
        let excused = |missing: &NotMeasured| {
            let other = missing.other.and_then(|place| figures.events.get(place));
            other.is_some_and(|other| judges(record, other.step))
        };
        open(record, &event.undetected, fits, limit, excused)
    };
    if is_planned(event.kind) {
        // `failback` has a line of its own where it has a target, and so has `outage` where the headline is a fault.
        let told = match event.kind {
            DisruptionKind::Failback => targets.failback.is_some(),
            _ => targets.outage.is_some() && !planned_headline(figures),
        };
        let limit = targets.outage.or(targets.rto);
        let seen = Row {
            name: "outage",
            is_main: true,
            limit,
            seen: worst(lanes(is_service).map(|outage| outage.length)),
            open: open(is_service, limit),
        };
        return seen
            .line(&suffix, judged)
            .filter(|_| !told)
            .into_iter()
            .collect();
    }
    let row = |Target {
                   name,
                   is_main,
                   limit,
                   fits,
               }: Target| Row {
        name,
        is_main,
        limit,
        seen: worst(lanes(fits).map(|outage| outage.rto)),
        open: open(fits, limit),
    };
    let rows = rows(targets).map(row);
    let mut lines: Vec<Judged> = rows
        .into_iter()
        .filter_map(|row| row.line(&suffix, judged))
        .collect();
    lines.extend(rebalance(record, event).filter(|_| judged));
    if let Some(way) = targets.recovered_by.filter(|_| judged && event.outage_seen) {
        let mut line = recovered_by_line(way, &event.recovered_by);
        line.line.figure = format!("recovered_by_{suffix}");
        lines.push(line);
    }
    lines
}

/// How the lines of what followed a heal or a return end.
pub(super) fn suffix_of(undone: &UndoneFigures) -> String {
    match &undone.what {
        Undone::Heal { step } => format!("after_heal_of_step_{step}"),
        Undone::Return { node } => format!("after_return_of_{node}"),
    }
}

/// Whether the targets judge what followed a heal or a return.
pub(super) fn is_judged(record: &Record, undone: &UndoneFigures) -> bool {
    cause::is_judged(record, (undone.at, &undone.what)) || shared(record, undone)
}

/// What followed a heal or a return; it goes with the step that it undoes.
fn of_undone(record: &Record, undone: &UndoneFigures) -> Vec<Judged> {
    let suffix = suffix_of(undone);
    let judged = is_judged(record, undone);
    let seen = [
        undone.rto,
        undone.rto_write,
        undone.rto_read,
        undone.rto_app,
    ];
    let rows = rows(&record.opened.scenario.targets);
    rows.into_iter()
        .zip(seen)
        .filter_map(|(target, seen)| {
            let Target {
                name,
                is_main,
                limit,
                fits,
            } = target;
            let open = open(record, &undone.undetected, fits, limit, |_| true);
            let row = Row {
                name,
                is_main,
                limit,
                seen,
                open,
            };
            row.line(&suffix, judged)
        })
        .collect()
}

/// Whether an outage that is put down to a heal or return which is not judged began within W of one that is: which of both
/// brought it about cannot be told, and the plan excuses one of them alone.
fn shared(record: &Record, undone: &UndoneFigures) -> bool {
    let all = cause::undone(record);
    let mut lanes = undone.lanes.iter().filter_map(|outage| {
        let lane = lane(record, outage.lane.0)?;
        Some((outage.onset, sustain(lane)))
    });
    lanes.any(|(onset, window)| {
        let mut near = all
            .iter()
            .filter(|(at, _)| at.low <= onset.high && onset.low < at.high.after(window));
        near.any(|(at, what)| cause::is_judged(record, (*at, what)))
    })
}

/// A recovery of other than the main event: what was seen of it, and what is left open.
struct Row {
    name: &'static str,
    /// Whether it stands for the whole service, so that it must have a target.
    is_main: bool,
    limit: Option<Goal<Dur>>,
    /// The worst lane that saw an outage.
    seen: Option<Span>,
    /// What lanes without one leave open, where that is more than the limit.
    open: Option<Figure<Span>>,
}

impl Row {
    /// Its line, if it needs one. Of a step that is not judged only what was seen is told. Without a target for `rto`
    /// an outage cannot be judged, and that is said.
    fn line(self, suffix: &str, judged: bool) -> Option<Judged> {
        let open = self.open.filter(|_| judged);
        let both = self.seen.map(Figure::Measured).into_iter().chain(open);
        let both: Vec<Figure<Span>> = both.collect();
        if both.is_empty() {
            return None;
        }
        let figure = rto::worst(both.into_iter());
        let name = format!("{}_{suffix}", self.name);
        match goal(self.limit, judged) {
            None if judged && self.is_main && self.seen.is_some() => {
                Some(span_line(&name, None, &figure))
            }
            None => None,
            limit => Some(span_line(&name, limit, &figure)),
        }
    }
}

type Fits = fn(&Lane) -> bool;

fn is_service(lane: &Lane) -> bool {
    lane.group == Group::Service
}

/// A recovery time that every event has, its target, and its lanes.
struct Target {
    name: &'static str,
    is_main: bool,
    limit: Option<Goal<Dur>>,
    fits: Fits,
}

fn rows(targets: &Targets) -> [Target; 4] {
    let row = |name, limit, fits: Fits| Target {
        name,
        is_main: false,
        limit,
        fits,
    };
    let rto = Target {
        is_main: true,
        ..row("rto", targets.rto, is_service)
    };
    let write = |lane: &Lane| is_service(lane) && lane.access == Access::Write;
    let read = |lane: &Lane| is_service(lane) && lane.access == Access::Read;
    let app = |lane: &Lane| lane.group == Group::App;
    [
        rto,
        row("rto_write", targets.rto_write, write),
        row("rto_read", targets.rto_read, read),
        row("rto_app", targets.rto_app, app),
    ]
}

/// What quiet lanes leave open: an outage beyond the limit that could have gone unseen, or one of which nothing can be told
/// and nothing excuses that. A lane whose own interval is no shorter than the limit leaves that open at the headline too.
fn open(
    record: &Record,
    undetected: &[Undetected],
    fits: Fits,
    limit: Option<Goal<Dur>>,
    excused: impl Fn(&NotMeasured) -> bool,
) -> Option<Figure<Span>> {
    let limit = limit.and_then(Goal::limit)?.0;
    let own = undetected.iter().filter_map(|one| {
        let lane = lane(record, one.lane.0).filter(|lane| fits(lane))?;
        Some((lane, &one.extent))
    });
    let open: Vec<Figure<Span>> = own
        .filter_map(|(lane, open)| match open {
            Extent::UpTo(longest) if *longest > limit && lane.interval < limit => {
                Some(Figure::Measured(Span::between(Duration::ZERO, *longest)))
            }
            Extent::UpTo(_) => None,
            Extent::NotMeasured(missing) if excused(missing) => None,
            Extent::NotMeasured(missing) => Some(Figure::Missing(missing.why.clone())),
        })
        .collect();
    (!open.is_empty()).then(|| rto::worst(open.into_iter()))
}

/// Whether the main figures speak of a planned move.
fn planned_headline(figures: &Figures) -> bool {
    let event = figures.headline.and_then(|index| figures.events.get(index));
    event.is_some_and(|event| is_planned(event.kind))
}

/// What the consumer group saw of another event than the headline: a line where it paused, or where that cannot be told.
fn rebalance(record: &Record, event: &EventFigures) -> Option<Judged> {
    let goal = record.opened.scenario.targets.rebalance?;
    let figure = &event.rebalance.as_ref()?.time;
    let name = format!("rebalance_after_step_{}", event.step);
    let line = span_line(&name, Some(goal), figure);
    // A quiet group has the low end 0, and its high end is the resolution.
    let paused = figure.value().is_none_or(|span| span.low_ns > 0);
    (paused || line.line.state != LineState::Met).then_some(line)
}

fn timed(name: &str, limit: Goal<Dur>, span: Span) -> Judged {
    span_line(name, Some(limit), &Figure::Measured(span))
}

fn worst(spans: impl Iterator<Item = Span>) -> Option<Span> {
    spans.reduce(Span::max)
}

fn lane(record: &Record, number: u16) -> Option<&Lane> {
    record.lanes.get(usize::from(number))
}

/// The worst outage of a service lane that nothing explains: by its own length it can miss the target; it is never met.
fn late(record: &Record, figures: &Figures) -> Option<Judged> {
    let target = record.opened.scenario.targets.rto;
    let judged = figures.events.iter();
    let judged = judged.filter(|event| judges(record, event.step));
    let all = judged.flat_map(|event| event.late.iter().map(move |outage| (event, outage)));
    let service = all.filter_map(|(event, outage)| {
        let lane = lane(record, outage.lane.0).filter(|lane| is_service(lane))?;
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
