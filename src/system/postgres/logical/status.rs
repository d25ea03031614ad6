//! What one server says of itself, of the one that it subscribes to, and of who subscribes to it.

use std::time::Duration;

use sqlx::{PgConnection, Row, postgres::PgRow};
use tokio::time::timeout;

use crate::{
    id::NodeName,
    record::{Role, View},
    system::{
        postgres::{
            sql,
            status::{ASK_LIMIT, view as streaming_view},
        },
        roster::{Roster, Seat},
    },
};

use super::SUBSCRIPTION;

/// The subscription, its worker, how far it applied the log of the one subscribed to (`remote_lsn` is the end of the
/// last commit applied), tables whose rows are still being copied, and the server's own log as far as it is on disk.
/// Workers that copy a table have a `relid`.
fn question() -> String {
    format!(
        "SELECT COALESCE(s.subenabled, false) AS enabled, w.pid IS NOT NULL AS works, \
         current_setting('default_transaction_read_only') = 'on' AS refuses, \
         (w.received_lsn - '0/0')::bigint AS received, (o.remote_lsn - '0/0')::bigint AS applied, \
         substring(s.subconninfo FROM 'host=([^ ]+)') || ':' || substring(s.subconninfo FROM 'port=([0-9]+)') AS source, \
         (SELECT count(*) FROM pg_subscription_rel AS r WHERE r.srsubid = s.oid AND r.srsubstate <> 'r') AS copying, \
         (pg_current_wal_flush_lsn() - '0/0')::bigint AS written \
         FROM (SELECT 1) AS one LEFT JOIN pg_subscription AS s ON s.subname = '{SUBSCRIPTION}' \
         LEFT JOIN pg_stat_subscription AS w ON w.subid = s.oid AND w.relid IS NULL AND w.pid IS NOT NULL \
         LEFT JOIN pg_replication_origin_status AS o ON o.external_id = 'pg_' || s.oid"
    )
}

/// What one server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Whether it subscribes to another: a subscription that was disabled is what is left of a failover.
    pub subscribes: bool,
    /// Whether it refuses writes, as a primary does that hands over.
    pub refuses: bool,
    /// Whether the subscription's worker runs.
    pub works: bool,
    /// Up to where it received the log of the one subscribed to, as long as the worker runs.
    pub received: Option<u64>,
    /// Up to where it applied that log; stays after the subscription was disabled.
    pub applied: Option<u64>,
    /// Whom it subscribed to, as host and port.
    pub source: Option<String>,
    /// Tables whose rows are still being copied.
    pub copying: u64,
    /// Up to where its own log is on its disk.
    pub written: u64,
}

impl Status {
    fn read(row: &PgRow) -> sqlx::Result<Self> {
        let number = |name: &str| -> sqlx::Result<Option<u64>> {
            let value: Option<i64> = row.try_get(name)?;
            Ok(value.and_then(|value| u64::try_from(value).ok()))
        };
        Ok(Self {
            subscribes: row.try_get("enabled")?,
            refuses: row.try_get("refuses")?,
            works: row.try_get("works")?,
            received: number("received")?,
            applied: number("applied")?,
            source: row.try_get("source")?,
            copying: number("copying")?.unwrap_or(0),
            written: number("written")?.unwrap_or(0),
        })
    }

    /// Whether it acts as a primary.
    pub fn leads(&self) -> bool {
        !self.subscribes && !self.refuses
    }

    /// Up to where a subscriber has the log of the one subscribed to. Changes are applied in order as they come, so what
    /// was received is applied but for the transaction under way; and where nothing of it was for the subscriber, it has
    /// nothing to apply.
    pub fn reach(&self) -> u64 {
        self.received.unwrap_or(0).max(self.applied.unwrap_or(0))
    }

    /// Asks a server on a new connection.
    ///
    /// # Errors
    /// Why it did not answer.
    pub async fn ask(seat: &Seat) -> Result<Self, String> {
        let rows = sql::ask(seat.address, ASK_LIMIT, &question()).await?;
        let row = rows.first().ok_or("an empty answer")?;
        Self::read(row).map_err(|error| error.to_string())
    }

    /// Asks a server on the connection held, or a new one, and gives the connection back if it is good.
    pub async fn ask_again(
        held: Option<PgConnection>,
        seat: &Seat,
        limit: Duration,
    ) -> Option<(PgConnection, Self)> {
        let conversation = async {
            let mut connection = match held {
                Some(connection) => connection,
                None => sql::connect(seat.address, sql::PROBE).await.ok()?,
            };
            let rows = sql::rows(&mut connection, &question()).await.ok()?;
            Some((connection, Self::read(rows.first()?).ok()?))
        };
        timeout(limit, conversation).await.ok().flatten()
    }
}

