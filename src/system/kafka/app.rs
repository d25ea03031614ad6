//! The application's clients: one producer and some consumers of the driver, with its own retries.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use rdkafka::{
    Message, Offset, TopicPartitionList,
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, KafkaResult},
    types::RDKafkaErrorCode,
};
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    history::{Access, Outcome},
    id::LaneId,
    scenario::AppClients,
    system::{Client, Reply, Request},
    time::left,
};

use super::{
    brokers::Brokers,
    client::Ground,
    driver::{Driver, Silent},
    element::{Found, PARTITION, Records},
    outcome::{unconsumed, undelivered, unreported},
    producer::{Producer, Report},
};

/// How far back a new consumer begins; see the service's.
const WINDOW: i64 = 4_096;

/// The longest that one look for the next record takes.
const POLL: Duration = Duration::from_millis(50);

/// The application's driver handles. A producer is shared, as Kafka's guides have it: it keeps a connection to
/// each broker. As many consumers as the pool has connections take turns; each goes on where it was.
pub struct Pool {
    ground: Ground,
    producer: KafkaResult<Producer>,
    idle: Mutex<Vec<Reader>>,
    turns: Semaphore,
}

impl Pool {
    /// Handles that connect when first used.
    pub fn new(ground: Ground, app: &AppClients) -> Self {
        let config = ground.driver.app_producer(app.timeout.0);
        let producer = Producer::new(&ground.driver, &config);
        let consumers = usize::try_from(app.pool).unwrap_or(1).max(1);
        Self {
            ground,
            producer,
            idle: Mutex::new(Vec::new()),
            turns: Semaphore::new(consumers),
        }
    }

    async fn append(&self, request: &Request) -> Reply {
        let Ok(producer) = &self.producer else {
            return Reply::error(Outcome::Fail, "driver failed");
        };
        let records = &self.ground.records;
        let (key, value) = (
            Records::key(request.lane),
            records.value(request.lane, request.seq),
        );
        let record = (records.topic(), key.as_str(), value.as_str());
        let report = producer.append(record, left(request.deadline));
        reported(report.await, &self.ground.brokers)
    }

    async fn read(self: Arc<Self>, request: &Request) -> Reply {
        let late = || unconsumed(Some(RDKafkaErrorCode::OperationTimedOut));
        let Ok(Ok(_turn)) = timeout(left(request.deadline), self.turns.acquire()).await else {
            return late();
        };
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let (pool, lane, deadline) = (self.clone(), request.lane, request.deadline);
        let work = tokio::task::spawn_blocking(move || {
            let mut reader = match idle {
                Some(reader) => reader,
                None => Reader::new(&pool.ground)?,
            };
            let seen = reader.version(lane, deadline);
            let mut idle = pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(reader);
            seen
        });
        match work.await {
            Ok(Ok(version)) => Reply::read(None, version),
            Ok(Err(error)) => unconsumed(error.rdkafka_error_code()),
            Err(_) => unconsumed(None),
        }
    }
}

/// The reply to a report of the driver.
fn reported(report: Option<Report>, brokers: &Brokers) -> Reply {
    match report {
        None => unreported(),
        Some(Report {
            error: None,
            broker,
            ..
        }) => Reply::written(broker.and_then(|id| brokers.node(id))),
        Some(Report {
            error: Some(code),
            proof,
            ..
        }) => undelivered(code, proof),
    }
}

/// A consumer and what it has seen.
struct Reader {
    driver: Arc<Driver>,
    records: Records,
    consumer: Option<BaseConsumer<Silent>>,
    next: Option<i64>,
    seen: BTreeMap<LaneId, u64>,
}

impl Reader {
    fn new(ground: &Ground) -> KafkaResult<Self> {
        let config = ground.driver.consumer();
        Ok(Self {
            driver: ground.driver.clone(),
            records: ground.records.clone(),
            consumer: Some(BaseConsumer::from_config_and_context(&config, Silent)?),
            next: None,
            seen: BTreeMap::new(),
        })
    }

    /// Reads on up to the high watermark that the leader names now.
    fn version(&mut self, lane: LaneId, deadline: Instant) -> KafkaResult<u64> {
        let Some(consumer) = &self.consumer else {
            return Err(KafkaError::Canceled);
        };
        let topic = self.records.topic();
        let (low, high) = consumer.fetch_watermarks(topic, PARTITION, left(deadline))?;
        let mut next = match self.next {
            Some(next) if next <= high => next,
            // A new consumer, or a log that was cut: what was seen beyond its end is no more.
            _ => {
                let from = low.max(high - WINDOW);
                let mut list = TopicPartitionList::new();
                list.add_partition_offset(topic, PARTITION, Offset::Offset(from))?;
                consumer.assign(&list)?;
                self.seen.clear();
                from
            }
        };
        while next < high {
            if left(deadline).is_zero() {
                return Err(KafkaError::MessageConsumption(
                    RDKafkaErrorCode::OperationTimedOut,
                ));
            }
            // The driver tells of each broker that it cannot reach, and goes on by itself.
            let Some(Ok(message)) = consumer.poll(POLL.min(left(deadline))) else {
                continue;
            };
            next = message.offset() + 1;
            let found = self.records.parse(message.key(), message.payload());
            if let Found::Element(lane, seq, _) = found {
                let version = self.seen.entry(lane).or_default();
                *version = (*version).max(seq + 1);
            }
        }
        self.next = Some(next);
        Ok(self.seen.get(&lane).copied().unwrap_or(0))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(consumer) = self.consumer.take() {
            self.driver.end(consumer);
        }
    }
}

/// An app lane's client.
pub struct AppClient(Arc<Pool>);

impl AppClient {
    /// A client on the shared handles.
    pub fn new(pool: Arc<Pool>) -> Self {
        Self(pool)
    }
}

#[async_trait]
impl Client for AppClient {
    async fn invoke(&mut self, request: Request) -> Reply {
        match request.access {
            Access::Write => self.0.append(&request).await,
            Access::Read => self.0.clone().read(&request).await,
        }
    }
}
