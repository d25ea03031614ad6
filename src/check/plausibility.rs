//! Whether the recovery time is one that the stack's effective settings allow.

use crate::{
    history::History,
    measure::{
        EventFigures, Figures,
        bounds::of_run,
        format::{self, Round},
        why::{said, shortened},
    },
    record::{Bound, Record},
    scenario::RecoveredBy,
    time::Nanos,
};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "plausibility";

/// A recovery beyond this many times the bound's upper end is worth a remark.
pub const FAR_ABOVE: f64 = 1.5;

/// How many of the control plane's first and last words are shown beside such a recovery.
const EXCERPT: usize = 8;

/// Unknown when the failover was faster than a bound that drills have confirmed allows: the fault missed
/// or hit another role. Under an unconfirmed bound it is only remarked. The bounds are those of a
/// failover: that the victim came back itself is judged by `recovered_by`.
pub fn check(record: &Record, _history: &History, figures: &Figures) -> Finding {
    let Some(event) = figures.headline.and_then(|index| figures.events.get(index)) else {
        return Finding::unknown(NAME, &[Touch::Time], "no disruptive step was taken");
    };
    let Some(rto) = event.rto.value() else {
        return Finding::valid(NAME, "no recovery time to compare");
    };
    if matches!(
        event.recovered_by.value(),
        Some(RecoveredBy::Heal | RecoveredBy::Restart)
    ) {
        return Finding::valid(
            NAME,
            "no failover took place, which is what the bounds speak of",
        );
    }
    let bound = record
        .headline()
        .map(|(_, disruption)| of_run(record, disruption))
        .and_then(|bounds| bounds.into_iter().cloned().reduce(either));
    let Some(bound) = bound else {
        return Finding::valid(NAME, "the stack gives no bound for this fault");
    };
    let basis = vec![format!(
        "bound {}: {}",
        format::bracket(bound.rto),
        bound.basis
    )];
    let measured = format::value(*rto);
    if rto.high_ns.is_some_and(|high| high < bound.rto.low_ns) {
        let least = format::duration(bound.rto.low(), Round::Down);
        let faster = format!("recovered in {measured}, faster than the settings allow ({least})");
        return if bound.confirmed {
            Finding::unknown(NAME, &[Touch::Time], faster).with(basis)
        } else {
            let unconfirmed = "no drill has confirmed the bound";
            Finding::remark(NAME, format!("{faster}; {unconfirmed}")).with(basis)
        };
    }
    let far = bound.rto.high_ns.map(|most| most as f64 * FAR_ABOVE);
    if far.is_some_and(|far| rto.low_ns as f64 > far) {
        let summary = format!("{measured} is far above what the settings lead to expect");
        let finding = Finding::remark(NAME, summary).with(basis);
        return finding.with(excerpt(record, event));
    }
    Finding::valid(
        NAME,
        format!("{measured} is within what the settings allow"),
    )
    .with(basis)
}

/// From the lower low to the higher high end.
fn either(one: Bound, other: Bound) -> Bound {
    Bound {
        fault: format!("{} or {}", one.fault, other.fault),
        rto: one.rto.hull(other.rto),
        basis: format!(
            "{}: {}; {}: {}",
            one.fault, one.basis, other.fault, other.basis
        ),
        confirmed: one.confirmed && other.confirmed,
        waits: Vec::new(),
    }
}

/// What the control plane said from the fault to the recovery, the first and the last words of it.
fn excerpt(record: &Record, event: &EventFigures) -> Vec<String> {
    let recovered = event.lanes.iter().filter_map(|lane| lane.recovered).max();
    let end = recovered.unwrap_or(Nanos(u64::MAX));
    let words = said(record, event.at.low, (event.at.low, end));
    if words.is_empty() {
        return vec!["the control plane said nothing from the fault to the recovery".into()];
    }
    shortened(words, EXCERPT)
}
