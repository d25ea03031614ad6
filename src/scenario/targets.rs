//! What must hold: limits for each figure that a drill measures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Consistency, Dur, Goal, Percent};

/// The targets. A pass needs `rto` and `rpo`, each met or `any`, and at least one of them met.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Targets {
    /// Longest recovery time of the worst service lane, from the fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rto: Option<Goal<Dur>>,
    /// Longest recovery time of the write lanes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rto_write: Option<Goal<Dur>>,
    /// Longest recovery time of the read lanes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rto_read: Option<Goal<Dur>>,
    /// Longest recovery time of the app lanes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rto_app: Option<Goal<Dur>>,
    /// Longest time until latency and success are back within the service level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rto_slo: Option<Goal<Dur>>,
    /// Longest outage of a planned switchover, from its onset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage: Option<Goal<Dur>>,
    /// Longest outage of the failback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failback: Option<Goal<Dur>>,
    /// Longest time between two acknowledged operations of a lane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_gap: Option<Goal<Dur>>,
    /// How much acknowledged data may be lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpo: Option<Rpo>,
    /// Acknowledged writes that may be lost to a second primary; 0 unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_brain: Option<Goal<u64>>,
    /// Longest time for which the old primary may still acknowledge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fencing: Option<Goal<Dur>>,
    /// Oldest data that a read may return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staleness: Option<Goal<Dur>>,
    /// Longest time from the node's return until every member is back in sync.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redundancy_restored: Option<Goal<Dur>>,
    /// Least share of operations that succeed over the whole drill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<Goal<Percent>>,
    /// Longest sum of all write outages of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable_total: Option<Goal<Dur>>,
    /// Longest time from the fault until every partition is consumed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebalance: Option<Goal<Dur>>,
    /// Oldest that what was written may be while it is not kept apart from the stack yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive_lag: Option<Goal<Dur>>,
    /// Longest time from the decision to restore until the restored service takes writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_rto: Option<Goal<Dur>>,
    /// Oldest that a write may be, when the last one was acknowledged, that a restore to the latest point lacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_rpo: Option<Goal<Dur>>,
    /// Writes acknowledged before the point of a restore that may be missing in it; 0 unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pitr_missing: Option<Goal<u64>>,
    /// Writes sent after the point of a restore that may be in it; 0 unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pitr_extra: Option<Goal<u64>>,
    /// What must hold of the consistency clients' operations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
    /// How the service is expected to come back; another way is a fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered_by: Option<RecoveredBy>,
    /// The claim that repeats are to support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
}

/// How much acknowledged data may be lost; each limit present is judged on its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rpo {
    /// Age of the oldest lost acknowledged write at the fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<Goal<Dur>>,
    /// Number of lost acknowledged writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<Goal<u64>>,
    /// Payload bytes of the lost acknowledged writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Goal<u64>>,
}

impl Rpo {
    /// Loss is measured and reported, and not judged: `rpo: any` in a file.
    pub const ANY: Self = Self {
        seconds: None,
        count: Some(Goal::Any),
        bytes: None,
    };

    /// Whether any of it is a limit.
    pub fn limits(&self) -> bool {
        let counts = [self.count, self.bytes].into_iter().flatten();
        self.seconds.and_then(Goal::limit).is_some()
            || counts.into_iter().any(|goal| goal.limit().is_some())
    }
}

/// How the service came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RecoveredBy {
    /// Another node took over.
    OtherNode,
    /// The victim restarted by itself.
    Restart,
    /// The harness undid the fault.
    Heal,
}

/// A claim over repeats: the quantile of the RTO that must hold, at a confidence level.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Confidence {
    /// The quantile as a percentage: `50%` is the median.
    pub quantile: Percent,
    /// The confidence level: `95%`.
    pub level: Percent,
}
