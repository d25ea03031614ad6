//! What clients asked, when, and what they were told.

mod blocks;
mod columns;
mod ops;
mod order;
mod packer;
mod transaction;

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    id::{LaneId, NodeName},
    time::Nanos,
};

use packer::Packed;

pub use ops::Ops;
pub use order::{by_time, merged};
pub use packer::Packer;
pub use transaction::{TxnStep, transaction};

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
    /// Writes and reads registers: whether some order explains everything that was answered.
    Register,
    /// Moves amounts between accounts, and reads their total: whether it ever changes.
    Transfer,
    /// Appends to lists and reads them, in transactions: whether they were isolated from each other.
    List,
}

impl Group {
    /// Whether its writes are appends that must survive: those of RPO.
    pub fn appends(self) -> bool {
        match self {
            Self::Service | Self::App => true,
            Self::Pinned | Self::Register | Self::Transfer | Self::List => false,
        }
    }
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
    /// For a register lane: how many registers it goes over, one after the other; for a transfer lane: how many accounts
    /// there are; for a list-append lane: how many lists are in use at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<u16>,
    /// The time between two intended operations (delta).
    pub interval: Duration,
    /// The time after which an attempt is given up (tau).
    pub timeout: Duration,
    /// For an app lane: the latency from the intended time within which an operation counts as ok.
    pub objective: Option<Duration>,
}

impl Lane {
    /// The register, from 0, of a register lane's operation of this number; none for other lanes. Readers are half a round
    /// away from writers: after an outage, half of the registers are read before they are written again, or a failover
    /// could take back what it likes unseen.
    pub fn register(&self, seq: u64) -> Option<u16> {
        let registers = self.keys.filter(|_| self.group == Group::Register)?;
        let registers = u64::from(registers.max(1));
        let ahead = match self.access {
            Access::Write => 0,
            Access::Read => registers / 2,
        };
        u16::try_from((seq + ahead) % registers).ok()
    }
}

/// What each account of a drill with transfers holds at first.
pub const OPENING_BALANCE: u64 = 1000;

/// Bits of an operation's number in a register's value; at a thousand a second they last 34 years.
const SEQ_BITS: u32 = 40;

/// The value that a register lane's write carries: no other write of the run carries it, and it is never 0, which a
/// register holds that was never written. It fits 64 bits with a sign.
pub fn register_value(lane: LaneId, seq: u64) -> u64 {
    ((u64::from(lane.0) + 1) << SEQ_BITS) | seq
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
    /// For an acknowledged read: the highest `seq` that it saw, plus one; 0 when it saw none. In a register lane the
    /// register's value, in a transfer lane the total.
    pub version: Option<u64>,
}

/// All operations of a run, packed: some eight bytes each, and those of a long run in a file.
#[derive(Debug, Clone, Default)]
pub struct History {
    packed: Arc<Packed>,
    /// The classes of errors seen, for instance `connection refused`.
    pub errors: Vec<String>,
    /// What the reads of acknowledged transactions returned, in order of lane, then `seq`.
    pub lists: Vec<ListsRead>,
}

impl PartialEq for History {
    fn eq(&self, other: &Self) -> bool {
        let rest = |history: &Self| (history.errors.clone(), history.lists.clone());
        self.ops().eq(other.ops()) && rest(self) == rest(other)
    }
}

/// Operations in any order, which become a history.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// The operations.
    pub ops: Vec<Op>,
    /// The classes of errors seen.
    pub errors: Vec<String>,
    /// What the reads of acknowledged transactions returned.
    pub lists: Vec<ListsRead>,
}

impl From<Draft> for History {
    fn from(draft: Draft) -> Self {
        let mut packer = Packer::new(None);
        draft.ops.into_iter().for_each(|op| packer.push(op));
        Self::new(packer, draft.errors, draft.lists)
    }
}

/// The lists that a transaction's reads returned, in their order.
pub type Lists = Vec<Vec<u64>>;

/// What the reads of one acknowledged transaction returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListsRead {
    /// The lane.
    pub lane: LaneId,
    /// The transaction's number within it.
    pub seq: u64,
    /// A list for each of its reads.
    pub lists: Lists,
}

/// An operation as it comes from its client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The operation; its `error` is set where classes are numbered.
    pub op: Op,
    /// The class of its error.
    pub error: Option<String>,
    /// For an acknowledged transaction: what its reads returned.
    pub lists: Option<Lists>,
}

impl History {
    /// A history of what was packed, with the classes of its errors and what transactions read.
    pub fn new(packer: Packer, errors: Vec<String>, mut lists: Vec<ListsRead>) -> Self {
        lists.sort_by_key(|read| (read.lane, read.seq));
        Self {
            packed: Arc::new(packer.finish()),
            errors,
            lists,
        }
    }

    /// The operations of one lane in order of `seq`.
    pub fn lane(&self, lane: LaneId) -> Ops<'_> {
        self.packed.lane(lane)
    }

    /// The lanes that have operations, ascending.
    pub fn lanes(&self) -> impl DoubleEndedIterator<Item = LaneId> {
        self.packed.lanes()
    }

    /// All operations in order of lane, then `seq`.
    pub fn ops(&self) -> impl Iterator<Item = Op> {
        self.lanes().flat_map(|lane| self.lane(lane))
    }

    /// How many operations there are.
    pub fn count(&self) -> usize {
        self.lanes().map(|lane| self.lane(lane).len()).sum()
    }

    /// The same, to be changed.
    pub fn draft(&self) -> Draft {
        Draft {
            ops: self.ops().collect(),
            errors: self.errors.clone(),
            lists: self.lists.clone(),
        }
    }

    /// What the reads of a transaction returned, if it was acknowledged.
    pub fn lists_of(&self, op: &Op) -> Option<&Lists> {
        let key = (op.lane, op.seq);
        let read = |read: &ListsRead| (read.lane, read.seq);
        let at = self.lists.binary_search_by_key(&key, read).ok()?;
        self.lists.get(at).map(|read| &read.lists)
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
    fn values_of_registers_are_unique_and_fit_a_signed_number() {
        let values =
            [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(lane, seq)| register_value(LaneId(lane), seq));
        assert!(
            values.is_sorted_by(|a, b| a < b) && values[0] > 0,
            "{values:?}"
        );
        assert!(i64::try_from(register_value(LaneId(u16::MAX), 1 << 39)).is_ok());
    }

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
        let history = History::from(Draft {
            ops: vec![op(1, 1), op(0, 0), op(1, 0)],
            ..Draft::default()
        });
        let lane: Vec<Op> = history.lane(LaneId(1)).iter().collect();
        assert_eq!(lane, [op(1, 0), op(1, 1)]);
        assert!(history.lane(LaneId(2)).is_empty());
    }
}
