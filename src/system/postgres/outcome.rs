//! The one table from what PostgreSQL or the connection said to what became of an operation.

use crate::{
    history::Access,
    system::{
        Reply,
        outcome::{Applied, Phase, outcome},
        sql_outcome::unanswered,
    },
};

/// The outcome of an error.
///
/// An append is one statement in a transaction of its own.
///
/// | said | connecting | sent, write | sent, read |
/// |---|---|---|---|
/// | connection refused, no route, timeout, connection lost | fail | info | fail |
/// | the server's certificate has expired, or is not accepted otherwise | fail | fail | fail |
/// | 40001 serialization failure, 40P01 deadlock | fail | conflict | fail |
/// | 25006 read-only | fail | fail | fail |
/// | 53xxx too many connections, disk full, out of memory | fail | fail | fail |
/// | 57P03 starting up, shutting down, in recovery | fail | fail | fail |
/// | 28xxx not permitted, 3D000 no such database, 42xxx wrong statement | fail | fail | fail |
/// | 57P01, 57P02 server shuts down, 57014 cancelled, 08xxx connection | fail | info | fail |
/// | any other answer | fail | info | fail |
///
/// One case has no error: a commit that waits for a synchronous standby and is *cancelled* is acknowledged
/// with a warning (`01000`), which this driver does not show. Only a cancel request does that, and drdrill
/// sends none: it sets no statement timeout, and giving up means closing the socket. When the server shuts
/// down or the session is terminated during that wait, it closes the connection without an answer: info.
pub fn outcome_of(error: &sqlx::Error, phase: Phase, access: Access) -> Reply {
    let (applied, class) = verdict(error);
    outcome(applied, class, phase, access)
}

fn verdict(error: &sqlx::Error) -> (Applied, &'static str) {
    match error {
        sqlx::Error::Database(answer) => answer
            .code()
            .map_or((Applied::Perhaps, "unknown answer"), |code| state(&code)),
        error => unanswered(error),
    }
}

fn state(code: &str) -> (Applied, &'static str) {
    match (code, code.get(..2).unwrap_or_default()) {
        ("40001", _) => (Applied::RolledBack, "serialization failure"),
        ("40P01", _) => (Applied::RolledBack, "deadlock"),
        ("25006", _) => (Applied::No, "read-only"),
        ("53300", _) => (Applied::No, "too many connections"),
        ("57P03", _) => (Applied::No, "cannot connect now"),
        ("57P01" | "57P02", _) => (Applied::Perhaps, "server shuts down"),
        ("57014", _) => (Applied::Perhaps, "cancelled"),
        ("3D000", _) => (Applied::No, "no such database"),
        (_, "53") => (Applied::No, "insufficient resources"),
        (_, "28") => (Applied::No, "not permitted"),
        (_, "42") => (Applied::No, "wrong statement"),
        (_, "08") => (Applied::Perhaps, "connection exception"),
        _ => (Applied::Perhaps, "unknown answer"),
    }
}

#[cfg(test)]
mod tests {
    use std::{borrow::Cow, error::Error, fmt, io};

    use crate::{history::Outcome, system::outcome::late};

    use rustls::CertificateError;
    use sqlx::error::{DatabaseError, ErrorKind};

    use super::*;

    #[derive(Debug)]
    struct Said(&'static str);

    impl fmt::Display for Said {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Said {}

    impl DatabaseError for Said {
        fn message(&self) -> &str {
            self.0
        }
        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }
        fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
            self
        }
        fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
            self
        }
        fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
            self
        }
        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    fn check(error: &sqlx::Error, class: &str, [connecting, write, read]: [Outcome; 3]) {
        let cases = [
            (Phase::Connecting, Access::Write, connecting),
            (Phase::Connecting, Access::Read, connecting),
            (Phase::Sent, Access::Write, write),
            (Phase::Sent, Access::Read, read),
        ];
        for (phase, access, outcome) in cases {
            let expected = Reply::error(outcome, class);
            assert_eq!(outcome_of(error, phase, access), expected, "{error:?}");
        }
    }

    #[test]
    fn errors_have_the_outcome_of_the_table() {
        let refused = [Outcome::Fail; 3];
        let open = [Outcome::Fail, Outcome::Info, Outcome::Fail];
        let conflict = [Outcome::Fail, Outcome::Conflict, Outcome::Fail];
        let states = [
            ("40001", "serialization failure", conflict),
            ("40P01", "deadlock", conflict),
            ("25006", "read-only", refused),
            ("53300", "too many connections", refused),
            ("53100", "insufficient resources", refused),
            ("57P03", "cannot connect now", refused),
            ("28P01", "not permitted", refused),
            ("3D000", "no such database", refused),
            ("42P01", "wrong statement", refused),
            ("57P01", "server shuts down", open),
            ("57P02", "server shuts down", open),
            ("57014", "cancelled", open),
            ("08006", "connection exception", open),
            ("XX000", "unknown answer", open),
            ("", "unknown answer", open),
        ];
        for (code, class, outcomes) in states {
            check(
                &sqlx::Error::Database(Box::new(Said(code))),
                class,
                outcomes,
            );
        }
        let kinds = [
            (io::ErrorKind::ConnectionRefused, "connection refused"),
            (io::ErrorKind::HostUnreachable, "no route"),
            (io::ErrorKind::TimedOut, "timeout"),
            (io::ErrorKind::ConnectionReset, "connection lost"),
            (io::ErrorKind::UnexpectedEof, "connection lost"),
            (io::ErrorKind::OutOfMemory, "input or output failed"),
        ];
        for (kind, class) in kinds {
            check(&sqlx::Error::Io(kind.into()), class, open);
        }
        let certificates = [
            (CertificateError::Expired, "certificate expired"),
            (CertificateError::UnknownIssuer, "certificate not accepted"),
        ];
        for (error, class) in certificates {
            let error = rustls::Error::InvalidCertificate(error);
            let within = io::Error::new(io::ErrorKind::InvalidData, error.clone());
            check(&sqlx::Error::Io(within), class, refused);
            check(&sqlx::Error::Tls(Box::new(error)), class, refused);
        }
        let other = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        check(&sqlx::Error::Io(other), "input or output failed", open);
        check(
            &sqlx::Error::PoolTimedOut,
            "no connection from the pool",
            refused,
        );
        check(
            &sqlx::Error::Protocol("x".into()),
            "unreadable answer",
            open,
        );
    }

    #[test]
    fn a_write_that_is_late_is_open_only_once_it_was_sent() {
        let of = |phase, access| late(phase, access).outcome;
        assert_eq!(of(Phase::Connecting, Access::Write), Outcome::Fail);
        assert_eq!(of(Phase::Sent, Access::Write), Outcome::Info);
        assert_eq!(of(Phase::Sent, Access::Read), Outcome::Fail);
    }
}
