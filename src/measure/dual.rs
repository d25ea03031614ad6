//! Two primaries at once, by the acknowledgements of writes that name who took them.

use std::collections::{BTreeSet, HashMap};

use crate::{
    history::{Group, History, Outcome, by_time, merged},
    id::{LaneId, NodeName},
    record::{MemberKind, Record},
    time::{Bracket, Nanos},
};

use super::leaders::takers;

/// Whether two nodes acknowledged writes in turns, a, b, a, b, each sent after the one before was acknowledged, between one
/// event and the next: pinned writes, and those of service lanes where only a primary takes writes.
///
/// A handover shows as a … a b … b, and one there and back as a b a; only the fourth turn needs both to
/// have been primary at once (or three handovers of which no event tells). Brackets that merely touch
/// prove nothing: the acknowledging moments lie somewhere within them. A pair that takes turns before the
/// first event is multi-primary by design and is not judged. The bracket is the time in which both
/// certainly were: from the second turn to the last but one. One pass over the writes.
/// Each shard has a primary of its own: only members of one shard are compared.
pub fn dual_primary(record: &Record, history: &History) -> Option<(NodeName, NodeName, Bracket)> {
    pairs(record, history).into_iter().find_map(|pair| {
        let (first, later) = pair.spans.split_first()?;
        if first.both().is_some() {
            return None;
        }
        let bracket = later.iter().find_map(Turns::both)?;
        Some((pair.a.clone(), pair.b.clone(), bracket))
    })
}

/// The pairs of nodes that took writes by turns before the first event: several take writes by design.
pub fn by_design(record: &Record, history: &History) -> Vec<(NodeName, NodeName)> {
    let pairs = pairs(record, history).into_iter();
    let before = pairs.filter(|pair| pair.spans.first().is_some_and(|s| s.both().is_some()));
    before
        .map(|pair| (pair.a.clone(), pair.b.clone()))
        .collect()
}

/// Whether two primaries at once would have shown: writes were asked of two members by themselves and one of these was
/// acknowledged, or every acknowledged write of the service names the primary that took it. True where fewer than two members hold data.
pub fn looked(record: &Record, history: &History) -> bool {
    let Some(stack) = &record.stack else {
        return false;
    };
    let data = stack.members.iter();
    if data
        .filter(|member| member.kind == MemberKind::Data)
        .count()
        < 2
    {
        return true;
    }
    let probes = || takers(record).filter_map(|lane| Some((lane.id, lane.pinned.as_ref()?)));
    let probed: BTreeSet<&NodeName> = probes().map(|(_, node)| node).collect();
    // A client that cannot act at one node refuses each of them.
    let mut asked = probes().flat_map(|(lane, _)| history.lane(lane));
    let pinned = probed.len() >= 2 && asked.any(|op| op.outcome == Outcome::Ok);
    let service = || takers(record).filter(|lane| lane.group == Group::Service);
    let named = || {
        let mut ops = service().flat_map(|lane| history.lane(lane.id));
        ops.all(|op| op.outcome != Outcome::Ok || op.node.is_some())
    };
    pinned || (service().next().is_some() && named())
}

/// Each two members of a shard with the turns that they took.
fn pairs<'a>(record: &'a Record, history: &History) -> Vec<Pair<'a>> {
    let mut cuts: Vec<Nanos> = vec![Nanos(0)];
    cuts.extend(record.disruptions.iter().map(|(at, _)| at.low));
    cuts.push(Nanos(u64::MAX));
    let members = record.stack.iter().flat_map(|stack| &stack.members);
    let data = members.filter(|member| member.kind == MemberKind::Data);
    let nodes: Vec<&NodeName> = data.map(|member| &member.name).collect();
    let shard = |node: &NodeName| record.stack.as_ref().and_then(|stack| stack.shard_of(node));
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    for (index, a) in nodes.iter().enumerate() {
        let fellows = nodes[index + 1..].iter();
        let fellows = fellows.filter(|b| shard(b) == shard(a));
        pairs.extend(fellows.map(|b| Pair::new(a, b, cuts.len() - 1)));
    }
    for (node, ack) in acknowledgements(record, history) {
        for pair in &mut pairs {
            pair.take(&cuts, node, ack);
        }
    }
    pairs
}

