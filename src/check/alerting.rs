//! Whether alerting was proven to work before anything was broken, and could be seen all along.

use crate::{history::History, measure::Figures, record::Record};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "alerting";

/// Unknown where it was not: an alert that did not fire then says nothing about its rule. Silences are told; they make
/// brackets wider, and an alert that was not seen to fire inconclusive.
pub fn check(record: &Record, _history: &History, _figures: &Figures) -> Finding {
    let Some(alerting) = &record.alerting else {
        return Finding::unknown(NAME, &[Touch::Alerts], "alerting did not come up");
    };
    let proof = match &alerting.proof {
        Ok(proof) => proof.clone(),
        Err(why) => {
            let summary = format!("alerting was not proven to work before the fault: {why}");
            return Finding::unknown(NAME, &[Touch::Alerts], summary);
        }
    };
    let silences: Vec<String> = record
        .alerts_unseen
        .iter()
        .map(|(at, why)| format!("for {:.1} s: {why}", at.width().as_secs_f64()))
        .collect();
    if silences.is_empty() {
        let summary = "alerting was proven to work before the fault, and was seen all along";
        return Finding::valid(NAME, summary).with(proof);
    }
    let summary = "alerts could not be seen all along";
    Finding::unknown(NAME, &[], summary).with(silences)
}
