//! What a run held of containers that it did not create, given back as it was found.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use bollard::{
    models::ContainerInspectResponse,
    query_parameters::{
        InspectContainerOptions, ListContainersOptionsBuilder, StartContainerOptions,
    },
};

use crate::{
    id::RunId,
    runtime::{ExecOutput, RUN_LABEL, RuntimeError},
};

use super::{
    attached::{ATTACHED_LABEL, FOUND_LABEL},
    container,
    engine::{ACT, ASK, Engine, status, within},
    exec,
    found::{inspect, parts},
    start,
};

/// What filters or shapes packets: nothing where the kernel lets them pass. A tool that fails is no silence.
const RULES: &str = "set -e; t=$(nft list tables); m=$(iptables -t mangle -S OUTPUT); q=$(tc qdisc show dev eth0)
echo \"$t\" | grep -w drdrill || true; echo \"$m\" | grep -e '^-A' || true; echo \"$q\" | grep . | grep -v noqueue || true";
/// Lets packets pass so.
pub(super) const FLUSH: &str = "printf 'add table inet drdrill\\ndelete table inet drdrill\\n' | nft -f -; iptables -t mangle -F OUTPUT; tc qdisc del dev eth0 root 2>/dev/null; true";
/// How long either may take.
const LOOK: Duration = Duration::from_secs(10);

/// What filters or shapes the packets of a container, seen from its sidecar; empty where nothing does.
///
/// # Errors
/// When that cannot be told.
async fn rules(engine: &Engine, sidecar: &str) -> Result<String, RuntimeError> {
    let said = exec::run(engine, sidecar, &["sh", "-c", RULES], LOOK).await?;
    told(said, sidecar)
}

/// The same before anything of the run stands beside that container, from a throw-away one.
///
/// # Errors
/// The same.
pub(super) async fn rules_before(
    engine: &Engine,
    container: &str,
    (image, labels): (&str, &HashMap<String, String>),
) -> Result<String, RuntimeError> {
    let mut body = container::sidecar(image, container, labels);
    body.cmd = Some(["sh", "-c", RULES].map(str::to_owned).to_vec());
    told(engine.run_body(body, image, LOOK).await?, container)
}

fn told(said: ExecOutput, beside: &str) -> Result<String, RuntimeError> {
    match said.code {
        0 => Ok(said.stdout.split_whitespace().collect::<Vec<_>>().join(" ")),
        _ => Err(RuntimeError::Failed {
            action: "look at the packet rules beside",
            node: beside.to_owned(),
            cause: said.stderr.trim().to_owned(),
        }),
    }
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
