//! The Kafka cluster as it stands.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{
    history::{Group, Lane},
    id::{NodeName, RunId},
    record::{Emitter, Holdings, Member, Source, Stack, View},
    runtime::Runtime,
    scenario::AppClients,
    system::{
        Client, Consumers, ControlPlane, Observer, PlannedMove, Rearm, Redundancy, Running,
        SystemError, Told,
        roster::{Roster, Seat},
        settings::Values,
    },
};

use super::{
    app::{AppClient, Pool},
    bounds::Timeouts,
    brokers::{Brokers, at},
    client::{DirectClient, Ground, Target},
    clock,
    driver::{Driver, Options},
    element::{ELEMENT_BYTES, Found, Records},
    log::{Sight, read_all},
    observe::{self, Line, Status},
};

/// The longest wait for the leader to be named.
const LEADER_LIMIT: Duration = Duration::from_secs(2);

/// The longest wait for a final read; a drill writes some ten thousand records.
const READ_LIMIT: Duration = Duration::from_secs(60);

/// The stack.
pub struct KafkaStack {
    pub(super) facts: Stack,
    pub(super) roster: Arc<Roster>,
    pub(super) brokers: Brokers,
    pub(super) driver: Arc<Driver>,
    pub(super) records: Records,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) with_controller: bool,
    /// As read back, once they are.
    pub(super) timeouts: Option<Timeouts>,
    pool: OnceLock<Arc<Pool>>,
}

impl KafkaStack {
    /// A stack whose nodes are started; its settings are not read back yet.
    pub fn new(
        members: Vec<Member>,
        roster: Arc<Roster>,
        runtime: Arc<dyn Runtime>,
        values: Values<'_>,
    ) -> Result<Self, SystemError> {
        let first = roster.data().next().map(|seat| seat.name.clone());
        let primary = first.ok_or_else(|| SystemError::Refused("there is no broker".into()))?;
        let addresses: Vec<String> = members
            .iter()
            .map(|member| member.address.clone())
            .collect();
        let options = Options {
            acks: values.word("acks").to_owned(),
            idempotence: values.flag("idempotence"),
            request_timeout: values.duration("request-timeout")?,
        };
        let facts = Stack {
            system: "kafka".into(),
            topology: "kraft".into(),
            route: "driver".into(),
            server: String::new(),
            members,
            primary,
            effective: Vec::new(),
            bounds: Vec::new(),
            connection_limit: None,
            phase_ns: 0,
            idempotent: options.idempotence,
            one_writer: false,
            element_bytes: ELEMENT_BYTES,
            shards: Vec::new(),
            ready: Vec::new(),
        };
        Ok(Self {
            facts,
            brokers: Brokers::new(roster.clone()),
            roster,
            driver: Arc::new(Driver::new(addresses.join(","), options)),
            records: Records::new(runtime.run().clone()),
            runtime,
            with_controller: values.word("controller") == "with-leader",
            timeouts: None,
            pool: OnceLock::new(),
        })
    }

    /// The same nodes for another run; its settings are not read back yet.
    pub(super) fn again(&self, run: RunId) -> Self {
        Self {
            facts: self.facts.clone(),
            roster: self.roster.clone(),
            brokers: self.brokers.clone(),
            driver: Arc::new(self.driver.again()),
            records: Records::new(run),
            runtime: self.runtime.clone(),
            with_controller: self.with_controller,
            timeouts: None,
            pool: OnceLock::new(),
        }
    }

    pub(super) fn ground(&self) -> Ground {
        Ground {
            brokers: self.brokers.clone(),
            driver: self.driver.clone(),
            records: self.records.clone(),
        }
    }

    async fn leader(&self) -> Result<&Seat, SystemError> {
        let found = self.brokers.leader(self.records.topic(), LEADER_LIMIT);
        found
            .await
            .map_err(|reason| SystemError::Refused(format!("no broker leads: {reason}")))
    }

