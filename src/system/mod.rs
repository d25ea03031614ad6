//! Systems under drill: one folder each, and the one list of them in `catalogue`.

pub mod backups;
pub mod catalogue;
pub mod certified;
pub mod client;
pub mod consumers;
pub mod design;
pub mod endpoints;
pub mod etcd;
pub mod exporter;
pub mod http;
pub mod kafka;
pub mod mark;
pub mod mongodb;
pub mod mysql;
pub mod object_store;
pub mod opensearch;
pub mod outcome;
pub mod own;
pub mod patience;
pub mod postgres;
pub mod proxied;
pub mod redis;
pub mod reference;
pub mod reserve;
pub mod roster;
pub mod route;
pub mod rows;
pub mod running;
pub mod seen;
pub mod settings;
pub mod sql_outcome;
pub mod started;
pub mod wait;
pub mod watch;

pub use backups::{Backups, Until};
pub use client::{Client, Reply, Request, Subject};
pub use consumers::{Consumers, Group, SharedGroup};
pub use design::{
    Deploy, Description, Design, Issue, Logins, SettingKind, SettingSpec, System, TopologySpec,
};
pub use exporter::{Exporter, Machinery, Scraped};
pub use running::{
    ControlPlane, Observer, PlannedMove, Promote, Rearm, Redundancy, Running, Scripted,
    SharedRunning, SystemError, Told,
};
