//! Backups by the servers' own tools: dumps or copies, and the streamed binary log, kept and restored on a node of their own.

use std::{net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::join_all;
use sqlx::{MySqlConnection, Row};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, Lines},
    sync::watch,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    id::NodeName,
    record::{Emitter, Holdings, LogKept, MemberKind, What},
    runtime::{Runtime, RuntimeError},
    system::{
        Backups, Observer, SystemError,
        backups::{LAG_EVERY, Until, of_clients, received, refused, tool},
        roster::{Roster, Seat},
    },
    time::Bracket,
};

use super::{
    deploy::START_PATH,
    element::Elements,
    finals::holdings,
    kind::Kind,
    members::text,
    sql::{self, Account},
    tools::{self, SEND_PATH},
};

/// How long a server may take to say up to where it has written, and the node to say up to where that is kept.
const LAG_LIMIT: Duration = Duration::from_secs(1);

/// How long a single question may take.
const ASK_LIMIT: Duration = Duration::from_secs(5);

/// The node that keeps a stack's backups, and the server that is restored on it.
pub struct Store {
    seat: Seat,
    kind: Kind,
    servers: Vec<Seat>,
    runtime: Arc<dyn Runtime>,
    elements: Elements,
}

impl Store {
    /// That of a stack, if it keeps some.
    pub fn of(
        roster: &Roster,
        kind: Kind,
        runtime: &Arc<dyn Runtime>,
        elements: &Elements,
    ) -> Option<Self> {
        let seat = roster.of(MemberKind::Store).next()?.clone();
        Some(Self {
            seat,
            kind,
            servers: roster.data().cloned().collect(),
            runtime: runtime.clone(),
            elements: elements.clone(),
        })
    }

    /// Waits until the log of the primary is kept up to where it has written it by now.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn prove(&self, primary: &Seat) -> Result<String, SystemError> {
        let name = &self.seat.name;
        let refused = |why: String| refused(name, why);
        let looked = timeout(ASK_LIMIT, look(self.kind, primary, None)).await;
        let looked = looked.map_err(|_| refused(format!("`{}` is silent", primary.name)))?;
        let (_, written) = looked.map_err(|error| refused(sql::words(&error)))?;
        let written = written.ok_or_else(|| refused(format!("`{}` is shut", primary.name)))?;
        let written = &written;
        let seen = received(name, || async {
            let told = Told::open(&*self.runtime, name).await;
            let mut told = told.map_err(|error| error.to_string())?;
            match told.ask().await.filter(|kept| kept.holds(written)) {
                None => Err("its log is not received".to_owned()),
                Some(_) => Ok(()),
            }
        });
        seen.await?;
        let primary = &primary.name;
        Ok(format!(
            "{name} receives the log of {primary} as it is written"
        ))
    }

    /// Watches up to where the log is kept, as the node that keeps it tells.
    pub fn watch(
        &self,
        roster: &Arc<Roster>,
        endpoint: watch::Receiver<SocketAddr>,
        emitter: &Emitter,
        stop: CancellationToken,
    ) -> Observer {
        let (roster, emitter) = (roster.clone(), emitter.clone());
        let (runtime, node) = (self.runtime.clone(), self.seat.name.clone());
        let kind = self.kind;
        tokio::spawn(async move {
            let looking = look_on(kind, roster, endpoint, emitter, runtime, node);
            stop.run_until_cancelled(looking).await;
        })
    }

    /// Copies the data directory of whoever takes writes. The tool reads its files, so that it runs on that machine, and what it
    /// sends is kept once both ends say that it is whole.
    async fn copy(&self) -> Result<String, SystemError> {
        let host = self.tool(&["source_of_log"]).await?;
        let source = (self.servers.iter()).find(|seat| seat.address.ip().to_string() == host);
        let source = source.ok_or_else(|| SystemError::Refused("no server takes writes".into()))?;
        let own = self.seat.address.ip().to_string();
        let words = ["send", own.as_str()];
        let sent = tool(&*self.runtime, &source.name, SEND_PATH, &words);
        tokio::try_join!(self.tool(&["take"]), sent)?;
        self.tool(&["keep", &host]).await
    }

    /// Runs the script in the node.
    async fn tool(&self, words: &[&str]) -> Result<String, SystemError> {
        tool(&*self.runtime, &self.seat.name, START_PATH, words).await
    }
}

/// A place in a server's log.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    /// How its server names itself: a UUID, or its number.
    server: String,
    /// The file's number, and the byte in it.
    at: u64,
}

impl Place {
    /// Reads the name of a file, such as `binlog.000012`.
    fn of(server: &str, file: &str, byte: u64) -> Option<Self> {
        let number: u32 = file.rsplit('.').next()?.parse().ok()?;
        let byte = u32::try_from(byte).ok()?;
        Some(Self {
            server: server.to_owned(),
            at: u64::from(number) << 32 | u64::from(byte),
        })
    }

    /// Whether a log that is kept up to here has all up to there.
    fn holds(&self, other: &Self) -> bool {
        self.server == other.server && self.at >= other.at
    }
}

/// What the node that keeps the log says of it.
struct Told {
    input: Pin<Box<dyn AsyncWrite + Send>>,
    lines: Lines<BufReader<Pin<Box<dyn AsyncRead + Send>>>>,
}

impl Told {
    async fn open(runtime: &dyn Runtime, node: &NodeName) -> Result<Self, RuntimeError> {
        let pipe = runtime.inside(node, &["sh", START_PATH, "watch"]).await?;
        Ok(Self {
            input: pipe.input,
            lines: BufReader::new(pipe.output).lines(),
        })
    }

