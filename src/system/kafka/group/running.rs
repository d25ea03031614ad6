//! The group as it stands: joined, watched by its coordinator's word, and ended.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::{join_all, try_join_all};
use rdkafka::ClientConfig;
use tokio::{sync::Mutex, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    id::NodeName,
    record::{ConsumerGroup, Emitter, Setting},
    scenario::{ConsumerClients, ConsumerEnd},
    system::{Consumers, Group, SharedGroup, SystemError, wait::until},
    time::Nanos,
};

use super::super::{
    bounds::{GroupTimeouts, group_bounds},
    brokers::{Brokers, believes},
    driver::Driver,
    running::KafkaStack,
};
use super::{
    beat::{EVERY, Feed, feeder},
    ledger::Ledger,
    member::Member,
    questions::{Told, add_partitions, coordinator, led, told},
    track::LATE,
};

/// The longest wait for the partitions to be led, and for every partition to be consumed: the members join one after the
/// other, and each is noticed at a heartbeat.
const JOIN_LIMIT: Duration = Duration::from_secs(90);

/// The longest wait for one broker's answer.
const ASK_LIMIT: Duration = Duration::from_secs(2);

/// How often is asked.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// How long every partition must have been consumed in time before the group counts as joined.
const CALM: Duration = Duration::from_secs(1);

/// The longest wait for a coordinator to be named.
const COORDINATOR_LIMIT: Duration = Duration::from_secs(5);

/// The driver's settings that bear on groups.
const SETTINGS: &[&str] = &[
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "max.poll.interval.ms",
    "partition.assignment.strategy",
    "auto.commit.interval.ms",
    "auto.offset.reset",
];

/// A group at work.
pub struct KafkaGroup {
    facts: ConsumerGroup,
    brokers: Brokers,
    driver: Arc<Driver>,
    ledger: Arc<Ledger>,
    members: Vec<Member>,
    stop: CancellationToken,
    feed: Mutex<Option<JoinHandle<Feed>>>,
}

fn refused(what: &str) -> impl Fn(String) -> SystemError {
    move |reason| SystemError::Refused(format!("{what}: {reason}"))
}

#[async_trait]
impl Consumers for KafkaStack {
    async fn join(
        &self,
        spec: &ConsumerClients,
        emitter: &Emitter,
    ) -> Result<SharedGroup, SystemError> {
        emitter.note("consumers join their group");
        self.spread(spec.partitions).await?;
        let topic = self.records.topic();
        let ledger = Arc::new(Ledger::new(emitter.clone(), spec.partitions));
        let driver_refused = |error: rdkafka::error::KafkaError| {
            SystemError::Refused(format!("the driver refused a consumer: {error}"))
        };
        let stop = CancellationToken::new();
        let config = self.driver.feeder();
        let feed = feeder(
            &config,
            topic,
            spec.partitions,
            emitter.clock(),
            stop.clone(),
        );
        let feed = tokio::spawn(feed.map_err(driver_refused)?);
        let mut group = KafkaGroup {
            facts: self.facts_of(spec)?,
            brokers: self.brokers.clone(),
            driver: self.driver.clone(),
            ledger,
            members: Vec::new(),
            stop,
            feed: Mutex::new(Some(feed)),
        };
        for name in group.facts.members.clone() {
            let config = self.driver.member(&group.facts.name, name.as_str(), spec);
            let member = Member::new(name, &config, topic, &group.ledger);
            match member.map_err(driver_refused) {
                Ok(member) => group.members.push(member),
                Err(error) => {
                    group.close().await;
                    return Err(error);
                }
            }
        }
        match until(JOIN_LIMIT, ASK_EVERY, || group.joined()).await {
            Ok(ready) => group.facts.ready = ready,
            Err(reason) => {
                group.close().await;
                return Err(refused("the consumers did not become a group")(reason));
            }
        }
        Ok(Arc::new(group))
    }
}

impl KafkaStack {
    /// Gives the run's topic so many partitions, each led by the next broker, and waits until every broker knows them.
    async fn spread(&self, partitions: u16) -> Result<(), SystemError> {
        let topic = self.records.topic();
        let refused = refused("the topic was not given its partitions");
        let any = self.brokers.seats().next();
        let seat = any.ok_or_else(|| refused("there is no broker".into()))?;
        let first = believes(seat, topic, ASK_LIMIT).await.map_err(&refused)?;
        let turned = |partition: u16| {
            let mut replicas = first.replicas.clone();
            replicas.rotate_left(usize::from(partition) % first.replicas.len().max(1));
            replicas
        };
        let more: Vec<Vec<i32>> = (1..partitions).map(turned).collect();
        if more.is_empty() {
            return Ok(());
        }
        let added = add_partitions(seat.address, topic, &more, ASK_LIMIT).await;
        added.map_err(&refused)?;
        let known = self.brokers.seats().map(|seat| async move {
            let knows = || async {
                match led(seat.address, topic, ASK_LIMIT).await? {
                    all if all == usize::from(partitions) => Ok(()),
                    some => Err(format!("{} knows {some} of {partitions}", seat.name)),
                }
            };
            until(JOIN_LIMIT, ASK_EVERY, knows).await
        });
        try_join_all(known).await.map_err(refused)?;
        Ok(())
    }

