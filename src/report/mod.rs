//! Renders a finished run in each format, and shows a run's progress while it goes on.
//!
//! Every format is made from one [`View`], which alone formats values and bins operations, so that formats
//! cannot disagree. Nothing here prints, reads a clock or computes a figure that a reader could quote.

pub mod calibration;
pub mod chinese;
pub mod closing;
pub mod csv;
pub mod document;
pub mod gated;
pub mod history;
pub mod html;
pub mod junit;
pub mod markdown;
pub mod matrix;
pub mod metrics;
pub mod pages;
pub mod pdf;
pub mod progress;
pub mod proofs;
pub mod quarterly;
pub mod repeats;
pub mod run_document;
pub mod systems;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod view;
pub mod why;

use crate::{history::History, record::Record, score::Judgement};

pub use calibration::calibration;
pub use closing::{Closing, closing};
pub use gated::{Gated, gate_json, gate_terminal};
pub use history::{history_json, history_runs, history_terminal};
pub use indicatif::ProgressDrawTarget;
pub use matrix::{MatrixRow, matrix};
pub use progress::{Counters, Progress};
pub use proofs::{ProofRow, proofs};
pub use repeats::{RepeatRow, repeats};
pub use systems::systems;
pub use terminal::{Style, terminal};
pub use view::View;

/// The file formats of one run: each file's name and bytes. The same arguments give the same bytes.
pub fn render_all(
    record: &Record,
    history: &History,
    judgement: &Judgement,
) -> Vec<(&'static str, Vec<u8>)> {
    let view = View::new(record, history, judgement);
    let page = html::html(&view);
    vec![
        ("report.zh.html", chinese::chinese_page(&page).into_bytes()),
        ("report.html", page.into_bytes()),
        ("report.md", markdown::markdown(&view).into_bytes()),
        ("junit.xml", junit::junit(&view).into_bytes()),
        (
            "metrics.prom",
            metrics::metrics(record, judgement).into_bytes(),
        ),
    ]
}
