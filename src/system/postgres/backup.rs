//! Backups by the server's own tools: base backups and the streamed log, kept and restored on a node of their own.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;
use jiff::Timestamp;
use sqlx::{PgConnection, Row};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    id::NodeName,
    record::{Emitter, Holdings, LogKept, MemberKind, What},
    runtime::{NodeFile, NodeSpec, Runtime},
    system::{
        Backups, Design, Observer, SettingKind, SettingSpec, SystemError,
        backups::{
            BACKUP, LAG_EVERY, SCRIPT_PATH, kept, micros, of_clients, received, refused, tool,
        },
        roster::{Roster, Seat},
        route,
    },
};

use super::{
    deploy::DATABASE_MIB,
    element::Elements,
    finals::{Reader, holdings},
    sql, streaming,
};

/// Whether the log and base backups are kept.
pub const SETTING: SettingSpec = SettingSpec {
    name: BACKUP,
    kind: SettingKind::OneOf(&["off", "stream"]),
    default: "off",
    help: "keeps backups on a node of their own, `backup1`: base backups by pg_basebackup, and the log by pg_receivewal as the \
           primary writes it; only with `topology: streaming`, without certificates",
};

/// Why a design cannot keep some, and what to do, if it is to.
pub fn unfit(design: &Design, tls: bool) -> Option<(&'static str, &'static str)> {
    // Whose log is behind is asked where the clients' endpoint leads, which must be a node's own address or a proxy's before it.
    let floats = route::Kind::of(design.route).is_some();
    let fits = design.topology == "streaming" && !tls && !floats;
    (kept(design) && !fits).then_some((
        "backups are kept of streaming servers that are reached without certificates, and not at a floating address",
        "remove it, or use `topology: streaming` without `tls` and without `route: keepalived`",
    ))
}

/// What the start script reads in that node.
const SCRIPT: &str = include_str!("files/backup.sh");

/// The name under which the primary sees who receives its log.
const RECEIVER: &str = "drdrill_backup";

/// How long a server may take to say up to where its log is kept.
const LAG_LIMIT: Duration = Duration::from_secs(1);

/// How long a single question may take.
const ASK_LIMIT: Duration = Duration::from_secs(5);

/// Programs that its start scripts need.
pub const PROGRAMS: &[&str] = &[
    "sh",
    "cat",
    "chown",
    "cp",
    "du",
    "find",
    "grep",
    "id",
    "mkdir",
    "initdb",
    "postgres",
    "pg_basebackup",
    "pg_ctl",
    "pg_receivewal",
    "pg_isready",
    "pg_rewind",
    "pg_verifybackup",
    "psql",
];

/// Gives a node what it keeps backups by.
pub fn fit(spec: &mut NodeSpec, roster: &Roster) {
    let servers: Vec<String> = roster
        .data()
        .map(|seat| seat.address.ip().to_string())
        .collect();
    spec.entrypoint = vec!["sh".into(), streaming::START_PATH.into()];
    spec.files = vec![
        NodeFile::text(streaming::START_PATH, 0o755, streaming::START),
        NodeFile::text(SCRIPT_PATH, 0o755, SCRIPT),
    ];
    spec.env.push(("DRDRILL_SERVERS".into(), servers.join(",")));
    spec.memory_mib = DATABASE_MIB;
}

/// The node that keeps a stack's backups, and the server that is restored on it.
pub struct Store {
    seat: Seat,
    runtime: Arc<dyn Runtime>,
    elements: Elements,
}

impl Store {
    /// That of a stack, if it keeps some.
    pub fn of(roster: &Roster, runtime: &Arc<dyn Runtime>, elements: &Elements) -> Option<Self> {
        let seat = roster.of(MemberKind::Store).next()?.clone();
        Some(Self {
            seat,
            runtime: runtime.clone(),
            elements: elements.clone(),
        })
    }

    /// Waits until the primary sees that its log is received up to where it has written it by now.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn prove(&self, primary: &Seat) -> Result<String, SystemError> {
        let name = &self.seat.name;
        let refused = |why: String| refused(name, why);
        let written = text(primary, "SELECT pg_current_wal_lsn()::text").await;
        let written = written.map_err(refused)?;
        let asked = format!(
            "SELECT coalesce(max(flush_lsn)::text, '') FROM pg_stat_replication \
             WHERE application_name = '{RECEIVER}' AND flush_lsn >= '{written}'"
        );
        let seen = received(name, || async {
            let kept = text(primary, &asked).await?;
            match kept.is_empty() {
                true => Err("its log is not received".to_owned()),
                false => Ok(kept),
            }
        });
        let kept = seen.await?;
        let primary = &primary.name;
        Ok(format!(
            "{name} receives the log of {primary} as it is written, up to {kept}"
        ))
    }

    /// Watches up to where the log is kept, as whoever takes the clients' writes sees it.
    pub fn watch(
        roster: &Arc<Roster>,
        endpoint: watch::Receiver<SocketAddr>,
        emitter: &Emitter,
        stop: CancellationToken,
    ) -> Observer {
        let (roster, emitter) = (roster.clone(), emitter.clone());
        tokio::spawn(async move {
            let looking = look_on(roster, endpoint, emitter);
            stop.run_until_cancelled(looking).await;
        })
    }

    /// Runs the script in the node.
    async fn tool(&self, words: &[&str]) -> Result<String, SystemError> {
        tool(
            &*self.runtime,
            &self.seat.name,
            streaming::START_PATH,
            words,
        )
        .await
    }
}

