//! What went wrong: one checker per file, each with three answers.

pub mod alert_reach;
pub mod alerting;
pub mod alerts;
pub mod baseline;
pub mod complete;
pub mod consistency;
pub mod convergence;
pub mod corrupt;
pub mod divergence;
pub mod dropped;
pub mod duplicates;
pub mod effect;
pub mod exposure;
pub mod finding;
pub mod holes;
pub mod lateness;
pub mod list;
pub mod lost_writes;
pub mod phantom;
pub mod plausibility;
pub mod relapse;
pub mod residue;
pub mod resurrected;
pub mod shed;
pub mod split_brain;
pub mod steps;
#[cfg(test)]
mod tests;
pub mod unexplained;
pub mod well_at_end;

pub use finding::{Answer, Finding, Touch};
pub use list::{ALERT_CHECKERS, CHECKERS, CONSISTENCY_CHECKERS, Checker, all, run};
