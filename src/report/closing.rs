//! The table that closes a command that ran several scenarios.

use super::{RepeatRow, Style, terminal::grid};

/// What became of one scenario.
pub struct Closing {
    /// Its name, and in brackets the values of a matrix's combination.
    pub scenario: String,
    /// A row for each run.
    pub runs: Vec<RepeatRow>,
}

/// Renders a row for each run, the verdict last.
pub fn closing(all: &[Closing], style: Style) -> String {
    let head = ["scenario", "run", "rto", "lost", "verdict"];
    let cells = all.iter().flat_map(|one| {
        one.runs.iter().map(|row| {
            vec![
                one.scenario.clone(),
                row.run.clone(),
                row.rto.0.clone(),
                row.rpo.0.clone(),
                row.verdict.to_ascii_lowercase(),
            ]
        })
    });
    let table = grid(&head, cells.collect(), style);
    let lines = table.lines().map(|line| format!("{}\n", line.trim_end()));
    format!("\n{}", lines.collect::<String>())
}
