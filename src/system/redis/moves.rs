//! Moving the primary in the planned way, without loss.

use std::{net::SocketAddr, time::Duration};

use async_trait::async_trait;
use futures_util::future::{join_all, try_join_all};
use redis::{FromRedisValue, RedisError};

use crate::{
    id::NodeName,
    record::MemberKind,
    scenario::StreamLink,
    system::{
        PlannedMove, Promote, SystemError,
        roster::{Seat, furthest},
        wait::until,
    },
};

use super::{
    link::{ask, command},
    running::{RedisStack, status},
    sentinel,
};

/// The longest that writes are held back: longer than the sentinels need once they are told.
const HOLD: Duration = Duration::from_secs(10);

/// The longest wait for the sentinels to see new priorities: they ask every 10 s.
const PRIORITY_LIMIT: Duration = Duration::from_secs(25);

/// The longest wait for a replica to have everything, once writes are held back.
const CATCH_UP_LIMIT: Duration = Duration::from_secs(3);

/// The longest wait for the promotion, and then for every sentinel to name the new primary.
const MOVE_LIMIT: Duration = Duration::from_secs(8);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_millis(500);

/// How often is asked.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// The priority of the node that is to be promoted; Sentinel takes the lowest above 0. The default is 100.
const CHOSEN: &str = "1";

/// The server's default priority.
const USUAL: &str = "100";

/// What a Redis operator does for a move without loss, since `SENTINEL FAILOVER` alone lets the old primary
/// acknowledge writes that the new one never gets: hold writes back (`CLIENT PAUSE WRITE`), see that the
/// replicas have everything, let the sentinels fail over, and make the old primary a replica at once instead
/// of after the 8 s that the sentinels take for it. `FAILOVER TO` does the same inside the server, but
/// Sentinel does not follow it: it takes a primary that says it is a replica for down.
#[async_trait]
impl PlannedMove for RedisStack {
    async fn switchover(&self, to: Option<&NodeName>) -> Result<NodeName, SystemError> {
        use crate::system::Running;
        let old = self.roster.named(&self.primary().await?)?;
        if to == Some(&old.name) {
            return Err(SystemError::Refused(format!(
                "`{}` is primary already",
                old.name
            )));
        }
        let watched = self.roster.of(MemberKind::Control).next().is_some();
        if let Some(to) = to.filter(|_| watched) {
            self.prefer(self.roster.named(to)?).await?;
        }
        let moved = if watched {
            self.hold_and_move(old).await
        } else {
            self.hold_and_hand_over(old, to).await
        };
        // Whatever became of it, writes are let through again; on a replica they are refused.
        let let_go = order::<()>(old.address, &["CLIENT", "UNPAUSE"]).await;
        if watched && to.is_some() {
            join_all(
                self.roster
                    .data()
                    .map(|seat| prioritise(seat.address, USUAL)),
            )
            .await;
        }
        let new = moved?;
        let_go?;
        Ok(new)
    }
}

impl RedisStack {
    async fn hold_and_move(&self, old: &Seat) -> Result<NodeName, SystemError> {
        let hold = HOLD.as_millis().to_string();
        order::<()>(old.address, &["CLIENT", "PAUSE", &hold, "WRITE"]).await?;
        self.caught_up(old).await?;
        let sentinel = self.roster.of(MemberKind::Control).next();
        let sentinel =
            sentinel.ok_or_else(|| SystemError::Refused("there is no sentinel".into()))?;
        order::<()>(
            sentinel.address,
            &["SENTINEL", "FAILOVER", &self.directory.watched().master],
        )
        .await?;
        let promoted = || async {
            let statuses = self.statuses().await;
            let new = statuses.iter().find(|(seat, status)| {
                seat.name != old.name && status.as_ref().is_some_and(|status| status.primary)
            });
            new.map(|(seat, _)| (*seat).clone())
                .ok_or_else(|| "no replica was promoted".to_owned())
        };
        let new = until(MOVE_LIMIT, ASK_EVERY, promoted)
            .await
            .map_err(SystemError::Refused)?;
        let (ip, port) = (new.address.ip().to_string(), new.address.port().to_string());
        order::<()>(old.address, &["REPLICAOF", &ip, &port]).await?;
        // As Sentinel does when it demotes: clients must look for the primary again.
        order::<u64>(old.address, &["CLIENT", "KILL", "TYPE", "normal"]).await?;
        let named = || async {
            let sentinels = self.directory.sentinels().iter();
            let asked = sentinels.map(|(_, address)| {
                sentinel::primary_by(*address, self.directory.watched(), ASK_LIMIT)
            });
            let answers = try_join_all(asked)
                .await
                .map_err(|error| error.to_string())?;
            if answers.iter().all(|address| *address == new.address) {
                Ok(())
            } else {
                Err("not every sentinel names the new primary".to_owned())
            }
        };
        until(MOVE_LIMIT, ASK_EVERY, named)
            .await
            .map_err(SystemError::Refused)?;
        Ok(new.name)
    }

