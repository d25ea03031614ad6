//! Moving the partition's leader in the planned way.

use std::time::Duration;

use async_trait::async_trait;

use crate::{
    id::NodeName,
    system::{ControlPlane, PlannedMove, Running, SystemError, wait::until},
};

use super::{
    brokers::{Brokers, believes},
    questions::{elect_preferred, reorder},
    running::KafkaStack,
};

/// The longest wait for a move to be done.
const MOVE_LIMIT: Duration = Duration::from_secs(20);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_secs(5);

/// How often is asked.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// What an operator does: names the wanted broker first among the partition's replicas
/// (`kafka-reassign-partitions.sh`), then lets the preferred leader be elected (`kafka-leader-election.sh`).
/// The old leader gives way to a replica that is in sync: nothing is lost.
#[async_trait]
impl PlannedMove for KafkaStack {
    async fn switchover(&self, to: Option<&NodeName>) -> Result<NodeName, SystemError> {
        let refused =
            |error: String| SystemError::Refused(format!("the leader was not moved: {error}"));
        let old = self.roster.named(&self.primary().await?)?;
        let topic = self.records.topic();
        let belief = believes(old, topic, ASK_LIMIT).await.map_err(refused)?;
        let new = match to {
            Some(name) => self.roster.named(name)?,
            None => {
                let other = belief.in_sync.iter().find(|id| **id != Brokers::id(old));
                let other = other.and_then(|id| self.brokers.seat(*id));
                other.ok_or_else(|| refused("no other replica is in sync".into()))?
            }
        };
        if new.name == old.name {
            return Err(refused(format!("`{}` leads already", old.name)));
        }
        let wanted = Brokers::id(new);
        let mut order = belief.replicas.clone();
        order.sort_by_key(|id| *id != wanted);
        reorder(old.address, topic, &order, ASK_LIMIT)
            .await
            .map_err(refused)?;
        // The new order reaches the controller's own view a moment after it was taken.
        let elect = || async {
            elect_preferred(old.address, topic, ASK_LIMIT).await?;
            match believes(new, topic, ASK_LIMIT).await?.leader {
                Some(leader) if leader == wanted => Ok(()),
                _ => Err(format!("`{}` does not lead yet", new.name)),
            }
        };
        let moved = until(MOVE_LIMIT, ASK_EVERY, elect).await;
        moved.map_err(refused)?;
        Ok(new.name.clone())
    }
}

#[async_trait]
impl ControlPlane for KafkaStack {
    async fn leader_host(&self) -> Result<String, SystemError> {
        let active = self.controller(MOVE_LIMIT).await?;
        let seat = self.brokers.seat(active);
        let unknown = || SystemError::Refused(format!("controller {active} is no member"));
        seat.map(|seat| seat.host.clone()).ok_or_else(unknown)
    }

    async fn move_leader(&self, _: &str) -> Result<(), SystemError> {
        Err(SystemError::Refused(
            "Kafka has no means to choose its active controller; the setting `controller` puts the leader where \
             it is wanted"
                .into(),
        ))
    }
}
