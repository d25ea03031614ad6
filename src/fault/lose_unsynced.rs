//! What was written and not synced is lost when a node ends.

use async_trait::async_trait;

use crate::{runtime::DiskFault, scenario::fault::LoseUnsynced};

use super::{Action, FaultContext, FaultError, Injected, disk::spoil};

#[async_trait]
impl Action for LoseUnsynced {
    async fn inject(&self, step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        spoil(&self.0, DiskFault::Unsynced, step, context).await
    }
}
