//! A node ends in an orderly way.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::scenario::fault::Stop;

use super::{
    Action, FaultContext, FaultError, Injected,
    described::{Described, hits_primary},
    ended::Ended,
    select::victims,
};

/// How long an orderly stop may take before the node is killed: Docker's own default.
const STOP_GRACE: Duration = Duration::from_secs(10);

#[async_trait]
impl Action for Stop {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        let nodes = victims(&self.0, context).await?;
        let primary_hit = hits_primary(&nodes, context).await;
        let acts = nodes
            .iter()
            .map(|node| context.runtime.stop(node, STOP_GRACE));
        let (at, results) = context.emitter.time(join_all(acts)).await;
        results.into_iter().collect::<Result<Vec<()>, _>>()?;
        let injected = Described {
            means: "the image's stop signal to the node's main process".into(),
            primary_hit,
            at,
        };
        Ok(injected.into(nodes.clone(), Ended(nodes)))
    }
}
