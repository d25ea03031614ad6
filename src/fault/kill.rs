//! A node's processes end at once.

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::{runtime::Signal, scenario::fault::Kill};

use super::{
    Action, FaultContext, FaultError, Injected,
    described::{Described, hits_primary},
    ended::Ended,
    select::victims,
};

#[async_trait]
impl Action for Kill {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        let nodes = victims(&self.0, context).await?;
        let primary_hit = hits_primary(&nodes, context).await;
        let acts = nodes
            .iter()
            .map(|node| context.runtime.signal(node, Signal::Kill));
        let (at, results) = context.emitter.time(join_all(acts)).await;
        results.into_iter().collect::<Result<Vec<()>, _>>()?;
        let injected = Described {
            means: "SIGKILL to the node's main process".into(),
            primary_hit,
            at,
        };
        Ok(injected.into(nodes.clone(), Ended(nodes)))
    }
}
