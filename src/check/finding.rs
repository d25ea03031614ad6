//! What a checker answers.

use serde::{Deserialize, Serialize};

/// What a checker found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The checker, for instance `lost-writes`.
    pub check: String,
    /// Its answer.
    pub answer: Answer,
    /// One sentence with the figures it rests on.
    pub summary: String,
    /// Further evidence, one line each.
    pub evidence: Vec<String>,
    /// The target lines that an `unknown` answer makes inconclusive.
    pub touches: Vec<Touch>,
}

/// A checker's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// As it should be.
    Valid,
    /// As it should be for the verdict, and a reader must hear of it.
    Remark,
    /// Positively observed to be wrong. Stands whatever else is void.
    Invalid,
    /// Could not be told.
    Unknown,
}

/// A family of target lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Touch {
    /// Recovery times, gaps, outages.
    Time,
    /// Loss and integrity.
    Data,
    /// Alerts.
    Alerts,
    /// Everything.
    All,
}

impl Finding {
    /// A finding with the answer `answer`, touching nothing and without further evidence.
    fn new(check: &str, answer: Answer, summary: impl Into<String>) -> Self {
        Self {
            check: check.to_owned(),
            answer,
            summary: summary.into(),
            evidence: Vec::new(),
            touches: Vec::new(),
        }
    }

    /// All is as it should be.
    pub fn valid(check: &str, summary: impl Into<String>) -> Self {
        Self::new(check, Answer::Valid, summary)
    }

    /// As it should be for the verdict, and a reader must hear of it.
    pub fn remark(check: &str, summary: impl Into<String>) -> Self {
        Self::new(check, Answer::Remark, summary)
    }

    /// Positively observed to be wrong; the lines that it touches cannot be met.
    pub fn invalid(check: &str, touches: &[Touch], summary: impl Into<String>) -> Self {
        Self {
            touches: touches.to_vec(),
            ..Self::new(check, Answer::Invalid, summary)
        }
    }

    /// Could not be told; the lines that it touches are inconclusive.
    pub fn unknown(check: &str, touches: &[Touch], summary: impl Into<String>) -> Self {
        Self {
            touches: touches.to_vec(),
            ..Self::new(check, Answer::Unknown, summary)
        }
    }

    /// The finding with evidence, one line each.
    pub fn with(mut self, evidence: impl IntoIterator<Item = String>) -> Self {
        self.evidence.extend(evidence);
        self
    }
}
