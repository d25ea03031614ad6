//! Nothing on the disk under a node's data can be changed.

use async_trait::async_trait;

use crate::{runtime::DiskFault, scenario::fault::DiskReadOnly};

use super::{Action, FaultContext, FaultError, Injected, disk::spoil};

#[async_trait]
impl Action for DiskReadOnly {
    async fn inject(&self, step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        spoil(&self.0, DiskFault::ReadOnly, step, context).await
    }
}
