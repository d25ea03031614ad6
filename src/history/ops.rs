//! Operations of one lane as they are gone through: a block of them is unpacked at a time.

use std::{fmt, ops::Range, sync::Arc};

use super::{
    Op,
    blocks::{BLOCK, Blocks},
    packer::PackedLane,
};

/// Operations of one lane, in order of their numbers.
#[derive(Clone, Copy)]
pub struct Ops<'a> {
    blocks: &'a Blocks,
    lane: Option<&'a PackedLane>,
    from: usize,
    to: usize,
}

impl<'a> Ops<'a> {
    /// All operations of a lane.
    pub(super) fn of(blocks: &'a Blocks, lane: Option<&'a PackedLane>) -> Self {
        Self {
            blocks,
            lane,
            from: 0,
            to: lane.map_or(0, |lane| lane.count),
        }
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.to - self.from
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.from == self.to
    }

    /// The one at this place.
    pub fn get(self, place: usize) -> Option<Op> {
        self.iter().nth(place)
    }

    /// The first one.
    pub fn first(self) -> Option<Op> {
        self.iter().next()
    }

    /// The last one.
    pub fn last(self) -> Option<Op> {
        self.iter().next_back()
    }

    /// Those at these places; places beyond the end have none.
    pub fn part(self, places: Range<usize>) -> Self {
        let place = |place: usize| self.from.saturating_add(place).min(self.to);
        Self {
            from: place(places.start),
            to: place(places.end).max(place(places.start)),
            ..self
        }
    }

    /// Those from this place on.
    pub fn skip(self, places: usize) -> Self {
        self.part(places..usize::MAX)
    }

    /// How many at the beginning fulfil this, where none does after one that does not.
    pub fn partition_point(self, holds: impl Fn(&Op) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.get(middle).is_some_and(|op| holds(&op)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// How many have a lower number than this. Where none is missing this needs no search.
    pub fn before(self, seq: u64) -> usize {
        let guess = usize::try_from(seq).unwrap_or(usize::MAX);
        let there = |place: usize| self.get(place).map(|op| op.seq);
        if there(guess) == Some(seq) && guess.checked_sub(1).and_then(there) < Some(seq) {
            return guess;
        }
        self.partition_point(|op| op.seq < seq)
    }

    /// The one of this number.
    pub fn find(self, seq: u64) -> Option<Op> {
        self.get(self.before(seq)).filter(|op| op.seq == seq)
    }

    /// Goes through them.
    pub fn iter(self) -> Iter<'a> {
        Iter {
            ops: self,
            block: None,
        }
    }
}

impl fmt::Debug for Ops<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} operations", self.len())
    }
}

impl<'a> IntoIterator for Ops<'a> {
    type Item = Op;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Goes through operations, from either end.
#[derive(Clone)]
pub struct Iter<'a> {
    /// Those that are left.
    ops: Ops<'a>,
    /// The block that the last one was of, and its number in the lane.
    block: Option<(usize, Arc<Vec<Op>>)>,
}

impl Iter<'_> {
    fn at(&mut self, place: usize) -> Option<Op> {
        let number = place / BLOCK;
        if self
            .block
            .as_ref()
            .is_none_or(|(known, _)| *known != number)
        {
            let block = self.ops.lane?.blocks.get(number)?;
            self.block = Some((number, self.ops.blocks.read(*block)));
        }
        let (_, ops) = self.block.as_ref()?;
        ops.get(place % BLOCK).copied()
    }
}

impl Iterator for Iter<'_> {
    type Item = Op;

    fn next(&mut self) -> Option<Op> {
        if self.ops.is_empty() {
            return None;
        }
        self.ops.from += 1;
        self.at(self.ops.from - 1)
    }

    fn nth(&mut self, places: usize) -> Option<Op> {
        self.ops = self.ops.skip(places);
        self.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.ops.len(), Some(self.ops.len()))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Op> {
        if self.ops.is_empty() {
            return None;
        }
        self.ops.to -= 1;
        self.at(self.ops.to)
    }
}

impl ExactSizeIterator for Iter<'_> {}
