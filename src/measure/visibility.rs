//! How long an acknowledged write takes to be visible at each member, by reads pinned to it.

use crate::{
    history::{Access, Group, History, Lane},
    record::Record,
    stats::spread,
};

use super::{
    Visibility,
    staleness::{Missed, answered},
};

/// One entry per member that a pinned lane reads, in the order of the lanes.
pub fn visibility(record: &Record, history: &History) -> Vec<Visibility> {
    let reads = |lane: &&Lane| lane.group == Group::Pinned && lane.access == Access::Read;
    record
        .lanes
        .iter()
        .filter(reads)
        .filter_map(|lane| of_lane(lane, history))
        .collect()
}

/// A member that answered no read has no entry: nothing was seen of it.
fn of_lane(lane: &Lane, history: &History) -> Option<Visibility> {
    let writes = history.lane(lane.reads?);
    let spans = || {
        let mut missed = Missed::of(writes);
        answered(history.lane(lane.id)).map(move |read| missed.by(&read))
    };
    let highs = spread(|| spans().filter_map(|span| span.high_ns), [0.5])?;
    let of = |high: u64| spans().find(|span| span.high_ns == Some(high));
    Some(Visibility {
        node: lane.pinned.clone()?,
        reads: highs.count,
        median: of(highs.quantiles[0])?,
        worst: of(highs.largest)?,
    })
}

#[cfg(test)]
mod tests {
    use crate::{
        history::{Access, Group},
        id::{LaneId, NodeName},
        measure::fixture::{Bench, W1, lane, ms, ok},
        time::Span,
    };

    use super::*;

    #[test]
    fn a_member_is_as_far_behind_as_the_oldest_acknowledged_write_that_it_does_not_show() {
        let mut bench = Bench::new();
        let id = LaneId(5);
        let mut watch = lane(5, "visible-pg2", Group::Pinned, Access::Read, 100);
        watch.reads = Some(W1);
        watch.pinned = Some(NodeName::new("pg2"));
        bench.record.lanes.push(watch);
        // At 1,020 ms, writes 0 to 25 of lane 1 are acknowledged: #25 at 1,003 ms.
        for (seq, version) in [(0, 26), (1, 26), (2, 23)] {
            let mut read = ok(id, seq, ms(1_020));
            read.version = Some(version);
            bench.history.ops.push(read);
        }
        let seen = visibility(&bench.record, &bench.history());
        assert_eq!((seen.len(), seen[0].reads), (1, 3));
        assert_eq!(seen[0].node, NodeName::new("pg2"));
        assert_eq!(seen[0].median.low_ns, 0);
        // #23 was sent at 921.1 ms and acknowledged at 923 ms; the read took from 1,020.1 to 1,022 ms.
        let expected = Span {
            low_ns: 97_100_000,
            high_ns: Some(100_900_000),
        };
        assert_eq!(seen[0].worst, expected);
        bench.history.ops.retain(|op| op.lane != id);
        assert!(visibility(&bench.record, &bench.history()).is_empty());
    }
}
