//! Operations of several lanes as one sequence, and a sequence in order of what came later, a few operations at hand.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, binary_heap::PeekMut},
};

use crate::time::Nanos;

use super::{Op, Ops, ops::Iter};

/// Operations of lanes by intended time, those of equal times in the order of the lanes. Within each lane they must ascend.
pub fn merged<'a>(lanes: impl IntoIterator<Item = Ops<'a>>) -> Merged<'a> {
    let mut rest: Vec<Iter<'a>> = lanes.into_iter().map(Ops::iter).collect();
    let firsts = rest.iter_mut().enumerate();
    let heads = firsts
        .filter_map(|(lane, ops)| {
            Some(Reverse(Head {
                op: ops.next()?,
                lane,
            }))
        })
        .collect();
    Merged { rest, heads }
}

/// Operations of several lanes, by intended time.
#[derive(Clone)]
pub struct Merged<'a> {
    rest: Vec<Iter<'a>>,
    heads: BinaryHeap<Reverse<Head>>,
}

/// The next operation of a lane.
#[derive(Clone)]
struct Head {
    op: Op,
    lane: usize,
}

impl Head {
    fn key(&self) -> (Nanos, usize) {
        (self.op.intended, self.lane)
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Head {}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Iterator for Merged<'_> {
    type Item = Op;

    fn next(&mut self) -> Option<Op> {
        let mut head = self.heads.peek_mut()?;
        let op = head.0.op;
        match self.rest[head.0.lane].next() {
            Some(next) => head.0.op = next,
            None => {
                PeekMut::pop(head);
            }
        }
        Some(op)
    }
}

/// What is taken from operations that come by intended time, by a time of each: its start, or its end. No such time lies
/// before the intended one, so that only what was under way at one time must be at hand.
pub fn by_time<T: Ord>(
    ops: impl Iterator<Item = Op>,
    take: impl Fn(&Op) -> Option<(Nanos, T)>,
) -> impl Iterator<Item = (Nanos, T)> {
    let mut ops = ops.fuse().peekable();
    let mut at_hand: BinaryHeap<Reverse<(Nanos, T)>> = BinaryHeap::new();
    std::iter::from_fn(move || {
        loop {
            let next = ops.peek().map(|op| op.intended);
            let first = at_hand.peek().map(|Reverse((at, _))| *at);
            match (first, next) {
                (Some(first), next) if next.is_none_or(|next| first < next) => {
                    return at_hand.pop().map(|Reverse(it)| it);
                }
                (_, None) => return None,
                (_, Some(_)) => at_hand.extend(ops.next().and_then(|op| take(&op)).map(Reverse)),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        history::{Draft, History, Outcome},
        id::LaneId,
        seed::Seed,
    };

    /// Three lanes of different intervals, some operations of which last long.
    fn history() -> History {
        let mut noise = Seed(7).stream("order");
        let mut draft = Draft::default();
        for lane in 0..3_u16 {
            for seq in 0..3_000 {
                let intended = seq * (1_000 + u64::from(lane % 2) * 500);
                let long = if noise.unit() < 0.01 { 50_000.0 } else { 900.0 };
                let sent = intended + (noise.unit() * 100.0) as u64;
                draft.ops.push(Op {
                    lane: LaneId(lane),
                    seq,
                    intended: Nanos(intended),
                    sent: Some(Nanos(sent)),
                    done: Some(Nanos(sent + (noise.unit() * long) as u64)),
                    outcome: Outcome::Ok,
                    error: None,
                    node: None,
                    version: None,
                });
            }
        }
        History::from(draft)
    }

    #[test]
    fn lanes_become_one_sequence_as_by_a_stable_sort() {
        let history = history();
        let lanes = [LaneId(2), LaneId(0), LaneId(1)].map(|lane| history.lane(lane));
        let mut sorted: Vec<Op> = lanes.into_iter().flatten().collect();
        sorted.sort_by_key(|op| op.intended);
        assert_eq!(merged(lanes).collect::<Vec<_>>(), sorted);
    }

    #[test]
    fn ends_come_in_their_order() {
        let history = history();
        let all = || merged([0, 1, 2].map(|lane| history.lane(LaneId(lane))));
        let end = |op: &Op| Some((op.done?, op.sent));
        let mut sorted: Vec<_> = all().filter_map(|op| end(&op)).collect();
        sorted.sort_unstable();
        assert_eq!(by_time(all(), end).collect::<Vec<_>>(), sorted);
    }
}
