//! Moving the primary of a shard in the planned way, without loss.

use std::time::Duration;

use async_trait::async_trait;

use crate::{
    id::NodeName,
    record::Shard,
    system::{
        PlannedMove, SystemError,
        redis::link::{ask, command},
        roster::Seat,
        wait::until,
    },
};

use super::{look::looks, running::ClusterStack};

/// The longest wait for the replica to lead and every node to know it. The server gives a planned failover up after 5 s.
const MOVE_LIMIT: Duration = Duration::from_secs(8);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_millis(500);

/// How often is asked.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// `CLUSTER FAILOVER` at the replica: its primary holds writes back, lets it have everything, and hands its slots over by
/// an election of the other primaries.
#[async_trait]
impl PlannedMove for ClusterStack {
    /// Without `to`, the replica of the first shard.
    async fn switchover(&self, to: Option<&NodeName>) -> Result<NodeName, SystemError> {
        let shards = &self.stack.shards;
        let shard = match to {
            None => shards.first(),
            Some(to) => shards.iter().find(|shard| shard.members.contains(to)),
        };
        let refuse = |why: &str| SystemError::Refused(why.to_owned());
        let shard = shard.ok_or_else(|| refuse("it is in no shard"))?;
        let old = self.primary_of(shard).await?;
        let new = match to {
            Some(to) => to,
            None => {
                let mut others = shard.members.iter().filter(|member| **member != old.name);
                others.next().ok_or_else(|| refuse("there is no replica"))?
            }
        };
        if *new == old.name {
            return Err(SystemError::Refused(format!("`{new}` is primary already")));
        }
        let seat = self.roster.named(new)?;
        let order = command(&["CLUSTER", "FAILOVER"]);
        let ordered = ask::<()>(seat.address, &order, ASK_LIMIT).await;
        ordered.map_err(|error| SystemError::Refused(format!("{new}: {error}")))?;
        let known = || self.known_everywhere(shard, seat);
        let known = until(MOVE_LIMIT, ASK_EVERY, known).await;
        known.map_err(SystemError::Refused)?;
        Ok(new.clone())
    }
}

impl ClusterStack {
    /// Whether every node takes this one for the owner of the shard's slots.
    async fn known_everywhere(&self, shard: &Shard, owner: &Seat) -> Result<(), String> {
        let slot = self.slot_of(shard);
        for (seat, look) in looks(&self.roster, ASK_LIMIT).await {
            let look = look.ok_or_else(|| format!("`{}` does not answer", seat.name))?;
            let known = look.owner(slot).and_then(|known| known.address);
            if known != Some(owner.address) {
                let (node, owner) = (&seat.name, &owner.name);
                return Err(format!("`{node}` does not know `{owner}` as primary"));
            }
        }
        Ok(())
    }
}
