//! Whether the recovery time is one that the stack's effective settings allow.

use crate::{history::History, measure::Figures, record::Record};
use crate::{
    measure::format::{self, Round},
    record::{Bound, Disruption},
    scenario::RecoveredBy,
};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "plausibility";

/// A recovery beyond this many times the bound's upper end is worth a remark.
pub const FAR_ABOVE: f64 = 1.5;

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
        .and_then(|(_, disruption)| bound(record, disruption));
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
            let remark = "remark, as no drill has confirmed the bound";
            Finding::valid(NAME, format!("{faster}; {remark}")).with(basis)
        };
    }
    let far = bound.rto.high_ns.map(|most| most as f64 * FAR_ABOVE);
    if far.is_some_and(|far| rto.low_ns as f64 > far) {
        let summary = format!("remark: {measured} is far above what the settings lead to expect");
        return Finding::valid(NAME, summary).with(basis);
    }
    Finding::valid(
        NAME,
        format!("{measured} is within what the settings allow"),
    )
    .with(basis)
}

/// The bound for the fault's name and the victim's role, where the bound names one.
fn bound<'a>(record: &'a Record, disruption: &Disruption) -> Option<&'a Bound> {
    let role_fits = |words: &[&str]| {
        let names = |role: &str| words.contains(&role);
        match (names("primary"), names("replica")) {
            (true, false) => disruption.primary_hit,
            (false, true) => !disruption.primary_hit,
            (true, true) | (false, false) => true,
        }
    };
    record.stack.as_ref()?.bounds.iter().find(|bound| {
        let words: Vec<&str> = bound
            .fault
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .collect();
        words.contains(&disruption.name.as_str()) && role_fits(&words)
    })
}
