//! Makes a cluster ready for another drill: no primary holds a vote back, and everything is proven again.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    id::RunId,
    record::Emitter,
    system::{Rearm, SharedRunning, SystemError},
};

use super::{ready, running::ClusterStack};

/// A longer hold is not waited out: a fresh stack stands sooner.
const HOLD_MAX: Duration = Duration::from_secs(10);

/// A primary that voted for a replica of one shard votes for no other one of it for twice the node timeout
/// (`clusterSendFailoverAuthIfNeeded`), and a replica whose election was not won waits four times as long, at least
/// 4 s (`clusterHandleReplicaFailover`). The longer one is waited out.
#[async_trait]
impl Rearm for ClusterStack {
    async fn rearm(
        &self,
        run: &RunId,
        emitter: &Emitter,
    ) -> Result<(SharedRunning, Vec<String>), SystemError> {
        // `phase_ns` is half the node timeout.
        let timeout = Duration::from_nanos(self.stack.phase_ns) * 2;
        let hold = (4 * timeout).max(Duration::from_secs(4));
        if hold > HOLD_MAX {
            return Err(SystemError::Refused(format!(
                "a vote or an election may be held back for up to {hold:?}"
            )));
        }
        emitter.note(format!(
            "waiting {hold:?}, as an election that was not won does"
        ));
        tokio::time::sleep(hold).await;
        let mut next = self.again(run.clone());
        ready::prove(&mut next).await?;
        let evidence = format!("{hold:?} were waited out: no vote and no election is held back");
        Ok((Arc::new(next), vec![evidence]))
    }
}
