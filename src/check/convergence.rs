//! Whether the final reads speak for a settled stack.

use crate::measure::loss::authority;
use crate::{history::History, measure::Figures, record::Record};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "convergence";

/// Unknown when convergence was not reached, or the authority could not be read twice with one result.
pub fn check(record: &Record, _history: &History, _figures: &Figures) -> Finding {
    let proof = record.converged.iter().flat_map(|(_, proof)| proof.clone());
    match authority(record) {
        Ok(_) => Finding::valid(NAME, "converged; two final reads agree").with(proof),
        Err(why) => Finding::unknown(NAME, &[Touch::Data], why).with(proof),
    }
}
