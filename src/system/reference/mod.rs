//! The reference store: a small primary/replica store of drdrill's own, whose outages, delays and defects are
//! known. It is the instrument's standard weight and a first drill without containers; not a product.

mod asked;
mod backup;
mod client;
pub mod defect;
mod design;
pub mod node;
mod running;
pub mod wire;

pub use design::Reference;
