//! Puts operations in order of lane and number as they come, and packs them.

use std::{
    collections::{BTreeMap, btree_map::OccupiedEntry},
    fs::File,
};

use crate::id::LaneId;

use super::{
    Op,
    blocks::{BLOCK, Block, Blocks},
    ops::Ops,
};

/// Operations of a lane that wait for one before them, at most: a lane has fewer under way. The one that is missing then
/// is taken to be missing for good; should it come all the same, its lane is sorted as a whole.
const WAITING_MAX: usize = 1 << 16;

/// Packed operations by lane.
#[derive(Debug, Default)]
pub struct Packed {
    blocks: Blocks,
    lanes: BTreeMap<LaneId, PackedLane>,
}

/// The operations of a lane, in order of their numbers.
#[derive(Debug, Default)]
pub struct PackedLane {
    /// All of them full but the last one.
    pub blocks: Vec<Block>,
    /// How many operations there are.
    pub count: usize,
}

impl Packed {
    /// The operations of a lane.
    pub fn lane(&self, lane: LaneId) -> Ops<'_> {
        Ops::of(&self.blocks, self.lanes.get(&lane))
    }

    /// The lanes that have operations, ascending.
    pub fn lanes(&self) -> impl DoubleEndedIterator<Item = LaneId> {
        self.lanes.keys().copied()
    }
}

/// Takes operations in any order; they may best come about as they were sent.
#[derive(Debug)]
pub struct Packer {
    packed: Packed,
    coming: BTreeMap<LaneId, Coming>,
    /// Operations that came late, of all lanes.
    late: usize,
}

/// What is at hand of a lane.
#[derive(Debug, Default)]
struct Coming {
    /// The beginning of the next block.
    row: Vec<Op>,
    /// The number that is next.
    next: u64,
    /// Operations that came before one with a lower number did.
    waiting: BTreeMap<u64, Op>,
    /// Operations that came when their place was taken or passed.
    late: Vec<Op>,
}

impl Packer {
    /// Without operations. What does not fit into a few megabytes goes to the file.
    pub fn new(file: Option<File>) -> Self {
        Self {
            packed: Packed {
                blocks: Blocks::new(file),
                lanes: BTreeMap::new(),
            },
            coming: BTreeMap::new(),
            late: 0,
        }
    }

    /// How many lanes there are, and how many operations came when their place was taken or passed. Both are kept in
    /// memory: a reader of what others wrote must bound them.
    pub fn held(&self) -> (usize, usize) {
        (self.coming.len(), self.late)
    }

    /// Takes an operation.
    pub fn push(&mut self, op: Op) {
        let coming = self.coming.entry(op.lane).or_default();
        if op.seq < coming.next || coming.waiting.contains_key(&op.seq) {
            coming.late.push(op);
            self.late += 1;
            return;
        }
        if op.seq > coming.next {
            coming.waiting.insert(op.seq, op);
            if coming.waiting.len() <= WAITING_MAX {
                return;
            }
        } else {
            self.put(op);
        }
        self.put_waiting(op.lane, false);
    }

    /// All operations in their order.
    pub fn finish(mut self) -> Packed {
        let lanes: Vec<LaneId> = self.coming.keys().copied().collect();
        for lane in lanes {
            self.put_waiting(lane, true);
            let late = std::mem::take(&mut self.coming.entry(lane).or_default().late);
            self.end(lane);
            if !late.is_empty() {
                self.again(lane, late);
            }
        }
        self.packed
    }

    /// Puts down those whose turn it is; where too many wait, or none will come any more, whatever is missing before them.
    fn put_waiting(&mut self, lane: LaneId, all: bool) {
        loop {
            let coming = self.coming.entry(lane).or_default();
            let crowded = coming.waiting.len() > WAITING_MAX;
            let first = coming.waiting.first_entry();
            let turn =
                |first: &OccupiedEntry<'_, u64, Op>| all || crowded || *first.key() == coming.next;
            match first.filter(turn) {
                Some(first) => {
                    let op = first.remove();
                    self.put(op);
                }
                None => return,
            }
        }
    }

    fn put(&mut self, op: Op) {
        let coming = self.coming.entry(op.lane).or_default();
        coming.next = op.seq.saturating_add(1);
        coming.row.push(op);
        if coming.row.len() == BLOCK {
            self.end(op.lane);
        }
    }

    /// Packs what is at hand of a lane as a block.
    fn end(&mut self, lane: LaneId) {
        let row = &mut self.coming.entry(lane).or_default().row;
        if !row.is_empty() {
            let packed = self.packed.lanes.entry(lane).or_default();
            packed.count += row.len();
            packed.blocks.push(self.packed.blocks.add(lane, row));
            row.clear();
        }
    }

    /// Sorts a lane with operations that came late.
    fn again(&mut self, lane: LaneId, late: Vec<Op>) {
        let mut ops: Vec<Op> = self.packed.lane(lane).iter().chain(late).collect();
        ops.sort_by_key(|op| op.seq);
        let blocks = ops.chunks(BLOCK);
        let blocks = blocks.map(|row| self.packed.blocks.add(lane, row));
        let again = PackedLane {
            blocks: blocks.collect(),
            count: ops.len(),
        };
        self.packed.lanes.insert(lane, again);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{history::Outcome, time::Nanos};

    fn op(lane: u16, seq: u64) -> Op {
        Op {
            lane: LaneId(lane),
            seq,
            intended: Nanos(seq),
            sent: None,
            done: None,
            outcome: Outcome::Shed,
            error: None,
            node: None,
            version: None,
        }
    }

    fn packed(ops: &[Op], file: Option<File>) -> Vec<Op> {
        let mut packer = Packer::new(file);
        ops.iter().for_each(|op| packer.push(*op));
        let packed = packer.finish();
        let lanes: Vec<LaneId> = packed.lanes().collect();
        let ops = lanes.into_iter().flat_map(|lane| packed.lane(lane));
        ops.collect()
    }

    proptest! {
        /// Gaps, repetitions and any order.
        #[test]
        fn operations_are_sorted(numbers in proptest::collection::vec((0..3_u16, 0..60_u64), 0..200)) {
            let ops: Vec<Op> = numbers.iter().map(|(lane, seq)| op(*lane, *seq)).collect();
            let mut sorted = ops.clone();
            sorted.sort_by_key(|op| (op.lane, op.seq));
            prop_assert_eq!(packed(&ops, None), sorted);
        }
    }

    #[test]
    fn one_that_is_missing_holds_up_only_so_many_and_may_come_last() {
        let many = 3 * WAITING_MAX as u64;
        let mut ops: Vec<Op> = (0..many)
            .filter(|seq| *seq != 5)
            .map(|seq| op(1, seq))
            .collect();
        assert_eq!(packed(&ops, None), ops);
        ops.push(op(1, 5));
        let whole: Vec<Op> = (0..many).map(|seq| op(1, seq)).collect();
        assert_eq!(packed(&ops, None), whole);
    }

    #[test]
    fn what_is_in_a_file_comes_back() {
        let times = |seq: u64| Op {
            sent: Some(Nanos(seq.wrapping_mul(0x9e37_79b9_7f4a_7c15))),
            done: Some(Nanos(seq.wrapping_mul(0xbf58_476d_1ce4_e5b9))),
            outcome: Outcome::Ok,
            ..op(2, seq)
        };
        let ops: Vec<Op> = (0..1_500_000).map(times).collect();
        let file = tempfile::tempfile().unwrap();
        let other = file.try_clone().unwrap();
        assert!(packed(&ops, Some(file)) == ops);
        assert!(other.metadata().unwrap().len() > 16 << 20);
    }
}
