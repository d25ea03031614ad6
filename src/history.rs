//! What clients asked, when, and what they were told.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    id::{LaneId, NodeName},
    time::Nanos,
};

/// What became of an operation, as far as its client can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Acknowledged.
    Ok,
    /// The server answered and did not apply it: available, yet not a write.
    Conflict,
    /// Certainly not applied; the server was not available.
    Fail,
    /// May have been applied: timeout, connection lost after sending, error at commit. Never loss.
    Info,
    /// Not sent since the lane's in-flight budget was exhausted; has only an intended time.
    Shed,
}

impl Outcome {
    /// Whether the operation shows the service available (a conflict does).
    pub fn available(self) -> bool {
        matches!(self, Self::Ok | Self::Conflict)
    }
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Appends one identified element: its identity is (run, lane, seq).
    Write,
    /// Reads the highest element of one write lane.
    Read,
}

/// Which question a lane answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Measures the system: own connection, no pool, no retry, short timeout.
    Service,
    /// Measures the application: the user's driver, pool, timeouts and retries.
    App,
    /// Writes to one fixed node, in a table of its own: fencing and two primaries only.
    Pinned,
}

/// A stream of operations at a fixed rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// Its number, which is its index in `Record::lanes`.
    pub id: LaneId,
    /// Its name in reports, for instance `write-1`.
    pub name: String,
    /// Which question it answers.
    pub group: Group,
    /// What its operations do.
    pub access: Access,
    /// Whether it connects afresh for each operation.
    pub fresh: bool,
    /// For a read lane: the write lane that it reads. For others none.
    pub reads: Option<LaneId>,
    /// For a pinned lane: its node.
    pub pinned: Option<NodeName>,
    /// In a sharded stack: the shard, from 1, that its keys lie in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<u16>,
    /// The time between two intended operations (delta).
    pub interval: Duration,
    /// The time after which an attempt is given up (tau).
    pub timeout: Duration,
    /// For an app lane: the latency from the intended time within which an operation counts as ok.
    pub objective: Option<Duration>,
}

/// One operation. Operation `seq` of a lane has its intended time fixed by the pacer, whatever
/// earlier operations did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Op {
    /// The lane.
    pub lane: LaneId,
    /// Its number within the lane, from 0, without gaps; a write's identity.
    pub seq: u64,
    /// When it was to start.
    pub intended: Nanos,
    /// When its attempt started, connecting included; absent when shed.
    pub sent: Option<Nanos>,
    /// When the client knew the outcome; absent when shed.
    pub done: Option<Nanos>,
    /// What became of it.
    pub outcome: Outcome,
    /// Index into `History::errors` of the error's class.
    pub error: Option<u16>,
    /// Index into `Record::nodes` of the server that answered, where the answer names it.
    pub node: Option<u16>,
    /// For an acknowledged read: the highest `seq` that it saw, plus one; 0 when it saw none.
    pub version: Option<u64>,
}

/// All operations of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// In order of lane, then `seq`.
    pub ops: Vec<Op>,
    /// The classes of errors seen, for instance `connection refused`.
    pub errors: Vec<String>,
}

impl History {
    /// Sorts the operations into their order: by lane, then by number.
    pub fn sort(&mut self) {
        self.ops.sort_unstable_by_key(|op| (op.lane, op.seq));
    }

    /// The operations of one lane in intended order. The history must be sorted.
    pub fn lane(&self, lane: LaneId) -> &[Op] {
        let start = self.ops.partition_point(|op| op.lane < lane);
        let end = self.ops.partition_point(|op| op.lane <= lane);
        &self.ops[start..end]
    }

    /// The class of an operation's error.
    pub fn error_of(&self, op: &Op) -> Option<&str> {
        self.errors.get(usize::from(op.error?)).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_its_operations_in_order() {
        let op = |lane, seq| Op {
            lane: LaneId(lane),
            seq,
            intended: Nanos(seq),
            sent: None,
            done: None,
            outcome: Outcome::Shed,
            error: None,
            node: None,
            version: None,
        };
        let mut history = History {
            ops: vec![op(1, 1), op(0, 0), op(1, 0)],
            errors: vec![],
        };
        history.sort();
        assert_eq!(history.lane(LaneId(1)), [op(1, 0), op(1, 1)]);
        assert!(history.lane(LaneId(2)).is_empty());
    }
}
