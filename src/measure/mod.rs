//! RTO, RPO, availability, phases and latency from a record. Definitions: `docs/measurement.md`.

pub mod alerts;
pub mod archive;
pub mod assemble;
pub mod availability;
pub mod backup_cost;
pub mod before;
pub mod bounds;
pub mod capacity;
pub mod cause;
pub mod consistency;
pub mod cycles;
pub mod distance;
pub mod divergence;
mod dual;
pub mod event;
pub mod figures;
#[cfg(test)]
pub(crate) mod fixture;
pub mod format;
pub mod lane;
pub mod leaders;
mod list_words;
pub mod lists;
pub mod loss;
pub mod outage;
pub mod people;
pub mod phases;
pub mod rebalance;
pub mod recovery;
pub mod redundancy;
pub mod registers;
pub mod restored;
pub mod rto;
pub mod scan;
pub mod shard;
pub mod staleness;
pub mod stall;
pub mod transfers;
pub mod undetected;
pub mod undone;
pub mod visibility;
pub mod why;
pub mod windows;
pub mod zones;

pub use alerts::{AlertFigures, AlertWish};
pub use assemble::measure;
pub use backup_cost::{BackupCost, BackupFigures};
pub use figures::{
    Allowance, Availability, ConsistencyFigures, Distance, EventFigures, EventLoss, Exposure,
    Figure, Figures, Integrity, LaneOutage, LatencySummary, Loss, LostWrite, ShardFigures,
    Staleness, Uncertainty, Undone, UndoneFigures, Visibility,
};
pub use phases::Phase;
pub use rebalance::{PartitionFigures, RebalanceFigures};
pub use restored::{Harm, Pitr, RestoreFigures};
pub use undetected::{Extent, NotMeasured, Undetected};
