//! A node is killed and started again at once.

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::{id::NodeName, record::What, runtime::NodeState, scenario::fault::Restart};

use super::{
    Action, ActiveEffect, FaultContext, FaultError, Injected,
    described::{Described, EFFECT_LIMIT, Seen, ended, hits_primary, wait_for},
    ended::kill_all,
    select::victims,
};

/// These nodes ended, and run again.
#[derive(Debug)]
struct Restarted(Vec<NodeName>);

#[async_trait]
impl Action for Restart {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        let nodes = victims(&self.0, context).await?;
        let primary_hit = hits_primary(&nodes, context).await;
        let at = kill_all(&nodes, context).await?;
        start(&nodes, context).await?;
        let injected = Described {
            means: "SIGKILL to the node's main process, then a start".into(),
            primary_hit,
            at,
        };
        Ok(injected.into(nodes.clone(), Restarted(nodes)))
    }
}

/// Starts nodes once they have ended.
async fn start(nodes: &[NodeName], context: &FaultContext) -> Result<(), FaultError> {
    for node in nodes {
        ended(node, context).await;
    }
    let start = join_all(nodes.iter().map(|node| context.runtime.start(node)));
    let (back, results) = context.emitter.time(start).await;
    results.into_iter().collect::<Result<Vec<()>, _>>()?;
    for node in nodes {
        let node = node.clone();
        context.emitter.say_at(back, What::Returned { node });
    }
    Ok(())
}

#[async_trait]
impl ActiveEffect for Restarted {
    async fn verify(&self, context: &FaultContext) -> Seen {
        look(&self.0, context).await
    }
}

/// Every victim runs again.
async fn look(nodes: &[NodeName], context: &FaultContext) -> Seen {
    let mut seen = Seen::default();
    for node in nodes {
        match wait_for(node, context, |state| *state == NodeState::Running).await {
            Some(_) => seen.yes(format!("{node} was seen ended, and runs again")),
            None => seen.no(format!("{node} does not run again after {EFFECT_LIMIT:?}")),
        }
    }
    seen
}
