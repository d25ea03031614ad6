//! MongoDB: a replica set that elects its primary.

mod app;
mod bounds;
mod client;
mod concern;
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
mod status;
mod wire;

pub use client::{ServiceClient, Target};
pub use concern::Concern;
pub use design::MongoDb;
pub use directory::Directory;
pub use element::Elements;
