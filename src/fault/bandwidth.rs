//! Packets queue up for a narrow path.

use async_trait::async_trait;

use crate::{net::Shaping, scenario::fault::Bandwidth};

use super::{Action, FaultContext, FaultError, Injected, packets::shape};

#[async_trait]
impl Action for Bandwidth {
    async fn inject(&self, step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        shape(&self.path, shaping(self), step, context).await
    }

    fn shaping(&self) -> Option<Shaping> {
        Some(shaping(self))
    }
}

fn shaping(slow: &Bandwidth) -> Shaping {
    Shaping::Bandwidth(slow.limit.0)
}
