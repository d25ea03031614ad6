//! The figures that a drill yields, each with its bracket or the reason why it is missing.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    id::{LaneId, NodeName},
    record::DisruptionKind,
    scenario::{Consistency, ConsistencyKind, RecoveredBy},
    time::{Bracket, Nanos, Span},
};

use super::{
    AlertFigures, BackupFigures, RebalanceFigures, RestoreFigures, Undetected, phases::Phase, why,
};

/// A figure, or why it could not be measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure<T> {
    /// It was measured.
    Measured(T),
    /// It was not, for this reason.
    Missing(String),
}

impl<T> Figure<T> {
    /// Why it was not measured.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Measured(_) => None,
            Self::Missing(why) => Some(why),
        }
    }

    /// The value, if it was measured.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Measured(value) => Some(value),
            Self::Missing(_) => None,
        }
    }
}

/// All figures of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// One entry per disruptive step, in order.
    pub events: Vec<EventFigures>,
    /// Service lanes whose last outage had not been over for W when the clients were stopped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unwell: Vec<LaneId>,
    /// Index in `events` of the one that `rto` and `rpo` speak of.
    pub headline: Option<usize>,
    /// One entry for each heal and return after which service was interrupted anew, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undone: Vec<UndoneFigures>,
    /// The other heals and returns, after which no lane saw an outage that is put down to them.
    #[serde(skip)]
    pub undone_without_outage: Vec<UndoneFigures>,
    /// Outages of service and app lanes from the first step on and before any disruptive step, where no step explains them
    /// and no baseline holds them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<LaneOutage>,
    /// Earliest moment from which 99 % are ok within 5 x the baseline's p99 for the sustain window, from the fault.
    pub rto_slo: Figure<Span>,
    /// The same with throughput of 95 % of the baseline.
    pub rto_capacity: Figure<Span>,
    /// Longest time between two ok completions in a service lane, and the lane.
    pub max_gap: Figure<(Span, LaneId)>,
    /// Union of the write outages of the run.
    pub unavailable_total: Figure<Span>,
    /// Time outside outages with latency beyond 3 x the baseline's p99.
    pub degraded: Figure<Duration>,
    /// Share of operations that succeeded.
    pub availability: Figure<Availability>,
    /// From the node's return, and from the fault, until every member was back in sync.
    pub redundancy_restored: Figure<Span>,
    /// The same, from the fault.
    pub redundancy_from_fault: Figure<Span>,
    /// Acknowledged data that is gone, and what is there and should not be.
    pub loss: Figure<Loss>,
    /// What stands whatever else is void.
    pub integrity: Integrity,
    /// How old reads were.
    pub staleness: Figure<Staleness>,
    /// Whether some order explains what the consistency clients were told, where the scenario has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Figure<ConsistencyFigures>>,
    /// How long writes took to be visible at each member that was read by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub visibility: Vec<Visibility>,
    /// `unavailable_total` as a share of what an availability target allows a month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowance: Option<Allowance>,
    /// Share of elements that differ per member before the convergence guard.
    pub divergence_ratio: Vec<(NodeName, Figure<f64>)>,
    /// How old what was written had become when it was not yet kept apart from the stack, at worst; absent where no log is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive_lag: Option<Figure<Span>>,
    /// What each backup cost the clients while it was made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backups: Vec<BackupFigures>,
    /// What each restore brought back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restores: Vec<RestoreFigures>,
    /// When alerts fired and arrived, where the scenario has alerting.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<AlertFigures>,
    /// Latency before, during and after.
    pub latency: Vec<LatencySummary>,
    /// Operations by outcome: ok, conflict, fail, info, shed.
    pub outcomes: [u64; 5],
}