/// A single text that a server answers.
async fn text(seat: &Seat, asked: &str) -> Result<String, String> {
    let rows = sql::ask(seat.address, ASK_LIMIT, asked).await?;
    let said = rows
        .first()
        .and_then(|row| row.try_get::<String, _>(0).ok());
    said.ok_or_else(|| "it did not answer".to_owned())
}

/// Asks all servers, each on a session that is kept.
async fn look_on(roster: Arc<Roster>, endpoint: watch::Receiver<SocketAddr>, emitter: Emitter) {
    let servers: Vec<Seat> = roster.data().cloned().collect();
    let mut sessions: Vec<Option<PgConnection>> = servers.iter().map(|_| None).collect();
    let mut ticks = interval(LAG_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let asked = servers.iter().zip(&mut sessions);
        let asked = asked.map(|(seat, session)| {
            let looked = timeout(LAG_LIMIT, look(seat, session.take()));
            emitter.time(looked)
        });
        let mut seen = Vec::new();
        for (place, (at, looked)) in join_all(asked).await.into_iter().enumerate() {
            if let Ok(Ok((session, kept))) = looked {
                sessions[place] = Some(session);
                seen.extend(kept.map(|kept| (at, kept)));
            }
        }
        let led = roster
            .behind(*endpoint.borrow())
            .map(|seat| seat.name.clone());
        if let Some((at, kept)) = of_clients(seen, led.as_ref()) {
            emitter.say_at(at, What::LogKept(kept));
        }
    }
}

/// Up to where a server has written its log and sees that kept; nothing of one that takes no writes.
async fn look(
    seat: &Seat,
    session: Option<PgConnection>,
) -> sqlx::Result<(PgConnection, Option<LogKept>)> {
    let mut session = match session {
        Some(session) => session,
        None => sql::connect(seat.address, sql::PROBE).await?,
    };
    let asked = format!(
        "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint AS written, \
         (SELECT max(pg_wal_lsn_diff(flush_lsn, '0/0'))::bigint FROM pg_stat_replication \
          WHERE application_name = '{RECEIVER}') AS kept WHERE NOT pg_is_in_recovery()"
    );
    let rows = sql::rows_again(&mut session, &asked).await?;
    let Some(row) = rows.first() else {
        return Ok((session, None));
    };
    let kept = LogKept {
        node: seat.name.clone(),
        written: row.try_get::<i64, _>("written")?.unsigned_abs(),
        kept: row
            .try_get::<Option<i64>, _>("kept")?
            .map(i64::unsigned_abs),
    };
    Ok((session, Some(kept)))
}

#[async_trait]
impl Backups for Store {
    fn node(&self) -> &NodeName {
        &self.seat.name
    }

    async fn backup(&self) -> Result<String, SystemError> {
        self.tool(&["backup"]).await
    }

    async fn fetch(&self, by: i64) -> Result<String, SystemError> {
        self.tool(&["fetch", &micros(by)]).await
    }

    async fn replay(&self, to: i64) -> Result<String, SystemError> {
        let time = Timestamp::from_nanosecond(i128::from(to));
        let time = time.map_err(|error| SystemError::Refused(error.to_string()))?;
        // As PostgreSQL reads a time here: neither `T` nor `Z`.
        let time = time.strftime("%Y-%m-%d %H:%M:%S%.6f+00").to_string();
        self.tool(&["replay", &time]).await
    }

    async fn restored(&self) -> Result<Holdings, SystemError> {
        match holdings(&self.elements, Reader::Node(self.seat.address)).await {
            // Its tables did not come back: nothing did.
            Err(SystemError::Refused(words)) if words.contains("does not exist") => {
                Ok(Holdings::default())
            }
            read => read,
        }
    }

    async fn write(&self) -> Result<(), SystemError> {
        const WRITE: &str = "CREATE TABLE IF NOT EXISTS drdrill_restored (n integer); INSERT INTO drdrill_restored VALUES (1)";
        let done = sql::ask(self.seat.address, ASK_LIMIT, WRITE).await;
        done.map(drop).map_err(SystemError::Refused)
    }
}
