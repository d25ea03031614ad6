//! Collects what was seen of a stack's members; what is missing comes first.

use super::Redundancy;

/// What was seen so far.
#[derive(Debug, Default)]
pub struct Seen {
    missing: Vec<String>,
    there: Vec<String>,
}

impl Seen {
    /// One observation, and whether it is as it should be.
    pub fn note(&mut self, good: bool, text: String) {
        if good {
            self.there.push(text);
        } else {
            self.missing.push(text);
        }
    }

    /// Whole if nothing is missing.
    pub fn redundancy(self) -> Redundancy {
        Redundancy {
            whole: self.missing.is_empty(),
            evidence: self.missing.into_iter().chain(self.there).collect(),
        }
    }
}
