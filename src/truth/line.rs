//! One line of a calibration: what was planted, who knows it, what was measured, and how far off that was.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    history::{Group, History},
    record::Record,
    seed::Seed,
    time::Nanos,
};

/// What connecting and answering may take beyond a probe interval on a machine that is not busy.
pub const SLACK: Duration = Duration::from_millis(5);

/// How a line came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Acceptance {
    /// The measurement agrees with the truth as far as the level asks.
    Accepted,
    /// It could not be told: the machine held the harness up, or something needed was not there.
    Undecided,
    /// The measurement is wrong.
    Rejected,
}

/// One truth against its measurement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The level in `docs/measurement.md`, for instance `C1`.
    pub level: String,
    /// What was planted.
    pub what: String,
    /// The truth with its unit.
    pub truth: String,
    /// By which witness it is known; it shares no code with client, clock or checker.
    pub witness: String,
    /// What drdrill measured.
    pub measured: String,
    /// How far off, where that is a number.
    pub error: String,
    /// What was asked.
    pub limit: String,
    /// How it came out.
    pub state: Acceptance,
    /// Why it was not accepted, one clause each.
    pub why: Vec<String>,
}

/// A whole calibration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// drdrill's version.
    pub drdrill: String,
    /// The seed of all random choices.
    pub seed: Seed,
    /// What it ran on: facts by name.
    pub machine: Vec<(String, String)>,
    /// Its lines in the order of their levels.
    pub lines: Vec<Line>,
    /// How long it took, seconds.
    pub seconds: f64,
}

impl Calibration {
    /// The worst of its lines; nothing calibrated is undecided.
    pub fn state(&self) -> Acceptance {
        let states = self.lines.iter().map(|line| line.state);
        states.max().unwrap_or(Acceptance::Undecided)
    }
}

impl Line {
    /// A line that is accepted until something speaks against it.
    pub fn new(level: &str, what: impl Into<String>, witness: impl Into<String>) -> Self {
        Self {
            level: level.into(),
            what: what.into(),
            truth: String::new(),
            witness: witness.into(),
            measured: String::new(),
            error: String::new(),
            limit: String::new(),
            state: Acceptance::Accepted,
            why: Vec::new(),
        }
    }

    /// A line that could not be told.
    pub fn untold(level: &str, what: impl Into<String>, why: impl Into<String>) -> Self {
        let mut line = Self::new(level, what, "");
        line.undecide(why);
        line
    }

    /// Rejects the line unless this holds.
    pub fn ask(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.state = Acceptance::Rejected;
            self.why.push(otherwise());
        }
    }

    /// Makes the line undecided unless it is rejected.
    pub fn undecide(&mut self, why: impl Into<String>) {
        self.state = self.state.max(Acceptance::Undecided);
        self.why.push(why.into());
    }

    /// A rejected line of a run for which the machine was unfit tells nothing about drdrill.
    pub fn excuse(mut self, record: &Record, history: &History) -> Self {
        if let (Acceptance::Rejected, Some(why)) = (self.state, unfit(record, history)) {
            self.state = Acceptance::Undecided;
            self.why.push(why);
        }
        self
    }
}

/// Why the machine was unfit for a run: it dropped packets, or held the harness up for long enough to matter.
pub fn unfit(record: &Record, history: &History) -> Option<String> {
    if let Some(count @ 1..) = record.dropped {
        return Some(format!("the machine dropped {count} packets"));
    }
    let by = seconds(Nanos::from_duration(held_up(record, history)?).0);
    Some(format!("the machine held the harness up for {by}"))
}

/// For how long the machine held the harness up at the longest, if that was long enough to matter: the pacer woke
/// late, or a service lane sent late.
fn held_up(record: &Record, history: &History) -> Option<Duration> {
    let stalls = record.stalls.iter().map(|(_, by)| *by);
    let service = record
        .lanes
        .iter()
        .filter(|lane| lane.group == Group::Service);
    let late = service
        .flat_map(|lane| history.lane(lane.id))
        .filter_map(|op| Some(op.sent?.since(op.intended)));
    stalls.chain(late).max().filter(|by| *by > SLACK)
}

/// Nanoseconds as seconds with a tenth of a millisecond.
pub fn seconds(ns: u64) -> String {
    format!("{:.4} s", ns as f64 / 1e9)
}

/// A signed difference in milliseconds.
pub fn milliseconds(ns: i128) -> String {
    format!("{:+.2} ms", ns as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_line_decides_and_none_is_no_acceptance() {
        let mut calibration = Calibration {
            drdrill: "0".into(),
            seed: Seed(1),
            machine: vec![],
            lines: vec![],
            seconds: 0.0,
        };
        assert_eq!(calibration.state(), Acceptance::Undecided);
        calibration.lines.push(Line::new("C0", "a", "b"));
        assert_eq!(calibration.state(), Acceptance::Accepted);
        calibration.lines.push(Line::untold("C2", "a", "no engine"));
        assert_eq!(calibration.state(), Acceptance::Undecided);
        calibration.lines[0].ask(false, || "wrong".into());
        assert_eq!(calibration.state(), Acceptance::Rejected);
    }
}
