//! A container of the sidecars' image in a node's process namespace, for what its own image has no tools for.

use std::{collections::HashMap, time::Duration};

use bollard::models::{ContainerCreateBody, ContainerStateStatusEnum};

use crate::runtime::{ExecOutput, RuntimeError};

use super::{Engine, container, exec, start};

/// Looking into a node's processes, reaching their files, acting by their accounts, and giving rights up.
const CAPABILITIES: [&str; 5] = ["SYS_PTRACE", "DAC_OVERRIDE", "SETGID", "SETUID", "SETPCAP"];

/// The body of that container: it may look into the node's processes, and ends with them.
pub(super) fn body(
    image: &str,
    container: &str,
    labels: &HashMap<String, String>,
) -> ContainerCreateBody {
    let mut body = container::once(image, &["sleep", "infinity"], labels);
    let host = body.host_config.get_or_insert_default();
    host.pid_mode = Some(format!("container:{container}"));
    container::allow(host, &CAPABILITIES);
    container::unconfine(host);
    body
}

/// Runs a program in it; it is started first where it does not run, for instance since its node was started again.
pub(super) async fn run(
    engine: &Engine,
    among: &str,
    argv: &[&str],
    limit: Duration,
) -> Result<ExecOutput, RuntimeError> {
    let state = start::inspect(engine, among).await?.unwrap_or_default();
    if state.status != Some(ContainerStateStatusEnum::RUNNING) {
        let again = state.status == Some(ContainerStateStatusEnum::EXITED);
        start::sidecar(engine, among, again).await?;
    }
    exec::run(engine, among, argv, limit).await
}
