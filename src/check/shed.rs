//! Whether the harness kept up with its own load before the fault.

use crate::{history::History, measure::Figures, record::Record};
use crate::{
    history::{Group, Outcome},
    measure::{format, lane::lanes},
};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "shed-before-fault";

/// Largest share of operations that may be shed before the fault. `docs/measurement.md`, section 4.
pub const MOST_SHED: f64 = 0.01;

/// Unknown when service or app lanes shed more than `MOST_SHED` before the headline's fault.
pub fn check(record: &Record, history: &History, _figures: &Figures) -> Finding {
    let Some((at, _)) = record.headline() else {
        return Finding::unknown(NAME, &[Touch::All], "no disruptive step was taken");
    };
    let mut told = Vec::new();
    let mut beyond = false;
    for (name, group) in [("service", Group::Service), ("app", Group::App)] {
        let (mut shed, mut total) = (0_u64, 0_u64);
        for lane in lanes(record, group, None) {
            let ops = history.lane(lane.id);
            let before = ops.partition_point(|op| op.intended < at.low);
            total += before as u64;
            shed += ops
                .part(0..before)
                .iter()
                .filter(|op| op.outcome == Outcome::Shed)
                .count() as u64;
        }
        beyond |= shed as f64 > MOST_SHED * total as f64;
        told.push(format!(
            "{} of {} {name} operations shed before the fault",
            format::count(shed),
            format::count(total)
        ));
    }
    if beyond {
        Finding::unknown(NAME, &[Touch::All], told.join("; "))
    } else {
        Finding::valid(NAME, told.join("; "))
    }
}
