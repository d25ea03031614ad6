//! Toxiproxy in front of the nodes of a stack: one server, and a proxy for each node and kind of link.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use serde_json::json;

use crate::{
    id::NodeName,
    net::{Dialogue, Passage, Toxiproxy},
    record::{Member, MemberKind, Setting},
    runtime::{NodeFile, NodeSpec, Runtime},
    scenario::StreamLink,
};

use super::{
    Design, SystemError,
    roster::{Door, Roster},
    settings::Values,
    started::listening,
};

/// The official image of the newest version whose Go module can be had: `docker/toxiproxy` builds the same one.
pub const IMAGE: &str = "ghcr.io/shopify/toxiproxy:2.5.0";

/// The route by which clients reach nodes through Toxiproxy, and the setting's word for followers that do.
pub const ROUTE: &str = "toxiproxy";

/// The setting that says how followers reach a node.
pub const SETTING: &str = "replication";

/// The server's node.
const NODE: &str = "toxiproxy1";

/// Where the server's interface listens: its default.
pub const PORT: u16 = 8474;

/// Where the proxies before the first node listen; each further node's is one higher.
const CLIENTS_PORT: u16 = 21_000;
const REPLICATION_PORT: u16 = 22_000;

/// Where the server finds its proxies when it starts, so that they are there after a restart too.
const CONFIG_PATH: &str = "/drdrill/proxies.json";

/// Memory of the server; it uses some tens of megabytes, and buffers what is late.
const MEMORY_MIB: u32 = 256;

/// The longest wait for the server to list its proxies.
const LISTEN_LIMIT: Duration = Duration::from_secs(20);

/// The proxies of a stack.
#[derive(Debug, Clone)]
pub struct Proxied {
    /// The server's node.
    pub node: NodeName,
    /// Its interface.
    pub server: Toxiproxy,
    /// The proxies.
    pub doors: Vec<Door>,
    /// How one speaks with the nodes behind them.
    pub dialogue: &'static dyn Dialogue,
}

/// The links of a design that pass Toxiproxy.
pub fn links(design: &Design) -> Vec<StreamLink> {
    let clients = design.route == ROUTE;
    let replication = Values::of(design).word(SETTING) == ROUTE;
    let clients = clients.then_some(StreamLink::Clients);
    let replication = replication.then_some(StreamLink::Replication);
    clients.into_iter().chain(replication).collect()
}

/// The member that a stack with proxies has.
pub fn member() -> Member {
    Member::alone(NODE, MemberKind::Route, IMAGE)
}

/// Whether this member is the proxies' server.
pub fn is_server(name: &NodeName) -> bool {
    name.as_str() == NODE
}

/// The name of the proxy before a node.
pub fn door_name(node: &NodeName, link: StreamLink) -> String {
    match link {
        StreamLink::Clients => format!("clients-{node}"),
        StreamLink::Replication => format!("replication-{node}"),
    }
}

impl Proxied {
    /// The proxies for these links, in a stack that has a server for them.
    pub fn of(
        roster: &Roster,
        links: &[StreamLink],
        dialogue: &'static dyn Dialogue,
    ) -> Option<Self> {
        let server = roster
            .of(MemberKind::Route)
            .find(|seat| is_server(&seat.name))?;
        let ip: IpAddr = server.address.ip();
        let before = |link: StreamLink| {
            let first = match link {
                StreamLink::Clients => CLIENTS_PORT,
                StreamLink::Replication => REPLICATION_PORT,
            };
            (first..).zip(roster.data()).map(move |(port, seat)| Door {
                node: seat.name.clone(),
                link,
                address: SocketAddr::new(ip, port),
            })
        };
        Some(Self {
            node: server.name.clone(),
            server: Toxiproxy::new(server.address),
            doors: links.iter().flat_map(|link| before(*link)).collect(),
            dialogue,
        })
    }

    fn passages(&self, roster: &Roster) -> Result<Vec<Passage>, SystemError> {
        let passage = |door: &Door| {
            Ok(Passage {
                name: door_name(&door.node, door.link),
                listen: format!("0.0.0.0:{}", door.address.port()),
                upstream: roster.named(&door.node)?.address.to_string(),
                enabled: true,
            })
        };
        self.doors.iter().map(passage).collect()
    }

