//! PostgreSQL: streaming and logical replication with a runbook, and Patroni with etcd behind HAProxy.

mod abandoned;
mod app;
mod asked;
mod backup;
mod bounds;
mod client;
mod deploy;
mod design;
mod effective;
mod element;
mod etcd;
mod exporter;
mod finals;
mod flow;
mod frontend;
mod haproxy;
mod health;
mod logical;
mod moves;
mod observe;
mod options;
mod outcome;
mod patroni;
mod ready;
mod rearm;
mod running;
mod shape;
mod sql;
mod status;
mod streaming;
mod tls;

pub use client::{ServiceClient, Target};
pub use design::Postgres;
pub use element::Elements;
pub use outcome::outcome_of;
