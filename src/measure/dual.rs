//! Two primaries at once, by the acknowledgements of probes pinned to nodes.

use crate::{
    history::{Access, Group, History, Outcome},
    id::NodeName,
    record::Record,
    time::{Bracket, Nanos},
};

/// Whether two nodes acknowledged pinned writes in turns, a, b, a, b, each sent after the one before
/// was acknowledged, between one event and the next.
///
/// A handover shows as a … a b … b, and one there and back as a b a; only the fourth turn needs both to
/// have been primary at once (or three handovers of which no event tells). Brackets that merely touch
/// prove nothing: the acknowledging moments lie somewhere within them. A pair that takes turns before the
/// first event is multi-primary by design and is not judged. The bracket is the time in which both
/// certainly were: from the second turn to the last but one. Linear in the probes for each pair of nodes.
/// Each shard has a primary of its own: only members of one shard are compared.
pub fn dual_primary(record: &Record, history: &History) -> Option<(NodeName, NodeName, Bracket)> {
    let nodes = acknowledgements(record, history);
    let mut cuts: Vec<Nanos> = vec![Nanos(0)];
    cuts.extend(record.disruptions.iter().map(|(at, _)| at.low));
    cuts.push(Nanos(u64::MAX));
    let shard = |node: &NodeName| record.stack.as_ref().and_then(|stack| stack.shard_of(node));
    for (index, (a, of_a)) in nodes.iter().enumerate() {
        let fellows = nodes[index + 1..].iter();
        for (b, of_b) in fellows.filter(|(b, _)| shard(b) == shard(a)) {
            let designed = turns(
                within(of_a, cuts[0], cuts[1]),
                within(of_b, cuts[0], cuts[1]),
            );
            if cuts.len() > 2 && designed.is_some() {
                continue;
            }
            let found = cuts[1..]
                .windows(2)
                .find_map(|cut| turns(within(of_a, cut[0], cut[1]), within(of_b, cut[0], cut[1])));
            if let Some(bracket) = found {
                return Some(((*a).clone(), (*b).clone(), bracket));
            }
        }
    }
    None
}

/// The acknowledged pinned writes per node, as `[s, d]` by ascending end.
fn acknowledgements<'a>(
    record: &'a Record,
    history: &History,
) -> Vec<(&'a NodeName, Vec<Bracket>)> {
    let mut nodes: Vec<(&NodeName, Vec<Bracket>)> = Vec::new();
    for lane in &record.lanes {
        let (Group::Pinned, Access::Write, Some(node)) = (lane.group, lane.access, &lane.pinned)
        else {
            continue;
        };
        let acknowledged = history
            .lane(lane.id)
            .iter()
            .filter(|op| op.outcome == Outcome::Ok)
            .filter_map(|op| {
                Some(Bracket {
                    low: op.sent?,
                    high: op.done?,
                })
            });
        match nodes.iter_mut().find(|(name, _)| *name == node) {
            Some((_, list)) => list.extend(acknowledged),
            None => nodes.push((node, acknowledged.collect())),
        }
    }
    for (_, list) in &mut nodes {
        list.sort_unstable_by_key(|ack| (ack.high, ack.low));
    }
    nodes
}

/// Those that lie within `[start, end)`.
fn within(list: &[Bracket], start: Nanos, end: Nanos) -> impl Iterator<Item = Bracket> + Clone {
    list.iter()
        .copied()
        .filter(move |ack| start <= ack.low && ack.high < end)
}

/// The longest chain of alternating acknowledgements of two nodes, taking the earliest end each time;
/// its inner bracket if it has four turns or more.
fn turns(
    a: impl Iterator<Item = Bracket> + Clone,
    b: impl Iterator<Item = Bracket> + Clone,
) -> Option<Bracket> {
    let one = chain(a.clone(), b.clone());
    let other = chain(b, a);
    let longest = if other.len() > one.len() { other } else { one };
    (longest.len() >= 4).then(|| Bracket {
        low: longest[1].low,
        high: longest[longest.len() - 2].high,
    })
}

