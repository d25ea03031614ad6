//! What became of an operation on SQL whose answer was an error: what every driver of `sqlx` has in common.

use std::io;

use crate::{
    history::{Access, Outcome},
    net::{Refused, certificate_refused},
    system::Reply,
};

/// How far an attempt got; decides whether it may have been applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Connecting, starting the session, asking who answers: nothing of the operation was sent.
    Connecting,
    /// The statement may have left.
    Sent,
}

/// Whether the statement was applied, as far as the error tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// Certainly not.
    No,
    /// It was, and was undone: it may be tried again.
    RolledBack,
    /// Nobody knows.
    Perhaps,
}

/// The outcome of an attempt that ended with an error of this class.
pub fn outcome(applied: Applied, class: &str, phase: Phase, access: Access) -> Reply {
    let outcome = match (applied, phase, access) {
        (Applied::RolledBack, Phase::Sent, Access::Write) => Outcome::Conflict,
        (Applied::Perhaps, Phase::Sent, Access::Write) => Outcome::Info,
        (Applied::No | Applied::RolledBack | Applied::Perhaps, ..) => Outcome::Fail,
    };
    Reply::error(outcome, class)
}

/// The outcome of an attempt that did not end by its deadline.
pub fn late(phase: Phase, access: Access) -> Reply {
    outcome(Applied::Perhaps, "timeout", phase, access)
}

/// What an error of the driver says where the server did not answer.
pub fn unanswered(error: &sqlx::Error) -> (Applied, &'static str) {
    if let Some(refused) = not_accepted(error) {
        // It is looked at before anything of an operation is sent.
        return match refused {
            Refused::Expired => (Applied::No, "certificate expired"),
            Refused::Otherwise => (Applied::No, "certificate not accepted"),
        };
    }
    match error {
        sqlx::Error::Io(error) => (Applied::Perhaps, lost(error)),
        sqlx::Error::PoolTimedOut => (Applied::No, "no connection from the pool"),
        sqlx::Error::PoolClosed => (Applied::No, "pool closed"),
        sqlx::Error::Protocol(_)
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::RowNotFound => (Applied::Perhaps, "unreadable answer"),
        // The enum is open; what the driver may add is left open too.
        _ => (Applied::Perhaps, "driver failed"),
    }
}

/// Why the server's certificate was not accepted, if that is what went wrong.
fn not_accepted(error: &sqlx::Error) -> Option<Refused> {
    match error {
        sqlx::Error::Io(error) => certificate_refused(error),
        sqlx::Error::Tls(error) => certificate_refused(&**error),
        _ => None,
    }
}

fn lost(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "no route",
        io::ErrorKind::TimedOut => "timeout",
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected
        | io::ErrorKind::UnexpectedEof => "connection lost",
        _ => "input or output failed",
    }
}