/// The figures of one disruptive step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventFigures {
    /// The step's index in the scenario.
    pub step: usize,
    /// What it was.
    pub kind: DisruptionKind,
    /// In a word, for instance `kill`.
    pub name: String,
    /// The nodes that it hit.
    pub victims: Vec<NodeName>,
    /// `[t-, t+]`.
    pub at: Bracket,
    /// Whether any service lane saw an outage that belongs to this event. Without one, the upper end of
    /// each recovery time is the resolution: an outage up to that long could have gone unseen.
    pub outage_seen: bool,
    /// Worst service lane. The headline figure.
    pub rto: Figure<Span>,
    /// Worst write lane.
    pub rto_write: Figure<Span>,
    /// Worst read lane.
    pub rto_read: Figure<Span>,
    /// Best lane; never judged.
    pub rto_first: Figure<Span>,
    /// Worst over lanes, keys, shards, partitions.
    pub rto_all: Figure<Span>,
    /// Worst app lane.
    pub rto_app: Figure<Span>,
    /// Longest outage from its onset, over service lanes.
    pub outage: Figure<Span>,
    /// Who or what brought the service back.
    pub recovered_by: Figure<RecoveredBy>,
    /// The node that answered first after the outage, where its lanes agree on one.
    pub successor: Option<NodeName>,
    /// Last acknowledgement by the old primary, from `t-`.
    pub fencing: Figure<Span>,
    /// What the consumer group saw of it, where the scenario has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebalance: Option<RebalanceFigures>,
    /// What the time is made of.
    pub phases: Vec<Phase>,
    /// Time between milestones that no source names.
    pub unexplained: Figure<Span>,
    /// What each part of the time waited for; empty in results of older versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<why::Part>,
    /// How sure the RTO is.
    pub uncertainty: Uncertainty,
    /// The outages of each lane that belong to this event, but for those that are put down to what was undone since.
    pub lanes: Vec<LaneOutage>,
    /// Those of `lanes` that began once the lane had been well for W, and that nothing which the drill did explains.
    /// The recovery times do not speak of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<LaneOutage>,
    /// What each shard's lanes saw of it, where there are shards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shards: Vec<ShardFigures>,
    /// What each service and app lane without an outage of this event leaves open.
    #[serde(skip)]
    pub undetected: Vec<Undetected>,
}

/// Something that was undone, after which service may fail anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undone {
    /// The fault of this step was undone, by a step or by itself.
    Heal {
        /// The fault's step.
        step: usize,
    },
    /// A node returned.
    Return {
        /// The node.
        node: NodeName,
    },
}

/// What service was interrupted by once something had been undone: times from then, each over the lanes that saw an
/// outage of it; none where no such lane did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UndoneFigures {
    /// What was undone.
    pub what: Undone,
    /// When.
    pub at: Bracket,
    /// Worst service lane.
    pub rto: Option<Span>,
    /// Worst write lane.
    pub rto_write: Option<Span>,
    /// Worst read lane.
    pub rto_read: Option<Span>,
    /// Worst app lane.
    pub rto_app: Option<Span>,
    /// Longest outage from its onset, over service lanes.
    pub outage: Option<Span>,
    /// The outages.
    pub lanes: Vec<LaneOutage>,
    /// What each service and app lane leaves open from then until W after it, where that is more than a target.
    #[serde(skip)]
    pub undetected: Vec<Undetected>,
}

/// What the lanes of one shard saw of one event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShardFigures {
    /// Its number.
    pub shard: u16,
    /// Whether a member of it was among the victims.
    pub hit: bool,
    /// Whether any of its service lanes saw an outage.
    pub outage_seen: bool,
    /// Its worst service lane.
    pub rto: Figure<Span>,
    /// Its worst write lane.
    pub rto_write: Figure<Span>,
    /// Its worst read lane.
    pub rto_read: Figure<Span>,
    /// Who or what brought its service back.
    pub recovered_by: Figure<RecoveredBy>,
    /// The member that answered first after the outage, where its lanes agree on one.
    pub successor: Option<NodeName>,
}

