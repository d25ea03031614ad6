//! How wrong a node's clock is, as the file that its programs' clock library reads (`docker/clock/clock.c`).

use super::NodeFile;

/// The library, in a node whose clock may be changed.
pub const LIBRARY: &str = "/drdrill-clock/clock.so";
/// The file that it reads.
pub const FILE: &str = "/drdrill-clock/at";
/// What the last word is made with.
const SEAL: i64 = 0x6472_6472_696c_6c31;

/// How wrong a clock is; right by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Skew {
    /// From which point of real time on, nanoseconds since 1970.
    pub from: i64,
    /// By how much it jumps there, nanoseconds.
    pub jump: i64,
    /// How much faster it goes from there, parts in 10^9.
    pub faster: i64,
}

impl Skew {
    /// The file's content: four words, the last one sealing the others.
    pub fn bytes(self) -> Vec<u8> {
        let seal = self.from ^ self.jump ^ self.faster ^ SEAL;
        let words = [self.from, self.jump, self.faster, seal];
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    /// The content as a file of a node. Whoever its image runs programs as may change it: that is how it is changed.
    pub fn file(self) -> NodeFile {
        NodeFile {
            path: FILE.into(),
            mode: 0o666,
            bytes: self.bytes(),
        }
    }

    /// The content as a shell's `printf` writes it.
    pub fn escaped(self) -> String {
        let bytes = self.bytes();
        bytes.iter().map(|byte| format!("\\{byte:03o}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_four_words_whose_last_one_seals_the_others() {
        let skew = Skew {
            from: 1_700_000_000_000_000_000,
            jump: -60_000_000_000,
            faster: 10_000_000,
        };
        let bytes = skew.bytes();
        let words: Vec<i64> = bytes
            .chunks_exact(8)
            .map(|word| i64::from_ne_bytes(word.try_into().expect("eight bytes")))
            .collect();
        assert_eq!(words[..3], [skew.from, skew.jump, skew.faster]);
        assert_eq!(words.iter().fold(0, |all, word| all ^ word), SEAL);
        assert_eq!(skew.escaped().len(), 4 * 32);
        assert!(Skew::default().escaped().starts_with("\\000\\000"));
    }
}
