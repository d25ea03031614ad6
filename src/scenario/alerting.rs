//! Alerting beside the stack: rules, how often they are looked at, and which alerts the fault must raise.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Dur, Goal};

/// The word for the rules that drdrill ships for the system.
pub const SHIPPED: &str = "shipped";

/// Prometheus and Alertmanager beside the stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Alerting {
    /// Files with Prometheus' rules, from the scenario's folder on; `shipped` names those of drdrill for the system.
    pub rules: Vec<String>,
    /// How often Prometheus asks each target.
    pub scrape_interval: Dur,
    /// How often it evaluates rules whose group has no interval of its own.
    pub evaluation_interval: Dur,
    /// How long Alertmanager waits before it tells of a new group of alerts.
    pub group_wait: Dur,
    /// How long it waits before it tells of a change in a group.
    pub group_interval: Dur,
    /// The alerts that the headline fault must raise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<ExpectedAlert>,
    /// Alerts that may fire as well. Any other that fires after the fault is a wrong one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub may_fire: Vec<String>,
}

impl Default for Alerting {
    /// The shipped rules, 15 s as in Prometheus' own example configuration, and Alertmanager's defaults of 30 s and 5 min.
    fn default() -> Self {
        Self {
            rules: vec![SHIPPED.into()],
            scrape_interval: Dur(Duration::from_secs(15)),
            evaluation_interval: Dur(Duration::from_secs(15)),
            group_wait: Dur(Duration::from_secs(30)),
            group_interval: Dur(Duration::from_secs(300)),
            expect: Vec::new(),
            may_fire: Vec::new(),
        }
    }
}

/// An alert that the fault must raise, and within which time from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExpectedAlert {
    /// Its name in the rules.
    pub alert: String,
    /// Longest time from the fault until it fires.
    pub firing: Goal<Dur>,
    /// Longest time from the fault until Alertmanager's notification of it arrives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Goal<Dur>>,
}
