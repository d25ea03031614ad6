//! Whether an element was applied more than once.

use crate::measure::format;
use crate::{history::History, measure::Figures, record::Record};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "duplicates";

/// Invalid only where repeating an append leaves one element; elsewhere duplicates are counted.
pub fn check(record: &Record, _history: &History, figures: &Figures) -> Finding {
    let found = &figures.integrity.duplicate;
    let count = format::counted(found.len() as u64, "element");
    let evidence: Vec<String> = found
        .iter()
        .take(20)
        .map(|(lane, seq, times)| format!("lane {} #{seq}: {times} times", lane.0))
        .collect();
    if found.is_empty() {
        return if super::corrupt::read_once(record) {
            Finding::valid(NAME, "no element is present more than once")
        } else {
            Finding::unknown(NAME, &[Touch::Data], "the authority could not be read")
        };
    }
    match record.stack.as_ref().map(|stack| stack.idempotent) {
        Some(true) => {
            let summary = format!("{count} present more than once, though repeating an append must leave one");
            Finding::invalid(NAME, &[Touch::Data], summary)
        }
        Some(false) => {
            let summary = format!("{count} present more than once; clients may repeat appends here: counted, not judged");
            Finding::remark(NAME, summary)
        }
        None => Finding::unknown(NAME, &[Touch::Data], format!("{count} present more than once; the stack is not known")),
    }
    .with(evidence)
}
