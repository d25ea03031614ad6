//! The one table from what MongoDB, its driver or the connection said to what became of an operation.

use mongodb::error::{Error, ErrorKind, WriteFailure};

use crate::{
    history::{Access, Outcome},
    system::{Reply, outcome::lost},
};

use super::wire::{Failure, Place};

/// How far an attempt got; decides whether it may have been applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Looking for the primary, connecting, asking for its role: nothing of the operation was sent.
    Connecting,
    /// The command may have left.
    Sent,
    /// The command may have left more than once: the driver sends a write again, and then tells of the last attempt only.
    SentAgain,
}

/// Whether an error says that the operation was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Applied {
    /// Nothing was sent at all.
    NotSent,
    /// This attempt was refused before it changed anything.
    No,
    /// It may have been applied, or was applied and may be rolled back.
    Perhaps,
}

/// The outcome of an error.
///
/// A write concern that was not satisfied is no refusal: the write stands at the primary, and whether it stays is open.
/// So is whatever interrupts an operation half-way.
///
/// | said | connecting | sent, write | sent, read |
/// |---|---|---|---|
/// | connection refused, no route, timeout | fail | info | fail |
/// | connection lost, end of file | fail | info | fail |
/// | `NotWritablePrimary` 10107 (also 10058, 13435, 13436): a secondary | fail | fail | fail |
/// | `Unauthorized` 13 | fail | fail | fail |
/// | `PrimarySteppedDown` 189, `InterruptedDueToReplStateChange` 11602 | fail | info | fail |
/// | `InterruptedAtShutdown` 11600, `ShutdownInProgress` 91 | fail | info | fail |
/// | `MaxTimeMSExpired` 50 | fail | info | fail |
/// | a router: `FailedToSatisfyReadPreference` 133: it found no primary to send anything to | fail | fail | fail |
/// | a router: `ShardNotFound` 70, `StaleConfig` 13388 (also 63, 150, 249): refused for its route | fail | fail | fail |
/// | a router: `HostUnreachable` 6, `NetworkTimeout` 89 (also 202, 262, 9001): of the shard | fail | info | fail |
/// | write concern: `WriteConcernTimeout` 64, or any other | fail | info | fail |
/// | any other answer | fail | info | fail |
/// | driver: no primary in time (server selection) | fail | fail | fail |
/// | driver: its pool was cleared before sending | fail | fail | fail |
///
/// Where the driver may have sent a write twice, only "no primary in time" tells that it was not applied: of two attempts
/// it returns the last one's error.
pub fn outcome_of(failure: &Failure, phase: Phase, access: Access) -> Reply {
    let (applied, class) = match failure {
        Failure::Lost(error) => (Applied::Perhaps, lost(error)),
        Failure::Unreadable(_) => (Applied::Perhaps, "unreadable answer"),
        Failure::Answered { place, code, .. } => answered(*place, *code),
    };
    reply(applied, class, phase, access)
}

/// The outcome of an error of the driver, by the same table.
pub fn outcome_of_driver(error: &Error, phase: Phase, access: Access) -> Reply {
    let (applied, class) = match error.kind.as_ref() {
        ErrorKind::ServerSelection { .. } => (Applied::NotSent, "no primary in time"),
        ErrorKind::ConnectionPoolCleared { .. } => (Applied::No, "pool cleared"),
        ErrorKind::Io(error) => (Applied::Perhaps, lost(error)),
        ErrorKind::Command(error) => answered(Place::Command, error.code),
        ErrorKind::Write(WriteFailure::WriteError(error)) => answered(Place::Write, error.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(error)) => {
            answered(Place::WriteConcern, error.code)
        }
        _ => (Applied::Perhaps, "driver failed"),
    };
    reply(applied, class, phase, access)
}

/// The outcome of an operation whose deadline passed.
pub fn late(phase: Phase, access: Access) -> Reply {
    reply(Applied::Perhaps, "timeout", phase, access)
}

fn reply(applied: Applied, class: &str, phase: Phase, access: Access) -> Reply {
    let outcome = match (applied, phase, access) {
        (Applied::NotSent, ..) | (_, Phase::Connecting, _) | (_, _, Access::Read) => Outcome::Fail,
        (Applied::No, Phase::Sent, Access::Write) => Outcome::Fail,
        (Applied::No, Phase::SentAgain, Access::Write)
        | (Applied::Perhaps, Phase::Sent | Phase::SentAgain, Access::Write) => Outcome::Info,
    };
    Reply::error(outcome, class)
}

