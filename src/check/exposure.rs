//! Whether writes were at risk at the fault: without any, none could be lost.

use crate::{history::History, measure::Figures, record::Record};
use crate::{
    measure::{
        format::{self, Round},
        loss::exposure,
    },
    time::Nanos,
};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "exposure";

/// Unknown when no write was acknowledged in the window before the fault, or the last one is older
/// than two write periods.
pub fn check(record: &Record, history: &History, _figures: &Figures) -> Finding {
    let Some((at, _)) = record.headline() else {
        return Finding::unknown(NAME, &[Touch::Data], "no disruptive step was taken");
    };
    let exposure = exposure(record, history, *at);
    let window = format::duration(Nanos(exposure.window_ns).since_start(), Round::Up);
    let writes = format::counted(exposure.writes, "write");
    if exposure.writes == 0 {
        let summary = format!("no write was acknowledged in the {window} before the fault");
        Finding::unknown(NAME, &[Touch::Data], summary)
    } else if !exposure.recent {
        let summary = format!(
            "the last of {writes} in the {window} before the fault is older than two write periods"
        );
        Finding::unknown(NAME, &[Touch::Data], summary)
    } else {
        Finding::valid(
            NAME,
            format!("{writes} acknowledged in the {window} before the fault"),
        )
    }
}
