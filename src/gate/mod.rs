//! This run, or several, against a baseline: worse, not worse, or not told.

mod against;
mod decide;
mod policy;

pub use against::{Against, Margin, Verdict, against, recovery_time};
pub use decide::{Decision, State, decide};
pub use policy::Policy;
