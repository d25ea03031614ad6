//! The seam between the pacer and a driver: one operation in, one outcome out.

use std::time::Instant;

use async_trait::async_trait;

use crate::{
    history::{Access, Lists, Outcome},
    id::LaneId,
};

/// What an operation works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The list of elements that `Request::lane` names.
    Appends,
    /// The register of this number.
    Register(u16),
    /// So many accounts.
    Accounts(u16),
    /// So many lists at a time, in a transaction of several steps.
    Lists(u16),
}

/// One operation to attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// What to do.
    pub access: Access,
    /// On what.
    pub on: Subject,
    /// For a write the lane that it belongs to, for a read of a list the write lane that it reads.
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
    /// For an acknowledged read: the highest number seen plus one, 0 for none; of a register its value, of accounts their
    /// total.
    pub version: Option<u64>,
    /// For an acknowledged transaction on lists: what its reads returned.
    pub lists: Option<Lists>,
}

impl Reply {
    /// An acknowledged write.
    pub fn written(node: Option<u16>) -> Self {
        Self {
            outcome: Outcome::Ok,
            error: None,
            node,
            version: None,
            lists: None,
        }
    }

    /// An acknowledged read.
    pub fn read(node: Option<u16>, version: u64) -> Self {
        Self {
            outcome: Outcome::Ok,
            error: None,
            node,
            version: Some(version),
            lists: None,
        }
    }

    /// An acknowledged transaction on lists.
    pub fn transacted(node: Option<u16>, lists: Lists) -> Self {
        Self {
            lists: Some(lists),
            ..Self::written(node)
        }
    }

    /// An operation that was not acknowledged.
    pub fn error(outcome: Outcome, class: impl Into<String>) -> Self {
        Self {
            outcome,
            error: Some(class.into()),
            node: None,
            version: None,
            lists: None,
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
