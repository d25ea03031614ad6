//! The one table from what Redis or the connection said to what became of an operation.

use redis::{ErrorKind, RedisError, ServerErrorKind};

pub use crate::system::outcome::Phase;
use crate::{
    history::Access,
    system::{
        Reply,
        outcome::{Applied, outcome},
    },
};

/// The outcome of an error.
///
/// A single command that Redis answers with one of these errors has not been executed: they are raised before
/// it runs. What Redis may say in between, and every loss of the connection after sending, leaves a write open.
///
/// | said | connecting | sent, write | sent, read |
/// |---|---|---|---|
/// | connection refused, no route, timeout | fail | info | fail |
/// | connection lost, end of file | fail | info | fail |
/// | `READONLY` (a replica), `LOADING`, `MASTERDOWN`, `CLUSTERDOWN`, `TRYAGAIN` | fail | fail | fail |
/// | `NOREPLICAS` (fewer than `min-replicas-to-write`) | fail | fail | fail |
/// | `MISCONF` (cannot persist), `OOM` (memory limit), `BUSY` (a script runs) | fail | fail | fail |
/// | `NOAUTH`, `NOPERM`, `WRONGTYPE`, `MOVED`, `ASK` | fail | fail | fail |
/// | `ERR max number of clients reached` | fail | fail | fail |
/// | any other answer | fail | info | fail |
pub fn outcome_of(error: &RedisError, phase: Phase, access: Access) -> Reply {
    let (applied, class) = verdict(error);
    outcome(applied, class, phase, access)
}

fn verdict(error: &RedisError) -> (Applied, &'static str) {
    match error.code() {
        Some("READONLY") => (Applied::No, "read-only"),
        Some("LOADING") => (Applied::No, "loading"),
        Some("MASTERDOWN") => (Applied::No, "link to the primary down"),
        Some("CLUSTERDOWN") => (Applied::No, "cluster down"),
        Some("TRYAGAIN") => (Applied::No, "try again"),
        Some("NOREPLICAS") => (Applied::No, "not enough replicas"),
        Some("MISCONF") => (Applied::No, "cannot persist"),
        Some("OOM") => (Applied::No, "memory limit"),
        Some("BUSY") => (Applied::No, "busy with a script"),
        Some("NOAUTH" | "NOPERM") => (Applied::No, "not permitted"),
        Some("WRONGTYPE") => (Applied::No, "wrong type"),
        Some("MOVED" | "ASK") => (Applied::No, "redirected"),
        Some("ERR") if is_full(error) => (Applied::No, "too many connections"),
        Some(_) => (Applied::Perhaps, "unknown answer"),
        None => (Applied::Perhaps, lost(error)),
    }
}

fn is_full(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::ResponseError)
        && error
            .detail()
            .is_some_and(|text| text.starts_with("max number of clients"))
}

fn lost(error: &RedisError) -> &'static str {
    if error.kind() == ErrorKind::Parse {
        "unreadable answer"
    } else if error.is_connection_refusal() {
        "connection refused"
    } else if error.is_timeout() {
        "timeout"
    } else if error.is_connection_dropped() {
        "connection lost"
    } else {
        "input or output failed"
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::history::Outcome;

    fn said(text: &str) -> RedisError {
        let bytes = format!("-{text}\r\n");
        let value = redis::parse_redis_value(bytes.as_bytes()).expect("an error reply");
        value.extract_error().expect_err("an error")
    }

    fn check(error: &RedisError, class: &str, [connecting, write, read]: [Outcome; 3]) {
        let cases = [
            (Phase::Connecting, Access::Write, connecting),
            (Phase::Sent, Access::Write, write),
            (Phase::Sent, Access::Read, read),
        ];
        for (phase, access, outcome) in cases {
            let expected = Reply::error(outcome, class);
            assert_eq!(outcome_of(error, phase, access), expected, "{error:?}");
        }
    }

    #[test]
    fn answers_have_the_outcome_of_the_table() {
        let refused = [Outcome::Fail; 3];
        let open = [Outcome::Fail, Outcome::Info, Outcome::Fail];
        let table = [
            (
                "READONLY You can't write against a read only replica.",
                "read-only",
                refused,
            ),
            (
                "LOADING Redis is loading the dataset in memory",
                "loading",
                refused,
            ),
            (
                "MASTERDOWN Link with MASTER is down",
                "link to the primary down",
                refused,
            ),
            ("CLUSTERDOWN The cluster is down", "cluster down", refused),
            (
                "NOREPLICAS Not enough good replicas to write.",
                "not enough replicas",
                refused,
            ),
            (
                "MISCONF Redis is configured to save RDB snapshots",
                "cannot persist",
                refused,
            ),
            (
                "OOM command not allowed when used memory",
                "memory limit",
                refused,
            ),
            (
                "BUSY Redis is busy running a script.",
                "busy with a script",
                refused,
            ),
            ("MOVED 3999 10.0.0.2:6379", "redirected", refused),
            ("ASK 3999 10.0.0.2:6379", "redirected", refused),
            (
                "TRYAGAIN Multiple keys request during rehashing of slot",
                "try again",
                refused,
            ),
            ("NOAUTH Authentication required.", "not permitted", refused),
            ("WRONGTYPE Operation against a key", "wrong type", refused),
            (
                "ERR max number of clients reached",
                "too many connections",
                refused,
            ),
            ("ERR something else", "unknown answer", open),
            ("SURPRISE whatever", "unknown answer", open),
        ];
        for (text, class, outcomes) in table {
            check(&said(text), class, outcomes);
        }
    }

    #[test]
    fn losses_have_the_outcome_of_the_table() {
        let open = [Outcome::Fail, Outcome::Info, Outcome::Fail];
        let table = [
            (io::ErrorKind::ConnectionRefused, "connection refused"),
            (io::ErrorKind::TimedOut, "timeout"),
            (io::ErrorKind::ConnectionReset, "connection lost"),
            (io::ErrorKind::UnexpectedEof, "connection lost"),
            (io::ErrorKind::BrokenPipe, "connection lost"),
            (io::ErrorKind::HostUnreachable, "input or output failed"),
        ];
        for (kind, class) in table {
            check(&RedisError::from(io::Error::from(kind)), class, open);
        }
    }
}
