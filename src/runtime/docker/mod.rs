//! Containers as machines: one network per run, fixed addresses, sidecars, and the run's label on everything.

mod among;
mod attached;
mod container;
mod create;
mod disk;
mod engine;
mod events;
mod exec;
mod facts;
mod found;
mod given_back;
mod halted;
mod images;
mod lease;
mod machine;
mod network;
mod node;
mod removal;
mod signal;
mod start;
mod sweeper;

pub use engine::Engine;
pub use found::{Looked, look};
pub use machine::DockerRuntime;
pub use network::AddressBase;
pub use node::Options;
pub use sweeper::DockerSweeper;
