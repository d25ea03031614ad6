//! A producer whose reports say what the driver can prove of each record.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    ClientConfig, ClientContext,
    bindings::{rd_kafka_message_broker_id, rd_kafka_message_status, rd_kafka_msg_status_t},
    config::{FromClientConfigAndContext, RDKafkaLogLevel},
    error::{KafkaError, KafkaResult},
    message::BorrowedMessage,
    producer::{
        BaseRecord, DeliveryResult, NoCustomPartitioner, ProducerContext, ThreadedProducer,
    },
    types::RDKafkaErrorCode,
};
use tokio::{sync::oneshot, time::timeout};

use super::{driver::Driver, element::PARTITION, outcome::Proof};

/// What became of a record.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    /// Why it was not acknowledged.
    pub error: Option<RDKafkaErrorCode>,
    /// What the driver knows of it.
    pub proof: Proof,
    /// The broker that answered.
    pub broker: Option<i32>,
}

/// Hands each report to whoever waits for it.
struct Reports;

impl ClientContext for Reports {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}
    fn error(&self, _: KafkaError, _: &str) {}
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<oneshot::Sender<Report>>;

    fn delivery(&self, delivered: &DeliveryResult<'_>, told: Self::DeliveryOpaque) {
        let (error, message) = match delivered {
            Ok(message) => (None, message),
            Err((error, message)) => (
                Some(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail)),
                message,
            ),
        };
        let (proof, broker) = known(message);
        // Whoever gave up has counted the record as perhaps applied.
        let _ = told.send(Report {
            error,
            proof,
            broker,
        });
    }
}

/// What the driver knows of a message, which its Rust interface does not show.
#[expect(
    unsafe_code,
    reason = "two reads of a message that the driver lends for the time of the report"
)]
fn known(message: &BorrowedMessage<'_>) -> (Proof, Option<i32>) {
    let raw = message.ptr();
    // SAFETY: the pointer belongs to a message that outlives this call, and both functions only read it.
    let (status, broker) = unsafe {
        (
            rd_kafka_message_status(raw),
            rd_kafka_message_broker_id(raw),
        )
    };
    let proof = match status {
        rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_NOT_PERSISTED => Proof::NotPersisted,
        rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED => Proof::Perhaps,
        rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_PERSISTED => Proof::Persisted,
    };
    (proof, Some(broker).filter(|broker| *broker >= 0))
}

type Handle = ThreadedProducer<Reports, NoCustomPartitioner>;

/// A producer; ending it takes a while and is left to the driver's threads.
pub struct Producer {
    driver: Arc<Driver>,
    handle: Option<Handle>,
}

impl Producer {
    /// A producer that connects at once.
    ///
    /// # Errors
    /// When the driver refuses its settings.
    pub fn new(driver: &Arc<Driver>, config: &ClientConfig) -> KafkaResult<Self> {
        Ok(Self {
            driver: driver.clone(),
            handle: Some(Handle::from_config_and_context(config, Reports)?),
        })
    }

    /// Appends one record. None: nothing was reported within `limit`, so it may have been sent.
    pub async fn append(
        &self,
        (topic, key, value): (&str, &str, &str),
        limit: Duration,
    ) -> Option<Report> {
        let handle = self.handle.as_ref()?;
        let (told, hear) = oneshot::channel();
        let record = BaseRecord::with_opaque_to(topic, Box::new(told))
            .partition(PARTITION)
            .key(key)
            .payload(value);
        if let Err((error, _)) = handle.send(record) {
            // It was not taken: the driver's own queue is as far as it came.
            let error = error.rdkafka_error_code();
            return Some(Report {
                error: Some(error.unwrap_or(RDKafkaErrorCode::Fail)),
                proof: Proof::NotPersisted,
                broker: None,
            });
        }
        timeout(limit, hear).await.ok()?.ok()
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            self.driver.end(handle);
        }
    }
}
