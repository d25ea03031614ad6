//! Moving the primary: by hand after it is gone, in the planned way, and the lead of etcd.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use sqlx::Row;

use crate::{
    id::NodeName,
    record::{ControlEvent, Emitter, Milestone, What},
    runtime::NodeState,
    scenario::StreamLink,
    system::{
        ControlPlane, PlannedMove, Promote, SystemError,
        roster::{Seat, furthest},
        wait::until,
    },
};

use super::{
    etcd,
    health::{lsn, sole_primary},
    patroni,
    running::PostgresStack,
    shape::{Keeper, Synchronous},
    sql,
    status::{Follower, Status, followers},
    streaming::{self, Leader},
};

/// The longest wait for a promotion, which replays what was received; without lag it takes 0.2 s.
const PROMOTE_LIMIT: Duration = Duration::from_secs(60);

/// How long an old primary may take to hand its last log over and stop; then it is killed, and the move fails.
const STOP_GRACE: Duration = Duration::from_secs(30);

/// The longest wait for the target to have all of a stopped primary's log.
const CATCH_UP_LIMIT: Duration = Duration::from_secs(30);

/// The longest wait for the target to be the one primary once Patroni says that it is.
const MOVED_LIMIT: Duration = Duration::from_secs(30);

/// The longest wait for Patroni to make another replica synchronous, which takes it up to two loops.
const WIDEN_LIMIT: Duration = Duration::from_secs(40);

/// How often it is asked to switch over meanwhile.
const WIDEN_EVERY: Duration = Duration::from_millis(500);

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(20);

fn refused(words: String) -> SystemError {
    SystemError::Refused(words)
}

impl PostgresStack {
    fn seat(&self, node: &NodeName) -> Result<Seat, SystemError> {
        self.roster.named(node).cloned()
    }

    /// Where a primary is, and where replicas stream from it.
    fn leader(&self, primary: &Seat) -> Leader {
        Leader {
            address: primary.address,
            streams: self.roster.way(primary, StreamLink::Replication),
            name: self.shape.names.then(|| primary.name.clone()),
        }
    }

    /// Starts a node so that it follows whoever is primary now. One that followed that primary before only
    /// starts; any other is rewound onto it first.
    pub(super) async fn rejoin(&self, node: &NodeName) -> Result<(), SystemError> {
        let said = self.statuses().await;
        let other = sole_primary(&said).ok().map(|(seat, _)| seat.clone());
        if let Some(primary) = other.filter(|primary| primary.name != *node) {
            let follows = self.following().get(node) == Some(&primary.name);
            if !follows {
                let leader = self.leader(&primary);
                streaming::rejoin_at_start(&*self.runtime, node, &leader).await?;
            }
            self.following().insert(node.clone(), primary.name);
        }
        Ok(self.runtime.start(node).await?)
    }

    /// Promotes a replica and waits until it accepts writes: where a write waits for a replica, until one
    /// follows it too.
    async fn take_lead(&self, node: &NodeName) -> Result<(), SystemError> {
        let seat = self.seat(node)?;
        let seconds = PROMOTE_LIMIT.as_secs();
        let promote = format!("SELECT pg_promote(true, {seconds}) AS promoted");
        let limit = PROMOTE_LIMIT + Duration::from_secs(2);
        let failed = |words: String| refused(format!("`{node}` was not promoted: {words}"));
        let rows = sql::ask(seat.address, limit, &promote)
            .await
            .map_err(failed)?;
        let promoted = rows.first().and_then(|row| row.try_get("promoted").ok());
        if promoted != Some(true) {
            return Err(failed(format!("not done within {PROMOTE_LIMIT:?}")));
        }
        self.following().insert(node.clone(), node.clone());
        if self.shape.synchronous != Synchronous::Off {
            self.follow(node).await?;
        }
        Ok(())
    }

    /// Makes every reachable replica follow this primary, all at once.
    async fn follow(&self, primary: &NodeName) -> Result<(), SystemError> {
        let leader = self.leader(&self.seat(primary)?);
        let said = self.statuses().await;
        let replicas = said.iter().filter(|(seat, status)| {
            seat.name != *primary && status.as_ref().is_ok_and(|status| status.follower)
        });
        let turned = join_all(replicas.map(|(seat, _)| async {
            if self.following().get(&seat.name) == Some(primary) {
                return Ok(());
            }
            streaming::repoint(&*self.runtime, &seat.name, &leader).await?;
            self.following().insert(seat.name.clone(), primary.clone());
            Ok(())
        }));
        turned.await.into_iter().collect()
    }