    /// The group before anybody has joined it.
    fn facts_of(&self, spec: &ConsumerClients) -> Result<ConsumerGroup, SystemError> {
        let name = self.records.topic().to_owned();
        let config = self.driver.member(&name, "consumer", spec);
        let brokers = self.timeouts.as_ref();
        let brokers = brokers.ok_or_else(|| SystemError::Refused("no setting was read".into()))?;
        let timeouts = GroupTimeouts {
            session: spec.session.0,
            heartbeat: spec.heartbeat.0,
            all_lead: usize::from(spec.partitions) >= self.brokers.seats().count(),
        };
        Ok(ConsumerGroup {
            members: (1..=spec.members)
                .map(|number| NodeName::new(format!("consumer-{number}")))
                .collect(),
            partitions: spec.partitions,
            phase_ns: Nanos::from_duration(spec.heartbeat.0).0,
            every_ns: Nanos::from_duration(EVERY).0,
            late_ns: Nanos::from_duration(LATE).0,
            settings: settings(&config)?,
            bounds: group_bounds(&timeouts, brokers),
            ready: Vec::new(),
            name,
        })
    }
}

/// The settings as the driver takes them, its defaults included.
fn settings(config: &ClientConfig) -> Result<Vec<Setting>, SystemError> {
    let refused = |error: rdkafka::error::KafkaError| SystemError::Refused(error.to_string());
    let native = config.create_native_config().map_err(refused)?;
    let setting = |name: &&str| {
        let value = native.get(name).map_err(refused)?;
        let unit = if name.ends_with(".ms") { " ms" } else { "" };
        Ok(Setting {
            name: (*name).to_owned(),
            value: format!("{value}{unit}"),
            source: "members of the consumer group".into(),
        })
    };
    SETTINGS.iter().map(setting).collect()
}

impl KafkaGroup {
    /// What the coordinator says, and who it is.
    async fn asked(&self) -> Result<(NodeName, Told), String> {
        let mut reason = "no broker answers".to_owned();
        for seat in self.brokers.seats() {
            let named = coordinator(seat.address, &self.facts.name, ASK_LIMIT).await;
            let own = named.map(|id| self.brokers.seat(id).ok_or(format!("{id} is no member")));
            match own.and_then(|seat| seat) {
                Ok(own) => match told(own.address, &self.facts.name, ASK_LIMIT).await {
                    Ok(told) => return Ok((own.name.clone(), told)),
                    Err(error) => reason = error,
                },
                Err(error) => reason = error,
            }
        }
        Err(reason)
    }

    /// Every member is counted and every partition has been consumed in time for a while.
    async fn joined(&self) -> Result<Vec<String>, String> {
        let (coordinator, told) = self.asked().await?;
        let (all, counted) = (self.facts.members.len(), told.members.len());
        if !told.stable || counted != all {
            let state = if told.stable { "stable" } else { "not stable" };
            return Err(format!("{counted} of {all} members are counted, {state}"));
        }
        let since = self.ledger.in_time_since();
        let since = since.ok_or("not every partition is consumed in time")?;
        if self.ledger.now().since(since) < CALM {
            return Err("every partition is consumed in time, but only just".into());
        }
        let partitions = self.facts.partitions;
        Ok(vec![
            format!("{coordinator}: coordinates {all} consumers, its group is stable"),
            format!("each of {partitions} partitions is consumed within {LATE:?} of sending"),
        ])
    }
}

impl Drop for KafkaGroup {
    /// A group that was given up while it joined ends by itself.
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[async_trait]
impl Group for KafkaGroup {
    fn facts(&self) -> &ConsumerGroup {
        &self.facts
    }

    async fn coordinator(&self) -> Result<NodeName, SystemError> {
        let named = until(COORDINATOR_LIMIT, ASK_EVERY, || async {
            self.asked().await.map(|(name, _)| name)
        });
        named
            .await
            .map_err(refused("no broker coordinates the group"))
    }

    async fn end(&self, end: ConsumerEnd) -> Result<(), SystemError> {
        let index = usize::from(end.member()).wrapping_sub(1);
        let none = || SystemError::Refused(format!("there is no consumer {}", end.member()));
        let member = self.members.get(index).ok_or_else(none)?;
        if member.end(end).await {
            Ok(())
        } else {
            let words = format!("{} did not end", member.name);
            Err(SystemError::Refused(words))
        }
    }

    async fn counted(&self) -> Result<Vec<NodeName>, SystemError> {
        let asked = self.asked().await;
        let (_, told) = asked.map_err(refused("the group was not counted"))?;
        Ok(told.members.into_iter().map(NodeName::new).collect())
    }

    fn in_time_since(&self) -> Option<Nanos> {
        self.ledger.in_time_since()
    }

    async fn close(&self) {
        self.stop.cancel();
        if let Some(feed) = self.feed.lock().await.take()
            && let Ok(feed) = feed.await
        {
            self.driver.end(feed);
        }
        // One that hangs ends with the process; it holds nothing of the run.
        join_all(self.members.iter().map(Member::leave)).await;
        self.ledger.close();
    }
}
