//! Waiting for a started node to answer, and saying why it did not.

use std::{future::Future, time::Duration};

use crate::{
    id::NodeName,
    runtime::{NodeState, Runtime},
};

use super::{SystemError, wait::until};

/// How often a node is asked.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// How many lines of a node's log an error carries.
const LOG_LINES: u32 = 20;

/// Waits until a started node answers `ask`.
///
/// # Errors
/// When it ends, or does not answer within `limit`; the error carries the tail of its log.
pub async fn listening<F, A>(
    runtime: &dyn Runtime,
    node: &NodeName,
    limit: Duration,
    mut ask: F,
) -> Result<(), SystemError>
where
    F: FnMut() -> A,
    A: Future<Output = Result<(), String>>,
{
    let mut asked = 0u32;
    let answer = until(limit, ASK_EVERY, || {
        asked += 1;
        let (ask, look) = (ask(), asked.is_multiple_of(10));
        async move {
            let Err(reason) = ask.await else {
                return Ok(None);
            };
            // A look at the machine costs more than a question; one in ten is soon enough.
            match look.then_some(runtime.state(node)) {
                Some(state) => match state.await {
                    Ok(NodeState::Exited { code, .. }) => {
                        Ok(Some(format!("it ended with code {code}")))
                    }
                    _ => Err(reason),
                },
                None => Err(reason),
            }
        }
    });
    match answer.await {
        Ok(None) => Ok(()),
        Ok(Some(reason)) | Err(reason) => {
            Err(not_ready(runtime, node, "a first answer", reason).await)
        }
    }
}

/// The error of a node that did not come up: what was waited for, the last reason, the tail of its log.
pub async fn not_ready(
    runtime: &dyn Runtime,
    node: &NodeName,
    waited: &str,
    reason: String,
) -> SystemError {
    let log = runtime.logs(node, LOG_LINES).await;
    SystemError::NotReady {
        node: node.clone(),
        waited: format!("{waited}: {reason}"),
        log: log.unwrap_or_else(|error| error.to_string()),
    }
}
