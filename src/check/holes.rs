//! Whether lost writes are the newest ones only, as a lagging successor would lose them.

use crate::measure::{Figure, format};
use crate::{
    history::History,
    measure::Figures,
    record::Record,
    scenario::{Rpo, Step},
};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "holes";

/// Invalid when a write is lost while a later one of its lane, acknowledged before the fault too,
/// survives: not lag, but divergence or a merge. Not in the list of what fails a drill; the data lines
/// cannot be met. A mistake that an operator makes with data takes whatever it takes: there it is a
/// remark where `rpo` promises nothing.
pub fn check(record: &Record, _history: &History, figures: &Figures) -> Finding {
    let loss = match &figures.loss {
        Figure::Measured(loss) => loss,
        Figure::Missing(why) => return Finding::unknown(NAME, &[Touch::Data], why.clone()),
    };
    if loss.holes.is_empty() {
        return Finding::valid(
            NAME,
            "no lost write is older than a surviving one of its lane",
        );
    }
    let evidence = loss
        .holes
        .iter()
        .take(20)
        .map(|(lane, seq)| format!("lane {} #{seq}", lane.0));
    let count = format::counted(loss.holes.len() as u64, "lost write");
    if harmed(record) {
        let summary = format!("{count} older than a surviving one: the mistake took them");
        return Finding::remark(NAME, summary).with(evidence);
    }
    let summary = format!("{count} older than a surviving one of the same lane: not mere lag");
    Finding::invalid(NAME, &[Touch::Data], summary).with(evidence)
}

/// Whether the headline is harm that an operator did to data by a command, and nothing is promised of what is lost.
fn harmed(record: &Record) -> bool {
    let rpo = record.opened.scenario.targets.rpo.as_ref();
    if rpo.is_some_and(Rpo::limits) {
        return false;
    }
    let headline = record.headline().map(|(_, disruption)| disruption.step);
    let step = headline.and_then(|step| record.opened.scenario.drill.get(step));
    matches!(step, Some(Step::Fault(fault)) if fault.harm().is_some())
}
