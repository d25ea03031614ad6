//! Beats: small records to every partition at a fixed interval, each with its number and the time of its sending.

use std::time::Duration;

use rdkafka::{
    ClientConfig,
    config::FromClientConfigAndContext,
    error::KafkaResult,
    producer::{
        BaseRecord, DeliveryResult, NoCustomPartitioner, ProducerContext, ThreadedProducer,
    },
};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::time::{Clock, Nanos};

use super::super::{driver::Silent, element::Records};

/// The time between two beats of a partition.
pub const EVERY: Duration = Duration::from_millis(50);

/// A beat as it is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// Its number within its partition, from 0.
    pub number: u64,
    /// When it was sent.
    pub sent: Nanos,
}

impl Beat {
    /// The key of beats: that of a probe, so that they stay out of reads and final reads.
    pub fn key() -> String {
        Records::probe_key("beat")
    }

    fn value(self) -> String {
        format!("{}:{}", self.number, self.sent.0)
    }

    /// Reads a record, if it is a beat.
    pub fn parse(key: Option<&[u8]>, value: Option<&[u8]>) -> Option<Self> {
        if key? != Self::key().as_bytes() {
            return None;
        }
        let (number, sent) = std::str::from_utf8(value?).ok()?.split_once(':')?;
        Some(Self {
            number: number.parse().ok()?,
            sent: Nanos(sent.parse().ok()?),
        })
    }
}

/// What becomes of a beat shows where it is consumed.
impl ProducerContext for Silent {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): Self::DeliveryOpaque) {}
}

type Handle = ThreadedProducer<Silent, NoCustomPartitioner>;

/// Sends beats, whatever became of earlier ones, until it is told to stop. The driver sends again what was not taken.
///
/// # Errors
/// When the driver refuses its settings.
pub fn feeder(
    config: &ClientConfig,
    topic: &str,
    partitions: u16,
    clock: Clock,
    stop: CancellationToken,
) -> KafkaResult<impl Future<Output = Feed> + use<>> {
    let handle = Handle::from_config_and_context(config, Silent)?;
    let (topic, key) = (topic.to_owned(), Beat::key());
    Ok(async move {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut number = 0;
        loop {
            tokio::select! {
                () = stop.cancelled() => return Feed(handle),
                _ = ticks.tick() => {}
            }
            for partition in 0..i32::from(partitions) {
                let sent = clock.now();
                let value = Beat { number, sent }.value();
                let record = BaseRecord::to(&topic)
                    .partition(partition)
                    .key(&key)
                    .payload(&value);
                // One that finds the driver's queue full is missed where it is to be consumed.
                let _ = handle.send(record);
            }
            number += 1;
        }
    })
}

/// The feeder's handle, to be ended where nobody waits for it.
pub struct Feed(#[expect(dead_code, reason = "it is only dropped")] Handle);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_are_read_as_they_are_written() {
        let beat = Beat {
            number: 41,
            sent: Nanos(7_000_000_001),
        };
        let (key, value) = (Beat::key(), beat.value());
        let parse =
            |key: &str, value: &str| Beat::parse(Some(key.as_bytes()), Some(value.as_bytes()));
        assert_eq!(parse(&key, &value), Some(beat));
        assert_eq!(parse("0", &value), None);
        assert_eq!(parse(&key, "rubbish"), None);
        assert_eq!(Beat::parse(None, Some(value.as_bytes())), None);
    }
}
