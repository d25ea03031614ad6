//! Moving the primary in the planned way, without loss.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use mongodb::bson::doc;

use crate::{
    id::NodeName,
    system::{PlannedMove, Running, SystemError, roster::Seat, wait::until},
};

use super::{deploy::command, running::MongoStack, wire::hello};

/// How long the old primary stands for no election, seconds; it is let go as soon as another is primary.
const AWAY_S: i32 = 20;

/// How long the old primary waits for a secondary to have everything, seconds: the server's default is 10.
const CATCH_UP_S: i32 = 10;

/// The longest wait for the new primary to take writes.
const MOVE_LIMIT: Duration = Duration::from_secs(15);

/// How often is asked.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// What an operator does: `rs.stepDown()`, which waits until a secondary has everything, refuses writes and hands the
/// role over. Where one member is wanted, the others are kept from standing (`rs.freeze()`) and it is asked to stand.
#[async_trait]
impl PlannedMove for MongoStack {
    async fn switchover(&self, to: Option<&NodeName>) -> Result<NodeName, SystemError> {
        let old = self.roster.named(&self.primary().await?)?;
        if to == Some(&old.name) {
            return Err(SystemError::Refused(format!(
                "`{}` is primary already",
                old.name
            )));
        }
        let wanted = to.map(|to| self.roster.named(to)).transpose()?;
        let moved = self.step_down(old, wanted).await;
        // Whatever became of it, everyone may stand again.
        self.unfreeze().await;
        moved
    }
}

impl MongoStack {
    async fn step_down(&self, old: &Seat, wanted: Option<&Seat>) -> Result<NodeName, SystemError> {
        let refused = |words: String| {
            SystemError::Refused(format!("`{}` did not step down: {words}", old.name))
        };
        if let Some(wanted) = wanted {
            let others = self
                .roster
                .data()
                .filter(|seat| ![&old.name, &wanted.name].contains(&&seat.name));
            for other in others {
                let freeze = doc! { "replSetFreeze": AWAY_S };
                command(other.address, freeze).await.map_err(refused)?;
            }
        }
        let leave = doc! {
            "replSetStepDown": AWAY_S, "secondaryCatchUpPeriodSecs": CATCH_UP_S,
        };
        command(old.address, leave).await.map_err(refused)?;
        let taken = || async {
            for seat in self.roster.data().filter(|seat| seat.name != old.name) {
                let said = command(seat.address, hello()).await?;
                if said.get_bool("isWritablePrimary").unwrap_or(false) {
                    return Ok(seat.name.clone());
                }
            }
            if let Some(wanted) = wanted {
                // Refused while another election is under way; it is asked again.
                let _ = command(wanted.address, doc! { "replSetStepUp": 1 }).await;
            }
            Err("no other member takes writes".to_owned())
        };
        let new = until(MOVE_LIMIT, ASK_EVERY, taken)
            .await
            .map_err(SystemError::Refused)?;
        match wanted {
            Some(wanted) if wanted.name != new => Err(SystemError::Refused(format!(
                "`{new}` became primary instead of `{}`",
                wanted.name
            ))),
            _ => Ok(new),
        }
    }

    /// Lets every secondary stand for election again. A primary refuses, which needs nothing.
    pub(super) async fn unfreeze(&self) {
        let asked = self
            .roster
            .data()
            .map(|seat| command(seat.address, doc! { "replSetFreeze": 0 }));
        join_all(asked).await;
    }
}
