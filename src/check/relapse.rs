//! Whether the service failed again after it had recovered, or failed when nothing that the drill did explains it.

use crate::{
    history::{Group, History},
    measure::{
        EventFigures, Figures, LaneOutage, Undone, UndoneFigures,
        cause::strikes_again,
        format::{self, Round},
    },
    record::Record,
};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "relapse";

/// The recovery times speak of each lane's first outage that its event caused. Unknown when a further one began though
/// nothing had been undone between that recovery and it: the service was not really back.
pub fn check(record: &Record, _history: &History, figures: &Figures) -> Finding {
    if figures.headline.is_none() {
        return Finding::unknown(NAME, &[Touch::Time], "no disruptive step was taken");
    }
    let judged = figures
        .events
        .iter()
        .filter(|event| record.opened.scenario.drill.judges(event.step));
    // One late answer of an application that nothing is asked of is no doubt.
    let app = record.opened.scenario.targets.rto_app.is_some();
    let before = figures.before.iter().filter(|outage| {
        let lane = record.lanes.get(usize::from(outage.lane.0));
        lane.is_some_and(|lane| lane.group == Group::Service) || (app && outage.failed > 1)
    });
    let mut late: Vec<String> = before.map(|outage| early(record, outage)).collect();
    late.extend(judged.flat_map(|event| {
        let late = event.late.iter();
        late.filter(move |outage| !strikes_again(record, event, outage))
            .map(move |outage| again(record, event, outage))
    }));
    let undone = figures.undone.iter();
    let explained: Vec<String> = undone.map(|undone| after(record, undone)).collect();
    if !late.is_empty() {
        let count = format::counted(late.len() as u64, "outage");
        let summary =
            format!("{count} of lanes that had been well: nothing that the drill did explains it");
        return Finding::unknown(NAME, &[Touch::Time], summary).with(late);
    }
    if explained.is_empty() {
        return Finding::valid(NAME, "no lane failed again before the next event");
    }
    let summary = "service was interrupted anew once something had been undone";
    Finding::remark(NAME, summary).with(explained)
}

fn early(record: &Record, outage: &LaneOutage) -> String {
    format!(
        "{} failed for {} before anything was done to the stack",
        name(record, outage),
        format::value(outage.length)
    )
}

fn again(record: &Record, event: &EventFigures, outage: &LaneOutage) -> String {
    format!(
        "{} failed {} after step {}, when it had been well, for {}",
        name(record, outage),
        format::duration(outage.onset.high.since(event.at.low), Round::Up),
        event.step,
        format::value(outage.length)
    )
}

fn after(record: &Record, undone: &UndoneFigures) -> String {
    let what = match &undone.what {
        Undone::Heal { step } => format!("the fault of step {step} was undone"),
        Undone::Return { node } => format!("{node} returned"),
    };
    let lanes: Vec<String> = undone
        .lanes
        .iter()
        .map(|outage| {
            let length = format::value(outage.length);
            format!("{} failed for {length}", name(record, outage))
        })
        .collect();
    format!("after {what}: {}", lanes.join(", "))
}

fn name<'a>(record: &'a Record, outage: &LaneOutage) -> &'a str {
    let lane = record.lanes.get(usize::from(outage.lane.0));
    lane.map_or("a lane", |lane| lane.name.as_str())
}
