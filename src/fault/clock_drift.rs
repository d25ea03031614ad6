//! A node's clock goes at a wrong rate.

use async_trait::async_trait;

use crate::{runtime::Skew, scenario::fault::ClockDrift};

use super::{
    Action, FaultContext, FaultError, Injected,
    clock::{rehearse, skew, wall_nanoseconds},
};

#[async_trait]
impl Action for ClockDrift {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        let wrong = Skew {
            from: wall_nanoseconds(),
            jump: 0,
            faster: self.parts(),
        };
        skew(&self.node, wrong, context).await
    }

    async fn rehearse(&self, context: &FaultContext) -> Result<(), FaultError> {
        rehearse(context).await
    }
}
