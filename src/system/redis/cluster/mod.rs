//! Redis and Valkey Cluster: shards of a primary and a replica each, which decide among themselves.

mod app;
mod bounds;
mod design;
mod effective;
mod form;
mod look;
mod moves;
mod nodes;
mod observe;
mod ready;
mod rearm;
mod redundancy;
mod running;
mod seeds;
mod slots;

pub use design::{CLUSTER, SETTINGS, arguments, design, topology};
pub use form::deploy;
pub use seeds::Seeds;
