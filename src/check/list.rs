//! All checkers, and running them so that one that fails counts as unknown.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{history::History, measure::Figures, record::Record};

use super::{
    Finding, Touch, alert_reach, alerting, alerts, baseline, complete, consistency, convergence,
    corrupt, divergence, dropped, duplicates, effect, exposure, holes, lateness, lost_writes,
    phantom, plausibility, relapse, residue, resurrected, shed, split_brain, steps, unexplained,
    well_at_end,
};

/// One checker.
#[derive(Debug, Clone, Copy)]
pub struct Checker {
    /// Its name, for instance `lost-writes`.
    pub name: &'static str,
    /// What is inconclusive when it fails.
    pub touches: &'static [Touch],
    /// The check. Pure; tests its own assumptions first.
    pub check: fn(&Record, &History, &Figures) -> Finding,
}

/// A checker's entry: its module's name, what it touches and its function.
macro_rules! checker {
    ($module:ident, $touch:ident) => {
        Checker {
            name: $module::NAME,
            touches: &[Touch::$touch],
            check: $module::check,
        }
    };
}

/// All checkers, in the order of reports.
pub const CHECKERS: &[Checker] = &[
    checker!(effect, All),
    checker!(baseline, All),
    checker!(complete, All),
    checker!(steps, All),
    checker!(shed, All),
    checker!(dropped, All),
    checker!(unexplained, All),
    checker!(lateness, Time),
    checker!(plausibility, Time),
    checker!(relapse, Time),
    checker!(well_at_end, Time),
    checker!(convergence, Data),
    checker!(exposure, Data),
    checker!(lost_writes, Data),
    checker!(split_brain, Data),
    checker!(corrupt, Data),
    checker!(phantom, Data),
    checker!(duplicates, Data),
    checker!(resurrected, Data),
    checker!(holes, Data),
    checker!(divergence, Data),
    Checker {
        name: residue::NAME,
        touches: &[],
        check: residue::check,
    },
];

/// Those of drills with alerting, after the others.
pub const ALERT_CHECKERS: &[Checker] = &[
    checker!(alerting, Alerts),
    checker!(alerts, Alerts),
    checker!(alert_reach, Alerts),
];

/// Those of drills with consistency clients, after the others.
pub const CONSISTENCY_CHECKERS: &[Checker] = &[checker!(consistency, Data)];

/// Runs every checker that the drill has something for.
pub fn all(record: &Record, history: &History, figures: &Figures) -> Vec<Finding> {
    let scenario = &record.opened.scenario;
    let alerts = scenario.alerting.as_ref().map(|_| ALERT_CHECKERS);
    let consistency = scenario.clients.consistency.as_ref();
    let consistency = consistency.map(|_| CONSISTENCY_CHECKERS);
    CHECKERS
        .iter()
        .chain(consistency.into_iter().flatten())
        .chain(alerts.into_iter().flatten())
        .map(|checker| run(checker, record, history, figures))
        .collect()
}

/// Runs one checker; if it panics, its answer is unknown.
pub fn run(checker: &Checker, record: &Record, history: &History, figures: &Figures) -> Finding {
    let check = || (checker.check)(record, history, figures);
    catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|panic| {
        let why = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("without a message");
        Finding::unknown(
            checker.name,
            checker.touches,
            format!("the checker itself failed: {why}"),
        )
    })
}
