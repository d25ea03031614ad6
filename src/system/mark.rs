//! What proves that an element is the one which was sent: a checksum, and a body where the store takes one.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::id::{LaneId, RunId};

/// The first eight hexadecimal digits of SHA-256 over run, lane and number. An element that another run or
/// lane wrote does not carry it by chance more often than once in four thousand million.
pub fn checksum(run: &RunId, lane: LaneId, seq: u64) -> String {
    hexadecimal(format!("{run}:{}:{seq}", lane.0), 4)
}

/// Bytes of one element with a body: lane, number, 64 digits of body, 8 digits of checksum.
pub const ELEMENT_BYTES: u32 = 4 + 8 + 64 + 8;

/// An element with a body, as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// An append, and whether its content is what was sent.
    Append(LaneId, u64, bool),
    /// Something that cannot be an append at all.
    Alien,
}

/// Bytes of one element without a body: twelve digits of its number, a colon, eight digits of its checksum.
pub const NUMBERED_BYTES: u32 = 12 + 1 + 8;

/// An element without a body: its number and its checksum.
pub fn numbered(run: &RunId, lane: LaneId, seq: u64) -> String {
    format!("{seq:012}:{}", checksum(run, lane, seq))
}

/// The number of an element without a body, and whether its checksum agrees; none if it is no element at all.
pub fn read_numbered(run: &RunId, lane: LaneId, element: &str) -> Option<(u64, bool)> {
    let (seq, sum) = element.split_once(':')?;
    let seq = seq.parse().ok()?;
    Some((seq, sum == checksum(run, lane, seq)))
}

/// 64 digits that follow from the element, so that a torn or mixed one shows.
pub fn body(run: &RunId, lane: LaneId, seq: u64) -> String {
    hexadecimal(format!("body:{run}:{}:{seq}", lane.0), 32)
}

/// What these fields, as a store returned them, are in a run.
pub fn element(run: &RunId, lane: i64, seq: i64, found: (&str, &str)) -> Element {
    let (Ok(lane), Ok(seq)) = (u16::try_from(lane), u64::try_from(seq)) else {
        return Element::Alien;
    };
    let lane = LaneId(lane);
    let (sent, sum) = (body(run, lane, seq), checksum(run, lane, seq));
    Element::Append(lane, seq, found == (sent.as_str(), sum.as_str()))
}

/// The first bytes of SHA-256 over bytes as hexadecimal digits; names that must be unlike each other and
/// the same at each start are made of it.
pub fn hexadecimal(of: impl AsRef<[u8]>, bytes: usize) -> String {
    let digest = Sha256::digest(of);
    digest
        .iter()
        .take(bytes)
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_what_was_sent_or_it_is_not() {
        let run = RunId::new("20261121t081500", 1);
        let (body, sum) = (body(&run, LaneId(2), 3), checksum(&run, LaneId(2), 3));
        let bytes = 4 + 8 + body.len() + sum.len();
        assert_eq!(ELEMENT_BYTES as usize, bytes);
        let sound = Element::Append(LaneId(2), 3, true);
        assert_eq!(element(&run, 2, 3, (&body, &sum)), sound);
        let torn = Element::Append(LaneId(2), 4, false);
        assert_eq!(element(&run, 2, 4, (&body, &sum)), torn);
        for (lane, seq) in [(-1, 3), (1 << 16, 3), (2, -1)] {
            assert_eq!(element(&run, lane, seq, (&body, &sum)), Element::Alien);
        }
    }

    #[test]
    fn checksums_depend_on_run_lane_and_number() {
        let run = |tail| RunId::new("20261121t081500", tail);
        let sum = |tail, lane, seq| checksum(&run(tail), LaneId(lane), seq);
        assert_eq!(sum(1, 2, 3), sum(1, 2, 3));
        assert_eq!(sum(1, 2, 3).len(), 8);
        for other in [sum(2, 2, 3), sum(1, 3, 3), sum(1, 2, 4), sum(1, 23, 3)] {
            assert_ne!(sum(1, 2, 3), other);
        }
    }
}