/// The acknowledged writes that name who took them, as `[s, d]` by ascending end.
fn acknowledgements<'a>(
    record: &'a Record,
    history: &History,
) -> impl Iterator<Item = (&'a NodeName, Bracket)> {
    let lanes = takers(record).map(|lane| history.lane(lane.id));
    let pinned: HashMap<LaneId, &NodeName> = takers(record)
        .filter_map(|lane| Some((lane.id, lane.pinned.as_ref()?)))
        .collect();
    let acknowledged = by_time(merged(lanes), |op| {
        let done = op.done.filter(|_| op.outcome == Outcome::Ok)?;
        Some((done, (op.sent?, op.lane, op.node)))
    });
    acknowledged.filter_map(move |(high, (low, lane, node))| {
        let named = || record.node_name(node?);
        let node = pinned.get(&lane).copied().or_else(named)?;
        Some((node, Bracket { low, high }))
    })
}

/// Two nodes, and the turns that they took between one event and the next.
struct Pair<'a> {
    a: &'a NodeName,
    b: &'a NodeName,
    spans: Vec<Turns>,
}

impl<'a> Pair<'a> {
    fn new(a: &'a NodeName, b: &'a NodeName, spans: usize) -> Self {
        Self {
            a,
            b,
            spans: vec![Turns::default(); spans],
        }
    }

    /// Takes the next acknowledgement, by its end. It counts where it lies between two cuts.
    fn take(&mut self, cuts: &[Nanos], node: &NodeName, ack: Bracket) {
        if node != self.a && node != self.b {
            return;
        }
        for (cut, turns) in cuts.windows(2).zip(&mut self.spans) {
            if cut[0] <= ack.low && ack.high < cut[1] {
                turns.of_a.take(node == self.a, ack);
                turns.of_b.take(node == self.b, ack);
            }
        }
    }
}

/// The longest chains of alternating acknowledgements of two nodes, from either of them on.
#[derive(Debug, Clone, Copy, Default)]
struct Turns {
    of_a: Chain,
    of_b: Chain,
}

impl Turns {
    /// The inner bracket of the longer chain if it has four turns or more.
    fn both(&self) -> Option<Bracket> {
        let (one, other) = (self.of_a, self.of_b);
        let longest = if other.length > one.length {
            other
        } else {
            one
        };
        let (second, last_but_one) = longest.second.zip(longest.last_but_one)?;
        (longest.length >= 4).then_some(Bracket {
            low: second.low,
            high: last_but_one.high,
        })
    }
}

/// Alternating acknowledgements, each sent after the one before had ended, the earliest end each time.
#[derive(Debug, Clone, Copy, Default)]
struct Chain {
    length: usize,
    second: Option<Bracket>,
    last_but_one: Option<Bracket>,
    last: Option<Bracket>,
}

impl Chain {
    /// Takes the next acknowledgement by its end, of the node that begins or of the other, if it is its turn.
    fn take(&mut self, first: bool, ack: Bracket) {
        let turn = first == self.length.is_multiple_of(2);
        if !turn || self.last.is_some_and(|last| ack.low <= last.high) {
            return;
        }
        self.length += 1;
        if self.length == 2 {
            self.second = Some(ack);
        }
        (self.last_but_one, self.last) = (self.last, Some(ack));
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

    /// By pinned writes alone: the fixture's service lanes name nodes of their own.
    fn found(mut bench: Bench) -> Option<Bracket> {
        bench.record.stack.as_mut().expect("a stack").one_writer = false;
        let (record, history) = bench.build();
        dual_primary(&record, &history).map(|(a, b, at)| {
            assert_eq!((a.as_str(), b.as_str()), ("pg1", "pg2"));
            at
        })
    }

    #[test]
    fn probes_that_no_node_ever_takes_are_blind() {
        let mut bench = Bench::new();
        // No answer but that of a probe names who took a write.
        bench.record.stack.as_mut().expect("a stack").one_writer = false;
        let sees = |bench: Bench| {
            let (record, history) = bench.build();
            looked(&record, &history)
        };
        assert!(sees(bench.clone()));
        for lane in [P1, P2] {
            bench.fail(lane, ms(0), ms(120_000));
        }
        assert!(!sees(bench.clone()));
        bench.change(P1, ms(5_000), ms(5_200), accept);
        assert!(sees(bench));
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
