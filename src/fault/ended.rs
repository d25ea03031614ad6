//! Nodes whose main processes have ended: they come back as the system brings nodes back.

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::{
    id::NodeName,
    runtime::{NodeState, Signal},
    time::Bracket,
};

use super::{
    ActiveEffect, FaultContext, FaultError, Undone,
    active::bring_back,
    described::{EFFECT_LIMIT, Seen, wait_for},
};

/// These nodes have ended.
#[derive(Debug)]
pub(super) struct Ended(pub Vec<NodeName>);

#[async_trait]
impl ActiveEffect for Ended {
    async fn verify(&self, context: &FaultContext) -> Seen {
        look(&self.0, context).await
    }

    async fn undo(&self, _step: usize, context: &FaultContext) -> Option<Undone> {
        Some(Undone::of(&self.0, bring_back(&self.0, context).await))
    }
}

/// Ends the main processes of nodes at once, all at the same time; when that was.
pub(super) async fn kill_all(
    nodes: &[NodeName],
    context: &FaultContext,
) -> Result<Bracket, FaultError> {
    let kills = nodes
        .iter()
        .map(|node| context.runtime.signal(node, Signal::Kill));
    let (at, results) = context.emitter.time(join_all(kills)).await;
    results.into_iter().collect::<Result<Vec<()>, _>>()?;
    Ok(at)
}

/// Every victim's main process has ended.
async fn look(nodes: &[NodeName], context: &FaultContext) -> Seen {
    let mut seen = Seen::default();
    for node in nodes {
        match wait_for(node, context, |state| {
            matches!(state, NodeState::Exited { .. })
        })
        .await
        {
            Some(NodeState::Exited { code, .. }) => {
                seen.yes(format!("{node} has ended with code {code}"))
            }
            _ => seen.no(format!("{node} still runs after {EFFECT_LIMIT:?}")),
        }
    }
    seen
}
