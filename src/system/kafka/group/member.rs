//! One consumer of the driver that is a member of a group, and its two ways to go.

use std::{
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use rdkafka::{
    ClientConfig, ClientContext, Message, TopicPartitionList,
    bindings::{RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE, rd_kafka_destroy_flags},
    config::{FromClientConfigAndContext, RDKafkaLogLevel},
    consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance},
    error::{KafkaError, KafkaResult},
};
use tokio::{sync::Mutex, task::JoinHandle, time::timeout};

use crate::{
    id::NodeName,
    record::{RebalanceMoment, Rebalanced},
    scenario::ConsumerEnd,
};

use super::{beat::Beat, ledger::Ledger, track::Delivery};

/// The longest wait for the next record, and so for a wish to be heard.
const POLL: Duration = Duration::from_millis(10);

/// The longest wait for a member to be gone: the driver's own threads end within a second or two.
const END_LIMIT: Duration = Duration::from_secs(10);

/// How a member goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Crash,
    Leave,
}

/// A member at work on a thread of its own.
pub struct Member {
    /// Its name.
    pub name: NodeName,
    wish: Arc<OnceLock<End>>,
    work: Mutex<Option<JoinHandle<()>>>,
}

impl Member {
    /// A member that joins the group of `config` and consumes the topic.
    ///
    /// # Errors
    /// When the driver refuses its settings.
    pub fn new(
        name: NodeName,
        config: &ClientConfig,
        topic: &str,
        ledger: &Arc<Ledger>,
    ) -> KafkaResult<Self> {
        let told = Told {
            member: name.clone(),
            ledger: Arc::downgrade(ledger),
        };
        let consumer = BaseConsumer::from_config_and_context(config, told)?;
        consumer.subscribe(&[topic])?;
        let wish = Arc::new(OnceLock::new());
        let (heard, ledger, own) = (wish.clone(), ledger.clone(), name.clone());
        let work = tokio::task::spawn_blocking(move || consume(consumer, &own, &ledger, &heard));
        Ok(Self {
            name,
            wish,
            work: Mutex::new(Some(work)),
        })
    }

    /// Lets it go in the way of a step; false if it is not gone by a deadline.
    pub async fn end(&self, end: ConsumerEnd) -> bool {
        self.go(match end {
            ConsumerEnd::Crash(_) => End::Crash,
            ConsumerEnd::Leave(_) => End::Leave,
        })
        .await
    }

    /// Lets it leave, if it has not gone; false if it is not gone by a deadline.
    pub async fn leave(&self) -> bool {
        self.go(End::Leave).await
    }

    /// The first wish counts.
    async fn go(&self, end: End) -> bool {
        let _ = self.wish.set(end);
        match self.work.lock().await.take() {
            Some(work) => timeout(END_LIMIT, work).await.is_ok(),
            None => true,
        }
    }
}

impl Drop for Member {
    /// One that nobody waits for leaves by itself.
    fn drop(&mut self) {
        let _ = self.wish.set(End::Leave);
    }
}

fn consume(consumer: BaseConsumer<Told>, member: &NodeName, ledger: &Ledger, wish: &OnceLock<End>) {
    loop {
        match wish.get() {
            None => {}
            // Dropping it closes it: it commits and leaves.
            Some(End::Leave) => return drop(consumer),
            Some(End::Crash) => return crash(consumer),
        }
        // The driver tells of each broker that it cannot reach, and goes on by itself.
        let Some(Ok(message)) = consumer.poll(POLL) else {
            continue;
        };
        let delivery = Delivery {
            member,
            offset: message.offset(),
            beat: Beat::parse(message.key(), message.payload()),
            at: ledger.now(),
        };
        ledger.take(message.partition(), delivery);
    }
}

/// Ends a consumer as the end of its process would: it commits nothing, does not leave its group, and its connections are
/// gone. The driver's Rust interface can only close a consumer, so the handle is forgotten and destroyed beneath it; its
/// context and the handle of its queue stay allocated, some hundred bytes.
#[expect(
    unsafe_code,
    reason = "the driver's own way to end a consumer without leaving the group"
)]
fn crash(consumer: BaseConsumer<Told>) {
    let raw = consumer.client().native_ptr();
    std::mem::forget(consumer);
    // SAFETY: nobody else has the handle, which is destroyed once: its owner was forgotten, and no message is left.
    unsafe { rd_kafka_destroy_flags(raw, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE) };
}

/// Tells the ledger, which it does not keep alive, of rebalances.
struct Told {
    member: NodeName,
    ledger: Weak<Ledger>,
}

impl Told {
    fn tell(&self, moment: RebalanceMoment, list: &TopicPartitionList) {
        let elements = list.elements();
        let numbers = elements
            .iter()
            .filter_map(|element| u16::try_from(element.partition()).ok());
        if let Some(ledger) = self.ledger.upgrade() {
            ledger.moved(Rebalanced {
                member: self.member.clone(),
                moment,
                partitions: numbers.collect(),
            });
        }
    }
}

impl ClientContext for Told {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}
    fn error(&self, _: KafkaError, _: &str) {}
}

impl ConsumerContext for Told {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(list) = rebalance {
            let moment = if consumer.assignment_lost() {
                RebalanceMoment::Lost
            } else {
                RebalanceMoment::Revoked
            };
            self.tell(moment, list);
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(list) = rebalance {
            self.tell(RebalanceMoment::Assigned, list);
        }
    }
}
