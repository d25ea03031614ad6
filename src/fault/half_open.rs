//! What is sent is swallowed, and the connections stay open.

use async_trait::async_trait;

use crate::{net::Toxic, scenario::fault::HalfOpen};

use super::{
    Action, FaultContext, FaultError, Injected,
    streams::{disturb, ms},
};

#[async_trait]
impl Action for HalfOpen {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        let toxic = Toxic::Timeout(self.closes.map_or(0, ms));
        disturb(&self.stream, toxic, context).await
    }
}
