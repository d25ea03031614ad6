//! Connections close late.

use async_trait::async_trait;

use crate::{net::Toxic, scenario::fault::SlowClose};

use super::{
    Action, FaultContext, FaultError, Injected,
    streams::{disturb, ms},
};

#[async_trait]
impl Action for SlowClose {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        let toxic = Toxic::SlowClose(ms(self.delay));
        disturb(&self.stream, toxic, context).await
    }
}
