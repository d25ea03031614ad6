//! The clients: lanes of operations at fixed rates, whatever earlier operations did.

mod capacity;
mod dispatch;
mod lanes;
mod live;
mod load;
mod pacer;

pub use capacity::capacity;
pub use lanes::{FRESH_INTERVAL, LaneBudget, PlannedLane, lanes};
pub use live::{Live, LiveCounts};
pub use load::{Load, SUSTAIN, SUSTAIN_LEAST, Sink};
