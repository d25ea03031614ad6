//! A node's processes end at once.

use async_trait::async_trait;

use crate::scenario::fault::Kill;

use super::{
    Action, FaultContext, FaultError, Injected,
    described::{Described, hits_primary},
    ended::{Ended, kill_all},
    select::victims,
};

#[async_trait]
impl Action for Kill {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        let nodes = victims(&self.0, context).await?;
        let primary_hit = hits_primary(&nodes, context).await;
        let at = kill_all(&nodes, context).await?;
        let injected = Described {
            means: "SIGKILL to the node's main process".into(),
            primary_hit,
            at,
        };
        Ok(injected.into(nodes.clone(), Ended(nodes)))
    }
}
