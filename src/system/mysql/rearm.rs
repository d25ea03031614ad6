//! Makes a stack ready for another drill: everything is proven anew.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    id::RunId,
    record::Emitter,
    system::{Rearm, SharedRunning, SystemError},
};

use super::{kind::Kind, ready, running::MySqlStack};

/// Neither an operator nor a group has an anti-flap period: each may fail over again at once.
#[async_trait]
impl Rearm for MySqlStack {
    async fn rearm(
        &self,
        run: &RunId,
        emitter: &Emitter,
    ) -> Result<(SharedRunning, Vec<String>), SystemError> {
        let mut next = self.again(run.clone(), emitter.clone());
        ready::prove(&mut next).await?;
        let evidence = match self.shape.kind {
            Kind::MySqlReplication | Kind::MariaDbReplication => {
                "an operator decides: nothing holds the next promotion back"
            }
            Kind::Group => "every member is ONLINE: nothing holds the next election back",
            Kind::Galera => "every node is Synced: nothing holds the next change of members back",
        };
        Ok((Arc::new(next), vec![evidence.into()]))
    }
}