/// A server's view of itself. `leading` is the newest position that a primary was seen at; `lag_max` is what a subscriber
/// may be behind it to be eligible.
///
/// Each server has a log of its own, and positions of two logs cannot be compared. So a subscriber's position is the one
/// that it applied of the primary's log, and a server that took over keeps that one, by which it shows how far it had got,
/// until another server subscribes to it: then its own log is the one that counts. There is no term: each server's
/// timeline is its own.
pub fn view(
    node: NodeName,
    status: Option<&Status>,
    roster: &Roster,
    leading: u64,
    lag_max: u64,
) -> View {
    let Some(status) = status else {
        return streaming_view(node, None, roster, lag_max);
    };
    let lag = leading.saturating_sub(status.reach());
    let source = status.source.as_ref().filter(|_| status.subscribes);
    let follows = source.map(|source| {
        let seat = source.parse().ok().and_then(|at| roster.behind(at));
        seat.map_or_else(|| source.clone(), |seat| seat.name.to_string())
    });
    let in_step = status.works && status.copying == 0 && lag <= lag_max;
    View {
        node,
        role: match (status.subscribes, status.leads()) {
            (true, _) => Role::Replica,
            (false, true) => Role::Primary,
            (false, false) => Role::Other,
        },
        term: None,
        position: Some(match status.subscribes {
            true => status.reach(),
            false => status.applied.unwrap_or(status.written),
        }),
        lag: status.subscribes.then_some(lag),
        follows,
        eligible: Some(status.leads() || status.subscribes && in_step),
    }
}

/// What a primary keeps for one that subscribes to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Whether the subscriber takes from it now.
    pub active: bool,
    /// Up to where the subscriber has confirmed that it has applied, and has on its disk, what concerns it.
    pub confirmed: Option<u64>,
    /// How far that is behind the primary's log.
    pub behind: Option<u64>,
}

/// Asks a primary for the slot of a subscriber, which has the subscriber's name; none if there is none.
///
/// # Errors
/// Why it did not answer.
pub async fn slot(primary: &Seat, subscriber: &NodeName) -> Result<Option<Slot>, String> {
    let question = format!(
        "SELECT active, (confirmed_flush_lsn - '0/0')::bigint AS confirmed, \
         (pg_current_wal_flush_lsn() - confirmed_flush_lsn)::bigint AS behind \
         FROM pg_replication_slots WHERE slot_name = '{subscriber}' AND slot_type = 'logical'"
    );
    let rows = sql::ask(primary.address, ASK_LIMIT, &question).await?;
    let read = |row: &PgRow| -> sqlx::Result<Slot> {
        let number = |name: &str| -> sqlx::Result<Option<u64>> {
            let value: Option<i64> = row.try_get(name)?;
            // What was confirmed may be newer than the first half of the difference.
            Ok(value.map(|value| u64::try_from(value).unwrap_or(0)))
        };
        Ok(Slot {
            active: row.try_get("active")?,
            confirmed: number("confirmed")?,
            behind: number("behind")?,
        })
    };
    let slot = rows.first().map(read).transpose();
    slot.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Member, MemberKind};

    fn roster() -> Roster {
        let member = |n: u32| Member {
            name: NodeName::new(format!("pg{n}")),
            kind: MemberKind::Data,
            address: format!("10.0.0.{n}:5432"),
            host: format!("h{n}"),
            image: String::new(),
        };
        Roster::new(&[member(1), member(2)]).expect("addresses")
    }

    fn subscriber() -> Status {
        Status {
            subscribes: true,
            refuses: false,
            works: true,
            received: Some(900),
            applied: Some(800),
            source: Some("10.0.0.1:5432".into()),
            copying: 0,
            written: 70_000,
        }
    }

    fn seen(status: &Status, leading: u64) -> View {
        view(NodeName::new("pg2"), Some(status), &roster(), leading, 100)
    }

    #[test]
    fn a_subscriber_stands_in_the_log_of_the_one_subscribed_to() {
        let view = seen(&subscriber(), 950);
        assert_eq!(view.role, Role::Replica);
        assert_eq!((view.position, view.lag), (Some(900), Some(50)));
        assert_eq!(view.follows.as_deref(), Some("pg1"));
        assert_eq!(view.eligible, Some(true));
        assert_eq!(view.term, None);
    }

    #[test]
    fn one_that_is_far_behind_copies_or_has_no_worker_is_not_eligible() {
        let copies = Status {
            copying: 1,
            ..subscriber()
        };
        let idle = Status {
            works: false,
            ..subscriber()
        };
        for (status, leading) in [(subscriber(), 1_001), (copies, 900), (idle, 900)] {
            assert_eq!(seen(&status, leading).eligible, Some(false), "{status:?}");
        }
    }

    #[test]
    fn one_that_took_over_says_how_far_it_had_got_until_its_own_log_counts() {
        let took_over = Status {
            subscribes: false,
            works: false,
            received: None,
            ..subscriber()
        };
        let view = seen(&took_over, 70_000);
        assert_eq!((view.role, view.position), (Role::Primary, Some(800)));
        assert_eq!((view.follows, view.lag), (None, None));
        let alone = Status {
            applied: None,
            source: None,
            ..took_over
        };
        assert_eq!(seen(&alone, 70_000).position, Some(70_000));
        let hands_over = Status {
            refuses: true,
            ..alone
        };
        let view = seen(&hands_over, 70_000);
        assert_eq!((view.role, view.eligible), (Role::Other, Some(false)));
    }
}
