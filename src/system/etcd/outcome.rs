//! The one table from what etcd or the connection said to what became of an operation.

pub use crate::system::outcome::{Phase, late};
use crate::{
    history::Access,
    system::{
        Reply,
        outcome::{Applied, lost, outcome},
    },
};

use super::api::Failure;

/// The outcome of a failure.
///
/// etcd proposes a write to its cluster and waits until it was applied. What it refuses before the proposal, or as the
/// proposal itself is dropped at the member that was asked, was not applied and will not be; whatever ends the wait
/// leaves the proposal under way. Words are those of etcd's `rpctypes` and of its Raft.
///
/// | said | connecting | sent, write | sent, read |
/// |---|---|---|---|
/// | connection refused, no route, timeout | fail | info | fail |
/// | connection lost, end of file | fail | info | fail |
/// | `no leader`; `raft proposal dropped` (no leader here, or it hands over) | fail | fail | fail |
/// | `too many requests` | fail | fail | fail |
/// | `mvcc: database space exceeded` (an alarm; no write is taken) | fail | fail | fail |
/// | `request is too large` | fail | fail | fail |
/// | `permission denied`, `user name is empty` | fail | fail | fail |
/// | `leader changed` | fail | info | fail |
/// | `request timed out`, for whatever reason it names | fail | info | fail |
/// | `server stopped`, `request cancelled` | fail | info | fail |
/// | any other answer, and what is no answer of etcd's | fail | info | fail |
pub fn outcome_of(failure: &Failure, phase: Phase, access: Access) -> Reply {
    let (applied, class) = match failure {
        Failure::Lost(error) => (Applied::Perhaps, lost(error)),
        Failure::Refused { words, .. } => refused(words),
        Failure::Unreadable(_) => (Applied::Perhaps, "unreadable answer"),
    };
    outcome(applied, class, phase, access)
}

fn refused(words: &str) -> (Applied, &'static str) {
    let words = words.strip_prefix("etcdserver: ").unwrap_or(words);
    match words {
        "no leader" => (Applied::No, "no leader"),
        "raft proposal dropped" => (Applied::No, "proposal dropped"),
        "too many requests" => (Applied::No, "too many requests"),
        "mvcc: database space exceeded" => (Applied::No, "no space"),
        "request is too large" => (Applied::No, "request too large"),
        "permission denied" | "user name is empty" => (Applied::No, "not permitted"),
        "leader changed" => (Applied::Perhaps, "leader changed"),
        "server stopped" => (Applied::Perhaps, "server stopped"),
        "request cancelled" => (Applied::Perhaps, "request cancelled"),
        _ if words.starts_with("request timed out") => (Applied::Perhaps, "request timed out"),
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
    fn answers_have_the_outcome_of_the_table() {
        let late = "etcdserver: request timed out, possibly due to previous leader failure";
        let table = [
            ("etcdserver: no leader", "no leader", REFUSED),
            ("raft proposal dropped", "proposal dropped", REFUSED),
            (
                "etcdserver: too many requests",
                "too many requests",
                REFUSED,
            ),
            (
                "etcdserver: mvcc: database space exceeded",
                "no space",
                REFUSED,
            ),
            (
                "etcdserver: request is too large",
                "request too large",
                REFUSED,
            ),
            ("etcdserver: permission denied", "not permitted", REFUSED),
            ("etcdserver: user name is empty", "not permitted", REFUSED),
            ("etcdserver: leader changed", "leader changed", OPEN),
            ("etcdserver: request timed out", "request timed out", OPEN),
            (late, "request timed out", OPEN),
            ("etcdserver: server stopped", "server stopped", OPEN),
            ("etcdserver: request cancelled", "request cancelled", OPEN),
            ("context deadline exceeded", "unknown answer", OPEN),
            ("transport is closing", "unknown answer", OPEN),
        ];
        for (words, class, outcomes) in table {
            let failure = Failure::Refused {
                code: 14,
                words: words.into(),
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
            (ErrorKind::BrokenPipe, "connection lost"),
            (ErrorKind::HostUnreachable, "no route"),
        ];
        for (kind, class) in table {
            check(&Failure::Lost(kind.into()), class, OPEN);
        }
        let timeout = |phase, access| late(phase, access).outcome;
        assert_eq!(timeout(Phase::Sent, Access::Write), Outcome::Info);
        assert_eq!(timeout(Phase::Sent, Access::Read), Outcome::Fail);
        assert_eq!(timeout(Phase::Connecting, Access::Write), Outcome::Fail);
    }
}
