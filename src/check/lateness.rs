//! Whether the harness was on time about fault, onset and recovery.

use crate::{history::History, measure::Figures, record::Record};
use std::time::Duration;

use crate::{
    history::Group,
    measure::{
        EventFigures,
        event::{critical, lateness},
        format::{Round, duration},
        lane::lanes,
    },
    record::DisruptionKind,
    time::Nanos,
};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "lateness";

/// Unknown when an operation was sent later than max(delta, 1 % of T) after its intended time, or the
/// harness was held up for longer, within 1 s of fault, onset or recovery of an event that is judged.
pub fn check(record: &Record, history: &History, figures: &Figures) -> Finding {
    let Some(headline) = figures.headline.and_then(|index| figures.events.get(index)) else {
        return Finding::unknown(NAME, &[Touch::Time], "no disruptive step was taken");
    };
    let judged = figures.events.iter().filter(|event| {
        event.kind == DisruptionKind::Failback && record.opened.scenario.targets.failback.is_some()
    });
    let mut worst = Duration::ZERO;
    let mut doubts = Vec::new();
    for event in std::iter::once(headline).chain(judged) {
        let windows = critical(event.at, &event.lanes);
        let share = target(record, event);
        for lane in lanes(record, Group::Service, None) {
            let late = lateness(history.lane(lane.id), &windows);
            worst = worst.max(late);
            if late > lane.interval.max(share) {
                doubts.push(told(&lane.name, "was late by", late));
            }
        }
        let delta = lanes(record, Group::Service, None)
            .map(|lane| lane.interval)
            .min();
        let limit = delta.unwrap_or_default().max(share);
        for (at, by) in &record.stalls {
            let begun = at.low.before(*by);
            let near = |(start, end): &(Nanos, Nanos)| begun <= *end && at.high >= *start;
            if *by > limit && windows.iter().any(near) {
                doubts.push(told("the harness", "was held up for", *by));
            }
        }
    }
    if doubts.is_empty() {
        let worst = duration(worst, Round::Up);
        Finding::valid(
            NAME,
            format!("no operation was later than {worst} about the fault"),
        )
    } else {
        Finding::unknown(NAME, &[Touch::Time], doubts.join("; "))
    }
}

fn told(who: &str, what: &str, by: Duration) -> String {
    format!("{who} {what} {}", duration(by, Round::Up))
}

/// 1 % of the event's target, zero where it has none.
fn target(record: &Record, event: &EventFigures) -> Duration {
    let targets = &record.opened.scenario.targets;
    let goal = match event.kind {
        DisruptionKind::Fault | DisruptionKind::Control => targets.rto,
        DisruptionKind::Switchover => targets.outage.or(targets.rto),
        DisruptionKind::Failback => targets.failback.or(targets.outage),
    };
    goal.and_then(crate::scenario::Goal::limit)
        .map_or(Duration::ZERO, |limit| limit.0 / 100)
}