/// One outage of one lane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LaneOutage {
    /// The lane.
    pub lane: LaneId,
    /// Start of the last ok operation before it, end of its first non-ok operation.
    pub onset: Bracket,
    /// Start of its last non-ok operation that was sent; the last one's intended time where all were shed.
    pub last_failed: Nanos,
    /// `d*`: end of the first ok operation after it; absent when a sustained recovery was not seen.
    pub recovered: Option<Nanos>,
    /// Non-ok operations in it.
    pub failed: u64,
    /// Its RTO from the event.
    pub rto: Span,
    /// Its length from the onset.
    pub length: Span,
}

/// How sure an RTO is: its parts, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Uncertainty {
    /// Width of the injecting call.
    pub injection_ns: u64,
    /// Probe interval of the lane that decided.
    pub interval_ns: u64,
    /// Largest scheduler lateness within 1 s of fault, onset and recovery.
    pub lateness_ns: u64,
    /// Median service time in the baseline.
    pub service_ns: u64,
    /// `(high - low) / sqrt(12)`.
    pub standard_ns: u64,
}

/// Acknowledged data that is gone, and what is there and should not be. Counts are never subtracted from each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Loss {
    /// Acknowledged writes of the run.
    pub acknowledged: u64,
    /// Writes that may have been applied.
    pub info: u64,
    /// `rpo_count`: lost, sent by `t_f+`: they may have been acknowledged before the fault was in force.
    pub lost: Vec<LostWrite>,
    /// `rpo_seconds`; zero when nothing is lost.
    pub rpo_seconds: Span,
    /// Payload bytes of `lost`.
    pub rpo_bytes: u64,
    /// Lost, sent after the fault, and no later event can be blamed: two nodes took writes.
    pub split_brain: Vec<LostWrite>,
    /// What the old primary's log had beyond its successor's, by their own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<Distance>,
    /// From the first to the last of `split_brain`.
    pub split_brain_window: Option<Bracket>,
    /// Whether two nodes acknowledged writes by turns, and which.
    pub dual_primary: Option<(NodeName, NodeName, Bracket)>,
    /// Writes at risk at the fault.
    pub exposure: Exposure,
    /// Info, and present.
    pub recovered: u64,
    /// Fail, and yet present.
    pub resurrected: Vec<(LaneId, u64)>,
    /// Never attempted, and present.
    pub phantom: Vec<(LaneId, u64)>,
    /// Present more than once.
    pub duplicate: Vec<(LaneId, u64, u32)>,
    /// Checksum differs.
    pub corrupt: Vec<(LaneId, u64)>,
    /// Of `lost`, while a later write of the lane that was acknowledged by `t_f+` survives.
    pub holes: Vec<(LaneId, u64)>,
    /// What other events lost of what the node acknowledged that led up to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<EventLoss>,
}

impl Loss {
    /// All acknowledged writes that are gone, whichever event or second primary answers for them.
    pub fn total(&self) -> u64 {
        let later: usize = self.later.iter().map(|event| event.lost.len()).sum();
        (self.lost.len() + self.split_brain.len() + later) as u64
    }
}

/// The RPO of an event other than the headline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventLoss {
    /// The event's step.
    pub step: usize,
    /// What it lost.
    pub lost: Vec<LostWrite>,
    /// The age of the oldest of them at the event.
    pub rpo_seconds: Span,
}

/// What was positively observed in either pass of the authoritative side, or by pinned probes. It
/// stands even where the reads were unequal or convergence was not reached.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Integrity {
    /// Fail or conflict, and yet present.
    pub resurrected: Vec<(LaneId, u64)>,
    /// Never attempted, and present; at most the first 10,000.
    pub phantom: Vec<(LaneId, u64)>,
    /// Present more than once.
    pub duplicate: Vec<(LaneId, u64, u32)>,
    /// Checksum differs.
    pub corrupt: Vec<(LaneId, u64)>,
    /// Rows that carry the run's name and cannot be read as an element.
    pub alien: u64,
    /// Two nodes acknowledged writes at the same time: which, and when.
    pub dual_primary: Option<(NodeName, NodeName, Bracket)>,
    /// Whether two primaries would not have shown: no writes were asked of nodes by themselves, and answers do not name the
    /// primary that took a write.
    #[serde(default)]
    pub unlooked: bool,
}

