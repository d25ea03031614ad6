//! Targets against measurements and findings: the scorecard.

mod alert_lines;
#[cfg(test)]
mod attacks;
mod availability_line;
pub mod card;
mod consistency_line;
pub mod judge;
mod later_lines;
mod lines;
pub mod proof;
pub mod quiet;
pub mod repeats;
pub mod restore_lines;
mod runbook_lines;
pub mod sentence;
#[cfg(test)]
mod tests;
pub mod verdict;

pub use card::{Line, LineState, Reason, Scorecard, Verdict};
pub use judge::{Judgement, judge};
pub use proof::{Proof, proof};
pub use quiet::quiet;
pub use repeats::{Repeats, repeats};
pub use verdict::score;
