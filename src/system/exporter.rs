//! How Prometheus sees a system: its exporter, one beside each member that holds data, its failover machinery, and the rules
//! shipped for them.

use std::net::SocketAddr;

use crate::{id::NodeName, runtime::NodeFile};

/// The exporter of a system.
#[derive(Debug, Clone, Copy)]
pub struct Exporter {
    /// The job under which it is scraped: what the shipped rules name, also for systems that share them.
    pub job: &'static str,
    /// Its image.
    pub image: &'static str,
    /// Where it listens.
    pub port: u16,
    /// The metric that is 1 while the exporter reaches its member.
    pub up: &'static str,
    /// Its arguments for the member at an address.
    pub arguments: fn(SocketAddr) -> Vec<String>,
    /// Its environment for the member at an address.
    pub env: fn(SocketAddr) -> Vec<(String, String)>,
    /// Its files for the member at an address.
    pub files: fn(SocketAddr) -> Vec<NodeFile>,
    /// The rules shipped for the system, as a file of Prometheus' rules.
    pub rules: &'static str,
}

/// A part of the failover machinery that Prometheus asks: what finds a dead primary, or leads clients to the next one.
#[derive(Debug, Clone)]
pub struct Machinery {
    /// The job under which it is scraped: what the shipped rules name.
    pub job: &'static str,
    /// The members of the stack that it is, or stands on.
    pub nodes: Vec<NodeName>,
    /// Who answers Prometheus.
    pub scraped: Scraped,
    /// The rules shipped for it, as a file of Prometheus' rules.
    pub rules: &'static str,
}

/// Who answers Prometheus for a part of the failover machinery.
#[derive(Debug, Clone, Copy)]
pub enum Scraped {
    /// It does so itself, at this port.
    Itself(u16),
    /// The system's exporter beside it.
    ByExporter,
}
