//! Where packed operations are kept: in memory while they are few, in a file beyond; the last used ones unpacked.

use std::{
    fmt,
    fs::File,
    os::unix::fs::FileExt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::id::LaneId;

use super::{Op, columns};

/// Operations of a block: a reader holds one at a time.
pub const BLOCK: usize = 1024;

/// Packed bytes that are kept in memory where there is a file for more: of about a million operations.
const MEMORY: usize = 8 << 20;

/// Blocks that are kept unpacked, 80 bytes an operation: a short run's history is unpacked once and for all.
const UNPACKED: usize = 128;

/// One block of a lane.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    lane: LaneId,
    /// Its number among all blocks.
    number: usize,
    /// Where its bytes begin.
    at: u64,
    bytes: usize,
    /// Its operations.
    count: usize,
}

/// Unpacked blocks with their numbers, each in its place.
type Unpacked = Vec<Option<(usize, Arc<Vec<Op>>)>>;

/// Blocks as they were packed.
#[derive(Default)]
pub struct Blocks {
    /// The bytes after those in the file.
    memory: Vec<u8>,
    /// A file of no name, and how many bytes are in it.
    file: Option<(File, u64)>,
    /// Whether the file takes no more.
    full: bool,
    count: usize,
    unpacked: Mutex<Unpacked>,
}

impl Blocks {
    /// None yet. What goes beyond the memory goes to the file; without one all of it stays in memory.
    pub fn new(file: Option<File>) -> Self {
        Self {
            file: file.map(|file| (file, 0)),
            ..Self::default()
        }
    }

    /// Adds operations of one lane as a block.
    pub fn add(&mut self, lane: LaneId, ops: &[Op]) -> Block {
        let packed = columns::pack(ops);
        let written = self.file.as_ref().map_or(0, |(_, written)| *written);
        let block = Block {
            lane,
            number: self.count,
            at: written + self.memory.len() as u64,
            bytes: packed.len(),
            count: ops.len(),
        };
        self.memory.extend(packed);
        self.count += 1;
        if self.memory.len() >= MEMORY && !self.full {
            self.spill();
        }
        block
    }

    /// Moves what is in memory to the file. A file that takes no more is as good as none: the rest stays in memory.
    fn spill(&mut self) {
        let Some((file, written)) = &mut self.file else {
            return;
        };
        match file.write_all_at(&self.memory, *written) {
            Ok(()) => {
                *written += self.memory.len() as u64;
                self.memory.clear();
            }
            Err(_) => self.full = true,
        }
    }

    /// A block's operations.
    pub fn read(&self, block: Block) -> Arc<Vec<Op>> {
        let place = block.number % UNPACKED;
        let known = self.unpacked().get(place).cloned().flatten();
        if let Some((_, ops)) = known.filter(|(number, _)| *number == block.number) {
            return ops;
        }
        let ops = Arc::new(self.unpack(block));
        let mut unpacked = self.unpacked();
        if unpacked.len() <= place {
            unpacked.resize(place + 1, None);
        }
        unpacked[place] = Some((block.number, ops.clone()));
        ops
    }

    fn unpacked(&self) -> MutexGuard<'_, Unpacked> {
        self.unpacked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unpack(&self, block: Block) -> Vec<Op> {
        let written = self.file.as_ref().map_or(0, |(_, written)| *written);
        let of = |bytes: &[u8]| columns::unpack(block.lane, bytes, block.count);
        if let Some(from) = block.at.checked_sub(written) {
            let from = usize::try_from(from).expect("it is in memory");
            return of(&self.memory[from..from + block.bytes]);
        }
        let mut bytes = vec![0; block.bytes];
        let (file, _) = self.file.as_ref().expect("it was written there");
        file.read_exact_at(&mut bytes, block.at)
            .expect("what was written to a file of no name can be read again");
        of(&bytes)
    }
}

impl fmt::Debug for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} blocks", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{history::Outcome, time::Nanos};

    /// Operations whose columns have nothing in common: each takes all of its bytes.
    fn wild(block: u64) -> Vec<Op> {
        let number = |place: u64| {
            let mixed = (block * 7919 + place).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9)
        };
        (0..BLOCK as u64)
            .map(|place| Op {
                lane: LaneId(1),
                seq: number(place),
                intended: Nanos(number(place + 1)),
                sent: Some(Nanos(number(place + 2))),
                done: Some(Nanos(number(place + 3))),
                outcome: Outcome::Ok,
                error: None,
                node: None,
                version: Some(number(place + 4)),
            })
            .collect()
    }

    #[test]
    fn blocks_come_back_from_a_file_and_where_it_is_full() {
        let full = File::options()
            .write(true)
            .open("/dev/full")
            .expect("/dev/full");
        for (file, in_file) in [(tempfile::tempfile().expect("a file"), true), (full, false)] {
            let mut blocks = Blocks::new(Some(file));
            let added: Vec<Block> = (0..250).map(|n| blocks.add(LaneId(1), &wild(n))).collect();
            assert!(added.iter().map(|block| block.bytes).sum::<usize>() > MEMORY);
            assert_eq!(blocks.memory.len() < MEMORY, in_file);
            assert_eq!(blocks.full, !in_file);
            for (number, block) in (0..).zip(added) {
                assert_eq!(*blocks.read(block), wild(number));
            }
        }
    }
}
