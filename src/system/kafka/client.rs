//! The service client: its own producer or its own connection to the leader, dropped when anything goes wrong.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::time::timeout;

use crate::{
    history::{Access, Outcome},
    system::{Client, Reply, Request},
    time::left,
};

use super::{
    brokers::Brokers,
    driver::Driver,
    element::Records,
    log::{LogError, Tail},
    outcome::{Phase, lost, undelivered, unread, unreported},
    producer::{Patience, Producer, Report},
    wire::{Wire, WireError},
};

/// What the clients of a stack share.
#[derive(Clone)]
pub struct Ground {
    /// The brokers.
    pub brokers: Brokers,
    /// The driver.
    pub driver: Arc<Driver>,
    /// The run's records.
    pub records: Records,
}

/// A client of a service lane.
///
/// It writes by a producer of its own, without the driver's retries. It reads by a connection of its own to the
/// leader: as a consumer, up to the high watermark, and on from where it was.
pub struct ServiceClient {
    ground: Ground,
    patience: Duration,
    producer: Option<Producer>,
    tail: Option<(Tail, u16)>,
}

impl ServiceClient {
    /// A client that connects when first used; `patience` is its lane's timeout.
    pub fn new(ground: Ground, patience: Duration) -> Self {
        Self {
            ground,
            patience,
            producer: None,
            tail: None,
        }
    }

    async fn write(&mut self, request: &Request) -> Reply {
        let producer = match self.producer.take() {
            Some(producer) => producer,
            None => {
                let config = self.ground.driver.service_producer(self.patience);
                match Producer::new(&self.ground.driver, &config) {
                    Ok(producer) => producer,
                    Err(_) => return Reply::error(Outcome::Fail, "driver failed"),
                }
            }
        };
        let records = &self.ground.records;
        let (key, value) = (
            Records::key(request.lane),
            records.value(request.lane, request.seq),
        );
        let record = (records.topic(), key.as_str(), value.as_str());
        let report = producer.append(record, left(request.deadline), Patience::Own);
        let reply = reported(report.await, &self.ground.brokers);
        if reply.outcome == Outcome::Ok {
            self.producer = Some(producer);
        }
        reply
    }

    async fn read(&mut self, request: &Request) -> Reply {
        let limit = left(request.deadline);
        let mut phase = Phase::Connecting;
        let late = |phase| lost(&WireError::Late, phase, Access::Read);
        let attempt = timeout(limit, self.consume(request, &mut phase));
        attempt.await.unwrap_or_else(|_| late(phase))
    }

    async fn consume(&mut self, request: &Request, phase: &mut Phase) -> Reply {
        let (mut tail, node) = match self.tail.take() {
            Some(open) => open,
            None => match self.connect(left(request.deadline)).await {
                Ok(open) => open,
                Err(reply) => return reply,
            },
        };
        *phase = Phase::Sent;
        let seen = tail.version(&self.ground.records, request.lane).await;
        match seen {
            Ok(version) => {
                self.tail = Some((tail, node));
                Reply::read(Some(node), version)
            }
            Err(error) => failed_read(&error),
        }
    }

    async fn connect(&self, limit: Duration) -> Result<(Tail, u16), Reply> {
        let topic = self.ground.records.topic();
        let leader = self.ground.brokers.leader(topic, limit).await;
        let leader = leader.map_err(|_| Reply::error(Outcome::Fail, "no leader"))?;
        let wire = Wire::connect(leader.address).await;
        let wire = wire.map_err(|error| lost(&error, Phase::Connecting, Access::Read))?;
        Ok((Tail::new(wire), leader.index))
    }
}

/// The reply to a report of the driver.
pub fn reported(report: Option<Report>, brokers: &Brokers) -> Reply {
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

/// The reply to a log that could not be read.
pub fn failed_read(error: &LogError) -> Reply {
    match error {
        LogError::Wire(error) => lost(error, Phase::Sent, Access::Read),
        LogError::Refused(code) => unread(*code),
    }
}

#[async_trait]
impl Client for ServiceClient {
    async fn invoke(&mut self, request: Request) -> Reply {
        match request.access {
            Access::Write => self.write(&request).await,
            Access::Read => self.read(&request).await,
        }
    }
}
