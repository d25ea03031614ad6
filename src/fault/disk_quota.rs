//! Little room is left on the disk under a node's data.

use async_trait::async_trait;

use crate::{runtime::DiskFault, scenario::fault::DiskQuota};

use super::{Action, FaultContext, FaultError, Injected, disk::spoil};

#[async_trait]
impl Action for DiskQuota {
    async fn inject(&self, step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        let quota = DiskFault::Quota {
            room: self.room.0,
            most: None,
        };
        spoil(&self.disk, quota, step, context).await
    }
}
