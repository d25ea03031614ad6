//! A fault in force: its effect is looked at, and undone.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::{
    id::NodeName,
    record::{Effect, EffectState, What},
    runtime::{NodeState, journal},
    time::Bracket,
};

use super::{FaultContext, FaultError, described::Seen};

/// What a fault has done, which can be looked at and undone.
#[async_trait]
pub trait ActiveEffect: fmt::Debug + Send + Sync {
    /// Looks whether it is there, from the machines and by application bytes.
    async fn verify(&self, context: &FaultContext) -> Seen;

    /// Undoes it; nothing where nothing is to be undone. `step` is the one that injected it.
    async fn undo(&self, _step: usize, _context: &FaultContext) -> Option<Undone> {
        None
    }

    /// Whether it starts nodes again by itself.
    fn starts_nodes(&self) -> bool {
        false
    }
}

/// What was undone.
#[derive(Debug)]
pub struct Undone {
    /// The nodes that are as before.
    nodes: Vec<NodeName>,
    /// Whether they are.
    result: Result<(), FaultError>,
}

impl Undone {
    /// These nodes are as before, if that went well.
    pub(super) fn of(nodes: &[NodeName], result: Result<(), FaultError>) -> Self {
        Self {
            nodes: nodes.to_vec(),
            result,
        }
    }
}

/// A fault in force. It must be healed, once; the journal heals it when this process cannot.
#[must_use = "a fault that is not healed stays in force until the next sweep"]
#[derive(Debug, Clone)]
pub struct ActiveFault {
    /// The step that injected it.
    pub step: usize,
    /// Its kind, as a file names it.
    pub name: &'static str,
    /// Whether it does nothing, on purpose.
    pub(super) control: bool,
    /// What it has done.
    pub(super) effect: Arc<dyn ActiveEffect>,
}

impl ActiveFault {
    /// Looks whether its effect is there.
    pub async fn verify(&self, context: &FaultContext) -> Effect {
        let mut effect = self.effect.verify(context).await.effect(self.step);
        if self.control && effect.state == EffectState::Verified {
            effect.state = EffectState::Unchanged;
        }
        effect
    }

    /// Whether it starts nodes again by itself.
    pub fn starts_nodes(&self) -> bool {
        self.effect.starts_nodes()
    }

    /// Undoes it. Everything is tried; the first failure is returned.
    ///
    /// # Errors
    /// When a node could not be brought back or reached.
    pub async fn heal(self, context: &FaultContext) -> Result<(), FaultError> {
        self.undo(context, true).await
    }

    /// Undoes what a runbook did: it is no heal of the drill's, and service that comes back by it was brought back by the runbook.
    ///
    /// # Errors
    /// When a node could not be brought back.
    pub async fn give_back(self, context: &FaultContext) -> Result<(), FaultError> {
        self.undo(context, false).await
    }

    async fn undo(self, context: &FaultContext, heals: bool) -> Result<(), FaultError> {
        let low = context.emitter.now();
        let undone = self.effect.undo(self.step, context).await;
        if let Some(permit) = &context.permit {
            permit.undone(self.step);
        }
        let Some(undone) = undone else {
            return Ok(());
        };
        let at = Bracket {
            low,
            high: context.emitter.now(),
        };
        if heals {
            context.emitter.say_at(at, What::Healed { step: self.step });
        }
        for node in undone.nodes {
            context.emitter.say_at(at, What::Returned { node });
        }
        undone.result
    }
}

/// Brings all nodes back together, and only then arms their links: a node's probes reach for all others.
pub(super) async fn bring_back(
    nodes: &[NodeName],
    context: &FaultContext,
) -> Result<(), FaultError> {
    let mut gone = Vec::new();
    for node in nodes {
        // A node that came back by itself is left alone.
        if context.runtime.state(node).await != Ok(NodeState::Running) {
            gone.push(node.clone());
        }
    }
    let back = join_all(gone.iter().map(|node| context.system.bring_back(node))).await;
    let mut first = back
        .into_iter()
        .collect::<Result<Vec<()>, _>>()
        .map(drop)
        .map_err(FaultError::from);
    first = first.and(arm(&gone, context).await);
    first
}

/// A node that was started again has new links, which are probed from now on.
pub(super) async fn arm(nodes: &[NodeName], context: &FaultContext) -> Result<(), FaultError> {
    match &context.links {
        Some(links) if !nodes.is_empty() => links.arm(nodes).await.map_err(FaultError::from),
        _ => Ok(()),
    }
}

/// Lets packets pass again as they did before the fault.
pub(super) async fn reconnect(fault: usize, context: &FaultContext) -> Result<(), FaultError> {
    if let Some(links) = &context.links {
        for node in links.heal(fault).await? {
            let _ = context.journal.undone(journal::Effect::Cut { node }).await;
        }
    }
    Ok(())
}
