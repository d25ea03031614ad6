//! Several runs of one scenario in one table.

use crate::{gate::recovery_time, measure::Figure, record::Record, score::Judgement};

use super::{
    terminal::{Style, grid, wrap},
    view::text,
};

/// One run of several.
#[derive(Debug, Clone, PartialEq)]
pub struct RepeatRow {
    /// Its name.
    pub run: String,
    /// Its verdict as a word.
    pub verdict: &'static str,
    /// Its recovery time and bracket.
    pub rto: (String, String),
    /// Lost writes and their age.
    pub rpo: (String, String),
    /// Why something was not measured.
    pub note: String,
    /// The server's version as it reports it; empty where none stood.
    pub server: String,
    /// The recovery time in nanoseconds, infinite where recovery was not seen, and the width of its bracket; none where it
    /// was not measured.
    pub time: Option<(f64, f64)>,
    /// How many acknowledged writes were lost; none where it could not be told.
    pub lost: Option<u64>,
}

impl RepeatRow {
    /// The row of a run.
    pub fn new(record: &Record, judgement: &Judgement) -> Self {
        let figures = &judgement.figures;
        let event = figures.headline.and_then(|index| figures.events.get(index));
        let mut notes = Vec::new();
        let missing = "not measured".to_owned();
        let rto = match event {
            Some(event) => match &event.rto {
                Figure::Measured(_) => text::recovery(event, &event.rto),
                Figure::Missing(reason) => {
                    notes.push(reason.clone());
                    (missing.clone(), String::new())
                }
            },
            None => {
                notes.push("no disruption".into());
                (missing.clone(), String::new())
            }
        };
        let rpo = match &figures.loss {
            Figure::Measured(loss) => (text::count(loss.total()), text::upper(loss.rpo_seconds)),
            Figure::Missing(reason) => {
                notes.push(reason.clone());
                (missing, String::new())
            }
        };
        Self {
            run: record.opened.run.to_string(),
            verdict: text::verdict(judgement.scorecard.verdict),
            rto,
            rpo,
            note: text::clean(&notes.join("; ")),
            server: record
                .stack
                .as_ref()
                .map_or_else(String::new, |it| text::clean(&it.server)),
            time: recovery_time(figures),
            lost: match &figures.loss {
                Figure::Measured(loss) => Some(loss.total()),
                Figure::Missing(_) => None,
            },
        }
    }
}

/// Renders the runs for a terminal, with what they show together in a sentence of the caller's.
pub fn repeats(rows: &[RepeatRow], summary: &str, style: Style) -> String {
    let head = ["run", "verdict", "rto", "bracket", "lost (oldest)"];
    let cells = rows.iter().map(|row| {
        let rpo = match row.rpo.1.as_str() {
            "" => row.rpo.0.clone(),
            age => format!("{} ({age})", row.rpo.0),
        };
        let verdict = row.verdict.to_ascii_lowercase();
        let (rto, bracket) = row.rto.clone();
        vec![row.run.clone(), verdict, rto, bracket, rpo]
    });
    let table = grid(&head, cells.collect(), style);
    let mut out: String = table
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect();
    for row in rows.iter().filter(|row| !row.note.is_empty()) {
        out.push_str(&wrap(&row.note, style.width, &format!("  {}: ", row.run)));
    }
    if !summary.is_empty() {
        out.push_str(&format!("\n{summary}\n"));
    }
    out
}
