//! The scorecard's types.

use serde::{Deserialize, Serialize};

/// The verdict of one drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every line is met or `any`, at least one is met, and RTO and RPO lines are there.
    Pass,
    /// A line is missed or an integrity finding stands.
    Fail,
    /// It could not be told.
    Inconclusive,
    /// A control run that behaved as one: nothing happened.
    Control,
    /// It was stopped before its end, by a condition of its own or from outside: neither pass nor fail.
    Aborted,
}

impl Verdict {
    /// Whether it leaves open what would have come of the drill.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Inconclusive | Self::Aborted)
    }
}

/// The scorecard of one drill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scorecard {
    /// The verdict.
    pub verdict: Verdict,
    /// What happened, in one sentence.
    pub sentence: String,
    /// One line per target, RTO and RPO first; a missing RTO or RPO target is a line too.
    pub lines: Vec<Line>,
    /// Why lines are inconclusive or findings stand, each named.
    pub reasons: Vec<Reason>,
}

/// One target against its measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The figure's name in the measurement definitions, for instance `rto`.
    pub figure: String,
    /// The target as text, for instance `<= 30s`; `missing` where there is none.
    pub target: String,
    /// The measured value as text with its unit, for instance `4.213 s`; `not measured` where there is none.
    pub measured: String,
    /// The bracket or resolution as text; empty where the value is exact.
    pub bracket: String,
    /// The measured upper end in the figure's base unit (seconds, count, bytes, percent), if there is one.
    pub value: Option<f64>,
    /// The limit in the same unit, if there is one.
    pub limit: Option<f64>,
    /// How it came out.
    pub state: LineState,
    /// Why, in one clause.
    pub why: String,
}

/// How a target line came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineState {
    /// The upper end of the bracket is within the target.
    Met,
    /// The lower end is beyond it, or something was positively observed.
    Missed,
    /// It could not be told.
    Inconclusive,
    /// Measured, not judged.
    Any,
}

/// Why a line is inconclusive or a drill fails, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Its name, for instance `effect-not-verified`.
    pub name: String,
    /// What was seen, in one sentence.
    pub text: String,
    /// The lines that it touches.
    pub lines: Vec<String>,
}
