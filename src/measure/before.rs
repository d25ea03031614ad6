//! Outages before anything was done to the stack.

use crate::{
    history::Group,
    record::Record,
    scenario::Step,
    time::{Bracket, Nanos},
};

use super::{
    LaneOutage,
    lane::sustain,
    outage::Outage,
    rto::lane_outage,
    scan::{Scan, Scanned},
};

/// The outages of service and app lanes from the first step on that belong to no event. Left out are those that the drill
/// itself brought about by measuring the capacity, and those that lie within a `steady`: the baseline judges
/// them; and an application's first connecting, which it answers late until it is warm. Their recovery times are counted
/// from their onset.
pub fn before(scan: &Scan<'_>) -> Vec<LaneOutage> {
    let begun = scan.record.steps.first().map(|(at, ..)| at.low);
    let lanes = scan.service.iter().chain(&scan.app);
    lanes
        .flat_map(|scanned| {
            let own = scanned.outages.iter();
            let own = own.filter(|outage| outage.event == 0);
            own.filter(|outage| begun.is_none_or(|begun| outage.latest >= begun))
                .filter(|outage| !is_explained(scan.record, outage) && !is_warming(scanned, outage))
                .map(|outage| lane_outage(scanned, outage, outage.onset))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// An app lane whose first operations lie less than W back: the service lanes are waited for before the first step, the
/// application is not.
fn is_warming(scanned: &Scanned<'_>, outage: &Outage) -> bool {
    let first = scanned.ops.into_iter().next();
    scanned.lane.group == Group::App
        && first.is_some_and(|first| outage.onset.low < first.intended.after(sustain(scanned.lane)))
}

fn is_explained(record: &Record, outage: &Outage) -> bool {
    let mut measured = record.steps.iter().filter(|(_, step, _)| {
        let step = record.opened.scenario.drill.get(*step);
        matches!(step, Some(Step::Capacity(_)))
    });
    let meets = |at: &Bracket| at.low <= outage.latest && outage.onset.low <= at.high;
    let within = |(from, to): &(Nanos, Nanos)| *from <= outage.onset.low && outage.latest <= *to;
    measured.any(|(at, ..)| meets(at)) || record.steady.iter().any(within)
}
