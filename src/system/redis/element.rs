//! What the workload writes: one list per lane, one element per append.

use crate::{
    id::{LaneId, RunId},
    system::mark,
};

/// Names the keys of a run and makes their elements.
///
/// An append is one `RPUSH` of `<seq>:<checksum>`: applied twice, it stands in the list twice. Pinned lanes
/// write to keys of their own, which no other lane and no final read touches. In a cluster each key ends with a
/// hash tag, which alone decides its slot.
#[derive(Debug, Clone)]
pub struct Keys {
    run: RunId,
    /// `{tag}`, or nothing.
    tag: String,
}

impl Keys {
    /// The keys of a run.
    pub fn new(run: RunId) -> Self {
        let tag = String::new();
        Self { run, tag }
    }

    /// The same keys, in the slot of this tag.
    #[must_use]
    pub fn tagged(&self, tag: &str) -> Self {
        Self {
            run: self.run.clone(),
            tag: format!("{{{tag}}}"),
        }
    }

    /// The run.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// The list of a lane.
    pub fn lane(&self, lane: LaneId) -> String {
        format!("drdrill:{}:{}{}", self.run, lane.0, self.tag)
    }

    /// The list of a pinned lane.
    pub fn pinned(&self, lane: LaneId) -> String {
        format!("drdrill:{}:pinned:{}{}", self.run, lane.0, self.tag)
    }

    /// A register.
    pub fn register(&self, register: u16) -> String {
        format!("drdrill:{}:register:{register}{}", self.run, self.tag)
    }

    /// The list by which bring-up proves that replication flows.
    pub fn ready(&self) -> String {
        format!("drdrill:{}:ready{}", self.run, self.tag)
    }

    /// The pattern of all keys of the run.
    pub fn pattern(&self) -> String {
        format!("drdrill:{}:*", self.run)
    }

    /// Whether a key of the run belongs to drdrill's own probes or is a register, and not a list of the workload.
    pub fn is_no_list(&self, key: &str) -> bool {
        let begins = |with: &str| key.starts_with(&format!("drdrill:{}:{with}", self.run));
        begins("ready") || begins("pinned:") || begins("register:")
    }

    /// The lane whose list a key of the run is.
    pub fn lane_of(&self, key: &str) -> Option<LaneId> {
        let rest = key.strip_prefix(&format!("drdrill:{}:", self.run))?;
        let (number, _tag) = rest.split_once('{').unwrap_or((rest, ""));
        number.parse().ok().map(LaneId)
    }

    /// The element of an append.
    pub fn element(&self, lane: LaneId, seq: u64) -> String {
        mark::numbered(&self.run, lane, seq)
    }

    /// An element's number, and whether its checksum agrees; none if it is no element at all.
    pub fn parse(&self, lane: LaneId, element: &str) -> Option<(u64, bool)> {
        mark::read_numbered(&self.run, lane, element)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_and_keys_are_read_as_they_are_written() {
        let keys = Keys::new(RunId::new("20261121t081500", 7));
        let lane = LaneId(3);
        assert_eq!(keys.lane_of(&keys.lane(lane)), Some(lane));
        assert_eq!(keys.lane_of(&keys.pinned(lane)), None);
        assert!(keys.is_no_list(&keys.pinned(lane)) && !keys.is_no_list(&keys.lane(lane)));
        assert!(keys.is_no_list(&keys.register(3)));
        let tagged = keys.tagged("2");
        assert_eq!(keys.lane_of(&tagged.lane(lane)), Some(lane));
        assert!(tagged.lane(lane).ends_with("{2}"));
        assert!(keys.is_no_list(&tagged.pinned(lane)) && keys.is_no_list(&tagged.ready()));
        let element = keys.element(lane, 41);
        assert_eq!(element.len(), mark::NUMBERED_BYTES as usize);
        assert_eq!(keys.parse(lane, &element), Some((41, true)));
        assert_eq!(keys.parse(LaneId(4), &element), Some((41, false)));
        assert_eq!(keys.parse(lane, "rubbish"), None);
    }
}
