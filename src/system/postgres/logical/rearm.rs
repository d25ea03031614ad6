//! Makes a stack ready for another drill.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    id::RunId,
    record::Emitter,
    system::{Rearm, SharedRunning, SystemError},
};

use super::{ready, running::LogicalStack};

#[async_trait]
impl Rearm for LogicalStack {
    async fn rearm(
        &self,
        run: &RunId,
        emitter: &Emitter,
    ) -> Result<(SharedRunning, Vec<String>), SystemError> {
        let mut next = self.again(run.clone(), emitter.clone());
        ready::prove(&mut next).await?;
        let evidence = "an operator decides: nothing holds the next failover back";
        Ok((Arc::new(next), vec![evidence.into()]))
    }
}