    /// Makes the clients use this node, and says so; a route finds it by itself, and is waited for.
    async fn lead_clients_to(&self, primary: &NodeName) -> Result<(), SystemError> {
        if let Some(route) = &self.route {
            // Its observer says it.
            let seat = self.seat(primary)?;
            return route.lead_to(&seat, &*self.runtime).await;
        }
        let emitter = self.emitter();
        let at = emitter.as_ref().map(Emitter::now);
        let way = self.roster.way(&self.seat(primary)?, StreamLink::Clients);
        self.lead_to(way);
        let event = ControlEvent {
            source: NodeName::new("endpoint"),
            milestone: Some(Milestone::Routed),
            node: Some(primary.clone()),
            text: format!("the clients' endpoint leads to {primary}"),
        };
        if let (Some(emitter), Some(low)) = (emitter, at) {
            let high = emitter.now();
            emitter.say_at(crate::time::Bracket { low, high }, What::Control(event));
        }
        Ok(())
    }

    /// A clean hand-over: the old primary stops, which sends its last log to the replicas; the target has it
    /// all, and only then is promoted.
    async fn hand_over(&self, from: &Seat, to: &Seat) -> Result<(), SystemError> {
        let streams = followers(from.address).await.map_err(|words| {
            refused(format!(
                "`{}` does not say who follows it: {words}",
                from.name
            ))
        })?;
        if !streams
            .iter()
            .any(|other| other.name == to.name.as_str() && other.streaming)
        {
            let words = format!(
                "`{}` does not stream from `{}`; nothing was done",
                to.name, from.name
            );
            return Err(refused(words));
        }
        let before = Status::ask(from.address).await.map_err(|words| {
            refused(format!(
                "`{}` does not say its position: {words}",
                from.name
            ))
        })?;
        self.runtime.stop(&from.name, STOP_GRACE).await?;
        if let Err(words) = self.has_all(from, to, before.position).await {
            // Nothing has been promoted, so the old primary can simply go on.
            self.runtime.start(&from.name).await?;
            return Err(refused(format!(
                "{words}; `{}` was started again",
                from.name
            )));
        }
        self.take_lead(&to.name).await?;
        self.lead_clients_to(&to.name).await?;
        let (followed, back) = tokio::join!(self.follow(&to.name), self.rejoin(&from.name));
        followed.and(back)
    }

    /// Waits until the target has replayed all that it received, at least up to `least`.
    async fn has_all(&self, from: &Seat, to: &Seat, least: u64) -> Result<(), String> {
        let state = self
            .runtime
            .state(&from.name)
            .await
            .map_err(|error| error.to_string())?;
        if !matches!(state, NodeState::Exited { code: 0, .. }) {
            return Err(format!(
                "`{}` did not stop in an orderly way: {state:?}",
                from.name
            ));
        }
        until(CATCH_UP_LIMIT, LOOK_EVERY, || async {
            let status = Status::ask(to.address).await?;
            let reach = status.reach();
            if !status.streaming && status.position == reach && reach >= least {
                return Ok(());
            }
            let (at, reach, least) = (lsn(status.position), lsn(reach), lsn(least));
            Err(format!(
                "`{}` replayed {at}, received {reach}, needs {least}",
                to.name
            ))
        })
        .await
    }

    /// The replica that Patroni would take: with synchronous mode only one that confirms writes.
    async fn patroni_candidate(&self, leader: &Seat) -> Result<Seat, SystemError> {
        let found = followers(leader.address).await.map_err(refused)?;
        let must_confirm = self.shape.synchronous != Synchronous::Off;
        let fits = found
            .iter()
            .filter(|other| other.streaming && (other.synchronous || !must_confirm))
            .min_by_key(|other| other.lag.unwrap_or(u64::MAX));
        let none = || refused(format!("no replica of `{}` is eligible", leader.name));
        self.seat(&NodeName::new(fits.ok_or_else(none)?.name.clone()))
    }

