//! The service client: a connection of its own to the endpoint or to one node, dropped when anything goes wrong.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use async_trait::async_trait;
use sqlx::{PgConnection, Row, postgres::PgRow};
use tokio::{sync::watch, time::timeout};

use crate::{
    history::{Access, Outcome},
    system::{
        Client, Reply, Request,
        roster::Roster,
        rows::Table,
        sql_outcome::{Phase, late},
    },
};

use super::{abandoned::CLIENT, element::Elements, outcome::outcome_of, sql};

/// Asks a new session who answers, and whether it takes writes.
const WHO: &str = "SELECT host(inet_server_addr()) AS host, \
    pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS read_only";

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
    open: Option<Open>,
}

struct Open {
    connection: PgConnection,
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

    /// Connects and learns which server answers: behind a proxy only the server itself can say so.
    async fn connect(&self, access: Access) -> Result<Open, Reply> {
        let failed = |error| outcome_of(&error, Phase::Connecting, access);
        let address = self.target.address();
        let mut connection = sql::connect(address, CLIENT).await.map_err(failed)?;
        let rows = sql::rows(&mut connection, WHO).await.map_err(failed)?;
        let who = rows
            .first()
            .ok_or_else(|| failed(sqlx::Error::RowNotFound))?;
        if access == Access::Write && who.try_get("read_only").map_err(failed)? {
            return Err(Reply::error(Outcome::Fail, "read-only"));
        }
        Ok(Open {
            connection,
            address,
            node: node_of(who, &self.roster),
        })
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
        let statement = match request.access {
            Access::Write => {
                let table = self.target.table();
                self.elements.insert(table, request.lane, request.seq)
            }
            Access::Read => self.elements.newest(request.lane),
        };
        let answer = sql::rows(&mut open.connection, &statement).await;
        let reply = answer.and_then(|rows| match request.access {
            Access::Write => Ok(Reply::written(open.node)),
            Access::Read => Ok(Reply::read(open.node, version(&rows)?)),
        });
        match reply {
            Ok(reply) => {
                self.open = Some(open);
                reply
            }
            Err(error) => {
                let reply = outcome_of(&error, Phase::Sent, request.access);
                if reply.outcome == Outcome::Conflict {
                    self.open = Some(open);
                }
                reply
            }
        }
    }
}

/// The number that a read of a lane's newest row returned.
pub fn version(rows: &[PgRow]) -> sqlx::Result<u64> {
    let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let version: i64 = row.try_get("version")?;
    Ok(u64::try_from(version).unwrap_or(0))
}

/// The member whose address a row names as `host`.
pub fn node_of(row: &PgRow, roster: &Roster) -> Option<u16> {
    let host: Option<String> = row.try_get("host").ok()?;
    let address: IpAddr = host?.parse().ok()?;
    roster.data_at(address).map(|seat| seat.index)
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
