//! No room is left on the disk under a node's data.

use async_trait::async_trait;

use crate::{runtime::DiskFault, scenario::fault::DiskFull};

use super::{Action, FaultContext, FaultError, Injected, disk::spoil};

#[async_trait]
impl Action for DiskFull {
    async fn inject(&self, step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        spoil(&self.0, DiskFault::Full, step, context).await
    }
}
