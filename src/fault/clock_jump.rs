//! A node's clock jumps.

use async_trait::async_trait;

use crate::{runtime::Skew, scenario::fault::ClockJump};

use super::{
    Action, FaultContext, FaultError, Injected,
    clock::{rehearse, skew, wall_nanoseconds},
};

#[async_trait]
impl Action for ClockJump {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        let wrong = Skew {
            from: wall_nanoseconds(),
            jump: self.nanoseconds(),
            faster: 0,
        };
        skew(&self.node, wrong, context).await
    }

    async fn rehearse(&self, context: &FaultContext) -> Result<(), FaultError> {
        rehearse(context).await
    }
}
