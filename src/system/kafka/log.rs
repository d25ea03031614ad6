//! Reads one replica's own log, record by record.

use std::collections::BTreeMap;

use bytes::Bytes;
use kafka_protocol::{
    messages::{
        BrokerId, FetchRequest,
        fetch_request::{FetchPartition, FetchTopic},
    },
    records::RecordBatchDecoder,
};

use crate::id::LaneId;

use super::{
    element::{Found, PARTITION, Records},
    questions::{error_of, log_end, topic_name},
    wire::{Wire, WireError},
};

/// The most bytes of one answer; a drill writes some megabytes in all.
const ANSWER_BYTES: i32 = 8 << 20;

/// A consumer, who is shown what stands below the high watermark (`FetchRequest.CONSUMER_REPLICA_ID`).
const CONSUMER: BrokerId = BrokerId(-1);

/// Whoever copies a replica's log to another disk of the same broker: any replica answers it, up to the end of its
/// own log. A debugging consumer (-2) would be shown no more than any consumer (`FetchRequest.FUTURE_LOCAL_REPLICA_ID`).
const COPIER: BrokerId = BrokerId(-3);

/// Bytes before a batch's length field ends: its first offset and the length itself.
const BATCH_HEAD: usize = 12;

/// How far back a new reader of what consumers see begins: more than a drill writes in the longest time for
/// which one lane may be silent while others write.
const WINDOW: u64 = 4_096;

/// How much of a log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// All that the replica holds, to the end of its log, whether or not consumers may see it.
    Held,
    /// What consumers may see at this replica: up to the high watermark that it knows.
    Visible,
    /// The same, but only of the leader: another replica refuses.
    Led,
}

/// Why a log could not be read.
#[derive(Debug)]
pub enum LogError {
    /// No answer could be read.
    Wire(WireError),
    /// The broker refused.
    Refused(i16),
}

impl From<WireError> for LogError {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

impl std::fmt::Display for LogError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Wire(error) => error.fmt(f),
            Self::Refused(code) => f.write_str(&error_of(*code).unwrap_or_default()),
        }
    }
}

/// What one answer to a fetch held.
#[derive(Debug)]
struct Page {
    records: Vec<(u64, Found)>,
    watermark: u64,
}

async fn page(
    wire: &mut Wire,
    records: &Records,
    from: u64,
    sight: Sight,
) -> Result<Page, LogError> {
    let partition = FetchPartition::default()
        .with_partition(PARTITION)
        .with_current_leader_epoch(-1)
        .with_last_fetched_epoch(-1)
        .with_fetch_offset(i64::try_from(from).unwrap_or(i64::MAX))
        .with_partition_max_bytes(ANSWER_BYTES);
    let topic = FetchTopic::default()
        .with_topic(topic_name(records.topic()))
        .with_partitions(vec![partition]);
    let reader = match sight {
        Sight::Held => COPIER,
        Sight::Visible | Sight::Led => CONSUMER,
    };
    let question = FetchRequest::default()
        .with_replica_id(reader)
        .with_max_bytes(ANSWER_BYTES)
        .with_session_epoch(-1)
        .with_topics(vec![topic]);
    // From version 11 on consumers may read from any replica.
    let version = if sight == Sight::Led { 10 } else { 12 };
    let answer = wire.ask(&question, version).await?;
    let refused = |code: i16| {
        if code == 0 {
            Ok(())
        } else {
            Err(LogError::Refused(code))
        }
    };
    refused(answer.error_code)?;
    let mut partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
    let partition = partitions.next().ok_or_else(empty)?;
    refused(partition.error_code)?;
    let bytes = partition.records.clone().unwrap_or_default();
    Ok(Page {
        records: decode(records, bytes, from)?,
        watermark: u64::try_from(partition.high_watermark).unwrap_or(0),
    })
}

fn empty() -> LogError {
    LogError::Wire(WireError::Unreadable("it names no partition".into()))
}

/// The records of whole batches from an offset on; the last batch of an answer may be cut off.
fn decode(records: &Records, mut bytes: Bytes, from: u64) -> Result<Vec<(u64, Found)>, LogError> {
    let unreadable = |error: String| LogError::Wire(WireError::Unreadable(error));
    let mut found = Vec::new();
    while let Some(length) = bytes.get(8..BATCH_HEAD) {
        let length = length
            .iter()
            .fold(0usize, |sum, byte| (sum << 8) | usize::from(*byte));
        if bytes.len() < BATCH_HEAD + length {
            break;
        }
        let mut batch = bytes.split_to(BATCH_HEAD + length);
        let set = RecordBatchDecoder::decode(&mut batch).map_err(|e| unreadable(e.to_string()))?;
        for record in set.records {
            let offset = u64::try_from(record.offset).unwrap_or(0);
            if offset >= from && !record.control {
                let parsed = records.parse(record.key.as_deref(), record.value.as_deref());
                found.push((offset, parsed));
            }
        }
    }
    Ok(found)
}

/// Reads a replica's log from its beginning; `Held` to the end that it had when asked, else to its high
/// watermark. Nothing is deleted from a log during a drill, so the beginning is offset 0.
///
/// # Errors
/// When an answer cannot be read, the broker refuses, or records are missing before the end.
pub async fn read_all(
    wire: &mut Wire,
    records: &Records,
    sight: Sight,
) -> Result<Vec<Found>, String> {
    let text = |error: LogError| error.to_string();
    let mut end = match sight {
        Sight::Held => Some(log_end(wire, records.topic()).await?),
        Sight::Visible | Sight::Led => None,
    };
    let (mut next, mut all) = (0, Vec::new());
    loop {
        let page = page(wire, records, next, sight).await.map_err(text)?;
        let end = *end.get_or_insert(page.watermark);
        let Some((last, _)) = page.records.last() else {
            return match next >= end {
                true => Ok(all),
                false => Err(format!(
                    "no record from offset {next} on, but the log ends at {end}"
                )),
            };
        };
        next = last + 1;
        all.extend(page.records.into_iter().map(|(_, found)| found));
        if next >= end {
            return Ok(all);
        }
    }
}

/// What a consumer with a connection of its own has seen: it goes on where it was.
#[derive(Debug)]
pub struct Tail {
    wire: Wire,
    next: Option<u64>,
    seen: BTreeMap<LaneId, u64>,
}

impl Tail {
    /// A consumer that has seen nothing.
    pub fn new(wire: Wire) -> Self {
        Self {
            wire,
            next: None,
            seen: BTreeMap::new(),
        }
    }

    /// Its connection, to send something else on.
    pub fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    /// Reads all that consumers may see at this replica now; gives the highest number seen of a lane plus
    /// one, 0 for none.
    pub async fn version(
        &mut self,
        records: &Records,
        lane: LaneId,
        sight: Sight,
    ) -> Result<u64, LogError> {
        let mut next = match self.next {
            Some(next) => next,
            None => {
                let end = log_end(&mut self.wire, records.topic()).await;
                let end = end.map_err(|e| LogError::Wire(WireError::Unreadable(e)))?;
                end.saturating_sub(WINDOW)
            }
        };
        loop {
            let page = page(&mut self.wire, records, next, sight).await?;
            for (offset, found) in &page.records {
                next = offset + 1;
                if let Found::Element(lane, seq, _) = *found {
                    let version = self.seen.entry(lane).or_default();
                    *version = (*version).max(seq + 1);
                }
            }
            self.next = Some(next);
            if next >= page.watermark || page.records.is_empty() {
                return Ok(self.seen.get(&lane).copied().unwrap_or(0));
            }
        }
    }
}
