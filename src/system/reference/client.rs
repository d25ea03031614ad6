//! The reference store's client, and its table from answers and errors to outcomes.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

use crate::{
    history::{Access, Outcome, register_value},
    system::{Client, Reply, Request, Subject},
};

use super::wire::{Ask, Status, checksum};

/// The longest wait for one node when looking for the primary.
const LOOK_LIMIT: Duration = Duration::from_millis(100);

/// Where a client goes.
#[derive(Debug, Clone)]
pub enum Target {
    /// To whichever of these nodes says that it takes writes.
    Primary(Arc<Nodes>),
    /// To this node, with pinned probes.
    Pinned(u16, SocketAddr),
}

/// A stack's nodes, and which of them a client last found to be primary.
#[derive(Debug)]
pub struct Nodes {
    addresses: Vec<SocketAddr>,
    last: AtomicUsize,
}

impl Nodes {
    /// Nodes of which none is known to be primary.
    pub fn new(addresses: Vec<SocketAddr>) -> Self {
        let last = AtomicUsize::new(addresses.len());
        Self { addresses, last }
    }

    /// A connection to the node that says that it takes writes. The last one is asked first: three connections for each
    /// one that is wanted are what a slow machine does not recover from.
    async fn primary(&self) -> Option<Connection> {
        let all = || (0u16..).zip(&self.addresses);
        if let Some((node, address)) = all().nth(self.last.load(Ordering::Relaxed)) {
            if let Some(found) = look(node, *address).await {
                return Some(found);
            }
            self.last.store(self.addresses.len(), Ordering::Relaxed);
        }
        let looks = join_all(all().map(|(node, address)| look(node, *address)));
        let found = looks.await.into_iter().flatten().next()?;
        self.last.store(found.node.into(), Ordering::Relaxed);
        Some(found)
    }
}

/// A connection to a node, if that says in time that it takes writes.
async fn look(node: u16, address: SocketAddr) -> Option<Connection> {
    let look = async {
        let mut connection = Connection::open(node, address).await?;
        let status = connection.ask(Ask::View).await?;
        let primary = Status::parse(&status).is_some_and(|status| status.primary);
        io::Result::Ok(primary.then_some(connection))
    };
    timeout(LOOK_LIMIT, look).await.ok()?.ok()?
}

/// A client on a connection of its own.
pub struct ReferenceClient {
    target: Target,
    open: Option<Connection>,
}

/// A connection to one node.
pub struct Connection {
    node: u16,
    lines: tokio::io::Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
    /// Whether nothing is asked that is not answered.
    answered: bool,
}

impl Connection {
    /// Connects to a node.
    pub async fn open(node: u16, address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        Ok(Self {
            node,
            lines: BufReader::new(reader).lines(),
            writer,
            answered: true,
        })
    }

    /// Asks one question and reads one line.
    pub async fn ask(&mut self, ask: Ask) -> io::Result<String> {
        self.answered = false;
        self.writer.write_all(format!("{ask}\n").as_bytes()).await?;
        let line = self.next().await?;
        self.answered = true;
        Ok(line)
    }

    /// Reads one more line.
    pub async fn next(&mut self) -> io::Result<String> {
        self.lines
            .next_line()
            .await?
            .ok_or(io::ErrorKind::UnexpectedEof.into())
    }
}

impl Drop for Connection {
    /// What is answered ends at once: a client that connects anew for each request would fill the kernel's tables with
    /// connections that wait for their end. What is not answered is left as it is: it may still arrive.
    fn drop(&mut self) {
        if self.answered {
            // Otherwise it ends as usual.
            let _ = self.writer.as_ref().set_zero_linger();
        }
    }
}

impl ReferenceClient {
    /// A client that connects when first used.
    pub fn new(target: Target) -> Self {
        Self { target, open: None }
    }

    async fn connect(&self) -> Result<Connection, Reply> {
        match &self.target {
            Target::Pinned(node, address) => Connection::open(*node, *address)
                .await
                .map_err(|e| not_sent(&e)),
            Target::Primary(nodes) => nodes
                .primary()
                .await
                .ok_or_else(|| Reply::error(Outcome::Fail, "no primary found")),
        }
    }

