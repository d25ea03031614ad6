//! A node freezes: connections stay open, nothing answers.

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::{
    id::NodeName,
    record::{MemberKind, Role},
    runtime::{NodeState, RuntimeError, RuntimeKind, journal},
    scenario::fault::Pause,
};

use super::{
    Action, ActiveEffect, FaultContext, FaultError, Injected, Undone,
    described::{Described, EFFECT_LIMIT, Seen, hits_primary, wait_for},
    select::victims,
};

/// These nodes are frozen.
#[derive(Debug)]
struct Frozen(Vec<NodeName>);

#[async_trait]
impl Action for Pause {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        let nodes = victims(&self.0, context).await?;
        let primary_hit = hits_primary(&nodes, context).await;
        context
            .write_ahead(&nodes, |node| journal::Effect::Paused { node })
            .await?;
        let acts = nodes.iter().map(|node| context.runtime.pause(node));
        let (at, results) = context.emitter.time(join_all(acts)).await;
        results.into_iter().collect::<Result<Vec<()>, _>>()?;
        let means = match context.runtime.kind() {
            RuntimeKind::Docker => "the engine's freezer",
            RuntimeKind::Process => "SIGSTOP to the node's process",
        };
        let injected = Described {
            means: means.into(),
            primary_hit,
            at,
        };
        Ok(injected.into(nodes.clone(), Frozen(nodes)))
    }
}

#[async_trait]
impl ActiveEffect for Frozen {
    async fn verify(&self, context: &FaultContext) -> Seen {
        look(&self.0, context).await
    }

    async fn undo(&self, _step: usize, context: &FaultContext) -> Option<Undone> {
        Some(Undone::of(&self.0, unpause(&self.0, context).await))
    }
}

/// Every victim is frozen, and those that hold data do not answer.
async fn look(nodes: &[NodeName], context: &FaultContext) -> Seen {
    let mut seen = Seen::default();
    for node in nodes {
        match wait_for(node, context, |state| *state == NodeState::Paused).await {
            Some(_) => seen.yes(format!("{node} is frozen")),
            None => seen.no(format!("{node} is not frozen after {EFFECT_LIMIT:?}")),
        }
        let data = context
            .members()
            .iter()
            .any(|member| member.name == *node && member.kind == MemberKind::Data);
        if data {
            match context.system.view(node).await.role {
                Role::Unreachable => {
                    seen.yes(format!("{node} does not answer on a new connection"))
                }
                role => seen.no(format!("{node} still answers as {role:?}")),
            }
        }
    }
    seen
}

/// A node that lost its power since is frozen no more.
async fn thaw(context: &FaultContext, node: &NodeName) -> Result<(), RuntimeError> {
    match context.runtime.state(node).await? {
        NodeState::Exited { .. } | NodeState::Running => Ok(()),
        NodeState::Paused | NodeState::Missing => context.runtime.unpause(node).await,
    }
}

async fn unpause(nodes: &[NodeName], context: &FaultContext) -> Result<(), FaultError> {
    let paused = |node| journal::Effect::Paused { node };
    context
        .undo_each(nodes, paused, |context, node| Box::pin(thaw(context, node)))
        .await
}
