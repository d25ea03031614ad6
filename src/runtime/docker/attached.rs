//! Containers that drdrill did not create: found, held by one drill at a time, and given back as they were.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bollard::{
    models::{ContainerInspectResponse, ContainerStateStatusEnum, ContainerSummary},
    query_parameters::{
        InspectContainerOptions, ListContainersOptionsBuilder, StartContainerOptions,
    },
};
use sha2::{Digest, Sha256};

use crate::{
    id::{NodeName, RunId},
    runtime::{ALLOW_LABEL, Attached, Meant, RUN_LABEL, Runtime, RuntimeError, Surroundings},
    scenario::Allowance,
};

use super::{
    DockerRuntime, container,
    engine::{ACT, ASK, Engine, status, within},
    exec,
    lease::Lease,
    machine::{lock, no_sidecar_image},
    node::Machine,
    start,
};

/// On a sidecar: the container that it stands beside and that drdrill did not create.
const ATTACHED_LABEL: &str = "drdrill.attached";
/// On a sidecar: what that container was when it was found, as digests by part.
const FOUND_LABEL: &str = "drdrill.found";
/// Where Compose says which project and which service a container is of.
const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";
/// Whether packets pass as the kernel lets them: no output is good.
const RULES: &str = "nft list tables | grep -w drdrill; iptables -t mangle -S OUTPUT | grep -e '^-A'; tc qdisc show dev eth0 | grep -v noqueue; true";
/// Lets packets pass so.
const FLUSH: &str = "printf 'add table inet drdrill\\ndelete table inet drdrill\\n' | nft -f -; iptables -t mangle -F OUTPUT; tc qdisc del dev eth0 root 2>/dev/null; true";
/// The helper that undoes faults, as it is told where it has ended.
const LEASE: &str = "lease";
/// How long either may take.
const LOOK: Duration = Duration::from_secs(10);

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
        let rules = rules(&self.engine, &sidecar).await?;
        if !rules.is_empty() {
            let why = format!("packets of `{name}` are filtered or shaped already: {rules}");
            return Err(RuntimeError::Unsupported(why));
        }
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
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = now.map_or(0, |time| time.as_secs());
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

/// A container that stands for a node, as it is found.
#[derive(Debug, Clone)]
pub struct Looked {
    /// The node.
    pub node: NodeName,
    /// The container's id.
    pub id: String,
    /// Its own name.
    pub container: String,
    /// The image that it was started from.
    pub image: String,
    /// What its owner allows, as the label says it.
    pub allows: String,
}

/// Looks for the containers of nodes, and changes nothing: what is found, and the digest of the drill with it.
///
/// # Errors
/// Everything at once for which they cannot be drilled.
pub async fn look(
    engine: &Engine,
    wanted: &Attached,
    names: &[NodeName],
) -> Result<(Vec<Looked>, String), RuntimeError> {
    let found = found(engine, wanted, names).await?;
    let digest = digest_of(wanted, &found);
    let looked = found.into_iter().map(|(node, one)| {
        let config = one.config.unwrap_or_default();
        let labels = config.labels.unwrap_or_default();
        Looked {
            node,
            id: one.id.unwrap_or_default(),
            container: one
                .name
                .unwrap_or_default()
                .trim_start_matches('/')
                .to_owned(),
            image: config.image.unwrap_or_default(),
            allows: labels.get(ALLOW_LABEL).cloned().unwrap_or_default(),
        }
    });
    Ok((looked.collect(), digest))
}

/// The digest of a drill of these very containers as they are.
fn digest_of(wanted: &Attached, found: &[(NodeName, ContainerInspectResponse)]) -> String {
    let mut all = Sha256::new();
    all.update(&wanted.drill);
    for (node, container) in found {
        let parts = serde_json::to_string(&parts(container)).unwrap_or_default();
        let id = container.id.as_deref().unwrap_or_default();
        all.update(format!("\n{node} {id} {parts}"));
    }
    let digits = all.finalize();
    let digits = digits.iter().map(|byte| format!("{byte:02x}"));
    digits.collect()
}

/// The container of each node.
async fn found(
    engine: &Engine,
    wanted: &Attached,
    names: &[NodeName],
) -> Result<Vec<(NodeName, ContainerInspectResponse)>, RuntimeError> {
    let listed = list(engine, wanted).await?;
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for name in names {
        match one_of(&listed, name, wanted) {
            Ok(id) => found.push((name.clone(), inspect(engine, &id).await?)),
            Err(why) => wrong.push(why),
        }
    }
    for (name, container) in &found {
        wrong.extend(unfit(name, container, wanted.needs));
    }
    let ids: BTreeSet<_> = found.iter().map(|(_, one)| &one.id).collect();
    if ids.len() < found.len() {
        wrong.push("two members are the same container".into());
    }
    match wrong.is_empty() {
        true => Ok(found),
        false => Err(RuntimeError::Unsupported(wrong.join("; "))),
    }
}

