//! Planted truths against what was measured: the lines of a calibration, and the definitions written once more.

pub mod control;
pub mod cores;
mod definitions;
mod definitions_loss;
pub mod disk;
pub mod exact;
mod held;
pub mod intrusion;
pub mod line;
pub mod loss;
pub mod outage;
pub mod restores;
pub mod stop;
mod synthetic;
pub mod witness;

pub use line::{Acceptance, Calibration, Line};
