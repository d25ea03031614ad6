//! The seam between the pacer and a driver: one operation in, one outcome out.

use std::time::Instant;

use async_trait::async_trait;

use crate::{
    history::{Access, Outcome},
    id::LaneId,
};

/// One operation to attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// What to do.
    pub access: Access,
    /// For a write the lane that it belongs to, for a read the write lane that it reads.
    pub lane: LaneId,
    /// For a write its number; a read ignores it.
    pub seq: u64,
    /// When the attempt is given up.
    pub deadline: Instant,
}

/// What the client was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The outcome; never `Shed`.
    pub outcome: Outcome,
    /// The error's class in a few lower-case words without addresses or numbers, so that classes stay few.
    pub error: Option<String>,
    /// Index in `Stack::members` of the server that answered, where the answer or the connection names it.
    pub node: Option<u16>,
    /// For an acknowledged read: the highest number seen plus one, 0 for none.
    pub version: Option<u64>,
}

impl Reply {
    /// An acknowledged write.
    pub fn written(node: Option<u16>) -> Self {
        Self {
            outcome: Outcome::Ok,
            error: None,
            node,
            version: None,
        }
    }

    /// An acknowledged read.
    pub fn read(node: Option<u16>, version: u64) -> Self {
        Self {
            outcome: Outcome::Ok,
            error: None,
            node,
            version: Some(version),
        }
    }

    /// An operation that was not acknowledged.
    pub fn error(outcome: Outcome, class: impl Into<String>) -> Self {
        Self {
            outcome,
            error: Some(class.into()),
            node: None,
            version: None,
        }
    }
}

/// A client of one lane. It connects when first used; dropping it closes its connection at once.
///
/// It never errs and never outlives the deadline: every failure is an outcome, by the system's one
/// table from errors to outcomes. It does not retry. After any reply but `Ok` or `Conflict` the caller
/// drops it.
#[async_trait]
pub trait Client: Send {
    /// Attempts one operation.
    async fn invoke(&mut self, request: Request) -> Reply;
}
