//! Makes a cluster ready for another drill: an index of its own, and everything proven again.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    id::RunId,
    record::Emitter,
    system::{Rearm, SharedRunning, SystemError},
};

use super::{ready, running::OpenSearchStack};

/// OpenSearch holds no failover back because of an earlier one: a copy that is in sync may be made primary at once. The
/// pause between elections grows only within one search for a cluster manager.
#[async_trait]
impl Rearm for OpenSearchStack {
    async fn rearm(
        &self,
        run: &RunId,
        emitter: &Emitter,
    ) -> Result<(SharedRunning, Vec<String>), SystemError> {
        emitter.note("making an index for the next run");
        let next = ready::prove(self.again(run.clone())).await?;
        let evidence = "every copy is in sync, so any of them may be made primary at once";
        Ok((Arc::new(next), vec![evidence.into()]))
    }
}
