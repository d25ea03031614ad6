//! One network per run: a free /24 out of a base, and a fixed address for every node.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    net::Ipv4Addr,
};

use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};

use crate::{
    id::{NodeName, RunId},
    runtime::RuntimeError,
};

use super::engine::{ACT, Engine, within};

/// How many subnets are tried before giving up.
const TRIES: u32 = 64;
/// The last byte of the first node's address; the gateway has 1.
const FIRST_NODE: u8 = 10;

/// The addresses that runs take their networks from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressBase {
    network: u32,
    prefix: u8,
}

impl AddressBase {
    /// `10.213.0.0/16`: room for 256 runs.
    pub const DEFAULT: Self = Self {
        network: u32::from_be_bytes([10, 213, 0, 0]),
        prefix: 16,
    };

    /// Reads for instance `10.213.0.0/16`; the prefix lies between 8 and 24.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let network = u32::from(address.parse::<Ipv4Addr>().ok()?);
        let prefix: u8 = prefix.parse().ok()?;
        let aligned =
            (8..=24).contains(&prefix) && network.trailing_zeros() >= 32 - u32::from(prefix);
        aligned.then_some(Self { network, prefix })
    }

    /// How many networks it holds.
    fn count(self) -> u32 {
        1 << (24 - self.prefix)
    }

    /// The first address of the n-th network.
    fn subnet(self, n: u32) -> u32 {
        self.network + ((n % self.count()) << 8)
    }
}

/// The network of a run.
#[derive(Debug, Clone)]
pub(super) struct Network {
    /// Its name.
    pub name: String,
    /// The harness's address in it.
    pub gateway: Ipv4Addr,
    /// Every node's address.
    pub addresses: BTreeMap<NodeName, Ipv4Addr>,
}

impl Network {
    /// The same with further nodes behind those that have an address.
    pub fn extended(mut self, names: &[NodeName]) -> Result<Self, RuntimeError> {
        let taken = self.addresses.values().max();
        let next = taken.map_or(
            u32::from(self.gateway) - 1 + u32::from(FIRST_NODE),
            |last| u32::from(*last) + 1,
        );
        limit(self.addresses.len() + names.len())?;
        let more = names.iter().cloned().zip((next..).map(Ipv4Addr::from));
        self.addresses.extend(more);
        Ok(self)
    }
}

fn limit(nodes: usize) -> Result<(), RuntimeError> {
    let most = usize::from(u8::MAX - FIRST_NODE);
    if nodes > most {
        let said = format!("a run has at most {most} nodes");
        return Err(RuntimeError::Unsupported(said));
    }
    Ok(())
}

/// Makes the run's network on the first free subnet, starting where the run's name says so that two
/// runs seldom ask for the same one.
pub(super) async fn make(
    engine: &Engine,
    run: &RunId,
    base: AddressBase,
    names: &[NodeName],
    labels: &HashMap<String, String>,
) -> Result<Network, RuntimeError> {
    limit(names.len())?;
    let name = format!("drdrill-{}", run.tail());
    let start = u32::from_str_radix(run.tail(), 16).unwrap_or(0);
    let routes = fs::read_to_string("/proc/net/route").unwrap_or_default();
    let mut refused = String::new();
    for n in 0..TRIES.min(base.count()) {
        let subnet = base.subnet(start.wrapping_add(n));
        if is_routed(&routes, subnet) {
            refused = format!("{}/24 is routed elsewhere", Ipv4Addr::from(subnet));
            continue;
        }
        let request = request(&name, subnet, labels);
        let (docker, named) = (engine.docker.clone(), name.clone());
        let call =
            async move { within("create", named, ACT, docker.create_network(request)).await };
        match engine.make(call).await {
            Ok(_) => return Ok(assign(name, subnet, names)),
            Err(RuntimeError::Failed { cause, .. }) if is_overlap(&cause) => refused = cause,
            Err(error) => return Err(error),
        }
    }
    Err(RuntimeError::Failed {
        action: "find a free network for",
        node: name,
        cause: format!("{refused}; choose another base of addresses"),
    })
}

