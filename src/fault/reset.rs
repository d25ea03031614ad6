//! Connections end by a reset.

use async_trait::async_trait;

use crate::{net::Toxic, scenario::fault::Reset};

use super::{
    Action, FaultContext, FaultError, Injected,
    streams::{disturb, ms},
};

#[async_trait]
impl Action for Reset {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        let toxic = Toxic::ResetPeer(ms(self.after));
        disturb(&self.stream, toxic, context).await
    }
}
