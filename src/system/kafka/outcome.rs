//! The one table from what Kafka, its driver or the connection said to what became of an operation.

use rdkafka::types::RDKafkaErrorCode as Code;

pub use crate::system::outcome::Phase;
use crate::{
    history::{Access, Outcome},
    system::{
        Reply,
        outcome::{self, Applied, outcome},
    },
};

use super::wire::WireError;

/// What the driver knows of a record that was not acknowledged (`rd_kafka_msg_status_t`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It was never sent, or its broker refused it before the append.
    NotPersisted,
    /// It was sent; whether it was appended is not known.
    Perhaps,
    /// It was appended.
    Persisted,
}

/// The outcome of a record that the driver reports as not delivered.
///
/// | reported | not persisted | perhaps, or persisted |
/// |---|---|---|
/// | by the driver itself: timed out, purged, transport, no broker | fail | info |
/// | 19 too few in sync before the append, 5 no leader, 3 no such topic, 10, 17, 29, 41 refused as it is | fail | info |
/// | 6 not leader | info | info |
/// | any other answer of a broker (7 replicas late, 20 too few in sync after the append, 56 storage) | info | info |
///
/// Not leader is no proof: a record may have been appended and have waited for replicas when the leader was
/// deposed, and the broker answers it in the same words. The driver counts it as not persisted.
pub fn undelivered(code: Code, proof: Proof) -> Reply {
    let code = code as i32;
    let certain = proof == Proof::NotPersisted && (is_local(code) || precedes_append(code));
    let outcome = if certain {
        Outcome::Fail
    } else {
        Outcome::Info
    };
    Reply::error(outcome, class(code))
}

/// The outcome of a record without any report by its deadline: it may have been sent.
pub fn unreported() -> Reply {
    Reply::error(Outcome::Info, "timeout")
}

/// The outcome of an append that a broker itself answered with an error. `appended`: it names the offset at
/// which the record stands, so the error came after the append.
pub fn refused(code: i16, appended: bool) -> Reply {
    let code = i32::from(code);
    let before = !appended && (precedes_append(code) || code == Code::NotLeaderForPartition as i32);
    let outcome = if before { Outcome::Fail } else { Outcome::Info };
    Reply::error(outcome, class(code))
}

/// The outcome of a read that a broker itself answered with an error.
pub fn unread(code: i16) -> Reply {
    Reply::error(Outcome::Fail, class(i32::from(code)))
}

/// The outcome of a read that the driver could not do.
pub fn unconsumed(code: Option<Code>) -> Reply {
    Reply::error(
        Outcome::Fail,
        code.map_or("driver failed", |code| class(code as i32)),
    )
}

/// The outcome of a direct operation whose connection failed.
pub fn lost(error: &WireError, phase: Phase, access: Access) -> Reply {
    let class = match error {
        WireError::Late => "timeout",
        WireError::Unreadable(_) => "unreadable answer",
        WireError::Lost(error) => outcome::lost(error),
    };
    outcome(Applied::Perhaps, class, phase, access)
}

/// Whether an error is the driver's own and not a broker's answer: those are numbered from -100 down.
fn is_local(code: i32) -> bool {
    code < Code::End as i32
}

/// Answers that a broker gives only before it has appended anything.
const BEFORE_APPEND: &[Code] = &[
    Code::UnknownTopicOrPartition,
    Code::LeaderNotAvailable,
    Code::MessageSizeTooLarge,
    Code::InvalidTopic,
    Code::NotEnoughReplicas,
    Code::TopicAuthorizationFailed,
];

fn precedes_append(code: i32) -> bool {
    BEFORE_APPEND.iter().any(|known| *known as i32 == code)
}

