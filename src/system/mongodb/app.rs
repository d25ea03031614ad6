//! The application's client: the official driver with its pool, its view of the topology and its retries.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use mongodb::{
    Client as Driver,
    bson::{Document, doc},
    error::Error,
    options::{ClientOptions, CollectionOptions, ServerAddress},
};
use tokio::time::timeout;

use crate::{
    history::{Access, Outcome},
    scenario::AppClients,
    system::{Client, Reply, Request, SystemError},
    time::left,
};

use super::{
    client::DATABASE,
    concern::Concern,
    element::{Collection, Elements, SHARD},
    outcome::{Phase, late, outcome_of_driver},
    wire::number,
};

/// The longest wait for the pool's connections to end; those that hang are left to end with the process.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// The application's driver.
///
/// Its own settings are the defaults but for what the scenario says: the pool's size, the application's timeout for
/// connecting and for finding a primary (the driver's default is 30 s), and whether it retries.
pub struct Pool {
    driver: Driver,
    concern: Concern,
}

impl Pool {
    /// A pool to the members of this replica set, or without one to these routers, that connects when first used.
    ///
    /// # Errors
    /// When the driver does not take the options.
    pub fn new(
        servers: impl IntoIterator<Item = SocketAddr>,
        set: Option<&str>,
        concern: Concern,
        app: &AppClients,
    ) -> Result<Self, SystemError> {
        let host = |address: SocketAddr| ServerAddress::Tcp {
            host: address.ip().to_string(),
            port: Some(address.port()),
        };
        let options = ClientOptions::builder()
            .hosts(servers.into_iter().map(host).collect::<Vec<_>>())
            .repl_set_name(set.map(str::to_owned))
            .app_name("drdrill-app".to_owned())
            .max_pool_size(app.pool.max(1))
            .connect_timeout(app.timeout.0)
            .server_selection_timeout(app.timeout.0)
            .retry_writes(concern.retry_writes)
            .retry_reads(concern.retry_writes)
            .build();
        let refused = |error: Error| SystemError::Refused(format!("the driver refused: {error}"));
        Ok(Self {
            driver: Driver::with_options(options).map_err(refused)?,
            concern,
        })
    }

    fn collection(&self, name: &str) -> mongodb::Collection<Document> {
        let options = CollectionOptions::builder()
            .write_concern(self.concern.driver_write())
            .read_concern(self.concern.driver_read())
            .build();
        self.driver
            .database(DATABASE)
            .collection_with_options(name, options)
    }

    /// Closes the connections.
    pub async fn close(&self) {
        // What hangs has no socket that anyone waits for.
        let end = async { self.driver.clone().shutdown().immediate(true).await };
        let _ = timeout(CLOSE_LIMIT, end).await;
    }
}

/// An app lane's client.
pub struct AppClient {
    elements: Elements,
    pool: Result<Arc<Pool>, SystemError>,
}

impl AppClient {
    /// A client on the shared pool; without one each operation fails before it is sent.
    pub fn new(elements: Elements, pool: Result<Arc<Pool>, SystemError>) -> Self {
        Self { elements, pool }
    }

    /// The append is an update that matches nothing and so inserts: the driver gives an insert an `_id`, and a second
    /// application would hide behind its unique index instead of showing.
    async fn attempt(&self, request: &Request, pool: &Pool) -> Result<Reply, Error> {
        let name = self.elements.collection(Collection::Appends);
        let collection = pool.collection(&name);
        match request.access {
            Access::Write => {
                let mut append = self.elements.append(request.lane, request.seq);
                let mut nothing = doc! { "lane": { "$lt": 0 } };
                // A router must be told the shard key of what an update may insert, and the document gets it from there.
                if let Some(shard) = append.remove(SHARD) {
                    nothing.insert(SHARD, shard);
                }
                collection
                    .update_one(nothing, doc! { "$set": append })
                    .upsert(true)
                    .await?;
                Ok(Reply::written(None))
            }
            Access::Read => {
                let found = collection
                    .find_one(self.elements.of_lane(request.lane))
                    .sort(doc! { "lane": -1, "seq": -1 })
                    .await?;
                let seq = found.and_then(|found| number(&found, "seq"));
                let version = seq
                    .and_then(|seq| u64::try_from(seq).ok())
                    .map_or(0, |seq| seq + 1);
                Ok(Reply::read(None, version))
            }
        }
    }
}

#[async_trait]
impl Client for AppClient {
    async fn invoke(&mut self, request: Request) -> Reply {
        let Ok(pool) = &self.pool else {
            return Reply::error(Outcome::Fail, "driver refused its options");
        };
        // From the first moment on the driver may have sent something.
        let phase = match pool.concern.retry_writes {
            true => Phase::SentAgain,
            false => Phase::Sent,
        };
        match timeout(left(request.deadline), self.attempt(&request, pool)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => outcome_of_driver(&error, phase, request.access),
            Err(_) => late(phase, request.access),
        }
    }
}
