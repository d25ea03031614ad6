//! The application's client: the driver's pool with the user's size and timeouts, shared by all app lanes.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use sqlx::postgres::{PgPool, PgPoolOptions};
use tokio::{sync::watch, time::timeout};

use crate::{
    history::Access,
    scenario::AppClients,
    system::{
        Client, Reply, Request,
        outcome::{Phase, late},
        roster::Roster,
        rows::Table,
    },
};

use super::{
    client::{node_of, version},
    element::{Elements, SERVER},
    outcome::outcome_of,
    sql::{self, Trust},
};

/// The name under which the application shows in the server's views.
const APP: &str = "drdrill-app";

/// The longest wait for the pool's connections to end; those that hang are left to end with the process.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// The application's connections. New ones go where the endpoint leads; those that are open stay, as in an
/// application whose configuration was changed.
pub struct AppPool {
    pool: PgPool,
    endpoint: watch::Receiver<SocketAddr>,
    trust: Trust,
    led: Mutex<SocketAddr>,
}

impl AppPool {
    /// A pool that connects when first used.
    pub fn new(endpoint: watch::Receiver<SocketAddr>, app: &AppClients, trust: Trust) -> Self {
        let address = *endpoint.borrow();
        let pool = PgPoolOptions::new()
            .max_connections(app.pool.max(1))
            .acquire_timeout(app.timeout.0)
            .connect_lazy_with(sql::client_options(address, APP, &trust));
        Self {
            pool,
            endpoint,
            trust,
            led: Mutex::new(address),
        }
    }

    fn follow(&self) {
        let address = *self.endpoint.borrow();
        let mut led = self.led.lock().unwrap_or_else(PoisonError::into_inner);
        if *led != address {
            *led = address;
            self.pool
                .set_connect_options(sql::client_options(address, APP, &self.trust));
        }
    }

    /// Closes the connections.
    pub async fn close(&self) {
        // What hangs has no socket that anyone waits for.
        let _ = timeout(CLOSE_LIMIT, self.pool.close()).await;
    }
}

/// An app lane's client.
pub struct AppClient {
    elements: Elements,
    roster: Arc<Roster>,
    pool: Arc<AppPool>,
}

impl AppClient {
    /// A client on the shared pool.
    pub fn new(elements: Elements, roster: Arc<Roster>, pool: Arc<AppPool>) -> Self {
        Self {
            elements,
            roster,
            pool,
        }
    }

    async fn attempt(&self, request: &Request, phase: &mut Phase) -> sqlx::Result<Reply> {
        self.pool.follow();
        let mut connection = self.pool.pool.acquire().await?;
        *phase = Phase::Sent;
        match request.access {
            Access::Write => {
                let insert = self
                    .elements
                    .insert(Table::Appends, request.lane, request.seq);
                let insert = format!("{insert} RETURNING {SERVER}");
                let rows = sql::rows(&mut connection, &insert).await?;
                let node = rows.first().and_then(|row| node_of(row, &self.roster));
                Ok(Reply::written(node))
            }
            Access::Read => {
                let rows = sql::rows(&mut connection, &self.elements.newest(request.lane)).await?;
                let node = rows.first().and_then(|row| node_of(row, &self.roster));
                Ok(Reply::read(node, version(&rows)?))
            }
        }
    }
}

#[async_trait]
impl Client for AppClient {
    async fn invoke(&mut self, request: Request) -> Reply {
        let mut phase = Phase::Connecting;
        let left = request.deadline.saturating_duration_since(Instant::now());
        match timeout(left, self.attempt(&request, &mut phase)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => outcome_of(&error, phase, request.access),
            Err(_) => late(phase, request.access),
        }
    }
}
