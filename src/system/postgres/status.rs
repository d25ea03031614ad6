//! What one server says of itself, and what a primary says of those that follow it.

use std::{net::SocketAddr, time::Duration};

use sqlx::{PgConnection, Row, postgres::PgRow};
use tokio::time::timeout;

use crate::{
    id::NodeName,
    record::{Role, View},
    system::roster::Roster,
};

use super::sql;

/// The longest wait for one server's word on a new connection; a node that is gone from the network does not
/// even refuse.
pub const ASK_LIMIT: Duration = Duration::from_millis(800);

/// Timeline and positions. The timeline of the last checkpoint may be old; the name of the log file being
/// written, and what the log receiver says, are not.
const STATUS: &str = "\
SELECT r.follower, \
  COALESCE(CASE WHEN r.follower THEN w.received_tli ELSE \
    ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::integer END, \
    (SELECT timeline_id FROM pg_control_checkpoint()))::bigint AS timeline, \
  (CASE WHEN r.follower THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END - '0/0')::bigint AS position, \
  (pg_last_wal_receive_lsn() - '0/0')::bigint AS received, \
  (w.latest_end_lsn - '0/0')::bigint AS upstream, \
  w.sender_host || ':' || w.sender_port AS source, \
  COALESCE(w.status = 'streaming', false) AS streaming \
FROM (SELECT pg_is_in_recovery() AS follower) AS r LEFT JOIN pg_stat_wal_receiver AS w ON true";

/// What one server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Whether it follows another, or could.
    pub follower: bool,
    /// Its timeline.
    pub timeline: Option<u64>,
    /// Up to where it has written (primary) or replayed (follower) the log, in bytes.
    pub position: u64,
    /// Up to where a follower has received the log; none if it received nothing since it started.
    pub received: Option<u64>,
    /// Up to where its primary had the log when it last said so.
    pub upstream: Option<u64>,
    /// Whom it follows.
    pub source: Option<String>,
    /// Whether it streams from there.
    pub streaming: bool,
}

impl Status {
    fn read(row: &PgRow) -> sqlx::Result<Self> {
        let bytes = |name: &str| -> sqlx::Result<Option<u64>> {
            let value: Option<i64> = row.try_get(name)?;
            Ok(value.and_then(|value| u64::try_from(value).ok()))
        };
        Ok(Self {
            follower: row.try_get("follower")?,
            timeline: bytes("timeline")?,
            position: bytes("position")?.unwrap_or(0),
            received: bytes("received")?,
            upstream: bytes("upstream")?,
            source: row.try_get("source")?,
            streaming: row.try_get("streaming")?,
        })
    }

    /// Up to where a follower has the log, received or already replayed.
    pub fn reach(&self) -> u64 {
        self.received.unwrap_or(0).max(self.position)
    }

    /// How far a follower is behind what its primary last said.
    pub fn lag(&self) -> Option<u64> {
        let upstream = self.upstream.filter(|_| self.follower)?;
        Some(upstream.saturating_sub(self.position))
    }

    /// Asks a server on a new connection.
    ///
    /// # Errors
    /// Why it did not answer.
    pub async fn ask(address: SocketAddr) -> Result<Self, String> {
        let rows = sql::ask(address, ASK_LIMIT, STATUS).await?;
        let row = rows.first().ok_or("an empty answer")?;
        Self::read(row).map_err(|error| error.to_string())
    }

    /// Asks a server on the connection held, or a new one, and gives the connection back if it is good.
    pub async fn ask_again(
        held: Option<PgConnection>,
        address: SocketAddr,
        limit: Duration,
    ) -> Option<(PgConnection, Self)> {
        let conversation = async {
            let mut connection = match held {
                Some(connection) => connection,
                None => sql::connect(address, sql::PROBE).await.ok()?,
            };
            let rows = sql::rows_again(&mut connection, STATUS).await.ok()?;
            Some((connection, Self::read(rows.first()?).ok()?))
        };
        timeout(limit, conversation).await.ok().flatten()
    }
}

/// A server's view of itself; `lag_max` is what a follower may be behind to be eligible.
pub fn view(node: NodeName, status: Option<&Status>, roster: &Roster, lag_max: u64) -> View {
    let Some(status) = status else {
        return View {
            node,
            role: Role::Unreachable,
            term: None,
            position: None,
            lag: None,
            follows: None,
            eligible: None,
        };
    };
    let follows = status.source.as_ref().map(|source| {
        // Where it is streamed from by name, that is what stands there.
        let seat = match source.parse::<SocketAddr>() {
            Ok(address) => roster.behind(address),
            Err(_) => source
                .rsplit_once(':')
                .and_then(|(host, _)| roster.named(&NodeName::new(host)).ok()),
        };
        seat.map_or_else(|| source.clone(), |seat| seat.name.to_string())
    });
    let near = status.lag().is_some_and(|lag| lag <= lag_max);
    View {
        node,
        role: if status.follower {
            Role::Replica
        } else {
            Role::Primary
        },
        term: status.timeline,
        position: Some(status.position),
        lag: status.lag(),
        follows,
        eligible: Some(!status.follower || (status.streaming && near)),
    }
}

/// One of those that follow a primary, as the primary sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follower {
    /// The name under which it came.
    pub name: String,
    /// Whether it streams.
    pub streaming: bool,
    /// Whether the primary waits for it, or for one of several like it.
    pub synchronous: bool,
    /// How far it is behind in replay.
    pub lag: Option<u64>,
}

/// Asks a primary who follows it.
///
/// # Errors
/// Why it did not answer.
pub async fn followers(primary: SocketAddr) -> Result<Vec<Follower>, String> {
    const FOLLOWERS: &str = "\
        SELECT application_name AS name, state = 'streaming' AS streaming, \
          sync_state IN ('sync', 'quorum') AS synchronous, \
          (pg_current_wal_lsn() - replay_lsn)::bigint AS lag \
        FROM pg_stat_replication";
    let read = |row: &PgRow| -> sqlx::Result<Follower> {
        // What was replayed may be newer than the first half of the difference.
        let lag: Option<i64> = row.try_get("lag")?;
        Ok(Follower {
            name: row.try_get("name")?,
            streaming: row
                .try_get::<Option<bool>, _>("streaming")?
                .unwrap_or(false),
            synchronous: row
                .try_get::<Option<bool>, _>("synchronous")?
                .unwrap_or(false),
            lag: lag.map(|lag| u64::try_from(lag).unwrap_or(0)),
        })
    };
    let rows = sql::ask(primary, ASK_LIMIT, FOLLOWERS).await?;
    rows.iter()
        .map(read)
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())
}
