//! The service client: a connection of its own to the endpoint, to the group's leader or to one node, dropped when
//! anything goes wrong.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use async_trait::async_trait;
use sqlx::{MySqlConnection, Row, mysql::MySqlRow};
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

use super::{
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
                }),
                Found::Nobody => Err(Reply::error(Outcome::Fail, "no member takes writes")),
                Found::Silence(error) => Err(failed(&error)),
            };
        }
        let address = self.target.address();
        let connecting = sql::connect(address, Account::Client).await;
        let connection = connecting.map_err(|error| failed(&error))?;
        Ok(Open {
            connection,
            address,
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
        let node = self.roster.data_at(open.address.ip());
        let node = node.map(|seat| seat.index);
        let answer = sql::rows(&mut open.connection, &statement).await;
        let reply = answer.and_then(|rows| match request.access {
            Access::Write => Ok(Reply::written(node)),
            Access::Read => Ok(Reply::read(node, version(&rows)?)),
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
