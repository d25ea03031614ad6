//! Makes a cluster ready for another drill: everything is proven again, for keys of the new run.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    id::RunId,
    record::Emitter,
    system::{Rearm, SharedRunning, SystemError},
};

use super::{ready, running::EtcdStack};

/// Raft knows no anti-flap period and no lease that outlives an election: a member stands whenever it has heard of no
/// leader for its election timeout. Terms and revisions only count up.
#[async_trait]
impl Rearm for EtcdStack {
    async fn rearm(
        &self,
        run: &RunId,
        _: &Emitter,
    ) -> Result<(SharedRunning, Vec<String>), SystemError> {
        let next = ready::prove(self.again(run.clone())).await?;
        let evidence =
            vec!["every member follows the leader in its term, so any of them may stand".into()];
        Ok((Arc::new(next), evidence))
    }
}
