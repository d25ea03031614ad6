//! Makes a set ready for another drill: nobody is kept from standing for election, and everything is proven again.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    id::RunId,
    record::Emitter,
    system::{Rearm, Running, SharedRunning, SystemError},
};

use super::{ready, running::MongoStack};

/// A member that stepped down stands for no election for a while (`replSetFreeze 0` ends that); nothing else is held back
/// after an election. Terms only count up.
#[async_trait]
impl Rearm for MongoStack {
    async fn rearm(
        &self,
        run: &RunId,
        _: &Emitter,
    ) -> Result<(SharedRunning, Vec<String>), SystemError> {
        self.unfreeze().await;
        let mut next = self.again(run.clone(), self.primary().await?);
        ready::prove(&mut next).await?;
        let evidence = vec![
            "every secondary was told that it may stand for election (replSetFreeze 0)".into(),
        ];
        Ok((Arc::new(next), evidence))
    }
}
