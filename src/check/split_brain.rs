//! Whether two nodes took writes at once, and acknowledged writes were lost by it.

use crate::{history::History, measure::Figures, record::Record};
use crate::{
    measure::{
        Figure,
        format::{self, Round},
    },
    scenario::Goal,
};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "split-brain";

/// Why it cannot be told whether two nodes were primary at once.
pub const UNLOOKED: &str = "two primaries were not looked for: no write to a node by itself was acknowledged, and answers do not name the primary that took a write";

/// Invalid when more writes acknowledged after the fault are lost than the target allows (0 unless
/// said otherwise), or when two nodes certainly acknowledged at once and the limit is 0.
pub fn check(record: &Record, _history: &History, figures: &Figures) -> Finding {
    let goal = record
        .opened
        .scenario
        .targets
        .split_brain
        .unwrap_or(Goal::Limit(0));
    let limit = goal.limit();
    let both = figures.integrity.dual_primary.as_ref().map(|(a, b, at)| {
        format!(
            "{a} and {b} acknowledged writes in turns for at least {}",
            format::duration(at.width(), Round::Down)
        )
    });
    let lost = match &figures.loss {
        Figure::Measured(loss) => Ok(loss.split_brain.len() as u64),
        Figure::Missing(why) => Err(why.clone()),
    };
    let told = lost.as_ref().ok().map(|lost| {
        let writes = format::counted(*lost, "write");
        format!("{writes} acknowledged after the fault and lost")
    });
    let beyond = match limit {
        None => false,
        Some(limit) => {
            lost.as_ref().is_ok_and(|lost| *lost > limit) || (limit == 0 && both.is_some())
        }
    };
    let summary: Vec<String> = told.into_iter().chain(both).collect();
    match lost {
        _ if beyond => Finding::invalid(NAME, &[Touch::Data], summary.join("; ")),
        Err(why) => Finding::unknown(NAME, &[Touch::Data], why),
        Ok(_) if figures.integrity.unlooked && limit.is_some() => {
            Finding::unknown(NAME, &[], UNLOOKED)
        }
        Ok(_) => Finding::valid(NAME, summary.join("; ")),
    }
}
