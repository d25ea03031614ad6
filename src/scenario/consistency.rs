//! Clients whose operations are judged by a consistency model, and what must hold of them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Rate;

/// Lanes beside those that measure the service, whose answers are judged together after the run: own connection each,
/// no pool, no retry, and the timeout of the service lanes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ConsistencyClients {
    /// What they do.
    pub kind: ConsistencyKind,
    /// Lanes: half of them write, half of them read; of an odd number one more writes. Of list-append, each does both.
    #[serde(default = "lanes")]
    pub lanes: u16,
    /// Registers, each of which every lane visits in turn; or accounts; or lists that are in use at a time.
    #[serde(default = "keys")]
    pub keys: u16,
    /// Rate of all lanes together.
    #[serde(default = "rate")]
    pub rate: Rate,
}

impl ConsistencyClients {
    /// The defaults of a kind: four lanes, so that two writes and two reads of a register may be under way at once; four
    /// registers; 50/s, which reads each register six times a second and is a small load beside the service lanes.
    pub fn new(kind: ConsistencyKind) -> Self {
        Self {
            kind,
            lanes: lanes(),
            keys: keys(),
            rate: rate(),
        }
    }
}

fn lanes() -> u16 {
    4
}

fn keys() -> u16 {
    4
}

fn rate() -> Rate {
    Rate(50.0)
}

/// What consistency clients do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConsistencyKind {
    /// Each write sets a register to a value that no other write carries; each read returns a register's value.
    Registers,
    /// Each write moves an amount between two accounts, in one transaction that reads both balances and writes both; each
    /// read returns the total of all accounts.
    Transfers,
    /// Each operation is a transaction of one to four steps; each step appends an element that no other one appends to one
    /// of the lists, or reads a whole list.
    ListAppend,
}

impl ConsistencyKind {
    /// What can be asked of it, the usual first; none is empty.
    pub fn models(self) -> &'static [Consistency] {
        match self {
            Self::Registers => &[Consistency::Linearizable],
            Self::Transfers => &[Consistency::ConstantTotal],
            Self::ListAppend => &[
                Consistency::Serializable,
                Consistency::StrictSerializable,
                Consistency::SnapshotIsolation,
                Consistency::ReadCommitted,
            ],
        }
    }

    /// What is usually asked of it.
    pub fn model(self) -> Consistency {
        self.models().first().copied().unwrap_or(Consistency::Any)
    }
}

impl fmt::Display for ConsistencyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Registers => "registers",
            Self::Transfers => "transfers",
            Self::ListAppend => "list-append",
        })
    }
}

/// What must hold of the consistency clients' operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Consistency {
    /// Each register behaves as one place: some order of its operations, in which each takes effect between its start
    /// and its end, explains every answer. An acknowledged write that is lost breaks it.
    Linearizable,
    /// Every read of all accounts, and the final reads, show the total that they held at first.
    ConstantTotal,
    /// Transactions read what was committed, and whole: no cycle of writes and of reads of what was written (G0, G1).
    ReadCommitted,
    /// And each reads from one state of all lists, and none overwrites what it has not seen (no G-single, no lost update).
    SnapshotIsolation,
    /// And one after the other would have come to the same (no G2).
    Serializable,
    /// And in such an order that what ended before another one began comes before it.
    StrictSerializable,
    /// It is measured and reported, and not judged.
    Any,
}

impl fmt::Display for Consistency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Linearizable => "linearizable",
            Self::ConstantTotal => "constant-total",
            Self::ReadCommitted => "read-committed",
            Self::SnapshotIsolation => "snapshot-isolation",
            Self::Serializable => "serializable",
            Self::StrictSerializable => "strict-serializable",
            Self::Any => "any",
        })
    }
}
