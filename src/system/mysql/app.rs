//! The application's client: the driver's pool with the user's size and timeouts, shared by all app lanes.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use sqlx::mysql::{MySqlPool, MySqlPoolOptions, MySqlRow};
use tokio::{sync::watch, time::timeout};

use crate::{
    history::{Access, Outcome},
    scenario::AppClients,
    system::{
        Client, Reply, Request,
        outcome::{Phase, late},
        roster::Roster,
        rows::Table,
    },
};

use super::{
    client::version,
    element::Elements,
    lead::Directory,
    members::text,
    outcome::outcome_of,
    shape::is_of,
    sql::{self, Account},
};

/// The longest wait for the pool's connections to end; those that hang are left to end with the process.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// Asks a server who it is.
const WHO: &str = "SELECT @@server_id AS server";

/// The application's connections. New ones go where the endpoint leads, or to the group's leader as it was found last;
/// after an operation that failed the members are asked anew.
pub struct AppPool {
    pool: MySqlPool,
    endpoint: watch::Receiver<SocketAddr>,
    directory: Option<Arc<Directory>>,
    led: Mutex<SocketAddr>,
    failed: AtomicBool,
}

impl AppPool {
    /// A pool that connects when first used; `directory` where members are asked who leads.
    pub fn new(
        endpoint: watch::Receiver<SocketAddr>,
        directory: Option<Arc<Directory>>,
        app: &AppClients,
    ) -> Self {
        let address = *endpoint.borrow();
        let pool = MySqlPoolOptions::new()
            .max_connections(app.pool.max(1))
            .acquire_timeout(app.timeout.0)
            .connect_lazy_with(sql::options(address, Account::Client));
        Self {
            pool,
            endpoint,
            directory,
            led: Mutex::new(address),
            failed: AtomicBool::new(false),
        }
    }

    async fn follow(&self) {
        if let Some(directory) = &self.directory
            && self.failed.swap(false, Ordering::Relaxed)
        {
            // Who was found is told through the endpoint.
            directory.find().await;
        }
        let address = *self.endpoint.borrow();
        let mut led = self.led.lock().unwrap_or_else(PoisonError::into_inner);
        if *led != address {
            *led = address;
            self.pool
                .set_connect_options(sql::options(address, Account::Client));
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
        self.pool.follow().await;
        let mut connection = self.pool.pool.acquire().await?;
        *phase = Phase::Sent;
        let statement = match request.access {
            Access::Write => self
                .elements
                .insert(Table::Appends, request.lane, request.seq),
            Access::Read => self.elements.newest(request.lane),
        };
        // A pool keeps connections to several servers; in the same message the one at hand says who it is.
        let rows = sql::rows(&mut connection, &format!("{statement}; {WHO}")).await?;
        let node = rows.last().and_then(|row| self.node_of(row));
        Ok(match request.access {
            Access::Write => Reply::written(node),
            Access::Read => Reply::read(node, version(&rows)?),
        })
    }

    /// The member whose server says so.
    fn node_of(&self, row: &MySqlRow) -> Option<u16> {
        let number = text(row, "server").ok()?.parse::<u32>().ok()?;
        let mut data = self.roster.data();
        data.find(|seat| is_of(number, seat)).map(|seat| seat.index)
    }
}

#[async_trait]
impl Client for AppClient {
    async fn invoke(&mut self, request: Request) -> Reply {
        let mut phase = Phase::Connecting;
        let left = request.deadline.saturating_duration_since(Instant::now());
        let reply = match timeout(left, self.attempt(&request, &mut phase)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => outcome_of(&error, phase, request.access),
            Err(_) => late(phase, request.access),
        };
        if reply.outcome != Outcome::Ok {
            self.pool.failed.store(true, Ordering::Relaxed);
        }
        reply
    }
}
