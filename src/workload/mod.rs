//! The clients: lanes of operations at fixed rates, whatever earlier operations did.

mod dispatch;
mod lanes;
mod live;
mod load;
mod pacer;

pub use lanes::{LaneBudget, PlannedLane, lanes};
pub use live::{Live, LiveCounts};
pub use load::{Load, SUSTAIN, SUSTAIN_LEAST, Sink};
