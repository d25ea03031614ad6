//! How a stack is shaped: a design's settings, read.

use std::time::Duration;

use crate::system::{Design, SystemError, rows::Isolation, settings::Values};

use super::{backup::Tool, options, pushed, tls};

/// What an acknowledged write has reached besides the primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synchronous {
    /// Nothing.
    Off,
    /// The disk of one replica.
    On,
    /// The readers of one replica.
    RemoteApply,
}

/// Who decides that a replica takes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    /// A person, by runbook.
    Operator,
    /// Patroni, with these timings.
    Patroni(Timings),
}

/// Patroni's and HAProxy's timings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
    /// How long the leader's key lives in etcd without being renewed.
    pub ttl: Duration,
    /// How often Patroni looks, and renews it.
    pub loop_wait: Duration,
    /// How long Patroni retries PostgreSQL and etcd.
    pub retry_timeout: Duration,
    /// The most bytes that a replica may be behind to become leader.
    pub maximum_lag: u64,
    /// Whether an agent that was killed is started again.
    pub agent_restarts: bool,
    /// How often HAProxy checks a node.
    pub inter: Duration,
    /// After how many failed checks a node is down.
    pub fall: u64,
    /// After how many good checks a node is up.
    pub rise: u64,
}

/// A stack's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// What an acknowledged write has reached.
    pub synchronous: Synchronous,
    /// Connections that a server takes at most.
    pub max_connections: u64,
    /// How transactions of transfers are kept apart.
    pub isolation: Isolation,
    /// Whether the server forces its log to disk.
    pub fsync: bool,
    /// Whether replicas look their primary up by name.
    pub names: bool,
    /// Whether servers present certificates, which clients and replicas verify.
    pub tls: bool,
    /// The tool by which backups are kept, if they are.
    pub backup: Option<Tool>,
    /// Who decides.
    pub keeper: Keeper,
}

impl Shape {
    /// Reads a design.
    ///
    /// # Errors
    /// When a value cannot be read; the scenario's check refuses such a file before.
    pub fn of(design: &Design) -> Result<Self, SystemError> {
        let values = Values::of(design);
        let keeper = match design.topology {
            "patroni" => Keeper::Patroni(Timings::of(values)?),
            _ => Keeper::Operator,
        };
        Ok(Self {
            synchronous: match values.word("synchronous") {
                "on" => Synchronous::On,
                "remote-apply" => Synchronous::RemoteApply,
                _ => Synchronous::Off,
            },
            max_connections: values.count("max-connections")?,
            isolation: Isolation::of(values.word("isolation")),
            fsync: values.flag("fsync"),
            names: values.flag(options::NAMES),
            tls: values.flag(options::TLS),
            backup: Tool::of(values)?,
            keeper,
        })
    }

    /// The timings, if Patroni decides.
    pub fn timings(&self) -> Option<Timings> {
        match self.keeper {
            Keeper::Operator => None,
            Keeper::Patroni(timings) => Some(timings),
        }
    }

    /// Lines for `postgresql.conf`. With an operator any one of the named nodes confirms a synchronous
    /// write; Patroni chooses the standby itself.
    pub fn settings(&self, names: &[&str]) -> String {
        let on = |flag| if flag { "on" } else { "off" };
        let commit = match self.synchronous {
            Synchronous::Off | Synchronous::On => "on",
            Synchronous::RemoteApply => "remote_apply",
        };
        let mut lines = vec![
            format!("max_connections = {}", self.max_connections),
            format!("fsync = {}", on(self.fsync)),
            format!("synchronous_commit = {commit}"),
        ];
        if self.synchronous != Synchronous::Off && self.keeper == Keeper::Operator {
            let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
            let any = names.join(", ");
            lines.push(format!("synchronous_standby_names = 'ANY 1 ({any})'"));
        }
        if self.tls {
            lines.extend(tls::settings());
        }
        if let Some((command, timeout)) = self.backup.and_then(Tool::pushes) {
            lines.extend(pushed::settings(command, timeout));
        }
        lines.join("\n")
    }
}

impl Timings {
    fn of(values: Values<'_>) -> Result<Self, SystemError> {
        Ok(Self {
            ttl: values.duration("ttl")?,
            loop_wait: values.duration("loop-wait")?,
            retry_timeout: values.duration("retry-timeout")?,
            maximum_lag: values.count("maximum-lag-on-failover")?,
            agent_restarts: values.flag("agent-restarts"),
            inter: values.duration("haproxy-inter")?,
            fall: values.count("haproxy-fall")?,
            rise: values.count("haproxy-rise")?,
        })
    }
}