    fn question(&self, request: &Request) -> Ask {
        let (lane, seq) = (request.lane.0, request.seq);
        match (request.on, request.access, &self.target) {
            (Subject::Register(register), Access::Write, _) => {
                let value = register_value(request.lane, seq);
                Ask::Set { register, value }
            }
            (Subject::Register(register), Access::Read, _) => Ask::Get { register },
            // Planning refuses accounts here.
            (Subject::Appends | Subject::Accounts(_) | Subject::Lists(_), Access::Read, _) => {
                Ask::Read { lane }
            }
            (
                Subject::Appends | Subject::Accounts(_) | Subject::Lists(_),
                Access::Write,
                Target::Pinned(..),
            ) => Ask::Pin { lane, seq },
            (
                Subject::Appends | Subject::Accounts(_) | Subject::Lists(_),
                Access::Write,
                Target::Primary(_),
            ) => {
                let sum = checksum(lane, seq);
                Ask::Append { lane, seq, sum }
            }
        }
    }

    async fn attempt(&mut self, request: &Request, phase: &mut Phase) -> Reply {
        let mut connection = match self.open.take() {
            Some(connection) => connection,
            None => match self.connect().await {
                Ok(connection) => connection,
                Err(reply) => return reply,
            },
        };
        *phase = Phase::Sent;
        let ask = self.question(request);
        let node = connection.node;
        match connection.ask(ask).await {
            Ok(answer) => {
                self.open = Some(connection);
                outcome_of(request.access, &answer, node)
            }
            Err(error) => lost(request.access, &error),
        }
    }
}

/// How far an attempt got; decides whether it may have been applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Connecting,
    Sent,
}

#[async_trait]
impl Client for ReferenceClient {
    async fn invoke(&mut self, request: Request) -> Reply {
        let mut phase = Phase::Connecting;
        let left = request.deadline.saturating_duration_since(Instant::now());
        match timeout(left, self.attempt(&request, &mut phase)).await {
            Ok(reply) => reply,
            Err(_) if phase == Phase::Sent && request.access == Access::Write => {
                Reply::error(Outcome::Info, "timeout")
            }
            Err(_) => Reply::error(Outcome::Fail, "timeout"),
        }
    }
}

/// The outcome of an answer.
///
/// | answer | outcome |
/// |---|---|
/// | `ok`, `version N` | ok |
/// | `readonly` (not primary, or no majority behind it) | fail |
/// | `refused` | fail: the node says that it did not apply it |
/// | `unconfirmed` (synchronous, no replica confirmed) | info for a write, fail for a read |
/// | anything else | info for a write, fail for a read |
fn outcome_of(access: Access, answer: &str, node: u16) -> Reply {
    if answer == "ok" {
        return Reply::written(Some(node));
    }
    if let Some(version) = answer
        .strip_prefix("version ")
        .and_then(|text| text.parse().ok())
    {
        return Reply::read(Some(node), version);
    }
    match (answer, access) {
        ("readonly", _) => Reply::error(Outcome::Fail, "read-only"),
        ("refused", _) => Reply::error(Outcome::Fail, "refused"),
        ("unconfirmed", Access::Write) => Reply::error(Outcome::Info, "not confirmed by a replica"),
        ("unconfirmed", Access::Read) => Reply::error(Outcome::Fail, "not confirmed by a replica"),
        (_, Access::Write) => Reply::error(Outcome::Info, "unknown answer"),
        (_, Access::Read) => Reply::error(Outcome::Fail, "unknown answer"),
    }
}

fn not_sent(error: &io::Error) -> Reply {
    let class = match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::ConnectionReset => "connection reset",
        _ => "cannot connect",
    };
    Reply::error(Outcome::Fail, class)
}

fn lost(access: Access, error: &io::Error) -> Reply {
    let class = match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "connection reset",
        io::ErrorKind::UnexpectedEof => "connection closed",
        _ => "connection lost",
    };
    let outcome = match access {
        Access::Write => Outcome::Info,
        Access::Read => Outcome::Fail,
    };
    Reply::error(outcome, class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_losses_have_the_outcome_of_the_table() {
        let outcome = |access, answer| outcome_of(access, answer, 0).outcome;
        assert_eq!(outcome(Access::Write, "ok"), Outcome::Ok);
        assert_eq!(outcome(Access::Read, "version 7"), Outcome::Ok);
        assert_eq!(outcome(Access::Write, "readonly"), Outcome::Fail);
        assert_eq!(outcome(Access::Write, "refused"), Outcome::Fail);
        assert_eq!(outcome(Access::Write, "unconfirmed"), Outcome::Info);
        assert_eq!(outcome(Access::Write, "?"), Outcome::Info);
        assert_eq!(outcome(Access::Read, "?"), Outcome::Fail);
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(lost(Access::Write, &reset).outcome, Outcome::Info);
        assert_eq!(lost(Access::Read, &reset).outcome, Outcome::Fail);
        assert_eq!(not_sent(&reset).outcome, Outcome::Fail);
    }
}
