//! The application's client: the driver's own cluster connections, shared by all app lanes.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use redis::{RedisResult, cluster::ClusterClient, cluster_async::ClusterConnection};
use tokio::{sync::OnceCell, time::timeout};

use crate::{
    history::Access,
    scenario::AppClients,
    system::{
        Client, Reply, Request,
        redis::{
            client::{append, last},
            element::Keys,
            link,
            outcome::{Phase, outcome_of},
        },
    },
    time::left,
};

/// How many of a list's last elements a read looks at.
const WINDOW: isize = 64;

/// The application's connections.
///
/// Each is the driver's own `ClusterConnection`: it knows who owns which slot, follows what nodes tell it of moves,
/// looks for the owners again, and sends an operation again that was refused or cut off, as often and with the pauses
/// that are its defaults, within the application's timeout.
pub struct Pool {
    seeds: Vec<SocketAddr>,
    timeout: Duration,
    connections: Vec<OnceCell<ClusterConnection>>,
    next: AtomicUsize,
}

impl Pool {
    /// A pool that connects when first used.
    pub fn new(seeds: Vec<SocketAddr>, app: &AppClients) -> Self {
        let size = usize::try_from(app.pool).unwrap_or(1).max(1);
        Self {
            seeds,
            timeout: app.timeout.0,
            connections: (0..size).map(|_| OnceCell::new()).collect(),
            next: AtomicUsize::new(0),
        }
    }

    async fn connection(&self) -> RedisResult<ClusterConnection> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.connections.len();
        let connect = || async {
            let seeds = self.seeds.iter().map(|seed| link::info(*seed));
            let client = ClusterClient::builder(seeds.collect::<RedisResult<Vec<_>>>()?)
                .overall_response_timeout(Some(self.timeout))
                .build()?;
            client.get_async_connection().await
        };
        self.connections[turn]
            .get_or_try_init(connect)
            .await
            .cloned()
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

    async fn attempt(&self, request: &Request, phase: &mut Phase) -> RedisResult<Reply> {
        let mut connection = self.pool.connection().await?;
        *phase = Phase::Sent;
        let (lane, key) = (request.lane, self.keys.lane(request.lane));
        match request.access {
            Access::Write => {
                append(&mut connection, &key, &self.keys.element(lane, request.seq)).await?;
                // Which node answered, the driver keeps to itself.
                Ok(Reply::written(None))
            }
            Access::Read => {
                let last = last(&mut connection, &key, WINDOW).await?;
                let seen = last
                    .iter()
                    .filter_map(|element| self.keys.parse(lane, element));
                let version = seen.map(|(seq, _)| seq + 1).max().unwrap_or(0);
                Ok(Reply::read(None, version))
            }
        }
    }
}

#[async_trait]
impl Client for AppClient {
    async fn invoke(&mut self, request: Request) -> Reply {
        let mut phase = Phase::Connecting;
        let left = left(request.deadline);
        match timeout(left, self.attempt(&request, &mut phase)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => outcome_of(&error, phase, request.access),
            Err(_) => outcome_of(&link::late(), phase, request.access),
        }
    }
}
