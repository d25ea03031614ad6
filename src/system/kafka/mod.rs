//! Kafka in KRaft mode: nodes that are broker and controller at once, one partition that the workload writes to.

mod app;
mod bounds;
mod brokers;
mod client;
mod clock;
mod config;
mod deploy;
mod design;
mod driver;
mod effective;
mod element;
mod exporter;
mod group;
mod log;
mod moves;
mod observe;
mod outcome;
mod produce;
mod producer;
mod questions;
mod ready;
mod rearm;
mod redundancy;
mod running;
mod wire;

pub use design::Kafka;