    /// The server's node.
    ///
    /// # Errors
    /// When a proxy leads to nobody.
    pub fn spec(&self, roster: &Roster, image: &str) -> Result<NodeSpec, SystemError> {
        let proxies: Vec<_> = self
            .passages(roster)?
            .iter()
            .map(|passage| {
                json!({ "name": passage.name, "listen": passage.listen, "upstream": passage.upstream, "enabled": true })
            })
            .collect();
        Ok(NodeSpec {
            name: self.node.clone(),
            image: image.to_owned(),
            entrypoint: Vec::new(),
            command: vec!["-host=0.0.0.0".into(), format!("-config={CONFIG_PATH}")],
            env: vec![("LOG_LEVEL".into(), "warn".into())],
            files: vec![NodeFile {
                path: PathBuf::from(CONFIG_PATH),
                mode: 0o644,
                bytes: json!(proxies).to_string().into_bytes(),
            }],
            memory_mib: MEMORY_MIB,
            sidecar: true,
            beside: None,
        })
    }

    /// Waits until the started server lists exactly the proxies that are wanted; returns what it says, as settings read
    /// back.
    ///
    /// # Errors
    /// When it ends, or does not list them in time.
    pub async fn listening(
        &self,
        roster: &Roster,
        runtime: &dyn Runtime,
    ) -> Result<Vec<Setting>, SystemError> {
        let port = |listen: &str| listen.rsplit(':').next().map(str::to_owned);
        let key = |passage: &Passage| {
            let ends = (port(&passage.listen), passage.upstream.clone());
            (passage.name.clone(), (ends, passage.enabled))
        };
        let wanted: BTreeMap<_, _> = self.passages(roster)?.iter().map(key).collect();
        let wanted = &wanted;
        let ask = || async move {
            let there = self.server.passages().await;
            let there = there.map_err(|error| error.to_string())?;
            let found: BTreeMap<_, _> = there.iter().map(key).collect();
            if found == *wanted {
                Ok(())
            } else {
                Err(format!("lists {there:?}"))
            }
        };
        listening(runtime, &self.node, LISTEN_LIMIT, ask).await?;
        let version = self.server.version().await;
        let version = version.map_err(|error| SystemError::Refused(error.to_string()))?;
        Ok(vec![
            self.setting("version", version),
            self.setting(
                "proxies",
                wanted.keys().cloned().collect::<Vec<_>>().join(", "),
            ),
        ])
    }

    fn setting(&self, name: &str, value: String) -> Setting {
        Setting {
            name: format!("toxiproxy {name}"),
            value,
            source: format!("{}: its interface", self.node),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Nothing;

    impl Dialogue for Nothing {
        fn greeting(&self) -> Vec<u8> {
            Vec::new()
        }

        fn request(&self, _: usize) -> Vec<u8> {
            Vec::new()
        }

        fn whole(&self, _: &[u8]) -> bool {
            false
        }

        fn farewell(&self) -> Vec<u8> {
            Vec::new()
        }
    }

    fn roster(proxied: bool) -> Roster {
        let data = |n: u8| Member {
            name: NodeName::new(format!("r{n}")),
            kind: MemberKind::Data,
            address: format!("10.0.0.{n}:6379"),
            host: format!("r{n}"),
            image: "redis:8".into(),
        };
        let mut members = vec![data(1), data(2)];
        if proxied {
            members.push(Member {
                address: format!("10.0.0.9:{PORT}"),
                ..member()
            });
        }
        Roster::new(&members).expect("addresses")
    }

    #[test]
    fn each_node_has_a_proxy_for_each_kind_of_link() {
        let links = [StreamLink::Clients, StreamLink::Replication];
        assert!(Proxied::of(&roster(false), &links, &Nothing).is_none());
        let roster = roster(true);
        let proxied = Proxied::of(&roster, &links, &Nothing).expect("proxies");
        let spec = proxied.spec(&roster, "image").expect("a node");
        let config: serde_json::Value = serde_json::from_slice(&spec.files[0].bytes).expect("JSON");
        assert_eq!(config.as_array().map(Vec::len), Some(4));
        assert_eq!(
            config[3],
            json!({ "name": "replication-r2", "listen": "0.0.0.0:22001", "upstream": "10.0.0.2:6379", "enabled": true })
        );
        let roster = roster.through(proxied.doors);
        let seat = roster.named(&NodeName::new("r2")).expect("a seat");
        let way = roster.way(seat, StreamLink::Clients);
        assert_eq!(way.to_string(), "10.0.0.9:21001");
        assert_eq!(roster.behind(way), Some(seat));
        assert_eq!(roster.behind(seat.address), Some(seat));
        assert_eq!(roster.way_to(seat.address, StreamLink::Clients), way);
    }
}
