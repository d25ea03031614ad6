//! Packets overtake each other.

use async_trait::async_trait;

use crate::{net::Shaping, scenario::fault::Reorder};

use super::{Action, FaultContext, FaultError, Injected, packets::shape};

#[async_trait]
impl Action for Reorder {
    async fn inject(&self, step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        shape(&self.path, shaping(self), step, context).await
    }

    fn shaping(&self) -> Option<Shaping> {
        Some(shaping(self))
    }
}

fn shaping(late: &Reorder) -> Shaping {
    Shaping::Reorder {
        share: late.share.0 / 100.0,
        hold: late.hold.0,
    }
}
