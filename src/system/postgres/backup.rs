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
    scenario::SystemSpec,
    system::{
        Backups, Design, Issue, Observer, SettingKind, SettingSpec, SystemError,
        backups::{
            BACKUP, LAG_EVERY, NODE, SCRIPT_PATH, Until, kept, of_clients, received, refused, tool,
        },
        object_store,
        roster::{Roster, Seat},
        route,
        settings::{Values, issue},
    },
};

use super::{
    archive, barman,
    deploy::DATABASE_MIB,
    element::Elements,
    finals::{Reader, holdings},
    pgbackrest::{self, Repository},
    pushed, sql, streaming,
};

/// Whether the log and base backups are kept.
pub const SETTING: SettingSpec = SettingSpec {
    name: BACKUP,
    kind: SettingKind::OneOf(&["off", STREAM, ARCHIVE, PGBACKREST, BARMAN]),
    default: "off",
    help: "keeps backups on a node of their own, `backup1`: base backups by pg_basebackup, and the log by pg_receivewal as the \
           primary writes it (`stream`) or as the servers push each segment of it by a plain archive_command (`archive`), \
           or both by pgBackRest, to which the servers push each segment (`pgbackrest`), or both by Barman, which receives the log (`barman`); only with `topology: streaming`, without certificates",
};

const STREAM: &str = "stream";
const ARCHIVE: &str = "archive";
const PGBACKREST: &str = "pgbackrest";
const BARMAN: &str = "barman";

/// The tool by which backups are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// `pg_basebackup` and `pg_receivewal`.
    Stream,
    /// `pg_basebackup` and a plain `archive_command`.
    Archive {
        /// After how long a segment that is not full is pushed.
        archive_timeout: Duration,
    },
    /// pgBackRest.
    PgBackRest {
        /// After how long a segment that is not full is pushed.
        archive_timeout: Duration,
        /// Where its repository is.
        repository: Repository,
    },
    /// Barman.
    Barman {
        /// How often it looks after its receiver.
        cron: Duration,
    },
}

impl Tool {
    /// That of a design, if it keeps backups.
    ///
    /// # Errors
    /// When a value cannot be read.
    pub fn of(values: Values<'_>) -> Result<Option<Self>, SystemError> {
        Ok(match values.word(BACKUP) {
            STREAM => Some(Self::Stream),
            ARCHIVE => Some(Self::Archive {
                archive_timeout: values.duration(pushed::ARCHIVE_TIMEOUT.name)?,
            }),
            PGBACKREST => Some(Self::PgBackRest {
                archive_timeout: values.duration(pushed::ARCHIVE_TIMEOUT.name)?,
                repository: Repository::of(values),
            }),
            BARMAN => Some(Self::Barman {
                cron: values.duration(barman::CRON.name)?,
            }),
            _ => None,
        })
    }

    /// The image of the servers, where it needs one of its own.
    pub fn image(values: Values<'_>) -> Option<&'static str> {
        (values.word(BACKUP) == PGBACKREST).then_some(pgbackrest::IMAGE)
    }

    /// The image of the node that keeps backups, where that needs one of its own.
    pub fn store_image(values: Values<'_>) -> Option<&'static str> {
        (values.word(BACKUP) == BARMAN).then_some(barman::IMAGE)
    }

    /// Whether a design keeps them in an object store.
    pub fn in_object_store(values: Values<'_>) -> bool {
        values.word(BACKUP) == PGBACKREST && Repository::of(values) == Repository::S3
    }

    /// The node that keeps the log.
    fn keeper(self) -> &'static str {
        match self {
            Self::PgBackRest {
                repository: Repository::S3,
                ..
            } => object_store::NODE,
            _ => NODE,
        }
    }

    /// Up to which byte of its log a server sees it kept apart from the stack: an expression for it.
    fn kept(self) -> String {
        match self {
            Self::Stream => received_by(RECEIVER, "flush_lsn"),
            // It forces what it wrote to disk once a segment is full.
            Self::Barman { .. } => received_by(barman::RECEIVER, "write_lsn"),
            Self::Archive { .. } | Self::PgBackRest { .. } => pushed::PUSHED.into(),
        }
    }

    /// By what command a server pushes each segment of its log, and after how long one that is not full; if it pushes any.
    pub fn pushes(self) -> Option<(&'static str, Duration)> {
        match self {
            Self::Stream | Self::Barman { .. } => None,
            Self::Archive { archive_timeout } => Some((archive::COMMAND, archive_timeout)),
            Self::PgBackRest {
                archive_timeout, ..
            } => Some((pgbackrest::COMMAND, archive_timeout)),
        }
    }

    /// What makes a server hand over what it has written by now. An archiver that failed three times rests for a minute, unless
    /// its server is told to read its settings again.
    fn hand_over(self) -> Option<&'static str> {
        self.pushes()
            .map(|_| "SELECT pg_switch_wal()::text FROM (SELECT pg_reload_conf()) AS woken")
    }
}

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

