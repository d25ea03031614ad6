//! Asking a node that may be gone: one that is off does not even refuse, so its machine is looked at before the wait gets long.

use std::{future::Future, pin::pin, time::Duration};

use tokio::time::timeout;

use crate::{
    id::NodeName,
    runtime::{NodeState, Runtime},
};

/// How long a node's answer is waited for before its machine is looked at; it usually takes 5 ms.
const PATIENCE: Duration = Duration::from_millis(60);

/// Waits for a node's answer, as an operator would who sees the machine's state on another screen.
///
/// # Errors
/// Why it did not answer: its own words, or that its machine is off or frozen.
pub async fn answer<T>(
    runtime: &dyn Runtime,
    node: &NodeName,
    ask: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    let mut ask = pin!(ask);
    if let Ok(said) = timeout(PATIENCE, &mut ask).await {
        return said;
    }
    match runtime.state(node).await {
        Ok(NodeState::Exited { .. } | NodeState::Missing) => Err("its machine is off".into()),
        Ok(NodeState::Paused) => Err("its machine is frozen".into()),
        Ok(NodeState::Running) | Err(_) => ask.await,
    }
}
