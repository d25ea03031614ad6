//! What an outage is put down to: the event itself, something that was undone since, or nothing that the drill did.

use crate::{
    record::Record,
    scenario::{Nature, facts},
    time::Bracket,
};

use super::{
    EventFigures, LaneOutage, Undone,
    bounds::of_run,
    lane::sustain,
    outage::Outage,
    scan::{Scan, Scanned},
};

/// The cause of an outage that belongs to an event. `docs/measurement.md`, section 2, *Cause*.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The event itself: its recovery times speak of it.
    Event,
    /// What was undone, or the node that returned: the place in `Scan::undone`.
    Undone(usize),
    /// The lane had been well for W since the last cause, and nothing was undone within W before the onset.
    Late,
}

/// Everything that was undone in a run and each node's return, in the order of their begin.
pub fn undone(record: &Record) -> Vec<(Bracket, Undone)> {
    let heals = record.healed.iter();
    let heals = heals.map(|(at, step)| (*at, Undone::Heal { step: *step }));
    let returns = record.returned.iter().map(|(at, node)| {
        let node = node.clone();
        (*at, Undone::Return { node })
    });
    let mut all: Vec<_> = heals.chain(returns).collect();
    all.sort_by_key(|(at, _)| at.low);
    all
}

/// The outages of a lane that belong to the event at `index` (from 0), each with its cause, in order.
///
/// The first one is the event's own if it began within W of the event, or as late as the stack's bounds for this
/// fault allow. Each other one is put down to the last heal or return since the lane was last well, if it began
/// within W of that or before the member was seen in sync again; else it is late.
pub fn causes<'a>(
    scan: &'a Scan<'_>,
    scanned: &'a Scanned<'_>,
    index: usize,
) -> impl Iterator<Item = (Cause, &'a Outage)> {
    let (at, disruption) = &scan.record.disruptions[index];
    let window = sustain(scanned.lane);
    let allowed = of_run(scan.record, disruption)
        .into_iter()
        .filter_map(|bound| bound.rto.high())
        .max();
    let own = scanned.outages.iter();
    let own = own.filter(move |outage| outage.event == index + 1);
    let mut since = at.low;
    let mut first = true;
    own.map(move |outage| {
        let soon = |after: &Bracket| outage.onset.low < after.high.after(window);
        let last = scan.undone.iter().enumerate().rev();
        let last = last
            .skip_while(|(_, (undone, _))| undone.low > outage.onset.high)
            .map(|(place, (undone, _))| (place, undone))
            .find(|(_, undone)| undone.high >= since);
        let slow = allowed.is_some_and(|allowed| outage.onset.high.since(at.low) <= allowed);
        let cause = match last {
            _ if first && soon(at) => Cause::Event,
            Some((place, undone)) if soon(undone) || joining(scan.record, undone, outage) => {
                Cause::Undone(place)
            }
            _ if first && slow => Cause::Event,
            _ => Cause::Late,
        };
        first = false;
        since = outage.recovered().unwrap_or(outage.latest);
        (cause, outage)
    })
}

/// Whether the outage began before every member was seen in sync again after something had been undone: until then the control
/// plane leads the member back, by timers of its own that may be longer than W (Sentinel's: 10 s and its detection).
fn joining(record: &Record, undone: &Bracket, outage: &Outage) -> bool {
    let mut seen = record.redundant.iter();
    let in_sync = seen.find(|at| at.low >= undone.low);
    in_sync.is_some_and(|at| outage.onset.low <= at.high)
}

/// Whether the fault strikes again and again by itself, and was still in force at the onset.
pub fn strikes_again(record: &Record, event: &EventFigures, outage: &LaneOutage) -> bool {
    let mut heals = record.healed.iter();
    let over = heals.any(|(at, step)| *step == event.step && at.high < outage.onset.low);
    let repeats = facts(&event.name).is_some_and(|facts| facts.nature == Nature::Repeating);
    repeats && !over
}
