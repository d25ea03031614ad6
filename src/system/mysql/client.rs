//! The service client: a connection of its own to the endpoint, to the group's leader or to one node, dropped when
//! anything goes wrong.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use async_trait::async_trait;
use sqlx::{MySqlConnection, Row, mysql::MySqlRow};
use tokio::{sync::watch, time::timeout};

use crate::{
    history::{Access, Lists, Outcome, TxnStep, register_value, transaction},
    system::{
        Client, Reply, Request, Subject,
        outcome::{Phase, late},
        roster::Roster,
        rows::{Rows, Table, Transfer},
    },
};

use super::{
    asked::member,
    element::Elements,
    lead::{Directory, Found},
    outcome::outcome_of,
    sql::{self, Account},
};

/// Where a client goes.
#[derive(Debug, Clone)]
pub enum Target {
    /// To where the endpoint leads at the moment. A connection that was made to where it led before is dropped at the
    /// next operation.
    Endpoint(watch::Receiver<SocketAddr>),
    /// To whom the members of the group name, asked anew with each connection.
    Members(Arc<Directory>),
    /// To this node, whatever it says of itself, with pinned probes.
    Pinned(SocketAddr),
}

impl Target {
    /// Where it leads at the moment.
    fn address(&self) -> SocketAddr {
        match self {
            Self::Endpoint(endpoint) => *endpoint.borrow(),
            Self::Members(directory) => *directory.lead.borrow(),
            Self::Pinned(address) => *address,
        }
    }

    fn table(&self) -> Table {
        match self {
            Self::Endpoint(_) | Self::Members(_) => Table::Appends,
            Self::Pinned(_) => Table::Pins,
        }
    }
}

/// A client on a connection of its own.
pub struct ServiceClient {
    elements: Elements,
    roster: Arc<Roster>,
    target: Target,
    open: Option<Open>,
}

struct Open {
    connection: MySqlConnection,
    address: SocketAddr,
    node: Option<u16>,
}

impl ServiceClient {
    /// A client that connects when first used.
    pub fn new(elements: Elements, roster: Arc<Roster>, target: Target) -> Self {
        Self {
            elements,
            roster,
            target,
            open: None,
        }
    }

    async fn connect(&self, access: Access) -> Result<Open, Reply> {
        let failed = |error: &sqlx::Error| outcome_of(error, Phase::Connecting, access);
        if let Target::Members(directory) = &self.target {
            return match directory.find().await {
                Found::Leader(connection, seat) => Ok(Open {
                    connection,
                    address: seat.address,
                    node: Some(seat.index),
                }),
                Found::Nobody => Err(Reply::error(Outcome::Fail, "no member takes writes")),
                Found::Silence(error) => Err(failed(&error)),
            };
        }
        let address = self.target.address();
        let connecting = sql::connect(address, Account::Client).await;
        let mut connection = connecting.map_err(|error| failed(&error))?;
        let seat = match self.roster.data_at(address.ip()) {
            Some(seat) => Some(seat),
            // Behind a route only the server itself can say which one it is.
            None => {
                let asked = member(&mut connection, &self.roster).await;
                asked.map_err(|error| failed(&error))?.0
            }
        };
        let node = seat.map(|seat| seat.index);
        Ok(Open {
            connection,
            address,
            node,
        })
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
        let node = open.node;
        let connection = &mut open.connection;
        if let (Subject::Accounts(accounts), Access::Write) = (request.on, request.access) {
            let transfer = Transfer::of(request.lane, request.seq, accounts);
            let begin = self.elements.begin_transfer(transfer);
            let held = balances(&sql::rows(connection, &begin).await?)?;
            let end = self.elements.rows().end_transfer(transfer, held);
            sql::rows(connection, &end).await?;
            return Ok(Reply::written(node));
        }
        if let Subject::Lists(lists) = request.on {
            let steps = transaction(request.lane, request.seq, lists);
            let read = self.transact(connection, &steps).await?;
            return Ok(Reply::transacted(node, read));
        }
        let rows = sql::rows(connection, &self.statement(request)).await?;
        Ok(match request.access {
            Access::Write => Reply::written(node),
            Access::Read => Reply::read(node, version(&rows)?),
        })
    }

    /// Takes the steps of a transaction one after the other; returns what its reads returned.
    async fn transact(
        &self,
        connection: &mut MySqlConnection,
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
        let address = self.target.address();
        let held = self.open.take().filter(|open| open.address == address);
        let mut open = match held {
            Some(open) => open,
            None => match self.connect(request.access).await {
                Ok(open) => open,
                Err(reply) => return reply,
            },
        };
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
                // A probe of a replica would connect anew for each of its writes.
                let refused = matches!(self.target, Target::Pinned(_))
                    && reply.error.as_deref() == Some("read-only");
                if (reply.outcome == Outcome::Conflict && whole) || refused {
                    self.open = Some(open);
                }
                reply
            }
        }
    }
}

/// What the two accounts of a transfer hold, the payer's first.
fn balances(rows: &[MySqlRow]) -> sqlx::Result<[i64; 2]> {
    let [from, to] = rows else {
        return Err(sqlx::Error::RowNotFound);
    };
    Ok([from.try_get("balance")?, to.try_get("balance")?])
}

/// The elements of a row of a list.
pub fn listed(row: &MySqlRow) -> sqlx::Result<Vec<u64>> {
    let held: &str = row.try_get("held")?;
    Rows::listed(held).ok_or_else(|| sqlx::Error::Decode("no elements".into()))
}

/// The number that a read of a lane's newest row returned, a register's value, or a total.
pub fn version(rows: &[MySqlRow]) -> sqlx::Result<u64> {
    let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let version: i64 = row.try_get("version")?;
    Ok(u64::try_from(version).unwrap_or(0))
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
