//! Logical replication: a server in another region that subscribes to the tables of a primary, and takes over by runbook.

mod deploy;
mod effective;
mod health;
mod moves;
mod observe;
mod ready;
mod rearm;
mod running;
mod status;
mod tables;

pub use deploy::deploy;

/// The subscription's name at whoever subscribes, as `files/logical.sh` has it.
const SUBSCRIPTION: &str = "drdrill";
