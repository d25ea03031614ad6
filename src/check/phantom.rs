//! Whether elements are there that no client ever tried to write.

use crate::measure::format;
use crate::{history::History, measure::Figures, record::Record};

use super::{Finding, Touch, corrupt::read_once};

/// The checker's name.
pub const NAME: &str = "phantom";

/// Invalid when an element is present that was never sent. Only a complete history can show that.
pub fn check(record: &Record, history: &History, figures: &Figures) -> Finding {
    let found = &figures.integrity.phantom;
    if found.is_empty() {
        return if read_once(record) {
            Finding::valid(NAME, "no element is present that was not attempted")
        } else {
            Finding::unknown(NAME, &[Touch::Data], "the authority could not be read")
        };
    }
    let evidence = found
        .iter()
        .take(20)
        .map(|(lane, seq)| format!("lane {} #{seq}", lane.0));
    let summary = format!(
        "{} present and never attempted",
        format::counted(found.len() as u64, "element")
    );
    if super::complete::problems(record, history, &figures.integrity.phantom).is_empty() {
        Finding::invalid(NAME, &[Touch::Data], summary).with(evidence)
    } else {
        let summary = format!("{summary}, but the history is incomplete");
        Finding::unknown(NAME, &[Touch::Data], summary).with(evidence)
    }
}
