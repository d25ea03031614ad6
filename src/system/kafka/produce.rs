//! One append, sent to one broker and answered by it.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka_protocol::{
    indexmap::IndexMap,
    messages::{
        ProduceRequest,
        produce_request::{PartitionProduceData, TopicProduceData},
        produce_response::PartitionProduceResponse,
    },
    records::{
        Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE,
        Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
    },
};

use crate::{
    system::{Reply, Request},
    time::left,
};

use super::{
    element::{PARTITION, Records},
    outcome::refused,
    questions::{error_of, topic_name},
    wire::{Wire, WireError},
};

/// What the producers ask for: `-1` for all replicas in sync, or 1 for the leader alone.
pub fn acks(word: &str) -> i16 {
    if word == "1" { 1 } else { -1 }
}

/// Sends the append of a request with this key, once, and tells what the broker says.
///
/// # Errors
/// When no answer can be read.
pub async fn append(
    wire: &mut Wire,
    records: &Records,
    key: String,
    request: &Request,
    acks: i16,
) -> Result<Reply, WireError> {
    let value = records.value(request.lane, request.seq);
    let place = (records.topic(), PARTITION);
    let said = produce(
        wire,
        place,
        batch(key, value)?,
        acks,
        left(request.deadline),
    )
    .await?;
    Ok(match said.error_code {
        0 => Reply::written(None),
        code => refused(code, said.base_offset >= 0),
    })
}

/// Sends a record to a partition whose records the broker dates, and tells the date: milliseconds since 1970.
///
/// # Errors
/// When no answer can be read, or the broker does not take the record.
pub async fn dated(wire: &mut Wire, place: (&str, i32), patience: Duration) -> Result<i64, String> {
    let record = batch(String::new(), String::new()).map_err(|error| error.to_string())?;
    let said = produce(wire, place, record, acks("1"), patience).await;
    let said = said.map_err(|error| error.to_string())?;
    match error_of(said.error_code) {
        Some(error) => Err(error),
        None => Ok(said.log_append_time_ms),
    }
}

/// Sends a batch to a partition of a topic.
async fn produce(
    wire: &mut Wire,
    (topic, partition): (&str, i32),
    batch: Bytes,
    acks: i16,
    patience: Duration,
) -> Result<PartitionProduceResponse, WireError> {
    let patience = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
    let partition = PartitionProduceData::default()
        .with_index(partition)
        .with_records(Some(batch));
    let topic = TopicProduceData::default()
        .with_name(topic_name(topic))
        .with_partition_data(vec![partition]);
    let question = ProduceRequest::default()
        .with_acks(acks)
        .with_timeout_ms(patience)
        .with_topic_data(vec![topic]);
    let answer = wire.ask(&question, 9).await?;
    let topics = answer.responses.into_iter();
    let mut partitions = topics.flat_map(|topic| topic.partition_responses);
    partitions
        .next()
        .ok_or_else(|| WireError::Unreadable("it names no partition".into()))
}

/// One record as a batch of its own.
fn batch(key: String, value: String) -> Result<Bytes, WireError> {
    let record = Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: NO_SEQUENCE,
        timestamp: 0,
        key: Some(key.into()),
        value: Some(value.into()),
        headers: IndexMap::new(),
    };
    let options = RecordEncodeOptions {
        version: 2,
        compression: Compression::None,
    };
    let mut bytes = BytesMut::new();
    RecordBatchEncoder::encode(&mut bytes, [&record], &options)
        .map_err(|error| WireError::Unreadable(error.to_string()))?;
    Ok(bytes.freeze())
}
