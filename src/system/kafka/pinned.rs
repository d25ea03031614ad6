//! Pinned probes: one broker, asked directly, whatever it and the others say of the leader.

use std::net::SocketAddr;

use async_trait::async_trait;
use bytes::BytesMut;
use kafka_protocol::{
    messages::{
        ProduceRequest,
        produce_request::{PartitionProduceData, TopicProduceData},
    },
    records::{
        Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE,
        Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
    },
};
use tokio::time::timeout;

use crate::{
    history::Access,
    system::{Client, Reply, Request},
    time::left,
};

use super::{
    client::failed_read,
    element::{PARTITION, Records},
    log::Tail,
    outcome::{Phase, lost, refused},
    questions::topic_name,
    wire::{Wire, WireError},
};

/// A probe of one broker.
pub struct PinnedClient {
    records: Records,
    address: SocketAddr,
    node: u16,
    /// As the service's own producers ask for it: `-1` for all in sync, or 1.
    acks: i16,
    wire: Option<Wire>,
    tail: Option<Tail>,
}

impl PinnedClient {
    /// A probe that connects when first used.
    pub fn new(records: Records, address: SocketAddr, node: u16, acks: &str) -> Self {
        Self {
            records,
            address,
            node,
            acks: if acks == "1" { 1 } else { -1 },
            wire: None,
            tail: None,
        }
    }

    async fn write(&mut self, request: &Request, phase: &mut Phase) -> Result<Reply, WireError> {
        let mut wire = match self.wire.take() {
            Some(wire) => wire,
            None => Wire::connect(self.address).await?,
        };
        *phase = Phase::Sent;
        let key = Records::probe_key(&self.node.to_string());
        let value = self.records.value(request.lane, request.seq);
        let patience = i32::try_from(left(request.deadline).as_millis()).unwrap_or(i32::MAX);
        let partition = PartitionProduceData::default()
            .with_index(PARTITION)
            .with_records(Some(batch(key, value)?));
        let topic = TopicProduceData::default()
            .with_name(topic_name(self.records.topic()))
            .with_partition_data(vec![partition]);
        let question = ProduceRequest::default()
            .with_acks(self.acks)
            .with_timeout_ms(patience)
            .with_topic_data(vec![topic]);
        let answer = wire.ask(&question, 9).await?;
        let topics = answer.responses.iter();
        let mut partitions = topics.flat_map(|topic| &topic.partition_responses);
        let said = partitions
            .next()
            .ok_or_else(|| WireError::Unreadable("it names no partition".into()))?;
        if said.error_code == 0 {
            self.wire = Some(wire);
            return Ok(Reply::written(Some(self.node)));
        }
        Ok(refused(said.error_code, said.base_offset >= 0))
    }

    async fn read(&mut self, request: &Request, phase: &mut Phase) -> Result<Reply, WireError> {
        let mut tail = match self.tail.take() {
            Some(tail) => tail,
            None => Tail::new(Wire::connect(self.address).await?),
        };
        *phase = Phase::Sent;
        match tail.version(&self.records, request.lane).await {
            Ok(version) => {
                self.tail = Some(tail);
                Ok(Reply::read(Some(self.node), version))
            }
            Err(error) => Ok(failed_read(&error)),
        }
    }
}

/// One record as a batch of its own.
fn batch(key: String, value: String) -> Result<bytes::Bytes, WireError> {
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
        headers: kafka_protocol::indexmap::IndexMap::new(),
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

#[async_trait]
impl Client for PinnedClient {
    async fn invoke(&mut self, request: Request) -> Reply {
        let (access, mut phase) = (request.access, Phase::Connecting);
        let attempt = async {
            match access {
                Access::Write => self.write(&request, &mut phase).await,
                Access::Read => self.read(&request, &mut phase).await,
            }
        };
        let said = timeout(left(request.deadline), attempt).await;
        match said.unwrap_or(Err(WireError::Late)) {
            Ok(reply) => reply,
            Err(error) => lost(&error, phase, access),
        }
    }
}
