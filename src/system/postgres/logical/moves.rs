//! Moving the primary: to a subscriber after the primary is gone, and in the planned way.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{FromRow, postgres::PgRow};

use crate::{
    id::NodeName,
    record::{ControlEvent, Milestone, What},
    scenario::StreamLink,
    system::{
        PlannedMove, Promote, SystemError,
        postgres::{
            health::lsn,
            sql,
            streaming::{self, Leader},
        },
        roster::{Seat, furthest},
        wait::until,
    },
    time::Bracket,
};

use super::{
    SUBSCRIPTION,
    health::sole_primary,
    running::LogicalStack,
    status::{Status, slot},
};

/// How long a subscriber must have applied nothing new before its subscription is ended: what it has received and not
/// applied would be lost. Changes are applied as they come, so that they follow each other within milliseconds.
pub const AT_REST: Duration = Duration::from_millis(100);

/// The longest wait for that; a primary that still writes never lets it rest.
const REST_LIMIT: Duration = Duration::from_secs(2);

/// The longest wait for one statement.
const ASK_LIMIT: Duration = Duration::from_secs(5);

/// The longest wait for a subscription's workers to end.
const END_LIMIT: Duration = Duration::from_secs(10);

/// The longest wait for a subscriber to confirm all that a primary without writers has written. Its confirmations wait
/// until its own log is on disk, which its background writer sees to three times a second at worst.
const CONFIRM_LIMIT: Duration = Duration::from_secs(30);

/// How long an old primary may take to stop; then it is killed, and what it holds is thrown away in any case.
const STOP_GRACE: Duration = Duration::from_secs(30);

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(20);

fn refused(words: String) -> SystemError {
    SystemError::Refused(words)
}

impl LogicalStack {
    /// Starts a node so that it subscribes to whoever is primary now. One that did so before only starts; any other
    /// is made anew from the primary's tables, and what only it had is thrown away.
    pub(super) async fn rejoin(&self, node: &NodeName) -> Result<(), SystemError> {
        let said = self.statuses().await;
        let other = sole_primary(&said).ok().map(|(seat, _)| seat.clone());
        if let Some(primary) = other.filter(|primary| primary.name != *node) {
            let subscribes = self.following().get(node) == Some(&primary.name);
            if !subscribes {
                // From here on the log that counts is the new primary's own.
                let retire = format!("DROP SUBSCRIPTION IF EXISTS {SUBSCRIPTION}");
                self.tell(&primary, &retire).await?;
                let leader = Leader {
                    address: primary.address,
                    streams: self.roster.way(&primary, StreamLink::Replication),
                    name: None,
                };
                streaming::rejoin_at_start(&*self.runtime, node, &leader).await?;
            }
            self.following().insert(node.clone(), primary.name);
        }
        Ok(self.runtime.start(node).await?)
    }

    /// Has a node carry out a statement.
    async fn tell(&self, seat: &Seat, statement: &str) -> Result<(), SystemError> {
        let told = sql::ask(seat.address, ASK_LIMIT, statement).await;
        let failed = |words| refused(format!("`{}`: {statement}: {words}", seat.name));
        told.map(drop).map_err(failed)
    }

    /// Ends a node's subscription once it applies nothing more. The subscription is disabled and kept, since it says how
    /// far the node had got; its slot at the old primary is left alone, as nobody may be there to be asked.
    async fn take_lead(&self, node: &NodeName) -> Result<(), SystemError> {
        let seat = self.roster.named(node)?.clone();
        let failed = |words: String| refused(format!("`{node}` did not take over: {words}"));
        let status = Status::ask(&seat).await.map_err(failed)?;
        if !status.subscribes {
            return Ok(());
        }
        if status.copying > 0 {
            let words = format!("{} tables are still copied", status.copying);
            return Err(failed(words));
        }
        rest(&seat).await;
        self.tell(&seat, &format!("ALTER SUBSCRIPTION {SUBSCRIPTION} DISABLE"))
            .await?;
        let keep = format!("ALTER SUBSCRIPTION {SUBSCRIPTION} SET (slot_name = NONE)");
        self.tell(&seat, &keep).await?;
        let end =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_subscription WHERE pid IS NOT NULL";
        self.tell(&seat, end).await?;
        let ended = until(END_LIMIT, LOOK_EVERY, || async {
            let status = Status::ask(&seat).await?;
            match status.works {
                true => Err("its subscription's worker still runs".into()),
                false => Ok(status),
            }
        });
        let status = ended.await.map_err(failed)?;
        self.following().insert(node.clone(), node.clone());
        let applied = status.applied.map_or("nothing".into(), lsn);
        let text = format!(
            "{node} no longer subscribes; of the old primary's log it has applied up to {applied}"
        );
        self.say(None, node, text);
        Ok(())
    }

    /// Says something of the endpoint or a node, now.
    fn say(&self, milestone: Option<Milestone>, node: &NodeName, text: String) {
        let Some(emitter) = self.emitter() else {
            return;
        };
        let low = emitter.now();
        let event = ControlEvent {
            source: NodeName::new(if milestone.is_some() {
                "endpoint"
            } else {
                node.as_str()
            }),
            milestone,
            node: Some(node.clone()),
            text,
        };
        let high = emitter.now();
        emitter.say_at(Bracket { low, high }, What::Control(event));
    }

    fn lead_clients_to(&self, primary: &NodeName) -> Result<(), SystemError> {
        let way = self
            .roster
            .way(self.roster.named(primary)?, StreamLink::Clients);
        self.lead_to(way);
        let text = format!("the clients' endpoint leads to {primary}");
        self.say(Some(Milestone::Routed), primary, text);
        Ok(())
    }

