//! Many runs: what a reports folder holds, how its figures went over time, and baselines.

mod baseline;
mod controls;
mod error;
mod judged;
mod prunable;
mod quarter;
mod read;
mod registered;
mod review;
mod summary;
mod systems;
mod trend;

pub use baseline::{Baseline, BaselineRun, Baselines, resolution};
pub use controls::{Control, controls};
pub use error::ArchiveError;
pub use judged::Judged;
pub use prunable::prunable;
pub use quarter::Quarter;
pub use read::{Archive, Run};
pub use review::{Cell, Coverage, Offered, Review, Reviewed, Spent, Tracked, Tracking, review};
pub use summary::{
    Checked, Config, Disrupted, Fact, Lost, LostLater, Measured, Named, Predicted, Recovery, Stood,
    Struck, Summary,
};
pub use systems::{Drilled, drilled};
pub use trend::{Change, Trend, trend, trends};