/// Codes are those of the server's `error_codes.yml`.
fn answered(place: Place, code: i32) -> (Applied, &'static str) {
    match (place, code) {
        (Place::WriteConcern, 64) => (Applied::Perhaps, "write concern timeout"),
        (Place::WriteConcern, _) => (Applied::Perhaps, "write concern not satisfied"),
        (_, 10107 | 10058 | 13435 | 13436) => (Applied::No, "not primary"),
        (_, 13) => (Applied::No, "not permitted"),
        (_, 189) => (Applied::Perhaps, "primary stepped down"),
        (_, 11602) => (Applied::Perhaps, "interrupted by a change of state"),
        (_, 11600 | 91) => (Applied::Perhaps, "shutting down"),
        (_, 50) => (Applied::Perhaps, "time limit"),
        (_, 133) => (Applied::No, "no primary of the shard"),
        (_, 70 | 13388 | 63 | 150 | 249) => (Applied::No, "stale route"),
        (_, 6 | 89 | 202 | 262 | 9001) => (Applied::Perhaps, "shard unreachable"),
        _ => (Applied::Perhaps, "unknown answer"),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

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
            assert_eq!(outcome_of(failure, phase, access), expected, "{failure:?}");
        }
    }

    #[test]
    fn answers_have_the_outcome_of_the_table() {
        let table = [
            (Place::Command, 10107, "not primary", REFUSED),
            (Place::Write, 10107, "not primary", REFUSED),
            (Place::Command, 13435, "not primary", REFUSED),
            (Place::Command, 13436, "not primary", REFUSED),
            (Place::Command, 10058, "not primary", REFUSED),
            (Place::Command, 13, "not permitted", REFUSED),
            (Place::Command, 189, "primary stepped down", OPEN),
            (
                Place::Command,
                11602,
                "interrupted by a change of state",
                OPEN,
            ),
            (Place::Command, 11600, "shutting down", OPEN),
            (Place::Command, 91, "shutting down", OPEN),
            (Place::Command, 50, "time limit", OPEN),
            (Place::WriteConcern, 64, "write concern timeout", OPEN),
            (
                Place::WriteConcern,
                100,
                "write concern not satisfied",
                OPEN,
            ),
            // A primary that steps down while it waits for the others has applied the write.
            (
                Place::WriteConcern,
                10107,
                "write concern not satisfied",
                OPEN,
            ),
            (Place::Command, 133, "no primary of the shard", REFUSED),
            (Place::Write, 133, "no primary of the shard", REFUSED),
            (Place::Command, 70, "stale route", REFUSED),
            (Place::Command, 13388, "stale route", REFUSED),
            (Place::Write, 13388, "stale route", REFUSED),
            (Place::Command, 63, "stale route", REFUSED),
            (Place::Command, 150, "stale route", REFUSED),
            (Place::Command, 249, "stale route", REFUSED),
            (Place::Command, 6, "shard unreachable", OPEN),
            (Place::Write, 6, "shard unreachable", OPEN),
            (Place::Command, 89, "shard unreachable", OPEN),
            (Place::Command, 202, "shard unreachable", OPEN),
            (Place::Command, 262, "shard unreachable", OPEN),
            (Place::Command, 9001, "shard unreachable", OPEN),
            // A router that lost the shard while it waited for a majority: the write stands at the shard's primary.
            (
                Place::WriteConcern,
                133,
                "write concern not satisfied",
                OPEN,
            ),
            (Place::Command, 8000, "unknown answer", OPEN),
            (Place::Write, 11000, "unknown answer", OPEN),
        ];
        for (place, code, class, outcomes) in table {
            let failure = Failure::Answered {
                place,
                code,
                name: String::new(),
                message: String::new(),
            };
            check(&failure, class, outcomes);
        }
    }

    #[test]
    fn losses_have_the_outcome_of_the_table() {
        let table = [
            (io::ErrorKind::ConnectionRefused, "connection refused"),
            (io::ErrorKind::TimedOut, "timeout"),
            (io::ErrorKind::ConnectionReset, "connection lost"),
            (io::ErrorKind::UnexpectedEof, "connection lost"),
            (io::ErrorKind::BrokenPipe, "connection lost"),
            (io::ErrorKind::HostUnreachable, "no route"),
        ];
        for (kind, class) in table {
            check(&Failure::Lost(kind.into()), class, OPEN);
        }
        check(
            &Failure::Unreadable(String::new()),
            "unreadable answer",
            OPEN,
        );
        assert_eq!(
            late(Phase::Sent, Access::Write),
            Reply::error(Outcome::Info, "timeout")
        );
    }

    #[test]
    fn a_write_that_may_have_left_twice_is_open_whatever_the_last_answer_was() {
        let outcome = |applied, phase| reply(applied, "x", phase, Access::Write).outcome;
        assert_eq!(outcome(Applied::No, Phase::Sent), Outcome::Fail);
        assert_eq!(outcome(Applied::No, Phase::SentAgain), Outcome::Info);
        assert_eq!(outcome(Applied::NotSent, Phase::SentAgain), Outcome::Fail);
        let read = reply(Applied::Perhaps, "x", Phase::SentAgain, Access::Read);
        assert_eq!(read.outcome, Outcome::Fail);
    }

    #[test]
    fn the_drivers_errors_follow_the_same_table() {
        let broken = Error::from(io::Error::from(io::ErrorKind::ConnectionReset));
        let write = outcome_of_driver(&broken, Phase::Sent, Access::Write);
        assert_eq!(write, Reply::error(Outcome::Info, "connection lost"));
        let custom = Error::custom("anything");
        let write = outcome_of_driver(&custom, Phase::Sent, Access::Write);
        assert_eq!(write, Reply::error(Outcome::Info, "driver failed"));
    }
}
