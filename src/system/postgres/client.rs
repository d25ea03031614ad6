//! The service client: a connection of its own to the endpoint or to one node, dropped when anything goes wrong.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use async_trait::async_trait;
use sqlx::{ConnectOptions, PgConnection, Row, postgres::PgRow};
use tokio::{sync::watch, time::timeout};

use crate::{
    history::{Access, Lists, Outcome, TxnStep, register_value, transaction},
    id::NodeName,
    system::{
        Client, Reply, Request, Subject,
        outcome::{Phase, late},
        roster::Roster,
        rows::{Rows, Table, Transfer},
    },
};

use super::{
    abandoned::CLIENT,
    element::Elements,
    outcome::outcome_of,
    sql::{self, Trust},
};

/// Asks a new session who answers, and whether it takes writes: none does on a server that recovers.
const WHO: &str = "SELECT host(inet_server_addr()) AS host, current_setting('cluster_name') AS name, \
    current_setting('transaction_read_only')::boolean AS read_only";

/// The same. A server that subscribes to another's tables would take writes; here it counts as one that does not, as long
/// as its subscription is enabled.
const WHO_OR_SUBSCRIBER: &str = "SELECT host(inet_server_addr()) AS host, \
    current_setting('transaction_read_only')::boolean \
    OR EXISTS (SELECT FROM pg_subscription WHERE subenabled) AS read_only";

/// Where a client goes.
#[derive(Debug, Clone)]
pub enum Target {
    /// To where the endpoint leads at the moment. A connection that was made to where it led before is
    /// dropped at the next operation.
    Endpoint(watch::Receiver<SocketAddr>),
    /// To this node, whatever it says of itself, with pinned probes.
    Pinned(SocketAddr),
}

impl Target {
    fn address(&self) -> SocketAddr {
        match self {
            Self::Endpoint(endpoint) => *endpoint.borrow(),
            Self::Pinned(address) => *address,
        }
    }

    fn table(&self) -> Table {
        match self {
            Self::Endpoint(_) => Table::Appends,
            Self::Pinned(_) => Table::Pins,
        }
    }
}

/// A client on a connection of its own.
pub struct ServiceClient {
    elements: Elements,
    roster: Arc<Roster>,
    target: Target,
    who: &'static str,
    trust: Trust,
    open: Option<Open>,
}

struct Open {
    connection: PgConnection,
    address: SocketAddr,
    node: Option<u16>,
    read_only: bool,
    /// Whether an operation was done on it before: what is asked again is planned once.
    again: bool,
}

impl Open {
    /// Asks: the first time in one message, later what the server has planned.
    async fn rows(&mut self, sql: &str) -> sqlx::Result<Vec<PgRow>> {
        match self.again {
            true => sql::rows_again(&mut self.connection, sql).await,
            false => sql::rows(&mut self.connection, sql).await,
        }
    }
}

impl ServiceClient {
    /// A client that connects when first used.
    pub fn new(elements: Elements, roster: Arc<Roster>, target: Target) -> Self {
        Self {
            elements,
            roster,
            target,
            who: WHO,
            trust: None,
            open: None,
        }
    }

    /// The same one, which encrypts and believes this authority, if there is one.
    pub fn trusting(self, trust: Trust) -> Self {
        Self { trust, ..self }
    }

    /// The same one, among servers of which one may subscribe to another.
    pub fn among_subscribers(self) -> Self {
        let who = WHO_OR_SUBSCRIBER;
        Self { who, ..self }
    }

    /// Connects and learns which server answers: behind a proxy only the server itself can say so. One that stands at the
    /// address is not asked, for a write tells whether it takes writes, and a new session answers nothing cheaply.
    async fn connect(&self, access: Access) -> Result<Open, Reply> {
        let address = self.target.address();
        let options = sql::client_options(address, CLIENT, &self.trust);
        let connecting = options.connect().await;
        let connection =
            connecting.map_err(|error| outcome_of(&error, Phase::Connecting, access))?;
        let open = Open {
            connection,
            address,
            node: self.standing_at(address),
            read_only: false,
            again: false,
        };
        match open.node {
            Some(_) => Ok(open),
            None => self.who(open, access).await,
        }
    }

    /// The member that stands at an address itself, for a client that has nothing else to ask.
    fn standing_at(&self, address: SocketAddr) -> Option<u16> {
        let asks = matches!(self.target, Target::Pinned(_)) || self.who != WHO;
        let member = self.roster.data().find(|seat| seat.address == address);
        member.filter(|_| !asks).map(|seat| seat.index)
    }

    /// Asks the session who answers, and whether it takes writes.
    async fn who(&self, mut open: Open, access: Access) -> Result<Open, Reply> {
        let failed = |error| outcome_of(&error, Phase::Connecting, access);
        let rows = open.rows(self.who).await.map_err(failed)?;
        let who = rows
            .first()
            .ok_or_else(|| failed(sqlx::Error::RowNotFound))?;
        open.node = node_of(who, &self.roster);
        open.read_only = who.try_get("read_only").map_err(failed)?;
        Ok(open)
    }

    /// A session to ask on. One of a probe that took no writes is asked again: connecting anew ten times a second would
    /// cost a replica more than all its other clients.
    async fn session(&mut self, access: Access) -> Result<Open, Reply> {
        let address = self.target.address();
        let held = self.open.take().filter(|open| open.address == address);
        match held.map(|open| Open {
            again: true,
            ..open
        }) {
            Some(open) if access == Access::Write && open.read_only => self.who(open, access).await,
            Some(open) => Ok(open),
            None => self.connect(access).await,
        }
    }

