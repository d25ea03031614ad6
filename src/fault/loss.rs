//! Some packets are dropped.

use async_trait::async_trait;

use crate::{net::Shaping, scenario::fault::Loss};

use super::{Action, FaultContext, FaultError, Injected, packets::shape};

#[async_trait]
impl Action for Loss {
    async fn inject(&self, step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        shape(&self.0.path, shaping(self), step, context).await
    }

    fn shaping(&self) -> Option<Shaping> {
        Some(shaping(self))
    }
}

fn shaping(loss: &Loss) -> Shaping {
    Shaping::Loss(loss.0.share.0 / 100.0)
}
