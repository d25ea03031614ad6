//! The bytes of connections arrive late, in order.

use async_trait::async_trait;

use crate::{net::Toxic, scenario::fault::StreamLatency};

use super::{
    Action, FaultContext, FaultError, Injected,
    streams::{disturb, ms},
};

#[async_trait]
impl Action for StreamLatency {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        let toxic = Toxic::Latency {
            latency: ms(self.delay),
            jitter: ms(self.jitter),
        };
        disturb(&self.stream, toxic, context).await
    }
}
