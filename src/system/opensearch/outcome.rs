//! The one table from what OpenSearch or the connection said to what became of an operation.

pub use crate::system::outcome::{Phase, late};
use crate::{
    history::Access,
    system::{
        Reply,
        outcome::{Applied, lost, outcome},
    },
};

use super::api::{Failure, Place};

/// The outcome of a failure.
///
/// The node that is asked hands a bulk's writes to the primary copy. What it refuses as a whole, it refuses before that. A
/// refusal of a single write is what its last attempt came to: where it loses the primary it tries again by itself, and
/// the attempt before may have been applied, and be on every copy. So a document that is already there was written by
/// such an attempt of this very write, since no other one has its id.
///
/// A write that is acknowledged by fewer copies than there were (`_shards.failed`) is acknowledged: the others were taken
/// out of those in sync first.
///
/// | said | connecting | sent, write | sent, read |
/// |---|---|---|---|
/// | connection refused, no route, timeout | fail | info | fail |
/// | connection lost, end of file | fail | info | fail |
/// | request: `cluster_block_exception` (state not recovered; no cluster manager, where that blocks) | fail | fail | fail |
/// | request: `cluster_manager_not_discovered_exception`, also by its older name | fail | fail | fail |
/// | request: `rejected_execution_exception`, `circuit_breaking_exception`: the node has too much to do | fail | fail | fail |
/// | request or write: `index_not_found_exception` | fail | fail | fail |
/// | write: `version_conflict_engine_exception`: it is there already | fail | info | fail |
/// | write: `unavailable_shards_exception`: no primary, or too few copies, in time | fail | info | fail |
/// | write: any other refusal, also of the kinds above | fail | info | fail |
/// | read: `no_shard_available_action_exception`: no copy that could answer | fail | info | fail |
/// | any other answer, and what is no answer of OpenSearch's | fail | info | fail |
pub fn outcome_of(failure: &Failure, phase: Phase, access: Access) -> Reply {
    let (applied, class) = match failure {
        Failure::Lost(error) => (Applied::Perhaps, lost(error)),
        Failure::Refused { place, name, .. } => refused(*place, name),
        Failure::Unreadable(_) => (Applied::Perhaps, "unreadable answer"),
    };
    outcome(applied, class, phase, access)
}

/// Names are those that OpenSearch gives its exceptions in answers.
fn refused(place: Place, name: &str) -> (Applied, &'static str) {
    let before = match place {
        Place::Request => Applied::No,
        Place::Item => Applied::Perhaps,
    };
    match name {
        "cluster_block_exception" => (before, "cluster blocked"),
        "cluster_manager_not_discovered_exception" | "master_not_discovered_exception" => {
            (before, "no cluster manager")
        }
        "rejected_execution_exception" | "circuit_breaking_exception" => (before, "overloaded"),
        "index_not_found_exception" => (Applied::No, "no index"),
        "version_conflict_engine_exception" => (Applied::Perhaps, "already there"),
        "unavailable_shards_exception" => (Applied::Perhaps, "copies unavailable"),
        "no_shard_available_action_exception" => (Applied::Perhaps, "no copy available"),
        "node_not_connected_exception"
        | "node_disconnected_exception"
        | "node_closed_exception"
        | "connect_transport_exception" => (Applied::Perhaps, "node lost"),
        _ => (Applied::Perhaps, "unknown answer"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;
    use crate::history::Outcome;

    const REFUSED: [Outcome; 3] = [Outcome::Fail; 3];
    const OPEN: [Outcome; 3] = [Outcome::Fail, Outcome::Info, Outcome::Fail];

    fn check(failure: &Failure, class: &str, [connecting, write, read]: [Outcome; 3]) {
        let cases = [
            (Phase::Connecting, Access::Write, connecting),
            (Phase::Sent, Access::Write, write),
            (Phase::Sent, Access::Read, read),
        ];
        for (phase, access, outcome) in cases {
            let expected = Reply::error(outcome, class);
            assert_eq!(outcome_of(failure, phase, access), expected, "{failure}");
        }
    }

    #[test]
    fn refusals_have_the_outcome_of_the_table() {
        use Place::{Item, Request};
        let table = [
            (
                Request,
                "cluster_block_exception",
                "cluster blocked",
                REFUSED,
            ),
            (Item, "cluster_block_exception", "cluster blocked", OPEN),
            (
                Request,
                "cluster_manager_not_discovered_exception",
                "no cluster manager",
                REFUSED,
            ),
            (
                Request,
                "master_not_discovered_exception",
                "no cluster manager",
                REFUSED,
            ),
            (
                Request,
                "rejected_execution_exception",
                "overloaded",
                REFUSED,
            ),
            (Item, "rejected_execution_exception", "overloaded", OPEN),
            (Request, "circuit_breaking_exception", "overloaded", REFUSED),
            (Request, "index_not_found_exception", "no index", REFUSED),
            (Item, "index_not_found_exception", "no index", REFUSED),
            (
                Item,
                "version_conflict_engine_exception",
                "already there",
                OPEN,
            ),
            (
                Item,
                "unavailable_shards_exception",
                "copies unavailable",
                OPEN,
            ),
            (
                Request,
                "unavailable_shards_exception",
                "copies unavailable",
                OPEN,
            ),
            (
                Request,
                "no_shard_available_action_exception",
                "no copy available",
                OPEN,
            ),
            (Item, "node_disconnected_exception", "node lost", OPEN),
            (Request, "security_exception", "unknown answer", OPEN),
        ];
        for (place, name, class, outcomes) in table {
            let failure = Failure::Refused {
                place,
                status: 503,
                name: name.into(),
                words: String::new(),
            };
            check(&failure, class, outcomes);
        }
        let page = Failure::Unreadable("status 404".into());
        check(&page, "unreadable answer", OPEN);
    }

    #[test]
    fn losses_have_the_outcome_of_the_table() {
        let table = [
            (ErrorKind::ConnectionRefused, "connection refused"),
            (ErrorKind::TimedOut, "timeout"),
            (ErrorKind::ConnectionReset, "connection lost"),
            (ErrorKind::UnexpectedEof, "connection lost"),
            (ErrorKind::HostUnreachable, "no route"),
        ];
        for (kind, class) in table {
            check(&Failure::Lost(kind.into()), class, OPEN);
        }
    }
}
