//! MySQL and MariaDB: replication by GTID with a runbook, and groups that fail over by themselves.

mod app;
mod asked;
mod backup;
mod bounds;
mod client;
mod deploy;
mod design;
mod effective;
mod element;
mod exporter;
mod finals;
mod group;
mod gtid;
mod health;
mod kind;
mod lead;
mod members;
mod moves;
mod observe;
mod outcome;
mod ready;
mod rearm;
mod rejoin;
mod running;
mod shape;
mod sql;
mod statements;
mod status;
mod tools;

pub use client::{ServiceClient, Target};
pub use design::MySql;
pub use element::Elements;
