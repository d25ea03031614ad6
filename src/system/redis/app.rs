//! The application's client: the driver's reconnecting connections, shared by all app lanes.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use redis::{
    Client as Driver, ErrorKind, RedisError, RedisResult, ServerErrorKind,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::time::timeout;

use crate::{
    history::Access,
    scenario::{AppClients, StreamLink},
    system::{Client, Reply, Request, roster::Roster},
    time::left,
};

use super::{
    client::{append, last},
    element::Keys,
    link,
    outcome::{Phase, outcome_of},
    sentinel::Directory,
};

/// How many of a list's last elements a read looks at.
const WINDOW: isize = 64;

/// The application's connections.
///
/// Each is the driver's `ConnectionManager` with its own reconnecting and back-off. As the guidelines for
/// Sentinel clients ask, an error that ends a connection or comes from a demoted node makes the application
/// ask the sentinels again.
pub struct Pool {
    directory: Arc<Directory>,
    roster: Arc<Roster>,
    size: usize,
    timeout: Duration,
    current: Mutex<Option<Arc<Connections>>>,
    next: AtomicUsize,
}

struct Connections {
    managers: Vec<ConnectionManager>,
    address: SocketAddr,
    node: Option<u16>,
}

impl Pool {
    /// A pool that connects when first used.
    pub fn new(directory: Arc<Directory>, roster: Arc<Roster>, app: &AppClients) -> Self {
        Self {
            directory,
            roster,
            size: usize::try_from(app.pool).unwrap_or(1).max(1),
            timeout: app.timeout.0,
            current: Mutex::new(None),
            next: AtomicUsize::new(0),
        }
    }

    fn current(&self) -> Option<Arc<Connections>> {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn connections(&self) -> RedisResult<Arc<Connections>> {
        let current = self.current();
        if let Some(current) = &current
            && self.directory.leads_elsewhere(current.address)
        {
            self.forget(current);
        } else if let Some(current) = current {
            return Ok(current);
        }
        let address = self.directory.primary().await?;
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(self.timeout))
            .set_connection_timeout(Some(self.timeout));
        let way = self.roster.way_to(address, StreamLink::Clients);
        let driver = Driver::open(self.directory.login().info(way)?)?;
        let managers = (0..self.size)
            .map(|_| driver.get_connection_manager_lazy(config.clone()))
            .collect::<RedisResult<_>>()?;
        let node = self.roster.data_at(address.ip()).map(|seat| seat.index);
        let made = Arc::new(Connections {
            managers,
            address,
            node,
        });
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(current.get_or_insert(made).clone())
    }

    /// Lets the next operation ask the sentinels again, unless another did so since.
    fn forget(&self, used: &Arc<Connections>) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, used))
        {
            *current = None;
        }
    }
}

/// An app lane's client.
pub struct AppClient {
    keys: Keys,
    pool: Arc<Pool>,
}

impl AppClient {
    /// A client on the shared pool.
    pub fn new(keys: Keys, pool: Arc<Pool>) -> Self {
        Self { keys, pool }
    }

    async fn attempt(&self, request: &Request, phase: &mut Phase) -> Result<Reply, RedisError> {
        let connections = self.pool.connections().await?;
        let turn = self.pool.next.fetch_add(1, Ordering::Relaxed) % connections.managers.len();
        let mut manager = connections.managers[turn].clone();
        *phase = Phase::Sent;
        let (lane, key) = (request.lane, self.keys.lane(request.lane));
        let asked = match request.access {
            Access::Write => append(&mut manager, &key, &self.keys.element(lane, request.seq))
                .await
                .map(|()| Reply::written(connections.node)),
            Access::Read => last(&mut manager, &key, WINDOW).await.map(|last| {
                let seen = last
                    .iter()
                    .filter_map(|element| self.keys.parse(lane, element));
                let version = seen.map(|(seq, _)| seq + 1).max().unwrap_or(0);
                Reply::read(connections.node, version)
            }),
        };
        if asked.as_ref().is_err_and(leads_nowhere) {
            self.pool.forget(&connections);
        }
        asked
    }
}

fn leads_nowhere(error: &RedisError) -> bool {
    error.is_unrecoverable_error()
        || error.is_timeout()
        || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}

#[async_trait]
impl Client for AppClient {
    async fn invoke(&mut self, request: Request) -> Reply {
        let mut phase = Phase::Connecting;
        let left = left(request.deadline);
        match timeout(left, self.attempt(&request, &mut phase)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => outcome_of(&error, phase, request.access),
            Err(_) => {
                // Nothing answers there any more, or not in time: ask the sentinels again.
                if let Some(current) = self.pool.current() {
                    self.pool.forget(&current);
                }
                outcome_of(&link::late(), phase, request.access)
            }
        }
    }
}