    /// Up to where the log is kept; none where nothing is, or where it is not said in time.
    async fn ask(&mut self) -> Option<Place> {
        let asked = async {
            self.input.write_all(b"\n").await.ok()?;
            self.input.flush().await.ok()?;
            self.lines.next_line().await.ok()?
        };
        let line = timeout(LAG_LIMIT, asked).await.ok()??;
        let mut words = line.split_whitespace();
        let (server, file, byte) = (words.next()?, words.next()?, words.next()?);
        Place::of(server, file, byte.parse().ok()?)
    }
}

/// Asks all servers, each on a session that is kept, and then the node that keeps the log.
async fn look_on(
    kind: Kind,
    roster: Arc<Roster>,
    endpoint: watch::Receiver<SocketAddr>,
    emitter: Emitter,
    runtime: Arc<dyn Runtime>,
    node: NodeName,
) {
    let servers: Vec<Seat> = roster.data().cloned().collect();
    let mut sessions: Vec<Option<MySqlConnection>> = servers.iter().map(|_| None).collect();
    let mut told: Option<Told> = None;
    let mut ticks = interval(LAG_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let low = emitter.now();
        let asked = servers.iter().zip(&mut sessions);
        let asked =
            asked.map(|(seat, session)| timeout(LAG_LIMIT, look(kind, seat, session.take())));
        let mut written = Vec::new();
        for (place, looked) in join_all(asked).await.into_iter().enumerate() {
            if let Ok(Ok((session, at))) = looked {
                sessions[place] = Some(session);
                written.extend(at.map(|at| (&servers[place].name, at)));
            }
        }
        if told.is_none() {
            let opened = timeout(LAG_LIMIT, Told::open(&*runtime, &node)).await;
            told = opened.ok().and_then(Result::ok);
        }
        let kept = match &mut told {
            Some(told) => told.ask().await,
            None => None,
        };
        if kept.is_none() {
            // What was asked may still be answered, to another question.
            told = None;
        }
        let high = emitter.now();
        let at = Bracket { low, high };
        let seen = written.into_iter().map(|(node, written)| {
            let kept = kept.as_ref().filter(|kept| kept.server == written.server);
            let kept = LogKept {
                node: node.clone(),
                written: written.at,
                kept: kept.map(|kept| kept.at),
            };
            (at, kept)
        });
        let used = roster.behind(*endpoint.borrow());
        let used = used.map(|seat| seat.name.clone());
        if let Some((at, kept)) = of_clients(seen.collect(), used.as_ref()) {
            emitter.say_at(at, What::LogKept(kept));
        }
    }
}

/// Up to where a server has written its log; nothing of one that takes no writes.
async fn look(
    kind: Kind,
    seat: &Seat,
    session: Option<MySqlConnection>,
) -> sqlx::Result<(MySqlConnection, Option<Place>)> {
    let mut session = match session {
        Some(session) => session,
        None => sql::connect(seat.address, Account::Operator).await?,
    };
    let own = sql::rows(&mut session, tools::source(kind)).await?;
    let own = own.first().ok_or(sqlx::Error::RowNotFound)?;
    if text(own, "shut")? != "0" {
        return Ok((session, None));
    }
    let server = text(own, "server")?;
    // The last file is the one that is written to; older versions know this question as well.
    let files = sql::rows(&mut session, "SHOW BINARY LOGS").await?;
    let last = files.last().ok_or(sqlx::Error::RowNotFound)?;
    let size: u64 = last.try_get_unchecked("File_size")?;
    let place = Place::of(&server, &text(last, "Log_name")?, size);
    Ok((session, place))
}

#[async_trait]
impl Backups for Store {
    fn node(&self) -> &NodeName {
        &self.seat.name
    }

    fn counts_in(&self) -> Duration {
        match self.kind.maria() {
            true => Duration::from_secs(1),
            false => Duration::from_micros(1),
        }
    }

    async fn backup(&self) -> Result<String, SystemError> {
        match self.kind.maria() {
            true => self.copy().await,
            false => self.tool(&["backup"]).await,
        }
    }

    async fn fetch(&self, until: Until) -> Result<String, SystemError> {
        self.tool(&["fetch", &until.micros()]).await
    }

    async fn replay(&self, until: Until) -> Result<String, SystemError> {
        let point = match (self.kind.maria(), until) {
            (true, Until::Moment(moment)) => (moment / 1_000_000_000).to_string(),
            (true, Until::Latest) => "latest".to_owned(),
            (false, _) => until.micros(),
        };
        self.tool(&["replay", &point]).await
    }

    async fn restored(&self) -> Result<Holdings, SystemError> {
        match holdings(&self.elements, self.seat.address, false).await {
            // Its tables did not come back: nothing did.
            Err(SystemError::Refused(words)) if words.contains("doesn't exist") => {
                Ok(Holdings::default())
            }
            read => read,
        }
    }

    async fn write(&self) -> Result<(), SystemError> {
        const WRITE: [&str; 2] = [
            "CREATE TABLE IF NOT EXISTS drdrill_restored (n INT NOT NULL AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB",
            "INSERT INTO drdrill_restored VALUES ()",
        ];
        let done = sql::act(self.seat.address, ASK_LIMIT, &WRITE).await;
        done.map_err(SystemError::Refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_order_within_one_servers_log_only() {
        let place = |server, file, byte| Place::of(server, file, byte).expect("a place");
        let one = place("a", "binlog.000009", 5_000);
        assert!(one.holds(&place("a", "binlog.000009", 5_000)));
        assert!(place("a", "binlog.000010", 4).holds(&one));
        assert!(!one.holds(&place("a", "binlog.000010", 4)));
        assert!(!place("b", "binlog.000010", 4).holds(&one));
        for wrong in ["binlog", "binlog.index", ""] {
            assert_eq!(Place::of("a", wrong, 4), None, "{wrong}");
        }
    }
}
