//! Whether anything became of a node that no step of the drill caused.

use std::time::Duration;

use crate::{
    history::History,
    measure::Figures,
    record::{Record, Unexplained, Watched},
    time::Bracket,
};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "unexplained";

/// The longest time without a look that saw all nodes, beyond which it is unknown what became of them: several looks, of which
/// each comes within a second of the one before.
const UNSEEN: Duration = Duration::from_secs(5);

/// Unknown for everything where an outsider, the host or the engine ended, froze or removed a node, or where that cannot be
/// told. A server that ended by itself is a remark: its outage stands. Runs of versions that did not watch touch nothing.
pub fn check(record: &Record, _history: &History, _figures: &Figures) -> Finding {
    let told = |(at, one): &(Bracket, Unexplained)| {
        format!("+{:.1} s: {}", at.high.0 as f64 / 1e9, one.told())
    };
    let all: Vec<String> = record.unexplained.iter().map(told).collect();
    let void = record.unexplained.iter().find(|(_, one)| one.voids());
    if let Some((_, first)) = void {
        return Finding::unknown(NAME, &[Touch::All], first.told()).with(all);
    }
    if record.watched.is_some_and(|watched| watched.looks == 0) {
        let summary = "the watch over the nodes did not end: what became of them is unknown";
        return Finding::unknown(NAME, &[Touch::All], summary).with(all);
    }
    let unseen = |watched: &&Watched| Duration::from_nanos(watched.longest_ns) > UNSEEN;
    if let Some(watched) = record.watched.as_ref().filter(unseen) {
        let summary = format!(
            "the nodes could not all be seen for {:.1} s: what became of them in that time is unknown",
            watched.longest_ns as f64 / 1e9
        );
        return Finding::unknown(NAME, &[Touch::All], summary).with(all);
    }
    if let Some((_, first)) = record.unexplained.first() {
        let summary = format!("{}; its outage counts", first.told());
        return Finding::remark(NAME, summary).with(all);
    }
    match &record.watched {
        Some(watched) => Finding::valid(
            NAME,
            format!(
                "nothing became of {} nodes but by the drill's steps, looked at {} times, {} ms apart at most",
                watched.nodes,
                watched.looks,
                watched.longest_ns / 1_000_000
            ),
        ),
        None => Finding::unknown(
            NAME,
            &[],
            "whether nodes ended by other means was not watched",
        ),
    }
}
