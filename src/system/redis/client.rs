//! The service client: a connection of its own, found through sentinels or the cluster's nodes, dropped when anything goes wrong.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use redis::{RedisResult, aio::MultiplexedConnection};
use tokio::time::timeout;

use crate::{
    history::{Access, Outcome, register_value},
    scenario::StreamLink,
    system::{Client, Reply, Request, Subject, roster::Roster},
    time::left,
};

use super::{
    asked::{is_primary, primary_at},
    cluster::Seeds,
    element::Keys,
    link::{Login, command},
    outcome::{Phase, outcome_of},
    sentinel::Directory,
};

/// Where a client goes.
#[derive(Clone)]
pub enum Target {
    /// To the node that the sentinels or the endpoint name, if it agrees that it is primary.
    Primary(Arc<Directory>),
    /// To this node, whatever it says of itself, with pinned probes.
    Pinned(SocketAddr),
    /// To the owner of this slot, as the nodes of the cluster name it.
    Slot(Arc<Seeds>, u16),
    /// To this node of a cluster, with pinned probes: as a replica it answers reads itself.
    Member(SocketAddr),
}

/// A client on a connection of its own.
pub struct RedisClient {
    keys: Keys,
    roster: Arc<Roster>,
    target: Target,
    /// How many of a list's last elements a read looks at: writes of a lane that are in flight together may
    /// be applied in any order, so the highest number need not be last.
    window: isize,
    login: Login,
    open: Option<Open>,
}

struct Open {
    connection: MultiplexedConnection,
    address: SocketAddr,
    node: Option<u16>,
}

impl RedisClient {
    /// A client that connects when first used. `in_flight` is how many writes of one lane may be under way.
    pub fn new(keys: Keys, roster: Arc<Roster>, target: Target, in_flight: usize) -> Self {
        let window = isize::try_from(in_flight.saturating_mul(2)).unwrap_or(isize::MAX);
        Self {
            keys,
            roster,
            target,
            window: window.max(32),
            login: Login::default(),
            open: None,
        }
    }

    /// The same, let in by this.
    #[must_use]
    pub fn entering(self, login: Login) -> Self {
        Self { login, ..self }
    }

    async fn connect(&self, access: Access, left: Duration) -> Result<Open, Reply> {
        let failed = |error| outcome_of(&error, Phase::Connecting, access);
        let address = match &self.target {
            Target::Pinned(address) | Target::Member(address) => *address,
            Target::Primary(directory) => directory.primary().await.map_err(failed)?,
            Target::Slot(seeds, slot) => seeds.owner(*slot).await.map_err(failed)?,
        };
        self.connect_to(address, access, left).await
    }

    async fn connect_to(
        &self,
        address: SocketAddr,
        access: Access,
        left: Duration,
    ) -> Result<Open, Reply> {
        let failed = |error| outcome_of(&error, Phase::Connecting, access);
        // What watches one node by itself goes straight to it, and so do clients of a cluster, whose nodes name each other.
        let way = match self.target {
            Target::Primary(_) => self.roster.way_to(address, StreamLink::Clients),
            Target::Pinned(_) | Target::Slot(..) | Target::Member(_) => address,
        };
        let connected = self.login.connect(way, left).await;
        if let (Target::Slot(seeds, _), true) = (&self.target, connected.is_err()) {
            seeds.doubt();
        }
        let mut connection = connected.map_err(failed)?;
        if matches!(self.target, Target::Member(_)) {
            let allowed = command(&["READONLY"]);
            let asked = allowed.query_async::<()>(&mut connection).await;
            asked.map_err(failed)?;
        }
        let mut seat = self.roster.data_at(address.ip());
        // A sentinel may still name a node that was demoted, and that would answer reads with old data.
        if matches!(self.target, Target::Primary(_)) {
            let primary = match seat {
                Some(_) => is_primary(&mut connection).await.map_err(failed)?,
                // Behind a route only the server itself can say which one it is.
                None => {
                    let (primary, own) = primary_at(&mut connection).await.map_err(failed)?;
                    seat = own.and_then(|own| self.roster.data_at(own));
                    primary
                }
            };
            if !primary {
                return Err(Reply::error(Outcome::Fail, "not primary"));
            }
        }
        let node = seat.map(|seat| seat.index);
        Ok(Open {
            connection,
            address,
            node,
        })
    }

