//! Whether every member holds the same data once converged.

use crate::{history::History, measure::Figures, record::Record};
use crate::{
    measure::{divergence::common, format, loss::authority},
    record::Source,
};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "divergence";

/// Invalid when a member's read after convergence differs from the authority's. Unknown when convergence
/// was not reached or a member could not be read; a member that is away touches no line.
pub fn check(record: &Record, _history: &History, _figures: &Figures) -> Finding {
    let held = match authority(record) {
        Ok(held) => held,
        Err(why) => return Finding::unknown(NAME, &[Touch::Data], why),
    };
    let (mut differ, mut unread, mut same) = (Vec::new(), Vec::new(), 0_u64);
    for read in &record.finals {
        let Source::After { node } = &read.source else {
            continue;
        };
        match &read.holdings {
            Err(why) => unread.push(format!("{node} could not be read: {why}")),
            Ok(member) => {
                let held = record.due(node, held);
                let common = common(member, &held);
                let (lacks, more) = (held.len() - common, member.len() - common);
                if lacks + more > 0 {
                    differ.push(format!(
                        "{node} lacks {lacks} elements and has {more} others"
                    ));
                } else if member.repeated != held.repeated || member.corrupt != held.corrupt {
                    differ.push(format!(
                        "{node} holds the same elements, repeated or corrupt in another way"
                    ));
                } else {
                    same += 1;
                }
            }
        }
    }
    if !differ.is_empty() {
        return Finding::invalid(NAME, &[Touch::Data], differ.join("; ")).with(unread);
    }
    if same == 0 || !unread.is_empty() {
        let summary = if unread.is_empty() {
            "no member was read by itself".to_owned()
        } else {
            unread.join("; ")
        };
        return Finding::unknown(NAME, &[], summary);
    }
    Finding::valid(
        NAME,
        format!("{} hold the same data", format::counted(same, "member")),
    )
}
