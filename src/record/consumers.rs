//! A consumer group beside the clients: as it stood, what its members were given, and what they consumed.

use serde::{Deserialize, Serialize};

use crate::{id::NodeName, time::Bracket};

use super::{Bound, Setting};

/// The group as it stands before the other clients start: every partition is consumed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConsumerGroup {
    /// Its name.
    pub name: String,
    /// Its members, in order.
    pub members: Vec<NodeName>,
    /// Partitions of the topic.
    pub partitions: u16,
    /// The time between two reports of a member to the coordinator, nanoseconds: what is waited before a member goes is a
    /// seeded part of it.
    pub phase_ns: u64,
    /// The time between two beats of a partition, nanoseconds.
    pub every_ns: u64,
    /// How long after its sending a beat is delivered in time, nanoseconds.
    pub late_ns: u64,
    /// The members' settings as their driver took them, and the brokers' that bear on groups.
    pub settings: Vec<Setting>,
    /// By the settings, how long until every partition is consumed again; the field `rto` of each means that.
    pub bounds: Vec<Bound>,
    /// Who coordinates it and who was given what, one sentence each.
    pub ready: Vec<String>,
}

/// What a member's driver told it of its partitions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebalanced {
    /// The member.
    pub member: NodeName,
    /// What became of them.
    pub moment: RebalanceMoment,
    /// Which; of an eager group all that the member has, and possibly none.
    pub partitions: Vec<u16>,
}

/// What became of partitions of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RebalanceMoment {
    /// It was given them.
    Assigned,
    /// It is to give them back.
    Revoked,
    /// The group has taken them, since it did not hear of the member in time.
    Lost,
}

/// Beats of a partition that one member was delivered one after another, at most a second of them, all of them in time or
/// all of them late. The event's bracket goes from the first delivery to the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consumed {
    /// The member.
    pub member: NodeName,
    /// The partition.
    pub partition: u16,
    /// The numbers of its first and its last beat; none is missing between.
    pub beats: (u64, u64),
    /// When the first and the last of them were sent.
    pub sent: Bracket,
    /// Whether they were late.
    pub late: bool,
    /// Records of the partition that were delivered since the last beat of the stretch before, beats or not.
    pub records: u64,
    /// Those of them that had been delivered before.
    pub again: u64,
}
