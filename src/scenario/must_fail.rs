//! What must turn a drill red: changes under which it has to fail, so that its green is known to mean something.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A change of the stack, the drill or its consumers under which the scenario must fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MustFail {
    /// What replaces values of the file, as `--set` does: keys under `stack`, `drill` and `clients.consumers`. Targets stay as they are.
    pub with: BTreeMap<String, String>,
    /// The targets that it must miss, and the checks that must find something: all of them.
    pub misses: Vec<Miss>,
}

/// The parts of a scenario that a change may touch: it breaks what is drilled, never what measures or judges it.
const CHANGED: [&str; 3] = ["stack.", "drill.", "clients.consumers."];

impl MustFail {
    /// Whether a key, as `--set` takes it, is of what is drilled.
    pub fn may_change(key: &str) -> bool {
        CHANGED.iter().any(|part| key.starts_with(part))
    }

    /// What it replaces, in the form of `--set`.
    pub fn overrides(&self) -> Vec<(String, String)> {
        let with = self.with.iter();
        with.map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }
}

/// A target that is missed, or a check that finds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Miss {
    /// Recovery of the worst service lane.
    Rto,
    /// Recovery of the worst service lane, with the time that people take.
    RtoWithPeople,
    /// Recovery of the write lanes.
    RtoWrite,
    /// Recovery of the read lanes.
    RtoRead,
    /// Recovery of the app lanes.
    RtoApp,
    /// Return of latency and success to the service level.
    RtoSlo,
    /// Outage of a planned move.
    Outage,
    /// Outage of the failback.
    Failback,
    /// Time until every partition is consumed again.
    Rebalance,
    /// Time between two acknowledged operations.
    MaxGap,
    /// A limit of `rpo`: seconds, count or bytes.
    Rpo,
    /// Writes lost to a second primary.
    SplitBrain,
    /// Time for which the old primary acknowledged.
    Fencing,
    /// Age of what reads returned.
    Staleness,
    /// Time until every member is in sync again.
    RedundancyRestored,
    /// Share of operations that succeeded.
    Availability,
    /// Sum of all write outages.
    UnavailableTotal,
    /// Age of what was written and not kept apart from the stack.
    ArchiveLag,
    /// Time until the restored service takes writes.
    RestoreRto,
    /// Age of what a restore to the latest point lacks.
    RestoreRpo,
    /// Writes from before the point that a restore lacks.
    PitrMissing,
    /// Writes from after the point that a restore holds.
    PitrExtra,
    /// The way in which the service came back.
    RecoveredBy,
    /// The model that the consistency clients' answers must fit.
    Consistency,
    /// An expected alert, or one that nobody expected.
    Alerts,
    /// The end of a runbook of the user's own.
    Runbook,
    /// An acknowledged write that is there more than once.
    Duplicates,
}

impl Miss {
    /// All of them by their names in a scenario.
    pub const ALL: [(&str, Self); 27] = [
        ("rto", Self::Rto),
        ("rto-with-people", Self::RtoWithPeople),
        ("rto-write", Self::RtoWrite),
        ("rto-read", Self::RtoRead),
        ("rto-app", Self::RtoApp),
        ("rto-slo", Self::RtoSlo),
        ("outage", Self::Outage),
        ("failback", Self::Failback),
        ("rebalance", Self::Rebalance),
        ("max-gap", Self::MaxGap),
        ("rpo", Self::Rpo),
        ("split-brain", Self::SplitBrain),
        ("fencing", Self::Fencing),
        ("staleness", Self::Staleness),
        ("redundancy-restored", Self::RedundancyRestored),
        ("availability", Self::Availability),
        ("unavailable-total", Self::UnavailableTotal),
        ("archive-lag", Self::ArchiveLag),
        ("restore-rto", Self::RestoreRto),
        ("restore-rpo", Self::RestoreRpo),
        ("pitr-missing", Self::PitrMissing),
        ("pitr-extra", Self::PitrExtra),
        ("recovered-by", Self::RecoveredBy),
        ("consistency", Self::Consistency),
        ("alerts", Self::Alerts),
        ("runbook", Self::Runbook),
        ("duplicates", Self::Duplicates),
    ];

    /// Its name in a scenario.
    pub fn name(self) -> &'static str {
        let named = Self::ALL.iter().find(|(_, miss)| *miss == self);
        named.map_or("", |(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_the_one_of_the_schema() {
        for (name, miss) in Miss::ALL {
            assert_eq!(serde_json::to_value(miss).unwrap(), name);
            assert_eq!(miss.name(), name);
        }
    }
}
