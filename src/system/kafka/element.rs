//! What the workload writes: one record per append, all lanes in the one partition of a topic.

use crate::{
    id::{LaneId, RunId},
    system::mark,
};

/// Bytes of one record's value: twelve digits of its number, a colon, eight digits of its checksum.
pub const ELEMENT_BYTES: u32 = 21;

/// The workload's only partition.
pub const PARTITION: i32 = 0;

/// Names the topic of a run and makes its records.
///
/// The key of a record is its lane, its value `<seq>:<checksum>`. A record that is sent again after a lost
/// answer stands in the log twice. Pinned probes write to the same partition, since what they ask is who takes
/// writes for it; their keys keep them out of reads and final reads.
#[derive(Debug, Clone)]
pub struct Records {
    run: RunId,
    topic: String,
}

/// What a record in the workload's topic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// An element of the workload: its lane, its number, whether its checksum agrees.
    Element(LaneId, u64, bool),
    /// Written by one of drdrill's own probes.
    Probe,
    /// Neither.
    Alien,
}

/// What keys of probes start with.
const PROBE: &str = "probe:";

impl Records {
    /// The records of a run.
    pub fn new(run: RunId) -> Self {
        let topic = format!("drdrill-{run}");
        Self { run, topic }
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The key of a lane's records.
    pub fn key(lane: LaneId) -> String {
        lane.0.to_string()
    }

    /// The key of a probe's records.
    pub fn probe_key(name: &str) -> String {
        format!("{PROBE}{name}")
    }

    /// The value of an append.
    pub fn value(&self, lane: LaneId, seq: u64) -> String {
        format!("{seq:012}:{}", mark::checksum(&self.run, lane, seq))
    }

    /// Reads a record.
    pub fn parse(&self, key: Option<&[u8]>, value: Option<&[u8]>) -> Found {
        let text = |bytes: Option<&[u8]>| {
            bytes
                .and_then(|bytes| std::str::from_utf8(bytes).ok())
                .map(str::to_owned)
        };
        let Some(key) = text(key) else {
            return Found::Alien;
        };
        if key.starts_with(PROBE) {
            return Found::Probe;
        }
        let element = || {
            let lane = LaneId(key.parse().ok()?);
            let value = text(value)?;
            let (seq, sum) = value.split_once(':')?;
            let seq = seq.parse().ok()?;
            Some(Found::Element(
                lane,
                seq,
                sum == mark::checksum(&self.run, lane, seq),
            ))
        };
        element().unwrap_or(Found::Alien)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_they_are_written() {
        let records = Records::new(RunId::new("20261121t081500", 7));
        let lane = LaneId(3);
        let value = records.value(lane, 41);
        assert_eq!(value.len(), ELEMENT_BYTES as usize);
        let parse =
            |key: &str, value: &str| records.parse(Some(key.as_bytes()), Some(value.as_bytes()));
        assert_eq!(
            parse(&Records::key(lane), &value),
            Found::Element(lane, 41, true)
        );
        assert_eq!(parse("4", &value), Found::Element(LaneId(4), 41, false));
        assert_eq!(parse(&Records::probe_key("k1"), &value), Found::Probe);
        assert_eq!(parse("x", &value), Found::Alien);
        assert_eq!(parse("3", "rubbish"), Found::Alien);
        assert_eq!(records.parse(None, None), Found::Alien);
    }
}
