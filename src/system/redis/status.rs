//! A node's own view, from `INFO replication`.

use std::net::{IpAddr, SocketAddr};

use crate::{
    id::NodeName,
    record::{Role, View},
    system::roster::{Roster, Seat},
};

/// What a node says of its replication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Whether it is a primary.
    pub primary: bool,
    /// Whom it follows, by the name or address that it was told, and the port.
    pub leader: Option<(String, u16)>,
    /// Whether its link to the primary is up; true for a primary.
    pub linked: bool,
    /// Its position in the replication stream, bytes.
    pub offset: u64,
    /// How many replicas are attached to it.
    pub replicas: u64,
    /// Its priority for failover; 0 means never.
    pub priority: u64,
}

impl Status {
    /// Reads the answer to `INFO replication`.
    pub fn parse(info: &str) -> Option<Self> {
        let field = |name: &str| {
            info.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                .map(str::trim)
        };
        let number = |name: &str| field(name).and_then(|text| text.parse().ok());
        let primary = field("role")? == "master";
        let host = field("master_host").map(str::to_owned);
        let port = field("master_port").and_then(|port| port.parse().ok());
        let offset = if primary {
            "master_repl_offset"
        } else {
            "slave_repl_offset"
        };
        Some(Self {
            primary,
            leader: host.zip(port),
            linked: primary || field("master_link_status") == Some("up"),
            offset: number(offset)?,
            replicas: number("connected_slaves").unwrap_or(0),
            priority: number("slave_priority").unwrap_or(100),
        })
    }

    /// The member that it follows, whichever way leads there.
    pub fn follows<'r>(&self, roster: &'r Roster) -> Option<&'r Seat> {
        let (host, port) = self.leader.as_ref()?;
        match host.parse::<IpAddr>() {
            Ok(ip) => roster.behind(SocketAddr::new(ip, *port)),
            Err(_) => roster.named(&NodeName::new(host)).ok(),
        }
    }

    /// Whether it follows whoever listens at this very address.
    pub fn follows_at(&self, address: SocketAddr) -> bool {
        self.leader == Some((address.ip().to_string(), address.port()))
    }

    /// The view of a node that answered this, or did not answer.
    pub fn view(status: Option<&Self>, node: &NodeName, roster: &Roster, leading: u64) -> View {
        let role = match status {
            None => Role::Unreachable,
            Some(status) if status.primary => Role::Primary,
            Some(_) => Role::Replica,
        };
        let follows = status.and_then(|status| {
            let (host, port) = status.leader.as_ref()?;
            let seat = status.follows(roster).map(|seat| seat.name.to_string());
            Some(seat.unwrap_or_else(|| format!("{host}:{port}")))
        });
        View {
            node: node.clone(),
            role,
            term: None,
            position: status.map(|status| status.offset),
            lag: status.map(|status| match status.primary {
                true => 0,
                false => leading.saturating_sub(status.offset),
            }),
            follows,
            eligible: status.map(|status| status.linked && (status.primary || status.priority > 0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primaries_and_replicas_are_read() {
        let primary =
            "# Replication\r\nrole:master\r\nconnected_slaves:2\r\nmaster_repl_offset:812\r\n";
        let expected = Status {
            primary: true,
            leader: None,
            linked: true,
            offset: 812,
            replicas: 2,
            priority: 100,
        };
        assert_eq!(Status::parse(primary), Some(expected));
        let replica = "role:slave\r\nmaster_host:10.0.0.2\r\nmaster_port:6379\r\nmaster_link_status:down\r\n\
            slave_repl_offset:800\r\nslave_priority:0\r\nconnected_slaves:0\r\nmaster_repl_offset:800\r\n";
        let expected = Status {
            primary: false,
            leader: Some(("10.0.0.2".into(), 6379)),
            linked: false,
            offset: 800,
            replicas: 0,
            priority: 0,
        };
        assert_eq!(Status::parse(replica), Some(expected));
        assert_eq!(Status::parse("# Server\r\n"), None);
    }
}
