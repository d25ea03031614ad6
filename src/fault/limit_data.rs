//! A connection closes once so many bytes have passed.

use async_trait::async_trait;

use crate::{net::Toxic, scenario::fault::LimitData};

use super::{Action, FaultContext, FaultError, Injected, streams::disturb};

#[async_trait]
impl Action for LimitData {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        let toxic = Toxic::LimitData(self.bytes);
        disturb(&self.stream, toxic, context).await
    }
}
