//! Whether the service failed again after it had recovered from the headline's fault.

use crate::{history::History, measure::Figures, record::Record};
use std::collections::BTreeSet;

use crate::{
    measure::{
        EventFigures, LaneOutage,
        format::{self, Round},
    },
    time::Nanos,
};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "relapse";

/// The recovery times speak of each lane's first outage. Unknown when a further one began without a
/// heal or a node's return in between: the service was not really back.
pub fn check(record: &Record, _history: &History, figures: &Figures) -> Finding {
    let Some(event) = figures.headline.and_then(|index| figures.events.get(index)) else {
        return Finding::unknown(NAME, &[Touch::Time], "no disruptive step was taken");
    };
    let later = later_outages(event);
    if later.is_empty() {
        return Finding::valid(NAME, "no lane failed again before the next event");
    }
    let helped = record
        .healed
        .iter()
        .map(|(at, _)| at.low)
        .chain(record.returned.iter().map(|(at, _)| at.low))
        .filter(|at| *at >= event.at.low)
        .min()
        .unwrap_or(Nanos(u64::MAX));
    let name = |outage: &LaneOutage| {
        let lane = record.lanes.get(usize::from(outage.lane.0));
        lane.map_or_else(String::new, |lane| lane.name.clone())
    };
    let evidence: Vec<String> = later
        .iter()
        .map(|outage| {
            format!(
                "{} failed again {} after the fault, for {}",
                name(outage),
                format::duration(outage.onset.high.since(event.at.low), Round::Up),
                format::value(outage.length)
            )
        })
        .collect();
    let count = format::counted(later.len() as u64, "further outage");
    if later.iter().any(|outage| outage.onset.high < helped) {
        let summary = format!("{count} after a recovery: the RTO speaks of the first one only");
        Finding::unknown(NAME, &[Touch::Time], summary).with(evidence)
    } else {
        let summary = format!("remark: {count} after the fault was undone or a node returned");
        Finding::valid(NAME, summary).with(evidence)
    }
}

/// Outages after the first of each lane.
fn later_outages(event: &EventFigures) -> Vec<&LaneOutage> {
    let mut seen = BTreeSet::new();
    event
        .lanes
        .iter()
        .filter(|outage| !seen.insert(outage.lane))
        .collect()
}
