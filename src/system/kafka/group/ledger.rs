//! What all members of a group were given, gave back and consumed, on its way to the run's event log.

use std::sync::{Mutex, PoisonError};

use crate::{
    record::{Emitter, Rebalanced, What},
    time::Nanos,
};

use super::track::{Delivery, Track};

/// A track for each partition, and where what becomes of them is said.
#[derive(Debug)]
pub struct Ledger {
    emitter: Emitter,
    tracks: Vec<Mutex<Track>>,
}

impl Ledger {
    /// A ledger for so many partitions, of which nothing has been consumed.
    pub fn new(emitter: Emitter, partitions: u16) -> Self {
        Self {
            emitter,
            tracks: (0..partitions).map(|_| Mutex::default()).collect(),
        }
    }

    /// The moment now.
    pub fn now(&self) -> Nanos {
        self.emitter.now()
    }

    /// Takes a record of a partition.
    pub fn take(&self, partition: i32, delivery: Delivery<'_>) {
        let number = u16::try_from(partition).unwrap_or(u16::MAX);
        if let Some(track) = self.tracks.get(usize::from(number)) {
            let mut track = track.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, stretch)) = track.take(number, delivery) {
                self.emitter.say_at(at, What::Consumed(stretch));
            }
        }
    }

    /// Takes what a member was told of its partitions.
    pub fn moved(&self, moved: Rebalanced) {
        self.emitter.say(What::Rebalanced(moved));
    }

    /// Since when every partition has been consumed in time; none while one is not.
    pub fn in_time_since(&self) -> Option<Nanos> {
        let now = self.now();
        let since = self.tracks.iter().map(|track| {
            let track = track.lock().unwrap_or_else(PoisonError::into_inner);
            track.in_time_since(now)
        });
        since.collect::<Option<Vec<Nanos>>>()?.into_iter().max()
    }

    /// Says what is still open.
    pub fn close(&self) {
        for track in &self.tracks {
            let mut track = track.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((at, stretch)) = track.close() {
                self.emitter.say_at(at, What::Consumed(stretch));
            }
        }
    }
}