    async fn holdings(&self, seat: &Seat, sight: Sight) -> Result<Holdings, SystemError> {
        let read = at(seat.address, READ_LIMIT, async |wire| {
            read_all(wire, &self.records, sight).await
        });
        let found = read.await.map_err(|error| {
            SystemError::Refused(format!(
                "failed to read the log of `{}`: {error}",
                seat.name
            ))
        })?;
        let elements = found.iter().filter_map(|found| match found {
            Found::Element(lane, seq, sound) => Some((*lane, *seq, *sound)),
            Found::Probe | Found::Alien => None,
        });
        let holdings = Holdings::collect(elements);
        let aliens = found.iter().filter(|found| **found == Found::Alien).count();
        Ok(Holdings {
            alien: aliens as u64,
            ..holdings
        })
    }
}

#[async_trait]
impl Running for KafkaStack {
    fn stack(&self) -> &Stack {
        &self.facts
    }

    async fn prepare(&self, _: &RunId, _: &[Lane]) -> Result<(), SystemError> {
        // The topic was made when replication was proven.
        Ok(())
    }

    fn client(&self, lane: &Lane) -> Box<dyn Client> {
        let pinned = lane.pinned.as_ref().filter(|_| lane.group == Group::Pinned);
        let target = match pinned.map(|node| self.roster.named(node)) {
            Some(Ok(seat)) => Target::Pinned(seat.address, seat.index),
            Some(Err(_)) | None => Target::Leader,
        };
        Box::new(DirectClient::new(self.ground(), target))
    }

    fn app_client(&self, _: &Lane, app: &AppClients) -> Box<dyn Client> {
        let make = || Arc::new(Pool::new(self.ground(), app));
        Box::new(AppClient::new(self.pool.get_or_init(make).clone()))
    }

    fn observe(&self, emitter: &Emitter, stop: CancellationToken) -> Vec<Observer> {
        observe::observers(&self.ground(), emitter, &stop)
    }

    async fn view(&self, node: &NodeName) -> View {
        let status = match self.roster.named(node) {
            Ok(seat) => Line::new(seat.address, self.records.topic()).ask().await,
            Err(_) => None,
        };
        let leading = status.as_ref().map_or(0, |status| status.end);
        Status::view(status.as_ref(), node, &self.brokers, leading)
    }

    async fn time_of(&self, node: &NodeName) -> Result<Told, SystemError> {
        clock::time_of(&self.brokers, self.roster.named(node)?).await
    }

    /// The leader by the latest epoch: a deposed one that has not heard of it does not count.
    async fn primary(&self) -> Result<NodeName, SystemError> {
        self.leader().await.map(|seat| seat.name.clone())
    }

    async fn redundancy(&self) -> Redundancy {
        self.whole().await
    }

    async fn converged(&self) -> Redundancy {
        self.level().await
    }

    /// The authority is what a consumer gets from the leader, up to the high watermark. A member's own read is its
    /// whole log, asked of that broker as whoever copies it: also what it holds beyond the high watermark or on the
    /// wrong side of a cut. An acknowledged record that is in no log is lost; one that stands beyond the high
    /// watermark is only not to be consumed yet, and the convergence guard waits for it.
    async fn final_read(&self, source: &Source) -> Result<Holdings, SystemError> {
        match source {
            Source::Authority { .. } => {
                let leader = self.leader().await?;
                self.holdings(leader, Sight::Led).await
            }
            Source::Before { node } | Source::After { node } => {
                self.holdings(self.roster.named(node)?, Sight::Held).await
            }
        }
    }

    async fn bring_back(&self, node: &NodeName) -> Result<(), SystemError> {
        Ok(self.runtime.start(node).await?)
    }

    fn planned_move(&self) -> Option<&dyn PlannedMove> {
        Some(self)
    }

    fn control_plane(&self) -> Option<&dyn ControlPlane> {
        Some(self)
    }

    fn rearm(&self) -> Option<&dyn Rearm> {
        Some(self)
    }

    fn consumers(&self) -> Option<&dyn Consumers> {
        Some(self)
    }

    async fn close(&self) {
        // The application's handles end with the last that holds the pool, at the latest with the stack.
        self.driver.close().await;
    }
}
