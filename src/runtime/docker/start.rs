//! Containers made, filled, started and ended, as the engine tells them.

use bollard::{
    models::{ContainerCreateBody, ContainerState, ContainerStateStatusEnum},
    query_parameters::{
        CreateContainerOptionsBuilder, InspectContainerOptions, LogsOptionsBuilder,
        RestartContainerOptionsBuilder, StartContainerOptions, UploadToContainerOptionsBuilder,
        WaitContainerOptionsBuilder,
    },
};
use futures_util::StreamExt;

use crate::{
    id::NodeName,
    runtime::{Life, NodeFile, NodeState, RuntimeError},
};

use super::{
    container,
    engine::{ACT, ASK, Engine, status, within},
    node::Machine,
    signal::Visible,
};

/// The last lines of a log that are told when a node ends at once.
const LAST_LINES: u32 = 5;

/// The exit code of a process that SIGKILL ended.
const KILLED: i64 = 137;

/// Makes a container of this name; it does not run yet.
pub(super) async fn create(
    engine: &Engine,
    name: &str,
    body: ContainerCreateBody,
) -> Result<String, RuntimeError> {
    let options = CreateContainerOptionsBuilder::new().name(name).build();
    let (docker, name) = (engine.docker.clone(), name.to_owned());
    let call = async move {
        let call = docker.create_container(Some(options), body);
        within("create", name, ACT, call).await
    };
    Ok(engine.make(call).await?.id)
}

/// Puts files into a container.
pub(super) async fn put(
    engine: &Engine,
    container: &str,
    files: &[NodeFile],
) -> Result<(), RuntimeError> {
    if files.is_empty() {
        return Ok(());
    }
    let archive = container::pack(files).map_err(|error| RuntimeError::Failed {
        action: "pack files for",
        node: container.to_owned(),
        cause: error.to_string(),
    })?;
    let options = UploadToContainerOptionsBuilder::new().path("/").build();
    let body = bollard::body_full(archive.into());
    let call = engine
        .docker
        .upload_to_container(container, Some(options), body);
    within("put files into", container, ACT, call).await
}

/// What the engine says of a container; `None` if it does not know it.
pub(super) async fn inspect(
    engine: &Engine,
    container: &str,
) -> Result<Option<ContainerState>, RuntimeError> {
    let ask = async {
        let options = None::<InspectContainerOptions>;
        match engine.docker.inspect_container(container, options).await {
            Ok(found) => Ok(Some(found.state.unwrap_or_default())),
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    };
    within("ask for the state of", container, ASK, ask).await
}

/// What a node does at the moment, and when the engine started it.
pub(super) async fn life(engine: &Engine, machine: &Machine) -> Result<Life, RuntimeError> {
    // The engine learns of a death some 20 ms late and is slow to answer meanwhile; the process
    // table knows at once.
    let is_dead = machine.visible.is_some_and(|process| !process.runs());
    let killed = NodeState::Exited {
        code: KILLED,
        out_of_memory: false,
    };
    let of = |state, started| Life {
        state,
        started,
        held: machine.visible.is_some_and(Visible::holds_stopped),
    };
    if is_dead && machine.killed {
        return Ok(of(killed, None));
    }
    let Some(found) = inspect(engine, &machine.container).await? else {
        return Ok(of(NodeState::Missing, None));
    };
    // A stop signal that the engine did not send.
    let is_stopped = machine.visible.is_some_and(Visible::stopped);
    let state = match found.status {
        Some(ContainerStateStatusEnum::RUNNING) if is_dead => killed,
        Some(ContainerStateStatusEnum::RUNNING) if !is_stopped => NodeState::Running,
        Some(ContainerStateStatusEnum::RUNNING | ContainerStateStatusEnum::PAUSED) => {
            NodeState::Paused
        }
        _ => NodeState::Exited {
            code: found.exit_code.unwrap_or(0),
            out_of_memory: found.oom_killed.unwrap_or(false),
        },
    };
    Ok(of(state, found.started_at))
}

/// Waits until the engine knows that a killed container has ended: until then it answers a start with "runs
/// already" and does nothing.
pub(super) async fn settle(engine: &Engine, container: &str) -> Result<(), RuntimeError> {
    let options = WaitContainerOptionsBuilder::new()
        .condition("not-running")
        .build();
    let mut ends = engine.docker.wait_container(container, Some(options));
    let wait = async {
        // An exit code other than 0 arrives as an error; both mean that it has ended.
        ends.next().await;
        Ok(())
    };
    within("see the end of", container, ACT, wait).await
}

/// Starts a sidecar, or starts it again: its node has a new network namespace after each start.
pub(super) async fn sidecar(
    engine: &Engine,
    sidecar: &str,
    again: bool,
) -> Result<(), RuntimeError> {
    if again {
        let options = RestartContainerOptionsBuilder::new().t(0).build();
        let call = engine.docker.restart_container(sidecar, Some(options));
        return within("start again the sidecar", sidecar, ACT, call).await;
    }
    let call = engine
        .docker
        .start_container(sidecar, None::<StartContainerOptions>);
    within("start the sidecar", sidecar, ACT, call).await
}

/// That a node ended as soon as it was started, if it did, with its last words.
pub(super) async fn ended_at_once(
    engine: &Engine,
    node: &NodeName,
    container: &str,
) -> Option<RuntimeError> {
    let state = inspect(engine, container).await.ok()??;
    if state.status != Some(ContainerStateStatusEnum::EXITED) {
        return None;
    }
    let said = tail(engine, container, (LAST_LINES, 0)).await;
    Some(RuntimeError::Failed {
        action: "start",
        node: node.to_string(),
        cause: format!(
            "it ended at once with code {}; the end of its log: {}",
            state.exit_code.unwrap_or(0),
            said.unwrap_or_else(|error| error.to_string()).trim()
        ),
    })
}

/// The last lines of a container's log, of those since then, in seconds since 1970.
pub(super) async fn tail(
    engine: &Engine,
    container: &str,
    (lines, since): (u32, i32),
) -> Result<String, RuntimeError> {
    let options = LogsOptionsBuilder::new()
        .stdout(true)
        .stderr(true)
        .tail(&lines.to_string())
        .since(since)
        .build();
    let mut stream = engine.docker.logs(container, Some(options));
    let collect = async {
        let mut text = Vec::new();
        while let Some(piece) = stream.next().await {
            text.extend_from_slice(&piece?.into_bytes());
        }
        Ok(text)
    };
    let text = within("read the log of", container, ACT, collect).await?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
