//! The disk under a node's data is slow.

use async_trait::async_trait;

use crate::{runtime::DiskFault, scenario::fault::DiskSlow};

use super::{Action, FaultContext, FaultError, Injected, disk::spoil};

#[async_trait]
impl Action for DiskSlow {
    async fn inject(&self, step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        let slow = DiskFault::Slow {
            delay: self.delay.0.as_secs_f64(),
            operations: self.operations.clone(),
        };
        spoil(&self.disk, slow, step, context).await
    }
}