/// One lost acknowledged write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostWrite {
    /// Its lane.
    pub lane: LaneId,
    /// Its number.
    pub seq: u64,
    /// When it was sent.
    pub sent: Nanos,
    /// When it was acknowledged.
    pub done: Nanos,
    /// Index in `Stack::members` of the node that acknowledged it, if the answer named one.
    pub node: Option<u16>,
}

/// Writes at risk at the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Exposure {
    /// Writes acknowledged in the window before the fault.
    pub writes: u64,
    /// The window, nanoseconds: the RPO target, else 1 s.
    pub window_ns: u64,
    /// Whether the last of them is at most two write periods old.
    pub recent: bool,
    /// Longest time between two acknowledgements in the window, nanoseconds: the resolution of `rpo_seconds`.
    pub spacing_ns: u64,
}

/// How long writes took to be visible at one member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Visibility {
    /// The member.
    pub node: NodeName,
    /// Reads that it answered.
    pub reads: u64,
    /// The bracket of the read with the median high end.
    pub median: Span,
    /// That of the worst.
    pub worst: Span,
}

/// What a run's outages take of the unavailability that a target allows in a month (a twelfth of 365 days).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Allowance {
    /// The availability target, percent.
    pub target: f64,
    /// What it allows, minutes a month.
    pub minutes: f64,
    /// The run's write outages, minutes, at the longest; absent where the end was not seen.
    pub used: Option<f64>,
}

/// Distance in the engine's own log, in the engine's unit (bytes, or entries).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distance {
    /// At least so much.
    pub low: u64,
    /// At most so much, if that was seen.
    pub high: Option<u64>,
}

/// How old reads were.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Staleness {
    /// The stalest read's bracket.
    pub worst: Span,
    /// Reads that were certainly stale.
    pub stale_reads: u64,
    /// Reads judged.
    pub reads: u64,
    /// Reads of a lane that went backwards.
    pub monotonic_violations: u64,
    /// Reads that missed a write which their own client group had seen acknowledged before.
    pub read_your_writes_violations: u64,
}

/// What the consistency clients were told, against their model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsistencyFigures {
    /// What they did.
    pub kind: ConsistencyKind,
    /// Registers, accounts, or lists in use at a time.
    pub keys: u16,
    /// Operations judged: acknowledged ones, and writes to registers and transactions that may have been applied.
    pub operations: u64,
    /// Registers that no order of their operations explains.
    pub broken: u16,
    /// What no order explains, over all registers; or reads that showed another total; or what the model of transactions
    /// rules out, one cycle of each kind where many depend on each other, and acknowledged appends that are lost.
    pub anomalies: u64,
    /// Of transactions: the model that they are judged by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Consistency>,
    /// Of transactions: how many anomalies of each kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<String, u64>,
    /// The first of them, each in a sentence.
    pub told: Vec<String>,
}

/// Share of operations that succeeded, by intended time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Availability {
    /// ok operations.
    pub ok: u64,
    /// ok, fail, info and shed operations.
    pub total: u64,
    /// The window.
    pub window: Bracket,
}

impl Availability {
    /// The share in percent.
    pub fn percent(&self) -> f64 {
        if self.total == 0 {
            0.0
        } else {
            self.ok as f64 * 100.0 / self.total as f64
        }
    }
}

/// Latency of ok operations in one window, from the intended time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LatencySummary {
    /// `before`, `during` or `after`.
    pub window: String,
    /// Operations.
    pub count: u64,
    /// Median, nanoseconds.
    pub p50_ns: u64,
    /// 99th percentile, nanoseconds.
    pub p99_ns: u64,
    /// Largest, nanoseconds.
    pub max_ns: u64,
}
