//! Containers that stand for nodes: looked for, and left as they are.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
};

use bollard::{
    models::{ContainerInspectResponse, ContainerStateStatusEnum, ContainerSummary},
    query_parameters::{InspectContainerOptions, ListContainersOptionsBuilder},
};
use sha2::{Digest, Sha256};

use crate::{
    id::NodeName,
    runtime::{ALLOW_LABEL, Attached, RUN_LABEL, RuntimeError},
    scenario::Allowance,
};

use super::engine::{ASK, Engine, within};

/// Where Compose says which project and which service a container is of.
const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";

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
pub(super) fn digest_of(
    wanted: &Attached,
    found: &[(NodeName, ContainerInspectResponse)],
) -> String {
    let mut all = Sha256::new();
    all.update(&wanted.drill);
    for (node, container) in found {
        let parts = serde_json::to_string(&parts(container)).unwrap_or_default();
        let id = container.id.as_deref().unwrap_or_default();
        all.update(format!("\n{node} {id} {parts}"));
    }
    digits(&all.finalize())
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The container of each node.
pub(super) async fn found(
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

/// What the engine says of a container.
pub(super) async fn inspect(
    engine: &Engine,
    id: &str,
) -> Result<ContainerInspectResponse, RuntimeError> {
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
pub(super) fn addresses(
    container: &ContainerInspectResponse,
) -> BTreeMap<String, (IpAddr, Option<IpAddr>)> {
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

/// What must be the same once a container is given back, each part as a digest: settings may hold secrets.
pub(super) fn parts(container: &ContainerInspectResponse) -> BTreeMap<&'static str, String> {
    fn digest(part: &impl serde::Serialize) -> String {
        // Maps of the engine come in any order; as a value they are sorted.
        let value = serde_json::to_value(part).unwrap_or_default();
        digits(&Sha256::digest(value.to_string())[..8])
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
