//! Containers that drdrill did not create, as a drill looks for them.

use std::time::Duration;

use crate::scenario::Allowance;

/// Which containers stand for the nodes, and what is to be done near them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// Their Compose project; nodes are then named as its services are.
    pub project: Option<String>,
    /// A label that they carry, `key=value`.
    pub label: Option<String>,
    /// What their owner must have allowed.
    pub needs: Allowance,
    /// How long faults outlive the last sign of life.
    pub lease: Duration,
    /// The drill itself as text, of which a plan's digest is made with what is found of the containers.
    pub drill: String,
    /// The digest of the plan that was agreed to, if one was: what is found must have it.
    pub agreed: Option<String>,
}
