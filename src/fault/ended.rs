//! Nodes whose main processes have ended: they come back as the system brings nodes back.

use async_trait::async_trait;

use crate::{id::NodeName, runtime::NodeState};

use super::{
    ActiveEffect, FaultContext, Undone,
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
