//! Why the recovery took as long as it did, as text and as a table.

use std::time::Duration;

use crate::{
    measure::{
        EventFigures,
        format::{self, Round},
        why::{self, Part},
    },
    record::Wait,
    time::Span,
};

use super::{Table, text};

/// A part of the recovery time, as a reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartView {
    /// The milestone at its end.
    pub until: &'static str,
    /// Its share of the RTO, as a duration.
    pub took: String,
    /// The same as a percentage.
    pub share: String,
    /// What its waits allow together.
    pub allowed: String,
    /// What is not explained of it; empty where all of it is.
    pub unexplained: String,
    /// What was waited for, why it is as long, and how long it may be.
    pub waits: Vec<[String; 3]>,
}

/// The parts of an event's recovery time.
pub fn parts(event: &EventFigures) -> Vec<PartView> {
    let (_, all) = why::unexplained(&event.why);
    event.why.iter().map(|part| view(part, all)).collect()
}

fn view(part: &Part, all: Duration) -> PartView {
    let took = Duration::from_nanos(part.took_ns);
    PartView {
        until: text::milestone(part.until),
        took: format::duration(took, Round::Up),
        share: percent(took, all),
        allowed: part.allowed().map_or_else(|| "not known".into(), span),
        unexplained: match part.unexplained_ns {
            0 => String::new(),
            ns => format::duration(Duration::from_nanos(ns), Round::Up),
        },
        waits: part.waits.iter().map(wait).collect(),
    }
}

fn wait(wait: &Wait) -> [String; 3] {
    [&wait.what, &wait.by, &span(wait.span)].map(|cell| text::clean(cell))
}

/// How long something may take.
fn span(span: Span) -> String {
    let low = format::duration(span.low(), Round::Down);
    let high = span.high().map(|high| format::duration(high, Round::Up));
    let none = low == format::duration(Duration::ZERO, Round::Down);
    match (none, high) {
        (true, None) => "no upper bound".into(),
        (_, None) => format!(">= {low}"),
        (true, Some(high)) => format!("<= {high}"),
        (_, Some(high)) if span.high() == Some(span.low()) => high,
        (_, Some(high)) => format!("[{low}, {high}]"),
    }
}

fn percent(of: Duration, all: Duration) -> String {
    let share = of.as_secs_f64() / all.as_secs_f64().max(f64::MIN_POSITIVE);
    format!("{:.0} %", share * 100.0)
}

/// The parts as a table, a row for each thing that was waited for.
pub fn table(parts: &[PartView]) -> Table {
    let head = [
        "ends with",
        "took",
        "share",
        "waited for",
        "because of",
        "allowed",
        "not explained",
    ];
    let mut table = Table::new(&head, "No recovery was measured.");
    for part in parts {
        let waits = match part.waits.is_empty() {
            true => vec![["no cause is known".into(), String::new(), String::new()]],
            false => part.waits.clone(),
        };
        for (index, [what, by, allowed]) in waits.into_iter().enumerate() {
            let once = |cell: &str| {
                if index == 0 {
                    cell.to_owned()
                } else {
                    String::new()
                }
            };
            table.row([
                once(part.until),
                once(&part.took),
                once(&part.share),
                what,
                by,
                allowed,
                once(&part.unexplained),
            ]);
        }
    }
    table
}

/// What a reader must hear of it beside the recovery time: that more than a tenth of it is not explained.
pub fn alarm(event: &EventFigures) -> Option<String> {
    let rto = event.rto.value().filter(|_| why::loud(event))?;
    let (unexplained, all) = why::unexplained(&event.why);
    Some(format!(
        "{} of the recovery time of {} ({}) is not explained: neither the settings nor the drill account for it.",
        format::duration(unexplained, Round::Up),
        format::value(*rto),
        percent(unexplained, all)
    ))
}
