//! What became of an operation that ended with an error, by what every system has in common.

use std::io;

use crate::{
    history::{Access, Outcome},
    system::Reply,
};

/// How far an attempt got; decides whether it may have been applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Looking for the primary, connecting, starting the session, asking who answers: nothing of the operation was sent.
    Connecting,
    /// The operation may have left.
    Sent,
}

/// Whether the operation was applied, as far as the error tells.
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

/// The class of a connection's error.
pub fn lost(error: &io::Error) -> &'static str {
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