/// The containers among which nodes are looked for, running or not.
async fn list(engine: &Engine, wanted: &Attached) -> Result<Vec<ContainerSummary>, RuntimeError> {
    let project = wanted
        .project
        .iter()
        .map(|name| format!("{PROJECT}={name}"));
    let labels: Vec<String> = project.chain(wanted.label.clone()).collect();
    let filters = HashMap::from([("label", labels.iter().map(String::as_str).collect())]);
    let options = ListContainersOptionsBuilder::new().all(true);
    let options: ListContainersOptionsBuilder = match labels.is_empty() {
        true => options,
        false => options.filters(&filters),
    };
    let call = engine.docker.list_containers(Some(options.build()));
    within("list containers", "the engine", ASK, call).await
}

/// The only container of this name: by its service where there is a project, else by its own.
///
/// # Errors
/// When there is none, or more than one.
fn one_of(
    listed: &[ContainerSummary],
    name: &NodeName,
    wanted: &Attached,
) -> Result<String, String> {
    let is = |one: &&ContainerSummary| {
        let labels = one.labels.as_ref();
        let service = labels.and_then(|labels| labels.get(SERVICE));
        let own = one.names.iter().flatten();
        let mut own = own.map(|own| own.trim_start_matches('/'));
        let ours = labels.is_some_and(|labels| labels.contains_key(RUN_LABEL));
        let by_service =
            wanted.project.is_some() && service.is_some_and(|one| one == name.as_str());
        !ours && (by_service || own.any(|own| own == name.as_str()))
    };
    let found: Vec<&ContainerSummary> = listed.iter().filter(is).collect();
    match found.as_slice() {
        [one] => Ok(one.id.clone().unwrap_or_default()),
        [] => Err(format!(
            "there is no container of `{name}`{}",
            whence(listed, wanted)
        )),
        several => Err(format!(
            "{} containers are of `{name}`: name the one that is meant by its own name",
            several.len()
        )),
    }
}

/// Where was looked, and what is there.
fn whence(listed: &[ContainerSummary], wanted: &Attached) -> String {
    let project = wanted
        .project
        .as_ref()
        .map(|name| format!(" in the Compose project `{name}`"));
    let label = wanted
        .label
        .as_ref()
        .map(|label| format!(" with the label `{label}`"));
    let names = listed.iter().filter_map(|one| {
        let service = one.labels.as_ref().and_then(|labels| labels.get(SERVICE));
        let own = one.names.iter().flatten().next();
        let own = own.map(|own| own.trim_start_matches('/').to_owned());
        service
            .filter(|_| wanted.project.is_some())
            .cloned()
            .or(own)
    });
    let names: Vec<String> = names.take(12).collect();
    let there = match names.is_empty() {
        true => ", where there are none at all".to_owned(),
        false => format!("; there are {}", names.join(", ")),
    };
    [project, label, Some(there)]
        .into_iter()
        .flatten()
        .collect()
}

async fn inspect(engine: &Engine, id: &str) -> Result<ContainerInspectResponse, RuntimeError> {
    let call = engine
        .docker
        .inspect_container(id, None::<InspectContainerOptions>);
    within("look at", id, ASK, call).await
}

/// Why a container cannot be drilled, if it cannot.
fn unfit(
    name: &NodeName,
    container: &ContainerInspectResponse,
    needs: Allowance,
) -> Option<String> {
    let state = container.state.as_ref().and_then(|state| state.status);
    if state != Some(ContainerStateStatusEnum::RUNNING) {
        let state = state.map_or("unknown".to_owned(), |state| state.to_string());
        return Some(format!("`{name}` does not run: it is {state}"));
    }
    let labels = container
        .config
        .as_ref()
        .and_then(|config| config.labels.as_ref());
    let label = labels.and_then(|labels| labels.get(ALLOW_LABEL));
    let needed = needs.name();
    match label.map(|text| (text, Allowance::of_label(text))) {
        None => {
            return Some(format!(
                "`{name}` does not allow drills: give its container the label `{ALLOW_LABEL}={needed}`, which this drill needs"
            ));
        }
        Some((text, None)) => {
            return Some(format!(
                "`{name}` has the label `{ALLOW_LABEL}={text}`, which allows nothing known: write `reversible` or `recoverable`"
            ));
        }
        Some((text, Some(allowed))) if allowed < needs => {
            return Some(format!(
                "`{name}` allows `{text}` only, and this drill needs `{ALLOW_LABEL}={needed}`"
            ));
        }
        Some(_) => {}
    }
    let host = container.host_config.as_ref();
    let removed = host.and_then(|host| host.auto_remove).unwrap_or(false);
    (removed && needs >= Allowance::Recoverable).then(|| {
        format!("`{name}` is removed once it ends (`--rm`), so that it could not be started again")
    })
}

