//! Packets arrive late.

use async_trait::async_trait;

use crate::{net::Shaping, scenario::fault::Latency};

use super::{Action, FaultContext, FaultError, Injected, packets::shape};

#[async_trait]
impl Action for Latency {
    async fn inject(&self, step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        shape(&self.path, shaping(self), step, context).await
    }

    fn shaping(&self) -> Option<Shaping> {
        Some(shaping(self))
    }
}

fn shaping(latency: &Latency) -> Shaping {
    Shaping::Latency {
        delay: latency.delay.0,
        jitter: latency.jitter.0,
        distribution: latency.distribution,
    }
}
