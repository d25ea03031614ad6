//! Containers that drdrill did not create: found, and held by one drill at a time.

use std::net::IpAddr;

use bollard::models::ContainerInspectResponse;
use futures_util::future::try_join_all;

use crate::{
    id::NodeName,
    runtime::{Attached, Meant, Runtime, RuntimeError, Surroundings},
    time::Clock,
};

use super::{
    DockerRuntime, container,
    found::{addresses, digest_of, found, inspect, parts},
    given_back::rules_before,
    lease::Lease,
    machine::{lock, no_sidecar_image},
    node::Machine,
    start,
};

/// On a sidecar: the container that it stands beside and that drdrill did not create.
pub(super) const ATTACHED_LABEL: &str = "drdrill.attached";
/// On a sidecar: what that container was when it was found, as digests by part.
pub(super) const FOUND_LABEL: &str = "drdrill.found";
/// The helper that undoes faults, as it is told where it has ended.
const LEASE: &str = "lease";

impl DockerRuntime {
    /// Takes running containers for the nodes, each with a sidecar of ours beside it; where each is reached. Nothing of theirs
    /// is changed, and no other drill can take them until they are given back.
    pub(super) async fn adopt(
        &self,
        wanted: &Attached,
        names: &[NodeName],
    ) -> Result<Vec<(NodeName, IpAddr)>, RuntimeError> {
        let image = self.options.sidecar_image.as_deref();
        let image = image.ok_or_else(no_sidecar_image)?;
        let found = found(&self.engine, wanted, names).await?;
        let digest = digest_of(wanted, &found);
        if let Some(agreed) = wanted.agreed.as_ref().filter(|agreed| **agreed != digest) {
            return Err(RuntimeError::Unsupported(format!(
                "what is there is not what was planned: the plan agreed to is {agreed}, and this one is {digest}; \
                 the drill or a container has changed since: look at it with `drdrill plan` and agree anew"
            )));
        }
        let common = Common::of(&found)?;
        let looks = found
            .iter()
            .map(|(name, one)| self.passes(name, one, image));
        try_join_all(looks).await?;
        let mut pairs = Vec::new();
        for ((name, container), address) in found.iter().zip(&common.addresses) {
            let id = container.id.clone().unwrap_or_default();
            let sidecar = self.hold(name, container, image).await?;
            pairs.push((id.clone(), sidecar.clone()));
            let machine = adopted(id, sidecar, *address, &common.network);
            lock(&self.nodes).insert(name.clone(), machine);
            self.intents.mean(name, Meant::Running);
        }
        let name = self.name(&NodeName::new("lease"));
        let guard = (name.as_str(), image);
        let lease = Lease::arm(&self.engine, guard, &pairs, wanted.lease, &self.labels).await?;
        let nodes = found.into_iter().map(|(name, _)| name);
        let addresses = nodes.zip(common.addresses).collect();
        *lock(&self.held) = Some(Held {
            gateway: common.gateway,
            lease,
        });
        Ok(addresses)
    }

    /// Makes sure that nothing filters or shapes the packets of a container yet: what ours are taken away with would take that
    /// away too. It is looked at before anything is held, so that nothing is given back where it is refused.
    async fn passes(
        &self,
        name: &NodeName,
        container: &ContainerInspectResponse,
        image: &str,
    ) -> Result<(), RuntimeError> {
        let id = container.id.clone().unwrap_or_default();
        let rules = rules_before(&self.engine, &id, (image, &self.labels)).await?;
        match rules.as_str() {
            "" => Ok(()),
            rules => Err(RuntimeError::Unsupported(format!(
                "packets of `{name}` are filtered or shaped already, by somebody else or by a drill that was killed (`drdrill sweep`): {rules}"
            ))),
        }
    }

    /// Stands a sidecar beside a container. Its name is that of the container, so that a second drill cannot have it.
    async fn hold(
        &self,
        name: &NodeName,
        container: &ContainerInspectResponse,
        image: &str,
    ) -> Result<String, RuntimeError> {
        let id = container.id.clone().unwrap_or_default();
        let mut labels = self.labels.clone();
        let found = serde_json::to_string(&parts(container)).unwrap_or_default();
        labels.insert(ATTACHED_LABEL.into(), id.clone());
        labels.insert(FOUND_LABEL.into(), found);
        let body = container::sidecar(image, &id, &labels);
        let held = format!("drdrill-holds-{}", &id[..id.len().min(12)]);
        let sidecar = match start::create(&self.engine, &held, body).await {
            Err(RuntimeError::Failed { cause, .. }) if cause.contains("already in use") => {
                let why = format!(
                    "another drill holds `{name}` (container `{held}`): wait until it has ended; if it was killed, `drdrill sweep` gives it back"
                );
                return Err(RuntimeError::Unsupported(why));
            }
            made => made?,
        };
        start::sidecar(&self.engine, &sidecar, false).await?;
        Ok(sidecar)
    }