    /// In synchronous mode Patroni hands over only to a synchronous standby, of which there is usually one. For
    /// another one, all are made synchronous until the move is done: writes then wait for more, never for less.
    async fn ask_patroni(&self, from: &Seat, to: &Seat) -> Result<(), SystemError> {
        let found = followers(from.address).await.map_err(refused)?;
        let confirms = |other: &Follower| other.name == to.name.as_str() && other.synchronous;
        if self.shape.synchronous == Synchronous::Off || found.iter().any(confirms) {
            return patroni::switchover(from, to).await.map_err(refused);
        }
        let all = self.roster.data().count() - 1;
        patroni::synchronous_nodes(from, Some(all))
            .await
            .map_err(refused)?;
        // Refused as long as the choice has not reached etcd, and then nothing was done.
        let asked = until(WIDEN_LIMIT, WIDEN_EVERY, || patroni::switchover(from, to)).await;
        let restored = until(WIDEN_LIMIT, WIDEN_EVERY, || {
            patroni::synchronous_nodes(to, None)
        })
        .await;
        asked.and(restored).map_err(refused)
    }

    async fn patroni_switchover(
        &self,
        from: &Seat,
        to: Option<&NodeName>,
    ) -> Result<NodeName, SystemError> {
        let to = match to {
            Some(node) => self.seat(node)?,
            None => self.patroni_candidate(from).await?,
        };
        self.ask_patroni(from, &to).await?;
        let moved = until(MOVED_LIMIT, LOOK_EVERY, || async {
            let said = self.statuses().await;
            match sole_primary(&said) {
                Ok((seat, _)) if *seat == to => Ok(()),
                Ok((seat, _)) => Err(format!("`{}` is primary", seat.name)),
                Err(error) => Err(error.to_string()),
            }
        });
        let late = |words| refused(format!("`{}` did not take over: {words}", to.name));
        moved.await.map_err(late)?;
        Ok(to.name)
    }
}

#[async_trait]
impl Promote for PostgresStack {
    async fn best_candidate(&self) -> Result<NodeName, SystemError> {
        let said = self.statuses().await;
        let replicas = said.iter().filter_map(|(seat, status)| {
            let status = status.as_ref().ok().filter(|status| status.follower)?;
            Some((seat, status.reach()))
        });
        furthest(replicas).ok_or_else(|| refused("no replica answers".into()))
    }

    async fn promote(&self, node: &NodeName) -> Result<(), SystemError> {
        self.take_lead(node).await
    }

    async fn refollow(&self, primary: &NodeName) -> Result<(), SystemError> {
        self.follow(primary).await
    }

    async fn repoint(&self, primary: &NodeName) -> Result<(), SystemError> {
        self.lead_clients_to(primary).await
    }
}

#[async_trait]
impl PlannedMove for PostgresStack {
    async fn switchover(&self, to: Option<&NodeName>) -> Result<NodeName, SystemError> {
        let said = self.statuses().await;
        let from = sole_primary(&said)?.0.clone();
        if let Keeper::Patroni(_) = self.shape.keeper {
            return match to {
                Some(to) if *to == from.name => Ok(from.name),
                _ => self.patroni_switchover(&from, to).await,
            };
        }
        let to = match to {
            Some(to) => to.clone(),
            None => self.best_candidate().await?,
        };
        if to == from.name {
            // An earlier attempt got this far and failed later; what it left is done now.
            self.lead_clients_to(&to).await?;
            self.follow(&to).await?;
        } else {
            self.hand_over(&from, &self.seat(&to)?).await?;
        }
        Ok(to)
    }
}

#[async_trait]
impl ControlPlane for PostgresStack {
    async fn leader_host(&self) -> Result<String, SystemError> {
        let limit = Duration::from_secs(10);
        let leader = until(limit, LOOK_EVERY, || etcd::leader(&self.roster)).await;
        leader.map(|seat| seat.host).map_err(refused)
    }

    /// A new leader of etcd starts every lease anew and adds to it, so a fault right after would meet a lease
    /// longer than any in ordinary life. One loop of Patroni later the lease is ordinary again; as the wait is a
    /// whole period, the moment in the period that the drill chose stays what it was.
    async fn move_leader(&self, host: &str) -> Result<(), SystemError> {
        if self.leader_host().await? == host {
            return Ok(());
        }
        etcd::move_leader(&self.roster, host).await?;
        let period = self.shape.timings().map(|timings| timings.loop_wait);
        tokio::time::sleep(period.unwrap_or_default()).await;
        Ok(())
    }
}
