//! Whether every step of the scenario could be taken.

use crate::record::StepResult;
use crate::scenario::Step;
use crate::{history::History, measure::Figures, record::Record};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "steps";

/// Unknown when a step failed: what follows did not happen as the scenario says. An expectation that was not met by its
/// deadline, and a runbook of the user's own that did not end as it must, is invalid, and has a line of its own; another step
/// that did not come to what it was for is a remark, since the figures show it.
pub fn check(record: &Record, _history: &History, _figures: &Figures) -> Finding {
    let mut failed = Vec::new();
    let mut unmet = Vec::new();
    let mut expected = false;
    for (_, step, result) in &record.steps {
        match result {
            StepResult::Done => {}
            StepResult::Unmet(why) => {
                let of = record.opened.scenario.drill.get(*step);
                expected |= match of {
                    Some(Step::Expect(_)) => true,
                    Some(Step::Runbook(runbook)) => runbook.own().is_some(),
                    _ => false,
                };
                unmet.push(format!("step {step} was not met: {why}"));
            }
            StepResult::Failed(why) => failed.push(format!("step {step} failed: {why}")),
        }
    }
    if !failed.is_empty() {
        return Finding::unknown(NAME, &[Touch::All], failed.join("; ")).with(unmet);
    }
    let (taken, all) = (record.steps.len(), record.opened.scenario.drill.len());
    if taken < all {
        let summary = format!("only {taken} of {all} steps were taken");
        return Finding::unknown(NAME, &[Touch::All], summary).with(unmet);
    }
    if expected {
        return Finding::invalid(NAME, &[], unmet.join("; "));
    }
    if !unmet.is_empty() {
        return Finding::remark(NAME, unmet.join("; "));
    }
    Finding::valid(NAME, format!("all {all} steps were taken"))
}
