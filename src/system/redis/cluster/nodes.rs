//! What one node knows of the cluster, from `CLUSTER NODES` and `CLUSTER INFO`.

use std::net::{IpAddr, SocketAddr};

/// One node as another one (or itself) knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its id.
    pub id: String,
    /// Where clients reach it; none while that is not known.
    pub address: Option<SocketAddr>,
    /// Its flags, for instance `myself`, `master`, `fail?`.
    pub flags: Vec<String>,
    /// The id of the node that it follows.
    pub follows: Option<String>,
    /// The epoch of its configuration.
    pub epoch: u64,
    /// Whether the bus link to it is up.
    pub linked: bool,
    /// The slots that it owns.
    pub slots: Vec<(u16, u16)>,
}

impl Known {
    fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [
            id,
            address,
            flags,
            follows,
            _ping,
            _pong,
            epoch,
            link,
            slots @ ..,
        ] = words.as_slice()
        else {
            return None;
        };
        Some(Self {
            id: (*id).to_owned(),
            address: address_of(address),
            flags: flags.split(',').map(str::to_owned).collect(),
            follows: (*follows != "-").then(|| (*follows).to_owned()),
            epoch: epoch.parse().ok()?,
            linked: *link == "connected",
            // Slots that are being moved stand in brackets; nothing here moves any.
            slots: slots.iter().filter_map(|range| range_of(range)).collect(),
        })
    }

    /// Whether it carries this flag.
    pub fn is(&self, flag: &str) -> bool {
        self.flags.iter().any(|own| own == flag)
    }

    /// Whether it owns this slot.
    pub fn owns(&self, slot: u16) -> bool {
        let mut slots = self.slots.iter();
        slots.any(|(first, last)| (*first..=*last).contains(&slot))
    }
}

/// Reads `ip:port@bus` with what may follow it.
fn address_of(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split('@').next()?.rsplit_once(':')?;
    let ip: IpAddr = ip.parse().ok()?;
    Some(SocketAddr::new(ip, port.parse().ok()?))
}

fn range_of(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// Reads the answer to `CLUSTER NODES`.
pub fn nodes(text: &str) -> Vec<Known> {
    text.lines().filter_map(Known::parse).collect()
}

/// A node's own word on the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Whether it takes the cluster for able to serve: then it answers clients.
    pub ok: bool,
    /// The slots that it takes for covered.
    pub covered: u16,
    /// The epoch of its configuration, or of its primary's.
    pub epoch: u64,
}

impl State {
    /// Reads the answer to `CLUSTER INFO`.
    pub fn parse(info: &str) -> Option<Self> {
        let field = |name: &str| {
            let mut lines = info.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        };
        Some(Self {
            ok: field("cluster_state")?.trim() == "ok",
            covered: field("cluster_slots_ok")?.trim().parse().ok()?,
            epoch: field("cluster_my_epoch")?.trim().parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_read_with_flags_links_and_slots() {
        let text = "\
            aa 10.0.0.2:6379@16379 myself,master - 0 1426238317239 4 connected 0-5460 9000\n\
            bb 10.0.0.3:6379@16379,,shard-id=69bc master,fail? - 1 2 2 disconnected 5461-8999\n\
            cc 10.0.0.4:6379@16379 slave,nofailover aa 0 3 4 connected\n\
            dd :0@0 handshake - 0 0 0 disconnected\n";
        let nodes = nodes(text);
        assert_eq!(nodes.len(), 4);
        assert!(nodes[0].is("myself") && nodes[0].owns(9000) && !nodes[0].owns(9001));
        assert_eq!(nodes[0].address, "10.0.0.2:6379".parse().ok());
        assert!(nodes[1].is("fail?") && !nodes[1].is("fail") && !nodes[1].linked);
        assert_eq!(nodes[2].follows.as_deref(), Some("aa"));
        assert_eq!((nodes[2].epoch, nodes[3].address), (4, None));
    }

    #[test]
    fn the_state_is_the_nodes_own_word() {
        let info = "cluster_enabled:1\r\ncluster_state:fail\r\ncluster_slots_ok:10923\r\ncluster_my_epoch:3\r\n";
        let expected = State {
            ok: false,
            covered: 10_923,
            epoch: 3,
        };
        assert_eq!(State::parse(info), Some(expected));
        assert_eq!(State::parse("cluster_enabled:0\r\n"), None);
    }
}