    /// The containers of all nodes and their sidecars.
    pub(super) fn all_containers(&self) -> Vec<String> {
        let nodes = lock(&self.nodes);
        let of = |machine: &Machine| {
            let helpers = machine.helpers().map(|(_, id)| id.to_owned());
            [machine.container.clone()]
                .into_iter()
                .chain(helpers)
                .collect::<Vec<_>>()
        };
        nodes.values().flat_map(of).collect()
    }

    /// What stands beside containers that drdrill did not create: the lease, which is every node's helper.
    pub(super) fn around_attached(&self) -> Surroundings {
        let held = lock(&self.held);
        let lapsed = held.as_ref().is_some_and(|held| held.lease.has_lapsed());
        let nodes = self.nodes().into_iter().filter(|_| lapsed);
        let ended = nodes.map(|node| (node, LEASE.to_owned(), None)).collect();
        Surroundings {
            ended,
            ..Surroundings::default()
        }
    }

    /// Makes sure that a container has the address at which it was found: its engine may give it another one at a start.
    pub(super) async fn same_address(
        &self,
        node: &NodeName,
        machine: &Machine,
    ) -> Result<(), RuntimeError> {
        let Some((before, network)) = machine
            .adopted
            .as_ref()
            .map(|one| (one.address, &one.network))
        else {
            return Ok(());
        };
        let now = addresses(&inspect(&self.engine, &machine.container).await?);
        match now.get(network) {
            Some((now, _)) if *now == before => Ok(()),
            now => {
                let now = now.map_or("none".into(), |(now, _)| now.to_string());
                let why = format!(
                    "`{node}` came back with another address ({before} before, {now} now), at which nobody here looks for it: give it a fixed one (`ipv4_address` in Compose)"
                );
                Err(RuntimeError::Unsupported(why))
            }
        }
    }
}

/// What a run holds of containers that it did not create.
pub(super) struct Held {
    /// The address by which they see the harness, where their network has one.
    pub gateway: Option<IpAddr>,
    /// The undo that waits beside them.
    pub lease: Lease,
}

/// What a container was found with.
#[derive(Debug, Clone)]
pub(super) struct Adopted {
    /// Its address.
    pub address: IpAddr,
    /// The network that it has it in.
    pub network: String,
    /// When it was found, in seconds since 1970: its log before that is none of the drill's.
    pub since: i32,
}

fn adopted(container: String, sidecar: String, address: IpAddr, network: &str) -> Machine {
    let since = Clock::start().wall_start().as_second();
    Machine {
        container,
        sidecar: Some(sidecar),
        started: true,
        killed: false,
        paused: false,
        memory: 0,
        cores: None,
        visible: None,
        among: None,
        disk: None,
        beside: None,
        adopted: Some(Adopted {
            address,
            network: network.to_owned(),
            since: i32::try_from(since).unwrap_or(0),
        }),
    }
}

/// The network in which all nodes are reached.
struct Common {
    network: String,
    gateway: Option<IpAddr>,
    addresses: Vec<IpAddr>,
}

impl Common {
    /// The first, by name, that all of them are in.
    fn of(found: &[(NodeName, ContainerInspectResponse)]) -> Result<Self, RuntimeError> {
        let all: Vec<_> = found.iter().map(|(_, one)| addresses(one)).collect();
        let first = all.first().cloned().unwrap_or_default();
        let common = first
            .into_iter()
            .find(|(name, _)| all.iter().all(|one| one.contains_key(name)));
        let Some((network, (_, gateway))) = common else {
            let why =
                "the containers have no network in common in which each has an address of its own";
            return Err(RuntimeError::Unsupported(why.into()));
        };
        let addresses = all
            .iter()
            .filter_map(|one| Some(one.get(&network)?.0))
            .collect();
        Ok(Self {
            network,
            gateway,
            addresses,
        })
    }
}
