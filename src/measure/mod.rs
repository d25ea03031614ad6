//! RTO, RPO, availability, phases and latency from a record. Definitions: `docs/measurement.md`.

pub mod alerts;
pub mod assemble;
pub mod availability;
pub mod capacity;
pub mod distance;
pub mod divergence;
mod dual;
pub mod event;
pub mod figures;
#[cfg(test)]
pub(crate) mod fixture;
pub mod format;
pub mod lane;
pub mod loss;
pub mod outage;
pub mod phases;
pub mod recovery;
pub mod redundancy;
pub mod rto;
pub mod scan;
pub mod shard;
pub mod staleness;
pub mod visibility;
pub mod windows;

pub use alerts::{AlertFigures, AlertWish};
pub use assemble::measure;
pub use figures::{
    Allowance, Availability, Distance, EventFigures, EventLoss, Exposure, Figure, Figures,
    Integrity, LaneOutage, LatencySummary, Loss, LostWrite, Phase, ShardFigures, Staleness,
    Uncertainty, Visibility,
};
