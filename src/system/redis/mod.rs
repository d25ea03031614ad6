//! Redis and Valkey: one primary and its replicas, watched by sentinels or not, and clusters of several.

mod app;
mod asked;
mod attach;
mod backup;
mod bounds;
mod client;
mod cluster;
mod deploy;
mod design;
mod dump;
mod effective;
mod element;
mod exporter;
mod link;
mod moves;
mod observe;
mod outcome;
mod ready;
mod rearm;
mod redundancy;
mod resp;
mod running;
mod sentinel;
mod status;

pub use client::{RedisClient, Target};
pub use design::Redis;
pub use element::Keys;
pub use outcome::{Phase, outcome_of};
pub use sentinel::Directory;