    fn led_away(&self, address: SocketAddr) -> bool {
        matches!(&self.target, Target::Primary(directory) if directory.leads_elsewhere(address))
    }

    async fn attempt(&mut self, request: &Request, phase: &mut Phase) -> Reply {
        let left = left(request.deadline);
        let held = self.open.take();
        let mut open = match held.filter(|open| !self.led_away(open.address)) {
            Some(open) => open,
            None => match self.connect(request.access, left).await {
                Ok(open) => open,
                Err(reply) => return reply,
            },
        };
        *phase = Phase::Sent;
        let mut asked = self.ask(request, &mut open).await;
        if let Some(owner) = self.sent_on(&asked) {
            *phase = Phase::Connecting;
            open = match self.connect_to(owner, request.access, left).await {
                Ok(open) => open,
                Err(reply) => return reply,
            };
            *phase = Phase::Sent;
            asked = self.ask(request, &mut open).await;
        }
        match asked {
            Ok(reply) => {
                self.open = Some(open);
                reply
            }
            Err(error) => outcome_of(&error, Phase::Sent, request.access),
        }
    }

    /// Where a node that does not own the slot sends the client on: a part of asking a cluster, as the node has not
    /// applied anything. It is followed once.
    fn sent_on(&self, asked: &RedisResult<Reply>) -> Option<SocketAddr> {
        let (Target::Slot(..), Err(error)) = (&self.target, asked) else {
            return None;
        };
        let moved = error.code() == Some("MOVED");
        error.redirect_node().filter(|_| moved)?.0.parse().ok()
    }

    async fn ask_register(
        &self,
        request: &Request,
        register: u16,
        open: &mut Open,
    ) -> RedisResult<Reply> {
        let key = self.keys.register(register);
        match request.access {
            Access::Write => {
                let value = register_value(request.lane, request.seq).to_string();
                let set = command(&["SET", &key, &value]);
                set.query_async::<()>(&mut open.connection).await?;
                Ok(Reply::written(open.node))
            }
            Access::Read => {
                let get = command(&["GET", &key]);
                let value: Option<u64> = get.query_async(&mut open.connection).await?;
                Ok(Reply::read(open.node, value.unwrap_or(0)))
            }
        }
    }

    async fn ask(&self, request: &Request, open: &mut Open) -> RedisResult<Reply> {
        let lane = request.lane;
        if let Subject::Register(register) = request.on {
            return self.ask_register(request, register, open).await;
        }
        let key = match (&self.target, request.access) {
            (Target::Pinned(_) | Target::Member(_), Access::Write) => self.keys.pinned(lane),
            _ => self.keys.lane(lane),
        };
        match request.access {
            Access::Write => {
                append(
                    &mut open.connection,
                    &key,
                    &self.keys.element(lane, request.seq),
                )
                .await?;
                Ok(Reply::written(open.node))
            }
            Access::Read => {
                let last = last(&mut open.connection, &key, self.window).await?;
                let seen = last
                    .iter()
                    .filter_map(|element| self.keys.parse(lane, element));
                let version = seen.map(|(seq, _)| seq + 1).max().unwrap_or(0);
                Ok(Reply::read(open.node, version))
            }
        }
    }
}

/// Appends one element of a list.
pub async fn append(
    connection: &mut impl redis::aio::ConnectionLike,
    key: &str,
    element: &str,
) -> RedisResult<()> {
    let _length: u64 = command(&["RPUSH", key, element])
        .query_async(connection)
        .await?;
    Ok(())
}

/// The last elements of a list.
pub async fn last(
    connection: &mut impl redis::aio::ConnectionLike,
    key: &str,
    window: isize,
) -> RedisResult<Vec<String>> {
    let from = format!("-{window}");
    command(&["LRANGE", key, &from, "-1"])
        .query_async(connection)
        .await
}

#[async_trait]
impl Client for RedisClient {
    async fn invoke(&mut self, request: Request) -> Reply {
        let mut phase = Phase::Connecting;
        let left = left(request.deadline);
        let attempt = timeout(left, self.attempt(&request, &mut phase)).await;
        attempt.unwrap_or_else(|_| {
            // The owner that a node named was not reached in time: another node may know better.
            if let (Target::Slot(seeds, _), Phase::Connecting) = (&self.target, phase) {
                seeds.doubt();
            }
            outcome_of(&super::link::late(), phase, request.access)
        })
    }
}
