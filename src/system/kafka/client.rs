//! Clients on a connection of their own to one broker: the leader, or the one that a probe is pinned to.

use std::{net::SocketAddr, sync::Arc};

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
    log::{LogError, Sight, Tail},
    outcome::{Phase, lost, unread},
    produce::{acks, append},
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

/// Where a client goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// To the leader, as the brokers name it.
    Leader,
    /// To this broker, whatever it and the others say, with probes.
    Pinned(SocketAddr, u16),
}

/// A client of a service or pinned lane.
///
/// It speaks Kafka's protocol itself. The driver would do the same behind threads, queues and retries of its own
/// and keep back which broker answered; what it adds is measured by the application's lanes. An append is sent once
/// and is done when the broker says so; a read is a consumer's, up to the high watermark and on from where it was.
pub struct DirectClient {
    ground: Ground,
    target: Target,
    open: Option<Open>,
}

struct Open {
    tail: Tail,
    node: u16,
}

impl DirectClient {
    /// A client that connects when first used.
    pub fn new(ground: Ground, target: Target) -> Self {
        Self {
            ground,
            target,
            open: None,
        }
    }

    async fn attempt(&mut self, request: &Request, phase: &mut Phase) -> Result<Reply, Reply> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.connect(request).await?,
        };
        *phase = Phase::Sent;
        let reply = match request.access {
            Access::Write => self.write(&mut open, request).await,
            Access::Read => self.read(&mut open, request).await,
        }?;
        let node = open.node;
        if reply.outcome == Outcome::Ok {
            self.open = Some(open);
        }
        Ok(Reply {
            node: Some(node).filter(|_| reply.outcome == Outcome::Ok),
            ..reply
        })
    }

    async fn write(&self, open: &mut Open, request: &Request) -> Result<Reply, Reply> {
        let records = &self.ground.records;
        let key = match self.target {
            Target::Leader => Records::key(request.lane),
            Target::Pinned(_, node) => Records::probe_key(&node.to_string()),
        };
        let acks = acks(&self.ground.driver.options().acks);
        let wire = open.tail.wire();
        let said = append(wire, records, key, request, acks).await;
        said.map_err(|error| lost(&error, Phase::Sent, Access::Write))
    }

    async fn read(&self, open: &mut Open, request: &Request) -> Result<Reply, Reply> {
        let sight = match self.target {
            Target::Leader => Sight::Led,
            Target::Pinned(..) => Sight::Visible,
        };
        let records = &self.ground.records;
        match open.tail.version(records, request.lane, sight).await {
            Ok(version) => Ok(Reply::read(None, version)),
            Err(LogError::Wire(error)) => Err(lost(&error, Phase::Sent, Access::Read)),
            Err(LogError::Refused(code)) => Err(unread(code)),
        }
    }

    async fn connect(&self, request: &Request) -> Result<Open, Reply> {
        let (address, node) = match self.target {
            Target::Pinned(address, node) => (address, node),
            Target::Leader => {
                let topic = self.ground.records.topic();
                let leader = self.ground.brokers.leader(topic, left(request.deadline));
                let leader = leader.await;
                let leader = leader.map_err(|_| Reply::error(Outcome::Fail, "no leader"))?;
                (leader.address, leader.index)
            }
        };
        let wire = Wire::connect(address).await;
        let wire = wire.map_err(|error| lost(&error, Phase::Connecting, request.access))?;
        Ok(Open {
            tail: Tail::new(wire),
            node,
        })
    }
}

#[async_trait]
impl Client for DirectClient {
    async fn invoke(&mut self, request: Request) -> Reply {
        let mut phase = Phase::Connecting;
        let attempt = timeout(left(request.deadline), self.attempt(&request, &mut phase)).await;
        let late = |_| Err(lost(&WireError::Late, phase, request.access));
        attempt.unwrap_or_else(late).unwrap_or_else(|reply| reply)
    }
}