    /// The same without sentinels: the operator promotes, repoints the clients and makes the others follow.
    async fn hold_and_hand_over(
        &self,
        old: &Seat,
        to: Option<&NodeName>,
    ) -> Result<NodeName, SystemError> {
        let hold = HOLD.as_millis().to_string();
        order::<()>(old.address, &["CLIENT", "PAUSE", &hold, "WRITE"]).await?;
        self.caught_up(old).await?;
        let new = match to {
            Some(to) => to.clone(),
            None => self.best_candidate().await?,
        };
        self.promote(&new).await?;
        // A route stays with the old one for as long as that says that it is primary.
        self.refollow(&new).await?;
        self.repoint(&new).await?;
        order::<u64>(old.address, &["CLIENT", "KILL", "TYPE", "normal"]).await?;
        Ok(new)
    }

    /// Waits until every replica that is attached has what the primary has.
    async fn caught_up(&self, old: &Seat) -> Result<(), SystemError> {
        let equal = || async {
            let leading = status(self.directory.login(), old.address)
                .await
                .map(|status| status.offset);
            let behind = self.statuses().await.into_iter().find(|(seat, status)| {
                seat.name != old.name && status.as_ref().map(|status| status.offset) < leading
            });
            match (leading, behind) {
                (Some(_), None) => Ok(()),
                (None, _) => Err(format!("`{}` does not answer", old.name)),
                (_, Some((seat, _))) => Err(format!("`{}` does not have everything", seat.name)),
            }
        };
        until(CATCH_UP_LIMIT, ASK_EVERY, equal)
            .await
            .map_err(SystemError::Refused)
    }

    /// Makes the sentinels choose `to`: its priority goes first, and they must have seen so.
    async fn prefer(&self, to: &Seat) -> Result<(), SystemError> {
        prioritise(to.address, CHOSEN).await?;
        let ip = to.address.ip().to_string();
        let seen = || async {
            for (name, address) in self.directory.sentinels() {
                let knowledge = sentinel::knowledge(*address, self.directory.watched(), ASK_LIMIT)
                    .await
                    .map_err(|error| error.to_string())?;
                let chosen = knowledge.replicas.iter().any(|replica| {
                    replica.get("ip") == Some(&ip)
                        && replica.get("slave-priority").map(String::as_str) == Some(CHOSEN)
                });
                if !chosen {
                    return Err(format!("{name} has not seen the priority of `{}`", to.name));
                }
            }
            Ok(())
        };
        until(PRIORITY_LIMIT, 5 * ASK_EVERY, seen)
            .await
            .map_err(SystemError::Refused)
    }
}

/// By hand, where no sentinel does it. What the old primary had not sent is lost.
#[async_trait]
impl Promote for RedisStack {
    async fn best_candidate(&self) -> Result<NodeName, SystemError> {
        let statuses = self.statuses().await;
        let replicas = statuses.iter().filter_map(|(seat, status)| {
            let status = status.as_ref().filter(|status| !status.primary)?;
            Some((*seat, status.offset))
        });
        furthest(replicas).ok_or_else(|| SystemError::Refused("no replica answers".into()))
    }

    async fn promote(&self, node: &NodeName) -> Result<(), SystemError> {
        let seat = self.roster.named(node)?;
        order::<()>(seat.address, &["REPLICAOF", "NO", "ONE"]).await?;
        let primary = || async {
            match status(self.directory.login(), seat.address).await {
                Some(status) if status.primary => Ok(()),
                _ => Err(format!("`{node}` is not primary yet")),
            }
        };
        until(MOVE_LIMIT, ASK_EVERY, primary)
            .await
            .map_err(SystemError::Refused)
    }

    async fn refollow(&self, primary: &NodeName) -> Result<(), SystemError> {
        let leader = self.roster.named(primary)?;
        let address = self.roster.way(leader, StreamLink::Replication);
        let (ip, port) = (address.ip().to_string(), address.port().to_string());
        for (seat, status) in self.statuses().await {
            if seat.name != *primary && status.is_some() {
                order::<()>(seat.address, &["REPLICAOF", &ip, &port]).await?;
            }
        }
        Ok(())
    }

    async fn repoint(&self, primary: &NodeName) -> Result<(), SystemError> {
        match &self.ways.route {
            Some(route) => {
                let seat = self.roster.named(primary)?;
                route.lead_to(seat, &*self.runtime).await
            }
            None => {
                self.directory.lead_to(self.roster.named(primary)?.address);
                Ok(())
            }
        }
    }
}

async fn prioritise(address: SocketAddr, priority: &str) -> Result<(), SystemError> {
    order(address, &["CONFIG", "SET", "replica-priority", priority]).await
}

async fn order<T: FromRedisValue>(address: SocketAddr, words: &[&str]) -> Result<T, SystemError> {
    let refused = |error: RedisError| {
        SystemError::Refused(format!("`{}` was refused: {error}", words.join(" ")))
    };
    ask(address, &command(words), ASK_LIMIT)
        .await
        .map_err(refused)
}
