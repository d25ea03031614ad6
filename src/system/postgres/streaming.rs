//! Nodes with streaming replication: how they are started, repointed and brought back.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use crate::{
    id::NodeName,
    runtime::{NodeFile, Runtime},
    scenario::StreamLink,
    system::{SystemError, roster::Seat},
};

use super::deploy::Plan;

/// The script that starts a node.
pub const START: &str = include_str!("files/start.sh");

/// Programs that it needs.
pub const PROGRAMS: &[&str] = &[
    "sh",
    "cat",
    "chown",
    "id",
    "mkdir",
    "initdb",
    "postgres",
    "pg_basebackup",
    "pg_rewind",
    "psql",
];

/// Its place in the node.
pub const START_PATH: &str = "/drdrill/start.sh";

/// The file that makes a node's next start a return to another primary.
const REJOIN_PATH: &str = "/drdrill/rejoin";

/// The longest a replica may take to turn to another primary; it takes 0.3 s.
const REPOINT_LIMIT: Duration = Duration::from_secs(15);

/// Whom a replica follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    /// Where the primary is: for copies, rewinds and slots.
    pub address: SocketAddr,
    /// Where it is streamed from: at its own address, or through a proxy.
    pub streams: SocketAddr,
    /// Its name, where replicas look it up to stream.
    pub name: Option<NodeName>,
}

impl Leader {
    /// As the script takes it: the primary's address, and host and port to stream from.
    fn words(&self) -> String {
        let name = self.name.as_ref().map(ToString::to_string);
        let streams = name.unwrap_or_else(|| self.streams.ip().to_string());
        let port = self.streams.port();
        format!("{} {streams} {port}", self.address.ip())
    }
}

/// What a node is told at its start.
pub fn env(plan: &Plan<'_>, seat: &Seat) -> Vec<(&'static str, String)> {
    let first = plan.roster.data().next();
    let role = if first == Some(seat) {
        "primary"
    } else {
        "replica"
    };
    let leader = first.map(|seat| Leader {
        address: seat.address,
        streams: plan.roster.way(seat, StreamLink::Replication),
        name: plan.shape.names.then(|| seat.name.clone()),
    });
    vec![
        ("DRDRILL_NODE", seat.name.to_string()),
        ("DRDRILL_ROLE", role.to_owned()),
        (
            "DRDRILL_PRIMARY",
            leader.map_or_else(String::new, |leader| leader.words()),
        ),
        ("DRDRILL_SETTINGS", plan.settings()),
    ]
}

/// Makes a running replica follow another primary.
///
/// # Errors
/// What the script said.
pub async fn repoint(
    runtime: &dyn Runtime,
    node: &NodeName,
    leader: &Leader,
) -> Result<(), SystemError> {
    let words = leader.words();
    let argv: Vec<&str> = ["sh", START_PATH, "repoint"]
        .into_iter()
        .chain(words.split(' '))
        .collect();
    let output = runtime.exec(node, &argv, REPOINT_LIMIT).await?;
    if output.code == 0 {
        return Ok(());
    }
    let said = output.stderr.trim();
    Err(SystemError::Refused(format!(
        "`{node}` could not be made to follow {}: {said}",
        leader.address.ip()
    )))
}

/// Lets a stopped node's next start rewind its data onto another primary, and follow that.
///
/// # Errors
/// When the file cannot be put into the node.
pub async fn rejoin_at_start(
    runtime: &dyn Runtime,
    node: &NodeName,
    leader: &Leader,
) -> Result<(), SystemError> {
    let file = NodeFile {
        path: PathBuf::from(REJOIN_PATH),
        mode: 0o644,
        bytes: leader.words().into_bytes(),
    };
    Ok(runtime.upload(node, &[file]).await?)
}
