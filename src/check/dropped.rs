//! Whether the machine itself threw packets away.

use crate::{history::History, measure::Figures, record::Record};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "dropped-packets";

/// Unknown when the kernel's connection tracking dropped packets while clients were on: what they saw may be that. Where
/// nothing is counted it is unknown too, and touches no line.
pub fn check(record: &Record, _history: &History, _figures: &Figures) -> Finding {
    match record.dropped {
        Some(0) => Finding::valid(NAME, "connection tracking of the machine dropped no packet"),
        Some(count) => Finding::unknown(
            NAME,
            &[Touch::All],
            format!(
                "connection tracking of the machine dropped {count} packets: its table is full; \
                 wait two minutes, or raise net.netfilter.nf_conntrack_max"
            ),
        ),
        None => Finding::unknown(
            NAME,
            &[],
            "the machine does not track connections, or does not count what that drops",
        ),
    }
}
