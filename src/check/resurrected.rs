//! Whether writes are there that clients were told had certainly failed.

use crate::measure::format;
use crate::{history::History, measure::Figures, record::Record};

use super::{Finding, Touch, corrupt::read_once};

/// The checker's name.
pub const NAME: &str = "resurrected";

/// Invalid when a refused write is present: the system brought it back, or the table of errors is wrong.
/// Not in the list of what fails a drill; the data lines cannot be met.
pub fn check(record: &Record, _history: &History, figures: &Figures) -> Finding {
    let found = &figures.integrity.resurrected;
    if found.is_empty() {
        return if read_once(record) {
            Finding::valid(NAME, "no refused write is present")
        } else {
            Finding::unknown(NAME, &[Touch::Data], "the authority could not be read")
        };
    }
    let evidence = found
        .iter()
        .take(20)
        .map(|(lane, seq)| format!("lane {} #{seq}", lane.0));
    let summary = format!(
        "{} present though the client was told that it had not been applied",
        format::counted(found.len() as u64, "element")
    );
    Finding::invalid(NAME, &[Touch::Data], summary).with(evidence)
}
