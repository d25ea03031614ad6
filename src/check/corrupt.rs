//! Whether stored elements still are what was written.

use crate::{history::History, measure::Figures, record::Record};
use crate::{measure::format, record::Source};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "corrupt";

/// Invalid when an element's checksum differs, or a row of the run cannot be read as an element at all,
/// on the authority or on a member after convergence.
pub fn check(record: &Record, _history: &History, figures: &Figures) -> Finding {
    let mut evidence: Vec<String> = figures
        .integrity
        .corrupt
        .iter()
        .take(20)
        .map(|(lane, seq)| format!("lane {} #{seq}", lane.0))
        .collect();
    let mut wrong = figures.integrity.corrupt.len() as u64 + figures.integrity.alien;
    for read in &record.finals {
        let (Source::After { node }, Ok(holdings)) = (&read.source, &read.holdings) else {
            continue;
        };
        let here = holdings.corrupt.len() as u64 + holdings.alien;
        if here > 0 {
            evidence.push(format!("{node}: {here}"));
            wrong = wrong.max(here);
        }
    }
    if wrong > 0 {
        let summary = format!("{} corrupt", format::counted(wrong, "element"));
        Finding::invalid(NAME, &[Touch::Data], summary).with(evidence)
    } else if read_once(record) {
        Finding::valid(NAME, "every element carries its checksum")
    } else {
        Finding::unknown(NAME, &[Touch::Data], "the authority could not be read")
    }
}

/// Whether the authority was read at least once.
pub fn read_once(record: &Record) -> bool {
    [1, 2].iter().any(|pass| {
        matches!(
            record.final_read(&Source::Authority { pass: *pass }),
            Some(Ok(_))
        )
    })
}