/// Errors by the words that reports have for them.
const CLASSES: &[(Code, &str)] = &[
    (Code::MessageTimedOut, "timeout"),
    (Code::OperationTimedOut, "timeout"),
    (Code::PurgeInflight, "timeout"),
    (Code::PurgeQueue, "not sent in time"),
    (Code::BrokerTransportFailure, "connection lost"),
    (Code::AllBrokersDown, "no broker"),
    (Code::QueueFull, "queue full"),
    (Code::Fatal, "producer fenced"),
    (Code::UnknownTopic, "unknown topic"),
    (Code::UnknownPartition, "unknown topic"),
    (Code::UnknownTopicOrPartition, "unknown topic"),
    (Code::NotLeaderForPartition, "not leader"),
    (Code::LeaderNotAvailable, "no leader"),
    (Code::RequestTimedOut, "replicas late"),
    (Code::NotEnoughReplicas, "not enough replicas in sync"),
    (
        Code::NotEnoughReplicasAfterAppend,
        "not enough replicas after the append",
    ),
    (Code::KafkaStorageError, "storage failed"),
    (Code::OutOfOrderSequenceNumber, "out of order"),
];

fn class(code: i32) -> &'static str {
    let known = CLASSES.iter().find(|(known, _)| *known as i32 == code);
    match known {
        Some((_, class)) => class,
        None if is_local(code) => "driver failed",
        None => "unknown answer",
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn reports_have_the_outcome_of_the_table() {
        use Outcome::{Fail, Info};
        let table = [
            (Code::MessageTimedOut, "timeout", [Fail, Info, Info]),
            (Code::PurgeQueue, "not sent in time", [Fail, Info, Info]),
            (Code::PurgeInflight, "timeout", [Fail, Info, Info]),
            (
                Code::BrokerTransportFailure,
                "connection lost",
                [Fail, Info, Info],
            ),
            (
                Code::NotEnoughReplicas,
                "not enough replicas in sync",
                [Fail, Info, Info],
            ),
            (Code::LeaderNotAvailable, "no leader", [Fail, Info, Info]),
            (
                Code::NotLeaderForPartition,
                "not leader",
                [Info, Info, Info],
            ),
            (Code::RequestTimedOut, "replicas late", [Info, Info, Info]),
            (
                Code::NotEnoughReplicasAfterAppend,
                "not enough replicas after the append",
                [Info, Info, Info],
            ),
            (
                Code::KafkaStorageError,
                "storage failed",
                [Info, Info, Info],
            ),
            (Code::Unknown, "unknown answer", [Info, Info, Info]),
        ];
        for (code, class, outcomes) in table {
            let proofs = [Proof::NotPersisted, Proof::Perhaps, Proof::Persisted];
            for (proof, outcome) in proofs.into_iter().zip(outcomes) {
                let expected = Reply::error(outcome, class);
                assert_eq!(undelivered(code, proof), expected, "{code:?} {proof:?}");
            }
        }
        assert_eq!(unreported().outcome, Info);
    }

    #[test]
    fn an_answer_after_the_append_is_never_a_refusal() {
        use Outcome::{Fail, Info};
        let table = [
            (6, false, Fail, "not leader"),
            (6, true, Info, "not leader"),
            (19, false, Fail, "not enough replicas in sync"),
            (20, true, Info, "not enough replicas after the append"),
            (7, true, Info, "replicas late"),
            (7, false, Info, "replicas late"),
            (56, false, Info, "storage failed"),
        ];
        for (code, appended, outcome, class) in table {
            assert_eq!(
                refused(code, appended),
                Reply::error(outcome, class),
                "{code}"
            );
        }
    }

    #[test]
    fn lost_connections_have_the_outcome_of_the_table() {
        let io = |kind| WireError::Lost(io::Error::from(kind));
        let table = [
            (io(io::ErrorKind::ConnectionRefused), "connection refused"),
            (io(io::ErrorKind::UnexpectedEof), "connection lost"),
            (WireError::Late, "timeout"),
            (WireError::Unreadable(String::new()), "unreadable answer"),
        ];
        for (error, class) in table {
            let of = |phase, access| lost(&error, phase, access);
            let fail = Reply::error(Outcome::Fail, class);
            assert_eq!(of(Phase::Connecting, Access::Write), fail);
            assert_eq!(of(Phase::Sent, Access::Read), fail);
            assert_eq!(
                of(Phase::Sent, Access::Write),
                Reply::error(Outcome::Info, class)
            );
        }
    }
}
