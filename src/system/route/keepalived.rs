//! A floating address: a Keepalived beside each node moves it to the one that says that it is primary.
//!
//! Each asks its own node's server. One whose server is no primary never claims the address (VRRP's fault state); one whose
//! server has become primary claims it after three advertisements without a word from another (RFC 5798,
//! `Master_Down_Interval`).

use std::net::IpAddr;

use crate::{
    id::NodeName,
    record::{Member, MemberKind},
    runtime::{NodeFile, NodeSpec},
    system::{
        Deploy, SettingKind, SettingSpec, SystemError,
        roster::{Roster, Seat},
        settings::Values,
    },
};

use super::{Check, filled_in};

/// The route by which clients reach the primary at a floating address.
pub const ROUTE: &str = "keepalived";

/// The image, which no registry has: `docker/keepalived` builds it.
pub const IMAGE: &str = "drdrill.local/keepalived:1";

/// Where Keepalived is told everything.
pub const CONFIG_PATH: &str = "/drdrill/keepalived.conf";

/// The name under which the address is reserved, and known in the nodes.
const ADDRESS: &str = "floating";

/// What the names of the nodes begin with that run Keepalived.
const AGENT: &str = "keepalived";

/// Where it finds what asks its node.
const CHECK_PATH: &str = "/drdrill/primary";

/// Memory of one; it uses some megabytes.
const MEMORY_MIB: u32 = 64;

/// The priority of the first node's; each further one's is one lower.
const PRIORITY: usize = 200;

/// Settings that only Keepalived has.
pub const SETTINGS: [SettingSpec; 1] = [SettingSpec {
    name: "advert-interval",
    kind: SettingKind::Duration,
    default: "1s",
    help: "how often the Keepalived that holds the address says so (`advert_int`); another one claims it after three of them without a word; Keepalived's default",
}];

/// A Keepalived for each node, on the same machine.
pub fn members(data: &[Member]) -> Vec<Member> {
    let beside = |(number, one): (usize, &Member)| Member {
        name: NodeName::new(format!("{AGENT}{number}")),
        kind: MemberKind::Route,
        address: String::new(),
        host: one.host.clone(),
        image: IMAGE.into(),
    };
    let holders = data.iter().filter(|one| one.kind == MemberKind::Data);
    (1..).zip(holders).map(beside).collect()
}

/// Whether this member is one: it has no network of its own, but that of the node on its machine.
pub fn is_agent(name: &NodeName) -> bool {
    name.as_str().starts_with(AGENT)
}

/// Reserves the address that floats.
pub(super) async fn reserve(deploy: &Deploy) -> Result<IpAddr, SystemError> {
    let reserved = deploy.runtime.reserve(&[NodeName::new(ADDRESS)]).await?;
    let none = || SystemError::Refused("no floating address was reserved".into());
    reserved.first().map(|(_, ip)| *ip).ok_or_else(none)
}

/// Each in the network of its node.
pub(super) fn specs(
    address: IpAddr,
    agents: &[NodeName],
    roster: &Roster,
    image: &str,
    values: Values<'_>,
    check: Check,
) -> Result<Vec<NodeSpec>, SystemError> {
    let nodes: Vec<&Seat> = roster.data().collect();
    let spec = |(number, agent): (usize, &NodeName)| {
        let text = config(address, number, &nodes, values)?;
        Ok(NodeSpec {
            name: agent.clone(),
            image: image.to_owned(),
            entrypoint: Vec::new(),
            command: Vec::new(),
            env: Vec::new(),
            files: vec![
                NodeFile::text(CONFIG_PATH, 0o644, &text),
                NodeFile::text(CHECK_PATH, 0o755, check.script),
            ],
            memory_mib: MEMORY_MIB,
            sidecar: false,
            beside: Some(nodes[number].name.clone()),
        })
    };
    agents
        .iter()
        .take(nodes.len())
        .enumerate()
        .map(spec)
        .collect()
}

/// The first node begins with the address; among several that say that they are primary the first one wins.
fn config(
    address: IpAddr,
    number: usize,
    nodes: &[&Seat],
    values: Values<'_>,
) -> Result<String, SystemError> {
    let own = nodes[number];
    let peers = nodes.iter().filter(|peer| peer.name != own.name);
    let peers: Vec<String> = peers.map(|peer| peer.address.ip().to_string()).collect();
    let advert = values.duration("advert-interval")?.as_secs_f64();
    let words = [
        ("@NODE@", own.name.to_string()),
        (
            "@STATE@",
            (if number == 0 { "MASTER" } else { "BACKUP" }).to_owned(),
        ),
        ("@PRIORITY@", (PRIORITY - number).to_string()),
        ("@ADVERT@", advert.to_string()),
        (
            "@INTERVAL@",
            values.duration("check-interval")?.as_secs().to_string(),
        ),
        ("@FALL@", values.count("check-fall")?.to_string()),
        ("@RISE@", values.count("check-rise")?.to_string()),
        ("@OWN@", own.address.ip().to_string()),
        ("@PEERS@", peers.join("\n        ")),
        ("@ADDRESS@", address.to_string()),
    ];
    Ok(filled_in(include_str!("keepalived.conf"), &words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        scenario::SystemSpec,
        system::{route::Kind, settings::filled},
    };

    #[test]
    fn each_keepalived_speaks_with_the_others_and_nothing_is_left_to_fill_in() {
        let data = |n: u8| Member {
            name: NodeName::new(format!("r{n}")),
            kind: MemberKind::Data,
            address: format!("10.0.0.{n}:6379"),
            host: format!("r{n}"),
            image: String::new(),
        };
        let roster = Roster::new(&[data(1), data(2), data(3)]).expect("addresses");
        let agents = ["keepalived1", "keepalived2", "keepalived3"].map(NodeName::new);
        let spec = SystemSpec {
            settings: [("advert-interval".to_owned(), "500ms".to_owned())].into(),
            ..SystemSpec::default()
        };
        let settings = filled(&Kind::Keepalived.settings(), &spec);
        let check = Check {
            script: "#!/bin/sh",
            dialogue: None,
            port: 6379,
        };
        let address = "10.0.0.9".parse().expect("an address");
        let specs = specs(address, &agents, &roster, "image", Values(&settings), check);
        let specs = specs.expect("nodes");
        assert_eq!(specs[1].beside, Some(NodeName::new("r2")));
        let text = String::from_utf8(specs[1].files[0].bytes.clone()).expect("text");
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for line in [
            "state BACKUP",
            "priority 199",
            "advert_int 0.5",
            "unicast_src_ip 10.0.0.2",
            "10.0.0.1",
            "10.0.0.3",
            "10.0.0.9",
            "interval 1",
            "fall 2",
        ] {
            assert!(lines.contains(&line), "{line}: {text}");
        }
        assert!(!text.contains('@'), "{text}");
    }
}
