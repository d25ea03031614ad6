//! Only so many bits a second of each connection pass.

use async_trait::async_trait;

use crate::{net::Toxic, scenario::fault::StreamBandwidth};

use super::{Action, FaultContext, FaultError, Injected, streams::disturb};

#[async_trait]
impl Action for StreamBandwidth {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        let toxic = Toxic::Bandwidth(u32::try_from(self.limit.0 / 8000).unwrap_or(u32::MAX));
        disturb(&self.stream, toxic, context).await
    }
}
