//! Makes a stack ready for another drill: leases are ordinary again, and everything is proven anew.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    id::RunId,
    record::Emitter,
    system::{Rearm, SharedRunning, SystemError},
};

use super::{ready, running::PostgresStack};

/// An operator may promote again at once. Patroni has no anti-flap period either, but a new leader of etcd starts
/// every lease anew and adds to it: one loop later the leader's key lives as long as it does in ordinary life.
#[async_trait]
impl Rearm for PostgresStack {
    async fn rearm(
        &self,
        run: &RunId,
        emitter: &Emitter,
    ) -> Result<(SharedRunning, Vec<String>), SystemError> {
        let mut next = self.again(run.clone(), emitter.clone());
        ready::prove(&mut next).await?;
        let evidence = match self.shape.timings() {
            Some(timings) => {
                let period = timings.loop_wait;
                emitter.note(format!("waiting one loop of Patroni, {period:?}"));
                tokio::time::sleep(period).await;
                format!(
                    "one loop of Patroni, {period:?}, was waited out: the leader's lease is an ordinary one"
                )
            }
            None => "an operator decides: nothing holds the next promotion back".into(),
        };
        Ok((Arc::new(next), vec![evidence]))
    }
}