fn request(name: &str, subnet: u32, labels: &HashMap<String, String>) -> NetworkCreateRequest {
    NetworkCreateRequest {
        name: name.to_owned(),
        driver: Some("bridge".into()),
        // Nodes reach each other and the harness, and nothing else.
        internal: Some(true),
        labels: Some(labels.clone()),
        ipam: Some(Ipam {
            config: Some(vec![IpamConfig {
                subnet: Some(format!("{}/24", Ipv4Addr::from(subnet))),
                gateway: Some(Ipv4Addr::from(subnet + 1).to_string()),
                ..IpamConfig::default()
            }]),
            ..Ipam::default()
        }),
        ..NetworkCreateRequest::default()
    }
}

fn assign(name: String, subnet: u32, names: &[NodeName]) -> Network {
    let first = subnet + u32::from(FIRST_NODE);
    let addresses = names
        .iter()
        .cloned()
        .zip((first..).map(Ipv4Addr::from))
        .collect();
    Network {
        name,
        gateway: Ipv4Addr::from(subnet + 1),
        addresses,
    }
}

fn is_overlap(cause: &str) -> bool {
    let cause = cause.to_lowercase();
    cause.contains("overlap") || cause.contains("conflicts with network")
}

/// Whether this machine's routes, other than the default one, reach into the /24.
fn is_routed(routes: &str, subnet: u32) -> bool {
    routes.lines().skip(1).any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let mut address = |index: usize| {
            let field = fields.nth(index)?;
            u32::from_str_radix(field, 16).ok().map(u32::to_be)
        };
        let (Some(destination), Some(mask)) = (address(0), address(5)) else {
            return false;
        };
        let common = mask & 0xffff_ff00;
        mask != 0 && destination & common == subnet & common
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_are_read_and_cut_into_networks() {
        assert_eq!(
            AddressBase::parse("10.213.0.0/16"),
            Some(AddressBase::DEFAULT)
        );
        for wrong in [
            "10.213.1.0/16",
            "10.213.0.0/25",
            "10.213.0.0",
            "x/16",
            "10.0.0.0/0",
        ] {
            assert_eq!(AddressBase::parse(wrong), None, "{wrong}");
        }
        let base = AddressBase::parse("10.9.8.0/23").unwrap();
        assert_eq!(base.count(), 2);
        assert_eq!(Ipv4Addr::from(base.subnet(3)), Ipv4Addr::new(10, 9, 9, 0));
    }

    #[test]
    fn later_nodes_get_the_addresses_behind_those_of_earlier_ones() {
        let names = |from: u32, to: u32| -> Vec<NodeName> {
            (from..to).map(|n| NodeName::new(format!("n{n}"))).collect()
        };
        let subnet = u32::from(Ipv4Addr::new(10, 213, 7, 0));
        let network = assign("net".into(), subnet, &names(0, 3));
        let more = network.extended(&names(3, 5)).unwrap();
        let last = more.addresses.get(&NodeName::new("n4"));
        assert_eq!(last, Some(&Ipv4Addr::new(10, 213, 7, 14)));
        assert_eq!(more.addresses.len(), 5);
        assert!(more.extended(&names(5, 250)).is_err());
    }

    #[test]
    fn routed_networks_are_passed_over_but_the_default_route_is_not() {
        let routes = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n\
            eth0 00000000 0100000A 0003 0 0 0 00000000 0 0 0\n\
            tun0 0007D50A 00000000 0001 0 0 0 00FFFFFF 0 0 0\n\
            tun1 0000D60A 00000000 0001 0 0 0 0000FFFF 0 0 0\n";
        let subnet = |a, b| u32::from(Ipv4Addr::new(10, a, b, 0));
        assert!(is_routed(routes, subnet(213, 7)));
        assert!(is_routed(routes, subnet(214, 99)));
        assert!(!is_routed(routes, subnet(213, 8)));
    }
}