    fn statement(&self, request: &Request) -> String {
        match (request.on, request.access) {
            (Subject::Appends, Access::Write) => {
                let table = self.target.table();
                self.elements.insert(table, request.lane, request.seq)
            }
            (Subject::Appends, Access::Read) => self.elements.newest(request.lane),
            (Subject::Register(register), Access::Write) => {
                let value = register_value(request.lane, request.seq);
                self.elements.set(register, value)
            }
            (Subject::Register(register), Access::Read) => self.elements.get(register),
            // Transfers and transactions on lists are several messages, for which they do not come here.
            (Subject::Accounts(_) | Subject::Lists(_), Access::Write | Access::Read) => {
                self.elements.total()
            }
        }
    }

    async fn ask(&self, request: &Request, open: &mut Open) -> sqlx::Result<Reply> {
        if let (Subject::Accounts(accounts), Access::Write) = (request.on, request.access) {
            let transfer = Transfer::of(request.lane, request.seq, accounts);
            let begin = self.elements.begin_transfer(transfer);
            let held = balances(&sql::rows(&mut open.connection, &begin).await?)?;
            let end = self.elements.rows().end_transfer(transfer, held);
            sql::rows(&mut open.connection, &end).await?;
            return Ok(Reply::written(open.node));
        }
        if let Subject::Lists(lists) = request.on {
            let steps = transaction(request.lane, request.seq, lists);
            let read = self.transact(&mut open.connection, &steps).await?;
            return Ok(Reply::transacted(open.node, read));
        }
        let rows = match (request.on, request.access) {
            (Subject::Appends, Access::Write) if open.again => {
                let table = self.target.table();
                let insert = self.elements.insert_again(table, request.lane, request.seq);
                insert.fetch_all(&mut open.connection).await?
            }
            (Subject::Appends, Access::Read) => open.rows(&self.statement(request)).await?,
            _ => sql::rows(&mut open.connection, &self.statement(request)).await?,
        };
        Ok(match request.access {
            Access::Write => Reply::written(open.node),
            Access::Read => Reply::read(open.node, version(&rows)?),
        })
    }

    /// Takes the steps of a transaction one after the other; returns what its reads returned.
    async fn transact(
        &self,
        connection: &mut PgConnection,
        steps: &[TxnStep],
    ) -> sqlx::Result<Lists> {
        let mut read = Lists::new();
        for (message, step) in self.elements.transact(steps).iter().zip(steps) {
            let rows = sql::rows(connection, message).await?;
            if matches!(step, TxnStep::Read { .. }) {
                read.push(rows.first().map_or(Ok(Vec::new()), listed)?);
            }
        }
        Ok(read)
    }

    async fn attempt(&mut self, request: &Request, phase: &mut Phase) -> Reply {
        let mut open = match self.session(request.access).await {
            Ok(open) => open,
            Err(reply) => return reply,
        };
        if request.access == Access::Write && open.read_only {
            self.open = matches!(self.target, Target::Pinned(_)).then_some(open);
            return Reply::error(Outcome::Fail, "read-only");
        }
        *phase = Phase::Sent;
        let reply = self.ask(request, &mut open).await;
        match reply {
            Ok(reply) => {
                self.open = Some(open);
                reply
            }
            Err(error) => {
                let reply = outcome_of(&error, Phase::Sent, request.access);
                // A transaction that was not ended ends with its connection.
                let whole = !matches!(request.on, Subject::Accounts(_) | Subject::Lists(_));
                if reply.outcome == Outcome::Conflict && whole {
                    self.open = Some(open);
                }
                reply
            }
        }
    }
}

/// What the two accounts of a transfer hold, the payer's first.
fn balances(rows: &[PgRow]) -> sqlx::Result<[i64; 2]> {
    let [from, to] = rows else {
        return Err(sqlx::Error::RowNotFound);
    };
    Ok([from.try_get("balance")?, to.try_get("balance")?])
}

/// The elements of a row of a list.
pub fn listed(row: &PgRow) -> sqlx::Result<Vec<u64>> {
    let held: &str = row.try_get("held")?;
    Rows::listed(held).ok_or_else(|| sqlx::Error::Decode("no elements".into()))
}

/// The number that a read of a lane's newest row returned, a register's value, or a total.
pub fn version(rows: &[PgRow]) -> sqlx::Result<u64> {
    let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let version: i64 = row.try_get("version")?;
    Ok(u64::try_from(version).unwrap_or(0))
}

/// The member whose address a row names as `host`, or whose name it has as `name`: at an address that moves a server sees
/// that one as its own.
pub fn node_of(row: &PgRow, roster: &Roster) -> Option<u16> {
    let text = |column: &str| row.try_get::<Option<String>, _>(column).ok().flatten();
    let address = text("host").and_then(|host| host.parse::<IpAddr>().ok());
    let at = address.and_then(|address| roster.data_at(address));
    let named = || roster.named(&NodeName::new(text("name")?)).ok();
    at.or_else(named).map(|seat| seat.index)
}

#[async_trait]
impl Client for ServiceClient {
    async fn invoke(&mut self, request: Request) -> Reply {
        let mut phase = Phase::Connecting;
        let left = request.deadline.saturating_duration_since(Instant::now());
        let attempt = timeout(left, self.attempt(&request, &mut phase)).await;
        attempt.unwrap_or_else(|_| late(phase, request.access))
    }
}
