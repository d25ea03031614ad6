//! Names of runs, nodes and lanes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Names one run: UTC start time to the second and six hexadecimal digits, so that names sort by age.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// Builds the name from a compact UTC stamp (`20261121t081500`) and a random tail.
    pub fn new(stamp: &str, tail: u32) -> Self {
        Self(format!("{stamp}-{:06x}", tail & 0x00ff_ffff))
    }

    /// Reads a name back, for instance from a label or a folder.
    pub fn parse(text: &str) -> Option<Self> {
        let (stamp, tail) = text.split_once('-')?;
        let fits = stamp.len() == 15
            && tail.len() == 6
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        fits.then(|| Self(text.to_owned()))
    }

    /// The random tail, short enough for names that have a length limit.
    pub fn tail(&self) -> &str {
        &self.0[self.0.len() - 6..]
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a member of the stack, for instance `pg1` or `sentinel2`; unique within a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeName(pub String);

impl NodeName {
    /// Wraps a name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Numbers a lane within a run; indexes `Record::lanes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LaneId(pub u16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_id_survives_a_round_trip_and_rejects_other_text() {
        let id = RunId::new("20261121t081500", 0xabc_def1);
        assert_eq!(RunId::parse(&id.to_string()), Some(id.clone()));
        assert_eq!(id.tail(), "bcdef1");
        assert_eq!(RunId::parse("latest"), None);
        assert_eq!(RunId::parse("20261121t081500-../../"), None);
    }
}