/// Settings of a tool that is not the one that was chosen.
pub fn misfits(spec: &SystemSpec, values: Values<'_>) -> Vec<Issue> {
    let of: [(_, &[&str]); 3] = [
        (pushed::ARCHIVE_TIMEOUT, &[ARCHIVE, PGBACKREST]),
        (pgbackrest::REPOSITORY, &[PGBACKREST]),
        (barman::CRON, &[BARMAN]),
    ];
    let others = of.iter().filter(|(setting, tools)| {
        spec.settings.contains_key(setting.name) && !tools.contains(&values.word(BACKUP))
    });
    let said = others.map(|(setting, tools)| {
        let help = format!(
            "remove it, or say `backup: {}`",
            tools.join("` or `backup: ")
        );
        issue(setting.name, "it has no meaning with this tool", help)
    });
    said.collect()
}

/// What the start script reads in that node.
const SCRIPT: &str = concat!(
    include_str!("files/restored.sh"),
    include_str!("files/base.sh"),
    include_str!("files/backup.sh")
);

/// The name under which the primary sees who receives its log.
const RECEIVER: &str = "drdrill_backup";

/// How long a server may take to say up to where its log is kept.
const LAG_LIMIT: Duration = Duration::from_secs(1);

/// How long a single question may take.
const ASK_LIMIT: Duration = Duration::from_secs(5);