/// The networks of a container: its address and the gateway in each.
fn addresses(container: &ContainerInspectResponse) -> BTreeMap<String, (IpAddr, Option<IpAddr>)> {
    let settings = container.network_settings.as_ref();
    let networks = settings.and_then(|settings| settings.networks.as_ref());
    let parsed = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
    let of = |(name, one): (&String, &bollard::models::EndpointSettings)| {
        Some((
            name.clone(),
            (parsed(&one.ip_address)?, parsed(&one.gateway)),
        ))
    };
    networks.into_iter().flatten().filter_map(of).collect()
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

/// What must be the same once a container is given back, each part as a digest: settings may hold secrets.
fn parts(container: &ContainerInspectResponse) -> BTreeMap<&'static str, String> {
    fn digest(part: &impl serde::Serialize) -> String {
        // Maps of the engine come in any order; as a value they are sorted.
        let value = serde_json::to_value(part).unwrap_or_default();
        let digest = Sha256::digest(value.to_string());
        digest
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
    let networks: BTreeMap<_, _> = addresses(container);
    BTreeMap::from([
        ("image", digest(&container.image)),
        ("configuration", digest(&container.config)),
        (
            "limits and mounts",
            digest(&(&container.host_config, &container.mounts)),
        ),
        ("addresses", digest(&networks)),
    ])
}

/// What filters or shapes the packets of a container; empty where nothing does.
async fn rules(engine: &Engine, sidecar: &str) -> Result<String, RuntimeError> {
    let said = exec::run(engine, sidecar, &["sh", "-c", RULES], LOOK).await?;
    Ok(said.stdout.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Gives back what a run holds: every container runs, unfrozen, and its packets pass. Returns what is not as it was found.
///
/// # Errors
/// What could not be undone: then the lease and the sidecars must stay, which undo it later.
pub(super) async fn give_back(engine: &Engine, run: &RunId) -> Result<Vec<String>, Vec<String>> {
    let of_run = format!("{RUN_LABEL}={run}");
    let filters = HashMap::from([("label", vec![of_run.as_str(), ATTACHED_LABEL])]);
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filters)
        .build();
    let call = engine.docker.list_containers(Some(options));
    let sidecars = match within("list containers of", run, ASK, call).await {
        Ok(sidecars) => sidecars,
        Err(error) => return Err(vec![error.to_string()]),
    };
    let (mut changed, mut failures) = (Vec::new(), Vec::new());
    for sidecar in sidecars {
        let id = sidecar.id.clone().unwrap_or_default();
        let labels = sidecar.labels.unwrap_or_default();
        let of = |label: &str| labels.get(label).cloned().unwrap_or_default();
        let given = give_back_one(engine, &of(ATTACHED_LABEL), &id, &of(FOUND_LABEL)).await;
        match given {
            Ok(other) => changed.extend(other),
            Err(error) => failures.push(error.to_string()),
        }
    }
    match failures.is_empty() {
        true => Ok(changed),
        false => Err([failures, changed].concat()),
    }
}

async fn give_back_one(
    engine: &Engine,
    container: &str,
    sidecar: &str,
    found: &str,
) -> Result<Vec<String>, RuntimeError> {
    let name = |one: &ContainerInspectResponse| {
        let name = one.name.clone().unwrap_or_default();
        name.trim_start_matches('/').to_owned()
    };
    let before = match engine
        .docker
        .inspect_container(container, None::<InspectContainerOptions>)
        .await
    {
        Err(error) if status(&error) == Some(404) => {
            return Ok(vec![format!(
                "container {container} is gone: somebody removed it"
            )]);
        }
        inspected => within("look at", container, ASK, async { inspected }).await?,
    };
    let state = before.state.clone().unwrap_or_default();
    if state.paused == Some(true) {
        let call = engine.docker.unpause_container(container);
        within("unpause", container, ACT, call).await?;
    } else if state.running != Some(true) {
        let call = engine
            .docker
            .start_container(container, None::<StartContainerOptions>);
        within("start", container, ACT, call).await?;
        // It has a new network namespace, in which none of our rules ever was.
        start::sidecar(engine, sidecar, true).await?;
    }
    let flushed = exec::run(engine, sidecar, &["sh", "-c", FLUSH], LOOK).await?;
    let mut failures = Vec::new();
    let left = rules(engine, sidecar).await?;
    let after = inspect(engine, container).await?;
    if !left.is_empty() {
        failures.push(format!(
            "packets of {} are still filtered: {left} {}",
            name(&after),
            flushed.stderr.trim()
        ));
    }
    let parts = parts(&after);
    let found: BTreeMap<String, String> = serde_json::from_str(found).unwrap_or_default();
    let changed = found
        .iter()
        .filter(|(part, was)| parts.get(part.as_str()) != Some(*was));
    failures.extend(
        changed.map(|(part, _)| format!("{}: its {part} are not as they were found", name(&after))),
    );
    Ok(failures)
}

#[cfg(test)]
mod tests {
    use bollard::models::{ContainerConfig, ContainerState, HostConfig};

    use super::*;

    fn listed(name: &str, service: &str, run: bool) -> ContainerSummary {
        let mut labels = HashMap::from([(SERVICE.to_owned(), service.to_owned())]);
        if run {
            labels.insert(RUN_LABEL.into(), "x".into());
        }
        ContainerSummary {
            id: Some(format!("id-{name}")),
            names: Some(vec![format!("/{name}")]),
            labels: Some(labels),
            ..ContainerSummary::default()
        }
    }

    fn wanted(project: Option<&str>) -> Attached {
        Attached {
            project: project.map(str::to_owned),
            label: None,
            needs: Allowance::Reversible,
            lease: Duration::from_secs(15),
            drill: String::new(),
            agreed: None,
        }
    }

    #[test]
    fn a_node_is_one_container_or_it_is_none() {
        let all = [
            listed("orders_redis_1", "redis", false),
            listed("orders_web_1", "web", false),
            listed("orders_web_2", "web", false),
            listed("drdrill-x", "redis", true),
        ];
        let of = |name: &str, project| one_of(&all, &NodeName::new(name), &wanted(project));
        assert_eq!(of("redis", Some("orders")), Ok("id-orders_redis_1".into()));
        assert_eq!(
            of("orders_web_2", Some("orders")),
            Ok("id-orders_web_2".into())
        );
        assert!(
            of("web", Some("orders"))
                .unwrap_err()
                .contains("2 containers")
        );
        // Without a project a service's name is nobody's.
        assert!(
            of("redis", None)
                .unwrap_err()
                .contains("there are orders_redis_1")
        );
    }

    #[test]
    fn only_what_its_owner_allows_is_done_near_a_container() {
        let container = |label: Option<&str>, state, removed| ContainerInspectResponse {
            state: Some(ContainerState {
                status: Some(state),
                ..ContainerState::default()
            }),
            config: Some(ContainerConfig {
                labels: label
                    .map(|label| HashMap::from([(ALLOW_LABEL.to_owned(), label.to_owned())])),
                ..ContainerConfig::default()
            }),
            host_config: Some(HostConfig {
                auto_remove: Some(removed),
                ..HostConfig::default()
            }),
            ..ContainerInspectResponse::default()
        };
        let name = NodeName::new("redis-1");
        let running = ContainerStateStatusEnum::RUNNING;
        let why = |label, state, removed, needs| {
            unfit(&name, &container(label, state, removed), needs).unwrap_or_default()
        };
        let (mild, harsh) = (Allowance::Reversible, Allowance::Recoverable);
        assert_eq!(why(Some("reversible"), running, true, mild), "");
        assert_eq!(why(Some("recoverable"), running, false, harsh), "");
        assert!(why(None, running, false, mild).contains("drdrill.allow=reversible"));
        assert!(why(Some("yes"), running, false, mild).contains("allows nothing known"));
        assert!(
            why(Some("reversible"), running, false, harsh)
                .contains("needs `drdrill.allow=recoverable`")
        );
        assert!(why(Some("recoverable"), running, true, harsh).contains("--rm"));
        let paused = ContainerStateStatusEnum::PAUSED;
        assert!(why(Some("recoverable"), paused, false, mild).contains("it is paused"));
    }

    #[test]
    fn a_part_that_changed_is_told_from_its_digest() {
        let with = |memory| ContainerInspectResponse {
            host_config: Some(HostConfig {
                memory: Some(memory),
                ..HostConfig::default()
            }),
            ..ContainerInspectResponse::default()
        };
        let (before, after) = (parts(&with(1)), parts(&with(2)));
        let changed: Vec<_> = before
            .iter()
            .filter(|(part, was)| after.get(*part) != Some(*was))
            .collect();
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0].0, &"limits and mounts");
    }
}
