//! What faults of a node's files share.

use std::time::Duration;

use crate::{
    id::NodeName,
    runtime::{ExecOutput, RuntimeError},
};

use super::FaultContext;

/// How long a command in a node may take.
const EXEC: Duration = Duration::from_secs(30);

/// Runs a script in a node on a path.
pub(super) async fn exec(
    node: &NodeName,
    script: &str,
    path: &str,
    context: &FaultContext,
) -> Result<ExecOutput, RuntimeError> {
    let argv = ["sh", "-c", script, "sh", path];
    context.runtime.exec(node, &argv, EXEC).await
}
