//! Baselines: the runs that later ones are held against, in a file that goes under version control.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};

use crate::{evidence::files, time::Span};

use super::{ArchiveError, Run};

/// The version of the file.
const SCHEMA: u32 = 1;

/// A baseline per scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baselines {
    /// The version of the file.
    pub schema: u32,
    /// By the scenario's name.
    pub scenarios: BTreeMap<String, Baseline>,
}

/// The runs of a scenario that later ones are held against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// The runs, oldest first.
    pub runs: Vec<BaselineRun>,
}

/// One run of a baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaselineRun {
    /// Its name.
    pub run: String,
    /// When it started, RFC 3339.
    pub started: String,
    /// Its recovery time; absent where it was not measured.
    pub rto: Option<Span>,
}

impl Default for Baselines {
    fn default() -> Self {
        Self {
            schema: SCHEMA,
            scenarios: BTreeMap::new(),
        }
    }
}

impl Baselines {
    /// Reads the file; one that is not there has no baselines.
    ///
    /// # Errors
    /// When it cannot be read, holds something else, or is of another version.
    pub fn read(path: &Path) -> Result<Self, ArchiveError> {
        if !path.exists() {
            return Ok(Self::default());
        }
        let bytes =
            files::read_named(path, files::WHOLE_MOST).map_err(ArchiveError::io("read", path))?;
        let read: Self =
            serde_json::from_slice(&bytes).map_err(|error| ArchiveError::content(path, error))?;
        if read.schema == SCHEMA {
            Ok(read)
        } else {
            let problem = format!("its schema is {}, this drdrill reads {SCHEMA}", read.schema);
            Err(ArchiveError::content(path, problem))
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ArchiveError> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| ArchiveError::content(path, error))?;
        fs::write(path, text + "\n").map_err(ArchiveError::io("write", path))
    }
}

impl Baseline {
    /// A baseline of these runs.
    pub fn of(runs: &[&Run]) -> Self {
        let one = |run: &&Run| BaselineRun {
            run: run.id.to_string(),
            started: run.started.map_or_else(String::new, |at| at.to_string()),
            rto: run.summary.as_ref().and_then(super::Summary::rto),
        };
        Self {
            runs: runs.iter().map(one).collect(),
        }
    }

    /// Recovery times in nanoseconds, as `gate::against` takes them.
    pub fn times(&self) -> Vec<Option<f64>> {
        let high = |span: Span| span.high_ns.map_or(f64::INFINITY, |ns| ns as f64);
        self.runs.iter().map(|run| run.rto.map(high)).collect()
    }

    /// The widest bracket, nanoseconds: what the recovery times are known to.
    pub fn resolution(&self) -> f64 {
        let spans = self.runs.iter().filter_map(|run| run.rto);
        resolution(spans)
    }
}

/// The widest bracket of some recovery times, nanoseconds.
pub fn resolution(spans: impl Iterator<Item = Span>) -> f64 {
    let widths = spans.filter_map(|span| span.high_ns.map(|high| (high - span.low_ns) as f64));
    widths.fold(0.0, f64::max)
}