fn chain(
    mut next: impl Iterator<Item = Bracket>,
    mut other: impl Iterator<Item = Bracket>,
) -> Vec<Bracket> {
    let mut chain: Vec<Bracket> = Vec::new();
    loop {
        let after = chain.last().map(|ack| ack.high);
        let follows = |ack: &Bracket| after.is_none_or(|after| ack.low > after);
        let found = if chain.len().is_multiple_of(2) {
            next.find(follows)
        } else {
            other.find(follows)
        };
        match found {
            Some(ack) => chain.push(ack),
            None => return chain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        history::Op,
        measure::fixture::{Bench, P1, P2, add_event, bracket, ms},
        record::DisruptionKind,
    };

    fn accept(op: &mut Op) {
        op.outcome = Outcome::Ok;
    }

    fn found(bench: Bench) -> Option<Bracket> {
        let (record, history) = bench.build();
        dual_primary(&record, &history).map(|(a, b, at)| {
            assert_eq!((a.as_str(), b.as_str()), ("pg1", "pg2"));
            at
        })
    }

    #[test]
    fn a_serial_handover_is_no_dual_primary() {
        assert_eq!(found(Bench::new()), None);
        // The brackets of the last and the first acknowledgement overlap: nothing is certain.
        let mut bench = Bench::new();
        bench.change(P1, ms(19_900), ms(20_010), |op| {
            accept(op);
            op.done = Some(ms(20_300));
        });
        assert_eq!(found(bench), None);
    }

    #[test]
    fn a_handover_there_and_back_is_no_dual_primary() {
        let mut bench = Bench::new();
        bench.fail(P2, ms(20_500), ms(60_000));
        bench.change(P1, ms(20_500), ms(60_000), accept);
        assert_eq!(found(bench), None);
        // All of it after the fault.
        let mut bench = Bench::new();
        bench.fail(P2, ms(20_000), ms(22_000));
        bench.fail(P2, ms(24_000), ms(60_000));
        bench.change(P1, ms(20_000), ms(22_000), accept);
        bench.change(P1, ms(24_000), ms(60_000), accept);
        assert_eq!(found(bench), None);
    }

    #[test]
    fn turns_whose_brackets_overlap_prove_nothing() {
        let mut bench = Bench::new();
        for lane in [P1, P2] {
            bench.change(lane, ms(20_000), ms(20_500), |op| {
                accept(op);
                let late = if lane == P1 { 0 } else { 50_000_000 };
                op.sent = Some(Nanos(op.intended.0 + late));
                op.done = Some(Nanos(op.intended.0 + late + 450_000_000));
            });
        }
        assert_eq!(found(bench), None);
    }

    #[test]
    fn two_nodes_that_take_turns_are_both_primary() {
        let mut bench = Bench::new();
        // Both are probed at the same moments: the old primary's answers lie between the new one's.
        bench.change(P1, ms(20_000), ms(20_350), |op| {
            accept(op);
            op.sent = Some(Nanos(op.intended.0 + 50_000_000));
            op.done = Some(Nanos(op.intended.0 + 52_000_000));
        });
        // pg2 20,001, pg1 20,051, pg2 20,101, pg1 20,151, ..., pg1 20,351, pg2 20,401.
        let expected = Bracket {
            low: ms(20_051),
            high: ms(20_353),
        };
        assert_eq!(found(bench), Some(expected));
    }

    #[test]
    fn primaries_of_two_shards_are_not_two_primaries() {
        let mut bench = Bench::new();
        bench.change(P1, ms(20_000), ms(20_350), |op| {
            accept(op);
            op.sent = Some(Nanos(op.intended.0 + 50_000_000));
            op.done = Some(Nanos(op.intended.0 + 52_000_000));
        });
        let shard = |number: u16, member: &str| crate::record::Shard {
            number,
            holds: String::new(),
            members: vec![NodeName::new(member)],
        };
        assert!(found(bench.clone()).is_some());
        let stack = bench.record.stack.as_mut().expect("a stack");
        stack.shards = vec![shard(1, "pg1"), shard(2, "pg2")];
        assert!(found(bench).is_none());
    }

    #[test]
    fn turns_across_events_are_handovers() {
        let mut bench = Bench::new();
        bench.fail(P2, ms(30_000), ms(40_000));
        bench.change(P1, ms(30_000), ms(40_000), accept);
        add_event(
            &mut bench,
            bracket(30_000, 30_000),
            DisruptionKind::Failback,
            "pg2",
        );
        add_event(
            &mut bench,
            bracket(40_000, 40_000),
            DisruptionKind::Switchover,
            "pg1",
        );
        assert_eq!(found(bench), None);
    }

    #[test]
    fn a_pair_that_takes_turns_before_the_fault_is_multi_primary_by_design() {
        let mut bench = Bench::new();
        bench.change(P1, ms(0), ms(60_000), accept);
        bench.change(P2, ms(0), ms(60_000), |op| {
            accept(op);
            op.sent = Some(Nanos(op.intended.0 + 50_000_000));
            op.done = Some(Nanos(op.intended.0 + 52_000_000));
        });
        assert_eq!(found(bench), None);
    }
}
