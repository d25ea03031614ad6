//! Makes a cluster ready for another drill: a topic of its own, and everything proven again.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    id::RunId,
    record::Emitter,
    system::{Rearm, SharedRunning, SystemError},
};

use super::{ready, running::KafkaStack};

/// Kafka holds no failover back because of an earlier one.
#[async_trait]
impl Rearm for KafkaStack {
    async fn rearm(
        &self,
        run: &RunId,
        emitter: &Emitter,
    ) -> Result<(SharedRunning, Vec<String>), SystemError> {
        emitter.note("creating a topic for the next run");
        let mut next = self.again(run.clone());
        ready::prove(&mut next, self.with_controller).await?;
        let evidence = "the controller keeps nothing of earlier failovers: a broker that is registered and in sync \
            may lead at once";
        Ok((Arc::new(next), vec![evidence.into()]))
    }
}
