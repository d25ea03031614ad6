//! The one table from what MySQL, MariaDB or the connection said to what became of an operation.

use sqlx::mysql::MySqlDatabaseError;

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
/// | 1213 deadlock, 1205 lock wait timeout, 1020 record has changed: the statement was undone | fail | conflict | fail |
/// | 1290, 1836, 1792 read-only | fail | fail | fail |
/// | 1047 the node is not in the primary component (Galera) | fail | fail | fail |
/// | 3032 offline mode | fail | fail | fail |
/// | 1040, 1203, 1226 too many connections | fail | fail | fail |
/// | 1021, 1037, 1041, 1114 disk full, out of memory | fail | fail | fail |
/// | 1044, 1045, 1129, 1130, 1142, 1227 not permitted, 1049 no such database, 1064, 1146 wrong statement | fail | fail | fail |
/// | 3098 refused before it was tried (Group Replication) | fail | fail | fail |
/// | 3100, 3101 the group's hook failed at the commit: the group may have it all the same | fail | info | fail |
/// | 1053 server shuts down, 1317 interrupted, 1180 error during commit, 1927 connection killed | fail | info | fail |
/// | any other answer | fail | info | fail |
///
/// 3101 is also the answer to a negative certification, which is certainly not applied; but a member that leaves its
/// group answers the same to transactions that it had already sent, so both stay open.
pub fn outcome_of(error: &sqlx::Error, phase: Phase, access: Access) -> Reply {
    let (applied, class) = match error {
        sqlx::Error::Database(answer) => answer
            .try_downcast_ref::<MySqlDatabaseError>()
            .map_or((Applied::Perhaps, "unknown answer"), |answer| {
                verdict(answer.number())
            }),
        error => unanswered(error),
    };
    outcome(applied, class, phase, access)
}

/// Whether the server's answer of this number leaves the statement applied, and its class.
fn verdict(number: u16) -> (Applied, &'static str) {
    match number {
        1213 => (Applied::RolledBack, "deadlock"),
        1205 => (Applied::RolledBack, "lock wait timeout"),
        1020 => (Applied::RolledBack, "record has changed"),
        1290 | 1836 | 1792 => (Applied::No, "read-only"),
        1047 => (Applied::No, "not in the primary component"),
        3032 => (Applied::No, "offline mode"),
        1040 | 1203 | 1226 => (Applied::No, "too many connections"),
        1021 | 1037 | 1041 | 1114 => (Applied::No, "insufficient resources"),
        1044 | 1045 | 1129 | 1130 | 1142 | 1227 => (Applied::No, "not permitted"),
        1049 => (Applied::No, "no such database"),
        1064 | 1146 => (Applied::No, "wrong statement"),
        3098 => (Applied::No, "refused by the group"),
        3100 | 3101 => (Applied::Perhaps, "rolled back by the group"),
        1053 => (Applied::Perhaps, "server shuts down"),
        1317 => (Applied::Perhaps, "interrupted"),
        1180 => (Applied::Perhaps, "error during commit"),
        1927 => (Applied::Perhaps, "connection killed"),
        _ => (Applied::Perhaps, "unknown answer"),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::history::Outcome;

    const REFUSED: [Outcome; 3] = [Outcome::Fail; 3];
    const OPEN: [Outcome; 3] = [Outcome::Fail, Outcome::Info, Outcome::Fail];
    const CONFLICT: [Outcome; 3] = [Outcome::Fail, Outcome::Conflict, Outcome::Fail];

    fn cases() -> [(Phase, Access); 3] {
        [
            (Phase::Connecting, Access::Write),
            (Phase::Sent, Access::Write),
            (Phase::Sent, Access::Read),
        ]
    }

    #[test]
    fn answers_have_the_outcome_of_the_table() {
        let table = [
            (1213, "deadlock", CONFLICT),
            (1205, "lock wait timeout", CONFLICT),
            (1020, "record has changed", CONFLICT),
            (1290, "read-only", REFUSED),
            (1836, "read-only", REFUSED),
            (1792, "read-only", REFUSED),
            (1047, "not in the primary component", REFUSED),
            (3032, "offline mode", REFUSED),
            (1040, "too many connections", REFUSED),
            (1114, "insufficient resources", REFUSED),
            (1045, "not permitted", REFUSED),
            (1227, "not permitted", REFUSED),
            (1049, "no such database", REFUSED),
            (1146, "wrong statement", REFUSED),
            (3098, "refused by the group", REFUSED),
            (3100, "rolled back by the group", OPEN),
            (3101, "rolled back by the group", OPEN),
            (1053, "server shuts down", OPEN),
            (1317, "interrupted", OPEN),
            (1180, "error during commit", OPEN),
            (1927, "connection killed", OPEN),
            (1105, "unknown answer", OPEN),
        ];
        for (number, class, outcomes) in table {
            let (applied, said) = verdict(number);
            assert_eq!(said, class, "{number}");
            for ((phase, access), expected) in cases().into_iter().zip(outcomes) {
                let reply = outcome(applied, said, phase, access);
                assert_eq!(reply, Reply::error(expected, class), "{number} {phase:?}");
            }
        }
    }

    #[test]
    fn what_was_lost_on_the_way_is_open_once_it_was_sent() {
        let lost = [
            (io::ErrorKind::ConnectionRefused, "connection refused"),
            (io::ErrorKind::UnexpectedEof, "connection lost"),
        ];
        for (kind, class) in lost {
            for ((phase, access), expected) in cases().into_iter().zip(OPEN) {
                let error = sqlx::Error::Io(kind.into());
                let reply = outcome_of(&error, phase, access);
                assert_eq!(reply, Reply::error(expected, class), "{kind:?} {phase:?}");
            }
        }
    }
}