/// Programs that its start scripts need.
const PROGRAMS: &[&str] = &[
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

/// Programs that the tool of a design needs in an image.
pub fn programs(values: Values<'_>, image: &str) -> &'static [&'static str] {
    match values.word(BACKUP) {
        ARCHIVE => archive::PROGRAMS,
        PGBACKREST => pgbackrest::PROGRAMS,
        BARMAN if Tool::store_image(values) == Some(image) => barman::PROGRAMS,
        BARMAN => streaming::PROGRAMS,
        _ => PROGRAMS,
    }
}

/// Gives a node what it keeps base backups and the received log by.
pub fn fit_stream(spec: &mut NodeSpec, roster: &Roster) {
    fit(spec, roster);
    spec.files.push(NodeFile::text(SCRIPT_PATH, 0o755, SCRIPT));
}

/// Gives a node what it finds the servers by.
pub fn fit(spec: &mut NodeSpec, roster: &Roster) {
    let servers: Vec<String> = roster
        .data()
        .map(|seat| seat.address.ip().to_string())
        .collect();
    spec.entrypoint = vec!["sh".into(), streaming::START_PATH.into()];
    spec.files = vec![NodeFile::text(
        streaming::START_PATH,
        0o755,
        streaming::START,
    )];
    spec.env.push(("DRDRILL_SERVERS".into(), servers.join(",")));
    spec.memory_mib = DATABASE_MIB;
}

/// The node that keeps a stack's backups, and the server that is restored on it.
pub struct Store {
    seat: Seat,
    tool: Tool,
    runtime: Arc<dyn Runtime>,
    elements: Elements,
}

impl Store {
    /// That of a stack, if it keeps some.
    pub fn of(
        roster: &Roster,
        tool: Option<Tool>,
        runtime: &Arc<dyn Runtime>,
        elements: &Elements,
    ) -> Option<Self> {
        let seat = roster.of(MemberKind::Store).next()?.clone();
        Some(Self {
            seat,
            tool: tool?,
            runtime: runtime.clone(),
            elements: elements.clone(),
        })
    }

    /// Waits until the primary sees that its log is kept up to where it has written it by now.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn prove(&self, primary: &Seat) -> Result<String, SystemError> {
        let name = &self.seat.name;
        let refused = |why: String| refused(name, why);
        let written = text(primary, "SELECT pg_current_wal_lsn()::text").await;
        let written = written.map_err(refused)?;
        let kept = self.tool.kept();
        let asked = format!(
            "SELECT coalesce(('0/0'::pg_lsn + kept::numeric)::text, '') \
             FROM (SELECT max(kept) AS kept FROM (SELECT {kept} AS kept) AS it \
             WHERE kept >= pg_wal_lsn_diff('{written}', '0/0')) AS it"
        );
        let seen = received(name, || async {
            if let Some(words) = self.tool.hand_over() {
                text(primary, words).await?;
            }
            let kept = text(primary, &asked).await?;
            match kept.is_empty() {
                true => Err("its log is not received".to_owned()),
                false => Ok(kept),
            }
        });
        let kept = seen.await?;
        let (name, primary) = (self.tool.keeper(), &primary.name);
        Ok(match self.tool.pushes() {
            Some(_) => format!("{name} was given the log of {primary} in segments, up to {kept}"),
            None => format!("{name} receives the log of {primary} as it is written, up to {kept}"),
        })
    }

    /// Watches up to where the log is kept, as whoever takes the clients' writes sees it.
    pub fn watch(
        &self,
        roster: &Arc<Roster>,
        endpoint: watch::Receiver<SocketAddr>,
        emitter: &Emitter,
        stop: CancellationToken,
    ) -> Observer {
        let (roster, emitter) = (roster.clone(), emitter.clone());
        let kept = self.tool.kept();
        tokio::spawn(async move {
            let looking = look_on(&kept, roster, endpoint, emitter);
            stop.run_until_cancelled(looking).await;
        })
    }

    /// Runs the script in the node.
    async fn run(&self, words: &[&str]) -> Result<String, SystemError> {
        tool(
            &*self.runtime,
            &self.seat.name,
            streaming::START_PATH,
            words,
        )
        .await
    }
}

/// Up to which byte of its log a server sees it received under this name.
fn received_by(name: &str, position: &str) -> String {
    format!(
        "(SELECT max(pg_wal_lsn_diff({position}, '0/0'))::bigint FROM pg_stat_replication \
         WHERE application_name = '{name}')"
    )
}

/// A moment as PostgreSQL reads a time: neither `T` nor `Z`; a word for the latest.
fn time(until: Until) -> Result<String, SystemError> {
    let Until::Moment(moment) = until else {
        return Ok("latest".into());
    };
    let time = Timestamp::from_nanosecond(i128::from(moment));
    let time = time.map_err(|error| SystemError::Refused(error.to_string()))?;
    Ok(time.strftime("%Y-%m-%d %H:%M:%S%.6f+00").to_string())
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
async fn look_on(
    kept: &str,
    roster: Arc<Roster>,
    endpoint: watch::Receiver<SocketAddr>,
    emitter: Emitter,
) {
    let servers: Vec<Seat> = roster.data().cloned().collect();
    let mut sessions: Vec<Option<PgConnection>> = servers.iter().map(|_| None).collect();
    let asked = format!(
        "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint AS written, \
         {kept} AS kept WHERE NOT pg_is_in_recovery()"
    );
    let mut ticks = interval(LAG_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let looks = servers.iter().zip(&mut sessions);
        let looks = looks.map(|(seat, session)| {
            let looked = timeout(LAG_LIMIT, look(&asked, seat, session.take()));
            emitter.time(looked)
        });
        let mut seen = Vec::new();
        for (place, (at, looked)) in join_all(looks).await.into_iter().enumerate() {
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
    asked: &str,
    seat: &Seat,
    session: Option<PgConnection>,
) -> sqlx::Result<(PgConnection, Option<LogKept>)> {
    let mut session = match session {
        Some(session) => session,
        None => sql::connect(seat.address, sql::PROBE).await?,
    };
    let rows = sql::rows_again(&mut session, asked).await?;
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
        self.run(&["backup"]).await
    }

    async fn fetch(&self, until: Until) -> Result<String, SystemError> {
        self.run(&["fetch", &until.micros(), &time(until)?]).await
    }

    async fn replay(&self, until: Until) -> Result<String, SystemError> {
        self.run(&["replay", &time(until)?]).await
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
