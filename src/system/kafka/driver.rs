//! The driver as the stack's clients use it: its settings, and the ends of its handles.

use std::time::Duration;

use rdkafka::{
    ClientConfig, ClientContext, config::RDKafkaLogLevel, consumer::ConsumerContext,
    error::KafkaError,
};
use tokio::{runtime::Handle, time::timeout};
use tokio_util::task::TaskTracker;

use crate::scenario::ConsumerClients;

/// The longest wait for the driver's own threads to end.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// How long the driver sends a beat of a consumer group again, which is longer than outages are waited for.
const BEAT_PATIENCE: Duration = Duration::from_secs(600);

/// The shortest time that a member of a group waits for an answer: the driver asks for a second more than brokers may wait
/// for records.
const ANSWER_LEAST: Duration = Duration::from_secs(2);

/// What all handles of a stack share.
///
/// A handle of librdkafka has threads of its own and takes up to a second to end; that happens on threads where
/// nobody waits, and `close` waits for the last of them.
#[derive(Debug)]
pub struct Driver {
    brokers: String,
    options: Options,
    endings: TaskTracker,
    runtime: Handle,
}

/// The settings of a scenario that are the driver's.
#[derive(Debug, Clone)]
pub struct Options {
    /// `all` or `1`.
    pub acks: String,
    /// Whether the application's producer numbers its records, so that none is appended twice.
    pub idempotence: bool,
    /// How long the application's driver waits for an answer before it asks again.
    pub request_timeout: Duration,
}

impl Driver {
    /// A driver for these brokers, `address:port` with commas between; it connects when handles are used.
    pub fn new(brokers: String, options: Options) -> Self {
        Self {
            brokers,
            options,
            endings: TaskTracker::new(),
            runtime: Handle::current(),
        }
    }

    /// The same driver for another run, which waits for its own handles.
    pub fn again(&self) -> Self {
        Self::new(self.brokers.clone(), self.options.clone())
    }

    /// The scenario's settings.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The application's producer, with the driver's own retries until `patience` is over.
    pub fn app_producer(&self, patience: Duration) -> ClientConfig {
        let request = self.options.request_timeout.min(patience);
        let mut config = self.common(request);
        config
            .set("enable.idempotence", self.options.idempotence.to_string())
            .set("acks", &self.options.acks)
            .set("message.timeout.ms", milliseconds(patience))
            .set("request.timeout.ms", milliseconds(request));
        config
    }

    /// A consumer of the application. It reads a partition that it names itself: the group is asked for by the
    /// driver and has no members.
    pub fn consumer(&self) -> ClientConfig {
        let mut config = self.common(self.options.request_timeout);
        config
            .set("group.id", "drdrill")
            .set("enable.auto.commit", "false")
            .set("fetch.error.backoff.ms", "50")
            .set("auto.offset.reset", "error");
        config
    }

    /// The producer of a consumer group's beats: one request at a time, so that what is sent again stays in order.
    pub fn feeder(&self) -> ClientConfig {
        let mut config = self.app_producer(BEAT_PATIENCE);
        config.set("max.in.flight.requests.per.connection", "1");
        config
    }

    /// A member of a group, which gives its name as the client's. What nobody set is the driver's default: it commits by
    /// itself, each 5 s. A new group begins with the first record.
    pub fn member(&self, group: &str, name: &str, spec: &ConsumerClients) -> ClientConfig {
        let mut config = self.common(self.options.request_timeout.max(ANSWER_LEAST));
        config
            .set("client.id", name)
            .set("group.id", group)
            .set("session.timeout.ms", milliseconds(spec.session.0))
            .set("heartbeat.interval.ms", milliseconds(spec.heartbeat.0))
            .set("partition.assignment.strategy", spec.assignor.to_string())
            .set("fetch.error.backoff.ms", "50")
            .set("auto.offset.reset", "earliest");
        config
    }

    /// Short waits before the driver looks for brokers and leaders again, nothing held back to fill batches.
    fn common(&self, answer: Duration) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set_log_level(RDKafkaLogLevel::Emerg)
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", "drdrill")
            .set("linger.ms", "0")
            .set("socket.nagle.disable", "true")
            .set("socket.timeout.ms", milliseconds(answer))
            .set("socket.connection.setup.timeout.ms", "1000")
            .set("reconnect.backoff.ms", "20")
            .set("reconnect.backoff.max.ms", "200")
            .set("retry.backoff.ms", "50")
            .set("retry.backoff.max.ms", "200")
            .set("topic.metadata.refresh.fast.interval.ms", "50")
            .set("allow.auto.create.topics", "false");
        config
    }

    /// Ends a handle on a thread where nobody waits for it.
    pub fn end<T: Send + 'static>(&self, handle: T) {
        self.endings
            .spawn_blocking_on(move || drop(handle), &self.runtime);
    }

    /// Waits until the ended handles are gone.
    pub async fn close(&self) {
        self.endings.close();
        // One that hangs ends with the process; it holds nothing of the run.
        let _ = timeout(CLOSE_LIMIT, self.endings.wait()).await;
    }
}

/// A handle whose log nobody reads: what it has to say comes as errors of operations.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl ClientContext for Silent {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}
    fn error(&self, _: KafkaError, _: &str) {}
}

impl ConsumerContext for Silent {}

fn milliseconds(duration: Duration) -> String {
    duration.as_millis().max(10).to_string()
}
