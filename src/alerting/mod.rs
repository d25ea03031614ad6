//! Prometheus and Alertmanager beside a stack: brought up, proven to work, watched, and heard.

mod api;
mod config;
mod deploy;
mod design;
mod prove;
mod receiver;
mod seen;
mod watch;

pub use deploy::{Raised, raise};
pub use design::{AlertingDesign, RuleFile, alertmanager, prometheus};
