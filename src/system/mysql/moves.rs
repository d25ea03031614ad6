//! Moving the source of replication: by hand after it is gone, and in the planned way.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::{
    id::NodeName,
    record::{ControlEvent, Emitter, Milestone, What},
    system::{
        PlannedMove, Promote, SystemError,
        roster::{Seat, furthest},
        wait::until,
    },
    time::Bracket,
};

use super::{
    gtid::Gtids,
    health::sole_primary,
    kind::Kind,
    members::{named, text},
    running::MySqlStack,
    sql,
    status::Status,
};

/// The longest wait for one server to do what it is told.
pub const ACT_LIMIT: Duration = Duration::from_secs(15);

/// The longest wait for a replica to apply what it has received; without lag it takes some milliseconds.
const APPLY_LIMIT: Duration = Duration::from_secs(60);

/// The longest wait for the target of a planned move to have all of the old source.
const CATCH_UP_LIMIT: Duration = Duration::from_secs(30);

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// An error in words.
pub fn refused(words: String) -> SystemError {
    SystemError::Refused(words)
}

impl MySqlStack {
    /// The seat of a node.
    pub(super) fn seat(&self, node: &NodeName) -> Result<Seat, SystemError> {
        self.roster().named(node).cloned()
    }

    /// Tells a server to do these things, one after the other.
    pub(super) async fn tell(&self, seat: &Seat, statements: &[String]) -> Result<(), SystemError> {
        let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
        let done = sql::act(seat.address, ACT_LIMIT, &statements).await;
        done.map_err(|words| refused(format!("`{}`: {words}", seat.name)))
    }

    /// Says something in the run's log.
    pub(super) fn say(&self, text: String) {
        if let Some(emitter) = self.emitter() {
            emitter.note(text);
        }
    }

    /// Makes a replica the source: it applies what it has received, forgets whom it followed, and takes writes; where a
    /// write waits for a replica, only once the others follow it.
    async fn take_lead(&self, seat: &Seat) -> Result<(), SystemError> {
        self.tell(seat, &["STOP REPLICA IO_THREAD".into()]).await?;
        let status = self.applied(seat).await?;
        self.show_errant(seat, &status).await;
        self.promoted()
            .insert(seat.name.clone(), status.executed.clone());
        self.tell(seat, &self.shape.stand_alone()).await?;
        if let Some(wait) = self.shape.wait_for_replicas(true) {
            self.tell(seat, &[wait]).await?;
            self.follow(&seat.name).await?;
        }
        self.tell(seat, &self.shape.open()).await
    }

    /// Waits until a replica whose IO thread is stopped has applied all that it received.
    async fn applied(&self, seat: &Seat) -> Result<Status, SystemError> {
        let looked = until(APPLY_LIMIT, LOOK_EVERY, || async {
            let status = Status::ask(seat.address, self.shape.kind).await?;
            match status.lag() {
                Some(0) => Ok(status),
                Some(lag) => Err(format!("{lag} received transactions are not applied yet")),
                None => Err("it follows nobody".into()),
            }
        });
        let late = |words| refused(format!("`{}` cannot be promoted: {words}", seat.name));
        looked.await.map_err(late)
    }

    /// Says which other servers hold transactions that the new source has not: errant ones, which no replication will
    /// bring together again.
    async fn show_errant(&self, source: &Seat, status: &Status) {
        for (seat, said) in self.statuses().await {
            let errant = match &said {
                Ok(other) => other.executed.beyond(&status.executed),
                Err(_) => continue,
            };
            if seat.name != source.name && errant > 0 {
                self.say(format!(
                    "errant: {} holds {errant} transactions that {} has not",
                    seat.name, source.name
                ));
            }
        }
    }

    /// Makes every other reachable server that follows someone follow this one, all at once.
    pub(super) async fn follow(&self, source: &NodeName) -> Result<(), SystemError> {
        let source = self.seat(source)?;
        let host = source.address.ip().to_string();
        let said = self.statuses().await;
        let others = said.iter().filter(|(seat, status)| {
            let replica = status.as_ref().ok().and_then(|one| one.replica.as_ref());
            seat.name != source.name && replica.is_some_and(|replica| replica.source != host)
        });
        let statements = self.shape.follow(source.address);
        let turned = join_all(others.map(|(seat, _)| self.tell(seat, &statements)));
        turned.await.into_iter().collect()
    }

