//! Operations of the disk under a node's data fail.

use async_trait::async_trait;

use crate::{runtime::DiskFault, scenario::fault::DiskErrors};

use super::{Action, FaultContext, FaultError, Injected, disk::spoil};

#[async_trait]
impl Action for DiskErrors {
    async fn inject(&self, step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        let errors = DiskFault::Errors {
            share: self.share.0 / 100.0,
            operations: self.operations.clone(),
        };
        spoil(&self.disk, errors, step, context).await
    }
}
