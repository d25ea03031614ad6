//! Alerts as a table, and on the picture's time line.

use crate::{
    measure::{AlertFigures, AlertWish, Figure},
    record::{AlertMoment, Record},
    time::{Bracket, Nanos, Span},
};

use super::{Table, text};

/// Bands in the picture; further alerts are in the table.
const BANDS_MAX: usize = 8;

/// When each alert was pending, fired, arrived and was over, from the fault.
pub(super) fn table(alerts: &[AlertFigures]) -> Table {
    let mut table = Table::new(
        &[
            "alert",
            "wish",
            "instances",
            "soonest by its rule",
            "pending",
            "firing",
            "delivered",
            "ended",
            "resolved",
        ],
        "No alert fired.",
    );
    for of in alerts {
        table.row([
            of.alert.clone(),
            wish(of.wish).into(),
            of.instances.join(", "),
            of.reach
                .map_or_else(|| "not known".into(), |reach| text::seconds(reach.low_ns)),
            cell(&of.pending),
            cell(&of.firing),
            cell(&of.delivered),
            cell(&of.ended),
            cell(&of.resolved),
        ]);
    }
    table
}

fn cell(figure: &Figure<Span>) -> String {
    let value = |span: &Span| match span.high_ns {
        Some(_) => (text::upper(*span), text::bracket(*span)),
        None => (
            "not seen".into(),
            format!("within {}", text::seconds(span.low_ns)),
        ),
    };
    let (value, note) = text::figure(figure, value);
    if note.is_empty() {
        value
    } else {
        format!("{value} {note}")
    }
}

fn wish(wish: AlertWish) -> &'static str {
    match wish {
        AlertWish::Expected => "expected",
        AlertWish::Allowed => "may fire",
        AlertWish::Unexpected => "unexpected",
    }
}

/// An alert of one instance over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertBand {
    /// Its name.
    pub name: String,
    /// Times in which it was pending, or firing (`true`).
    pub spans: Vec<(Nanos, Nanos, bool)>,
    /// When a notification arrived, and whether it said that the alert is over.
    pub told: Vec<(Nanos, bool)>,
}

/// A band for each alert that was active, until `end`, in the order of their first moments.
pub(super) fn bands(record: &Record, end: Nanos) -> Vec<AlertBand> {
    let mut names: Vec<&str> = Vec::new();
    for (_, event) in &record.alerts {
        if !names.contains(&event.alert.as_str()) {
            names.push(&event.alert);
        }
    }
    names.truncate(BANDS_MAX);
    names
        .into_iter()
        .map(|name| band(record, name, end))
        .collect()
}

/// Several instances of an alert share a band.
fn band(record: &Record, name: &str, end: Nanos) -> AlertBand {
    let mut spans = Vec::new();
    let mut told = Vec::new();
    let mut open: Vec<(&std::collections::BTreeMap<String, String>, Nanos, bool)> = Vec::new();
    for (at, event) in record
        .alerts
        .iter()
        .filter(|(_, event)| event.alert == name)
    {
        let Bracket { high, .. } = *at;
        match event.moment {
            AlertMoment::Delivered | AlertMoment::Resolved => {
                told.push((high, event.moment == AlertMoment::Resolved));
            }
            AlertMoment::Pending | AlertMoment::Firing | AlertMoment::Ended => {
                if let Some(place) = open
                    .iter()
                    .position(|(labels, _, _)| **labels == event.labels)
                {
                    let (_, from, firing) = open.remove(place);
                    spans.push((from, high, firing));
                }
                if event.moment != AlertMoment::Ended {
                    open.push((&event.labels, high, event.moment == AlertMoment::Firing));
                }
            }
        }
    }
    spans.extend(
        open.into_iter()
            .map(|(_, from, firing)| (from, end.max(from), firing)),
    );
    AlertBand {
        name: text::clean(name),
        spans,
        told,
    }
}
