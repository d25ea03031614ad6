//! What an outage is put down to: the event itself, something that was undone since, or nothing that the drill did.

use crate::{
    record::{Record, StepResult},
    scenario::{Expect, Nature, Step, facts},
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
/// within W of that, or while the drill waited for the member to be in sync again; else it is late.
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
            Some((place, undone)) if soon(undone) => Cause::Undone(place),
            _ if first && slow => Cause::Event,
            Some((place, _)) if joining(scan.record, (place, scan), outage) => Cause::Undone(place),
            _ => Cause::Late,
        };
        first = false;
        since = outage.recovered().unwrap_or(outage.latest);
        (cause, outage)
    })
}

/// Whether the outage began while the drill waited for every member to be in sync again, and they came to be so: until then the
/// control plane leads back who returned, by timers of its own that may be longer than W (Sentinel's: 10 s and its detection).
/// Only after what is judged, and not while a fault is in force that strikes again by itself.
fn joining(record: &Record, (place, scan): (usize, &Scan<'_>), outage: &Outage) -> bool {
    let (undone, what) = &scan.undone[place];
    let drill = &record.opened.scenario.drill;
    let waited = record.steps.iter().any(|(at, step, result)| {
        let waits = matches!(drill.get(*step), Some(Step::Expect(Expect::Redundant(_))));
        let met = *result == StepResult::Done && undone.low <= at.high;
        waits && met && at.low <= outage.onset.low && outage.onset.low <= at.high
    });
    let mut events = record.disruptions.iter();
    let repeats = events.any(|(begun, disruption)| {
        let healed =
            |(at, step): &(Bracket, usize)| *step == disruption.step && at.high < outage.onset.low;
        let again = facts(&disruption.name).is_some_and(|it| it.nature == Nature::Repeating);
        again && begun.low <= outage.onset.low && !record.healed.iter().any(healed)
    });
    waited && !repeats && is_judged(record, (*undone, what))
}

/// Whether the targets judge what follows a heal or a return: the step that is undone says so.
pub fn is_judged(record: &Record, (at, what): (Bracket, &Undone)) -> bool {
    let step = match what {
        Undone::Heal { step } => Some(*step),
        Undone::Return { node } => {
            let before = record.disruptions.iter().rev();
            let mut before = before.filter(|(begun, _)| begun.low <= at.high);
            let cause = before.find(|(_, disruption)| disruption.victims.contains(node));
            cause.map(|(_, disruption)| disruption.step)
        }
    };
    step.is_none_or(|step| record.opened.scenario.drill.judges(step))
}

/// Whether the fault strikes again and again by itself, and was still in force at the onset.
pub fn strikes_again(record: &Record, event: &EventFigures, outage: &LaneOutage) -> bool {
    let mut heals = record.healed.iter();
    let over = heals.any(|(at, step)| *step == event.step && at.high < outage.onset.low);
    let repeats = facts(&event.name).is_some_and(|facts| facts.nature == Nature::Repeating);
    repeats && !over
}
