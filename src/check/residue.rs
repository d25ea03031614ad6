//! Whether teardown left anything behind.

use crate::{
    history::History,
    measure::{Figures, format},
    record::Record,
};

use super::Finding;

/// The checker's name.
pub const NAME: &str = "residue";

/// Invalid when something is left or an undo failed. It has an exit code of its own and touches no line.
/// A stack that was handed on is removed and audited by the last run on it.
pub fn check(record: &Record, _history: &History, _figures: &Figures) -> Finding {
    let Some(residue) = &record.residue else {
        return if record.handed_on {
            Finding::valid(
                NAME,
                "the stack stayed for the next repeat; the last run on it removes and audits it",
            )
        } else {
            Finding::unknown(NAME, &[], "teardown was not recorded")
        };
    };
    if residue.left.is_empty() && residue.failed.is_empty() {
        return Finding::valid(
            NAME,
            format!(
                "nothing was left behind; {} removed",
                format::counted(residue.removed.into(), "thing")
            ),
        );
    }
    let left = residue.left.iter().map(|thing| format!("left: {thing}"));
    let failed = residue
        .failed
        .iter()
        .map(|undo| format!("undo failed: {undo}"));
    let summary = format!(
        "cleanup incomplete: {} left, {} undo steps failed",
        residue.left.len(),
        residue.failed.len()
    );
    Finding::invalid(NAME, &[], summary).with(left.chain(failed))
}
