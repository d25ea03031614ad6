//! The checksum that proves an element is the one which was sent.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::id::{LaneId, RunId};

/// The first eight hexadecimal digits of SHA-256 over run, lane and number. An element that another run or
/// lane wrote does not carry it by chance more often than once in four thousand million.
pub fn checksum(run: &RunId, lane: LaneId, seq: u64) -> String {
    hexadecimal(&format!("{run}:{}:{seq}", lane.0), 4)
}

/// The first bytes of SHA-256 over a text as hexadecimal digits; names that must be unlike each other and
/// the same at each start are made of it.
pub fn hexadecimal(text: &str, bytes: usize) -> String {
    let digest = Sha256::digest(text.as_bytes());
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
