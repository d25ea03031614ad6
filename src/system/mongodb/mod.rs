//! MongoDB: a replica set that elects its primary, and shards of them behind routers.

mod app;
mod bounds;
mod client;
mod concern;
mod delayed;
mod deploy;
mod design;
mod directory;
mod effective;
mod element;
mod exporter;
mod finals;
mod moves;
mod observe;
mod outcome;
mod ready;
mod rearm;
mod redundancy;
mod rolled_back;
mod running;
mod set;
pub mod sharded;
mod status;
mod wire;

pub use client::{ServiceClient, Target};
pub use concern::Concern;
pub use design::MongoDb;
pub use element::Elements;
pub use set::ReplicaSet;
