//! One seed for a run, and an independent stream of random numbers for each purpose.

use std::fmt;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The seed that a run prints and that replays its choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// Draws a seed from the operating system.
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// The stream for one purpose; streams of different purposes do not disturb each other.
    pub fn stream(self, purpose: &str) -> Stream {
        let mut hash = Sha256::new();
        hash.update(self.0.to_le_bytes());
        hash.update(purpose.as_bytes());
        Stream(ChaCha8Rng::from_seed(hash.finalize().into()))
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Random numbers for one purpose.
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// A number in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        self.0.random()
    }

    /// An index below `len`; zero if `len` is zero.
    pub fn index(&mut self, len: usize) -> usize {
        if len == 0 {
            0
        } else {
            self.0.random_range(0..len)
        }
    }

    /// A number in the `index`th of `count` equal parts of `[0, 1)`: over the parts, the whole is covered evenly.
    pub fn stratified(&mut self, index: u32, count: u32) -> f64 {
        (f64::from(index) + self.unit()) / f64::from(count.max(1))
    }

    /// Any 32 bits.
    pub fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strata_cover_the_whole_and_replay() {
        let of = |seed: u64| -> Vec<f64> {
            (0..20)
                .map(|repeat| Seed(seed).stream("phase").stratified(repeat, 20))
                .collect()
        };
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
        for (part, phase) in of(7).into_iter().enumerate() {
            assert_eq!((phase * 20.0) as usize, part);
        }
        assert!((0.0..1.0).contains(&Seed(7).stream("phase").stratified(0, 0)));
    }

    #[test]
    fn streams_replay_and_differ_by_purpose() {
        let seed = Seed(7);
        assert_eq!(seed.stream("phase").bits(), seed.stream("phase").bits());
        assert_ne!(seed.stream("phase").bits(), seed.stream("victim").bits());
    }
}
