//! How Prometheus sees a system: its exporter, one beside each member that holds data, and the rules shipped for it.

use std::net::SocketAddr;

use crate::runtime::NodeFile;

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
