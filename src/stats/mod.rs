//! Statistics without assumptions on the distribution: order statistics, binomial bounds, rank tests, change points.
//!
//! Values are plain numbers in a unit of the caller's; `+inf` is a recovery that was not seen.

mod binomial;
mod change;
mod comparison;
mod kolmogorov;
mod order;
mod rank;
mod shift;
mod spread;

pub use binomial::{at_most, binomial_at_most, shown_by_maximum, zero_of};
pub use change::{ChangePoint, change_points};
pub use comparison::{Comparison, Outcome, SIGNIFICANCE, compare};
pub use kolmogorov::{ks_critical, ks_distance};
pub use order::{Gate, drills_for, gate, median_ranks, more_needed, quantile, upper_rank};
pub use rank::{EXACT_RUNS, RankSum, mann_whitney};
pub use shift::{Shift, partners_for, shift};
pub use spread::{Spread, spread};
