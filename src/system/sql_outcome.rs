//! What an error says that is the SQL driver's own and no server's.

use crate::net::{Refused, certificate_refused};

use super::outcome::{Applied, lost};

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
