//! What each shard saw of an event: recovery over the lanes whose keys lie in it.

use crate::{
    history::Access,
    record::{Disruption, Record},
};

use super::{
    LaneOutage, ShardFigures,
    recovery::recovered_by,
    rto::{Seen, worst},
    scan::Scan,
};

/// The shards that have a victim of the disruption among their members, in order; none where there are no shards.
pub fn struck(record: &Record, disruption: &Disruption) -> Vec<u16> {
    let shards = record.stack.iter().flat_map(|stack| &stack.shards);
    shards
        .filter(|shard| {
            let mut members = shard.members.iter();
            members.any(|node| disruption.victims.contains(node))
        })
        .map(|shard| shard.number)
        .collect()
}

/// The outages of lanes in these shards; all of them where there are no such outages, so that the answer is never
/// drawn from nothing while others were seen.
pub fn of_struck(record: &Record, struck: &[u16], outages: &[LaneOutage]) -> Vec<LaneOutage> {
    let own = |outage: &&LaneOutage| {
        let lane = record.lanes.get(usize::from(outage.lane.0));
        lane.and_then(|lane| lane.shard)
            .is_some_and(|shard| struck.contains(&shard))
    };
    let own: Vec<LaneOutage> = outages.iter().filter(own).cloned().collect();
    if own.is_empty() {
        outages.to_vec()
    } else {
        own
    }
}

/// One entry per shard, from what its service lanes saw, in the order of `scan.service`. A shard without a lane has
/// no recovery time, and says so.
pub fn shards(scan: &Scan<'_>, index: usize, service: &[Seen]) -> Vec<ShardFigures> {
    let record = scan.record;
    let struck = struck(record, &record.disruptions[index].1);
    let numbers = record.stack.iter().flat_map(|stack| &stack.shards);
    numbers
        .map(|shard| {
            let own: Vec<(Access, &Seen)> = scan
                .service
                .iter()
                .zip(service)
                .filter(|(scanned, _)| scanned.lane.shard == Some(shard.number))
                .map(|(scanned, seen)| (scanned.lane.access, seen))
                .collect();
            let of = |access| {
                let lanes = own.iter().filter(move |(other, _)| *other == access);
                worst(lanes.map(|(_, seen)| seen.rto()))
            };
            let outages: Vec<LaneOutage> = own
                .iter()
                .filter_map(|(_, seen)| match seen {
                    Seen::Outage(outage) => Some(outage.clone()),
                    Seen::Calm(_) | Seen::Unknown(_) => None,
                })
                .collect();
            let (recovered_by, successor) = recovered_by(scan, index, &outages);
            ShardFigures {
                shard: shard.number,
                hit: struck.contains(&shard.number),
                outage_seen: !outages.is_empty(),
                rto: worst(own.iter().map(|(_, seen)| seen.rto())),
                rto_write: of(Access::Write),
                rto_read: of(Access::Read),
                recovered_by,
                successor,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        id::NodeName,
        measure::{
            EventFigures, Figure,
            fixture::{Bench, R1, W1, W2, ms},
            measure,
        },
        record::Shard,
        scenario::RecoveredBy,
        time::Span,
    };

    /// Writer 1 and the reader lie in shard 1, that of the victim pg1; writer 2 in shard 2, that of pg2.
    fn sharded(mut bench: Bench) -> EventFigures {
        let shard = |number: u16, member: &str| Shard {
            number,
            holds: format!("slot {number}"),
            members: vec![NodeName::new(member)],
        };
        let stack = bench.record.stack.as_mut().expect("a stack");
        stack.shards = vec![shard(1, "pg1"), shard(2, "pg2")];
        for lane in &mut bench.record.lanes {
            lane.shard = Some(if lane.id == W2 { 2 } else { 1 });
        }
        let (record, history) = bench.build();
        measure(&record, &history).events[0].clone()
    }

    fn high(figure: &Figure<Span>) -> u64 {
        let span = figure.value().expect("a figure");
        span.high_ns.expect("an end") / 1_000_000
    }

    #[test]
    fn an_outage_of_one_shard_is_the_headline_and_no_outage_of_the_other() {
        let mut bench = Bench::new();
        for lane in [W1, R1] {
            bench.fail(lane, ms(20_001), ms(24_000));
        }
        bench.change(W1, ms(24_000), ms(60_000), |op| op.node = Some(1));
        let event = sharded(bench);
        let [first, second] = event.shards.as_slice() else {
            panic!("two shards: {:?}", event.shards);
        };
        assert_eq!((first.hit, first.outage_seen), (true, true));
        assert_eq!((second.hit, second.outage_seen), (false, false));
        assert_eq!(first.rto, event.rto);
        assert!(high(&first.rto) > 3_900 && high(&second.rto) < 100);
        assert_eq!(first.successor.as_ref().map(NodeName::as_str), Some("pg2"));
        assert!(second.recovered_by.value().is_none());
    }

    #[test]
    fn who_recovered_is_asked_of_the_shards_that_were_hit() {
        let mut bench = Bench::with_outage(ms(24_000));
        // The other shard came back by itself, on a node that was never struck.
        bench.change(W1, ms(24_000), ms(60_000), |op| op.node = Some(0));
        bench.change(R1, ms(24_000), ms(60_000), |op| op.node = Some(0));
        bench.change(W2, ms(24_000), ms(60_000), |op| op.node = Some(1));
        let event = sharded(bench);
        assert_eq!(event.recovered_by, Figure::Measured(RecoveredBy::Restart));
        assert_eq!(
            event.shards[1].recovered_by,
            Figure::Measured(RecoveredBy::OtherNode)
        );
    }
}