    /// Makes the clients use this node, and says so; a route finds it by itself, and is waited for.
    pub(super) async fn lead_clients_to(&self, seat: &Seat) -> Result<(), SystemError> {
        let emitter = self.emitter();
        let low = emitter.as_ref().map(Emitter::now);
        self.directory.use_from_now(seat.address);
        if let Some(route) = &self.route {
            // Its observer says it.
            return route.lead_to(seat, &*self.runtime).await;
        }
        if !self.shape.kind.by_operator() {
            // The observer of the members' lead says it.
            return Ok(());
        }
        let event = ControlEvent {
            source: NodeName::new("endpoint"),
            milestone: Some(Milestone::Routed),
            node: Some(seat.name.clone()),
            text: format!("the clients' endpoint leads to {}", seat.name),
        };
        if let (Some(emitter), Some(low)) = (emitter, low) {
            let high = emitter.now();
            emitter.say_at(Bracket { low, high }, What::Control(event));
        }
        Ok(())
    }

    /// A clean hand-over: the old source refuses writes, the target applies all that it has, and only then takes over.
    async fn hand_over(&self, from: &Seat, to: &Seat) -> Result<(), SystemError> {
        let follows = Status::ask(to.address, self.shape.kind).await;
        let source = follows.ok().and_then(|status| status.replica);
        if source.is_none_or(|replica| named(&replica.source, self.roster()) != from.name.as_str())
        {
            let words = format!(
                "`{}` does not follow `{}`; nothing was done",
                to.name, from.name
            );
            return Err(refused(words));
        }
        self.tell(from, &self.shape.close()).await?;
        if let Err(error) = self.has_all(from, to).await {
            // Nothing has been promoted, so the old source can simply go on.
            self.tell(from, &self.shape.open()).await?;
            return Err(refused(format!(
                "{error}; `{}` takes writes again",
                from.name
            )));
        }
        self.take_lead(to).await?;
        self.lead_clients_to(to).await?;
        let back = async {
            if let Some(wait) = self.shape.wait_for_replicas(false) {
                self.tell(from, &[wait]).await?;
            }
            self.tell(from, &self.shape.follow(to.address)).await
        };
        let (followed, back) = tokio::join!(self.follow(&to.name), back);
        followed.and(back)
    }

    async fn has_all(&self, from: &Seat, to: &Seat) -> Result<(), SystemError> {
        let status = Status::ask(from.address, self.shape.kind).await;
        let executed: Gtids = status.map_err(refused)?.executed;
        let question = self.shape.wait_for(&executed, CATCH_UP_LIMIT.as_secs());
        let limit = CATCH_UP_LIMIT + Duration::from_secs(2);
        let rows = sql::ask(to.address, limit, &question)
            .await
            .map_err(refused)?;
        let waited = rows.first().and_then(|row| text(row, "waited").ok());
        if waited.as_deref() == Some("0") {
            return Ok(());
        }
        Err(refused(format!(
            "`{}` has not applied {executed} within {CATCH_UP_LIMIT:?}",
            to.name
        )))
    }
}

#[async_trait]
impl Promote for MySqlStack {
    async fn best_candidate(&self) -> Result<NodeName, SystemError> {
        let said = self.statuses().await;
        let group = self.shape.kind == Kind::Group;
        let replicas = said.iter().filter_map(|(seat, status)| {
            let status = status.as_ref().ok()?;
            (group || status.replica.is_some()).then(|| (seat, status.reach()))
        });
        furthest(replicas).ok_or_else(|| refused("no replica answers".into()))
    }

    async fn promote(&self, node: &NodeName) -> Result<(), SystemError> {
        let seat = self.seat(node)?;
        match self.shape.kind {
            Kind::Group => self.force_members(&seat).await,
            _ => self.take_lead(&seat).await,
        }
    }

    async fn refollow(&self, primary: &NodeName) -> Result<(), SystemError> {
        if self.shape.kind.by_operator() {
            self.follow(primary).await?;
        }
        Ok(())
    }

    async fn repoint(&self, primary: &NodeName) -> Result<(), SystemError> {
        self.lead_clients_to(&self.seat(primary)?).await
    }
}

#[async_trait]
impl PlannedMove for MySqlStack {
    async fn switchover(&self, to: Option<&NodeName>) -> Result<NodeName, SystemError> {
        if !self.shape.kind.by_operator() {
            return self.move_in_group(to).await;
        }
        let said = self.statuses().await;
        let from = sole_primary(&said)?.0.clone();
        let to = match to {
            Some(to) => to.clone(),
            None => self.best_candidate().await?,
        };
        let seat = self.seat(&to)?;
        if to == from.name {
            // An earlier attempt got this far and failed later; what it left is done now.
            self.lead_clients_to(&seat).await?;
            self.follow(&to).await?;
        } else {
            self.hand_over(&from, &seat).await?;
        }
        Ok(to)
    }
}
