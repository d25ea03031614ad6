//! Calibration: plants known truths on real stacks, and lets `truth` compare them with what is measured.

mod aside;
mod green;
mod intrusion;
mod level;
mod observe;
pub mod real;
pub mod reference;
pub mod restores;

pub use level::{Level, calibrate};
pub use observe::{Field, observe};
