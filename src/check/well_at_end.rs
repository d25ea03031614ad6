//! Whether every service lane was well when the clients were stopped.

use crate::{history::History, measure::Figures, record::Record};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "well-at-end";

/// Unknown when a service lane's last outage was not over for the sustain window by the clients' end, whatever it is put
/// down to: a service that is down at the end was never seen to recover.
pub fn check(record: &Record, _history: &History, figures: &Figures) -> Finding {
    let lanes = figures.unwell.iter();
    let lanes = lanes.filter_map(|lane| record.lanes.get(usize::from(lane.0)));
    let unwell: Vec<&str> = lanes.map(|lane| lane.name.as_str()).collect();
    if unwell.is_empty() {
        return Finding::valid(
            NAME,
            "every service lane was well when the clients were stopped",
        );
    }
    let summary = format!(
        "not well for the sustain window when the clients were stopped: {}",
        unwell.join(", ")
    );
    Finding::unknown(NAME, &[Touch::Time], summary)
}