    /// A clean hand-over: the primary refuses writes, the subscriber confirms all that was written, takes over, and the
    /// old primary is made anew as its subscriber.
    async fn hand_over(&self, from: &Seat, to: &Seat) -> Result<(), SystemError> {
        let words = |words: String| refused(format!("{words}; nothing was done"));
        let held = slot(from, &to.name).await.map_err(words)?;
        if !held.is_some_and(|slot| slot.active) {
            let (to, from) = (&to.name, &from.name);
            return Err(words(format!("`{to}` takes nothing from `{from}`")));
        }
        let moved = match self.refuse_writes(from).await {
            Ok(()) => self.has_all(from, to).await,
            Err(error) => Err(error),
        };
        if let Err(error) = moved {
            // Nobody has taken over, so the old primary can simply go on.
            self.tell(from, "ALTER SYSTEM RESET default_transaction_read_only")
                .await?;
            self.tell(from, "SELECT pg_reload_conf()").await?;
            return Err(refused(format!(
                "{error}; `{}` takes writes again",
                from.name
            )));
        }
        self.take_lead(&to.name).await?;
        self.lead_clients_to(&to.name)?;
        self.runtime.stop(&from.name, STOP_GRACE).await?;
        self.rejoin(&from.name).await
    }

    /// Makes a primary refuse writes in every session, and ends those that may have begun one.
    async fn refuse_writes(&self, primary: &Seat) -> Result<(), SystemError> {
        self.tell(
            primary,
            "ALTER SYSTEM SET default_transaction_read_only = on",
        )
        .await?;
        self.tell(primary, "SELECT pg_reload_conf()").await?;
        let look = "SELECT current_setting('default_transaction_read_only') = 'on' AS refuses, now()::text AS at";
        let heard = until(ASK_LIMIT, LOOK_EVERY, || async {
            let (refuses, at) = one::<(bool, String)>(primary, look).await?;
            refuses
                .then_some(at)
                .ok_or_else(|| "it still takes writes".into())
        });
        // Sessions of later than this refuse, which does not keep their clients from coming again.
        let at = heard.await.map_err(refused)?;
        let end = format!(
            "SELECT count(pg_terminate_backend(pid)) AS ended FROM pg_stat_activity \
             WHERE backend_type = 'client backend' AND application_name <> '{}' AND backend_start <= '{at}'",
            sql::PROBE
        );
        let ended = until(ASK_LIMIT, LOOK_EVERY, || async {
            match one::<(i64,)>(primary, &end).await? {
                (0,) => Ok(()),
                (left,) => Err(format!("{left} sessions have not ended yet")),
            }
        });
        ended.await.map_err(refused)
    }

    /// Waits until the subscriber has confirmed all that a primary without writers has written.
    async fn has_all(&self, from: &Seat, to: &Seat) -> Result<(), SystemError> {
        let written = Status::ask(from).await.map_err(refused)?.written;
        let confirmed = until(CONFIRM_LIMIT, LOOK_EVERY, || async {
            let slot = slot(from, &to.name).await?;
            let confirmed = slot.and_then(|slot| slot.confirmed).unwrap_or(0);
            if confirmed >= written {
                return Ok(());
            }
            let (at, least) = (lsn(confirmed), lsn(written));
            Err(format!("`{}` confirmed {at}, needs {least}", to.name))
        });
        confirmed.await.map_err(refused)
    }
}

/// The one row of an answer.
async fn one<T>(seat: &Seat, question: &str) -> Result<T, String>
where
    T: for<'row> FromRow<'row, PgRow>,
{
    let rows = sql::ask(seat.address, ASK_LIMIT, question).await?;
    let row = rows.first().ok_or("an empty answer")?;
    T::from_row(row).map_err(|error| error.to_string())
}

/// Waits until a subscriber has applied nothing new for a while.
async fn rest(seat: &Seat) {
    let reach = || async { Status::ask(seat).await.map(|status| status.reach()) };
    let rests = until(REST_LIMIT, Duration::ZERO, || async {
        let before = reach().await?;
        tokio::time::sleep(AT_REST).await;
        match reach().await? == before {
            true => Ok(()),
            false => Err("it still applies changes".to_owned()),
        }
    });
    // A primary that goes on writing is no reason to stay with it.
    let _ = rests.await;
}

#[async_trait]
impl Promote for LogicalStack {
    async fn best_candidate(&self) -> Result<NodeName, SystemError> {
        let said = self.statuses().await;
        let subscribers = said.iter().filter_map(|(seat, status)| {
            let status = status.as_ref().ok().filter(|status| status.subscribes)?;
            Some((seat, status.reach()))
        });
        furthest(subscribers).ok_or_else(|| refused("no subscriber answers".into()))
    }

    async fn promote(&self, node: &NodeName) -> Result<(), SystemError> {
        self.take_lead(node).await
    }

    /// There are two servers: nobody is left to subscribe.
    async fn refollow(&self, _primary: &NodeName) -> Result<(), SystemError> {
        Ok(())
    }

    async fn repoint(&self, primary: &NodeName) -> Result<(), SystemError> {
        self.lead_clients_to(primary)
    }
}

#[async_trait]
impl PlannedMove for LogicalStack {
    async fn switchover(&self, to: Option<&NodeName>) -> Result<NodeName, SystemError> {
        let said = self.statuses().await;
        let from = sole_primary(&said)?.0.clone();
        let to = match to {
            Some(to) => to.clone(),
            None => self.best_candidate().await?,
        };
        if to == from.name {
            // An earlier attempt got this far and failed later.
            self.lead_clients_to(&to)?;
        } else {
            let seat = self.roster.named(&to)?.clone();
            self.hand_over(&from, &seat).await?;
        }
        Ok(to)
    }
}
