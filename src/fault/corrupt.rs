//! Some packets are damaged.

use async_trait::async_trait;

use crate::{net::Shaping, scenario::fault::Corrupt};

use super::{Action, FaultContext, FaultError, Injected, packets::shape};

#[async_trait]
impl Action for Corrupt {
    async fn inject(&self, step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        shape(&self.0.path, shaping(self), step, context).await
    }

    fn shaping(&self) -> Option<Shaping> {
        Some(shaping(self))
    }
}

fn shaping(bad: &Corrupt) -> Shaping {
    Shaping::Corrupt(bad.0.share.0 / 100.0)
}
