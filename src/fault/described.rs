//! What every fault says of itself, and what is seen of its effect.

use std::{sync::Arc, time::Duration};

use crate::{
    id::NodeName,
    record::{Effect, EffectState},
    runtime::NodeState,
    time::Bracket,
};

use super::{ActiveEffect, FaultContext, Injected};

/// The longest wait for an effect to show in a node's state.
pub(super) const EFFECT_LIMIT: Duration = Duration::from_secs(5);

/// What a fault says of itself.
pub(super) struct Described {
    pub means: String,
    pub primary_hit: bool,
    pub at: Bracket,
}

impl Described {
    pub(super) fn into(
        self,
        victims: Vec<NodeName>,
        effect: impl ActiveEffect + 'static,
    ) -> Injected {
        Injected {
            victims,
            primary_hit: self.primary_hit,
            means: self.means,
            at: self.at,
            effect: Arc::new(effect),
        }
    }
}

/// Whether a primary is one of them.
pub(super) async fn hits_primary(nodes: &[NodeName], context: &FaultContext) -> bool {
    let primaries = context.system.primaries().await.unwrap_or_default();
    primaries.iter().any(|primary| nodes.contains(primary))
}

/// Waits until the node's main process has ended; false if it does not.
pub(super) async fn ended(node: &NodeName, context: &FaultContext) -> bool {
    let exited = |state: &NodeState| matches!(state, NodeState::Exited { .. });
    wait_for(node, context, exited).await.is_some()
}

/// Waits until the node's state fits; none if it does not come to that.
pub(super) async fn wait_for(
    node: &NodeName,
    context: &FaultContext,
    fits: fn(&NodeState) -> bool,
) -> Option<NodeState> {
    let poll = async {
        loop {
            if let Ok(state) = context.runtime.state(node).await
                && fits(&state)
            {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(EFFECT_LIMIT, poll).await.ok()
}

/// Collects observations for and against an effect.
#[derive(Default)]
pub struct Seen {
    against: u32,
    evidence: Vec<String>,
}

impl Seen {
    /// An observation as intended.
    pub fn yes(&mut self, text: String) {
        self.evidence.push(text);
    }

    /// An observation against it; those are listed first.
    pub fn no(&mut self, text: String) {
        self.against += 1;
        self.evidence.insert(0, text);
    }

    /// The effect, verified unless something spoke against it.
    pub fn effect(self, step: usize) -> Effect {
        let state = if self.against == 0 {
            EffectState::Verified
        } else {
            EffectState::NotVerified
        };
        Effect {
            step,
            state,
            evidence: self.evidence,
        }
    }
}
