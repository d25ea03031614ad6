//! Bytes pass in small pieces.

use async_trait::async_trait;

use crate::{net::Toxic, scenario::fault::Slice};

use super::{
    Action, FaultContext, FaultError, Injected,
    streams::{disturb, ms},
};

#[async_trait]
impl Action for Slice {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        let toxic = Toxic::Slicer {
            size: self.size,
            delay: ms(self.pause).saturating_mul(1000),
        };
        disturb(&self.stream, toxic, context).await
    }
}
