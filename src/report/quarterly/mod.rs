//! The quarterly report: one document of sections and tables, as a page and as Markdown.

mod render;
mod restores;
mod sections;

use crate::archive::{Control, Review};

use super::document::Document;

/// What a person must do, in words that cannot be missed.
pub const INPUT: &str = "REQUIRES INPUT";

/// Where the evidence stands: what the caller verified, and what it did not.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// One sentence on whether the runs verify.
    pub sentence: String,
    /// Whether everything was verified against a pinned key.
    pub verified: bool,
    /// The register's head.
    pub head: Option<String>,
}

/// Builds the document of a quarter.
pub fn quarterly(review: &Review<'_>, controls: &[Control], standing: &Standing) -> Document {
    sections::document(review, controls, standing)
}
