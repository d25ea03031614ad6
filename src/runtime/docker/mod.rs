//! Containers as machines: one network per run, fixed addresses, sidecars, and the run's label on everything.

mod container;
mod engine;
mod exec;
mod facts;
mod images;
mod machine;
mod network;
mod removal;
mod signal;
mod sweeper;

pub use engine::Engine;
pub use machine::{DockerRuntime, Options};
pub use network::AddressBase;
pub use sweeper::DockerSweeper;
