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
    match figure {
        Figure::Missing(why) => format!("not measured: {why}"),
        Figure::Measured(span) => match span.high_ns {
            None => format!("not within {}", text::seconds(span.low_ns)),
            Some(_) => {
                let said = format!("{} {}", text::upper(*span), text::bracket(*span));
                said.trim_end().to_owned()
            }
        },
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{
        alerts::alerts,
        fixture::{alerted, ms},
    };

    #[test]
    fn an_alert_is_pending_then_firing_and_told_of_twice() {
        let bench = alerted(&[
            (21_000, 21_100, AlertMoment::Pending),
            (26_000, 26_100, AlertMoment::Firing),
            (27_000, 27_001, AlertMoment::Delivered),
            (41_000, 41_100, AlertMoment::Ended),
            (41_500, 41_501, AlertMoment::Resolved),
            (45_000, 45_100, AlertMoment::Pending),
        ]);
        let bands = bands(&bench.record, ms(50_000));
        let expected = AlertBand {
            name: "Down".into(),
            spans: vec![
                (ms(21_100), ms(26_100), false),
                (ms(26_100), ms(41_100), true),
                (ms(45_100), ms(50_000), false),
            ],
            told: vec![(ms(27_001), false), (ms(41_501), true)],
        };
        assert_eq!(bands, [expected]);
        let table = table(&alerts(&bench.record));
        assert_eq!(table.rows[0][5], "6.100 s [5.998 s, 6.100 s]");
        assert_eq!(table.rows[0][1], "expected");
    }

    #[test]
    fn what_was_not_seen_is_told_with_how_long_was_looked() {
        let bench = alerted(&[]);
        let table = table(&alerts(&bench.record));
        assert_eq!(table.rows[0][5], "not within 29.998 s");
        assert_eq!(table.rows[0][8], "not measured: it was not delivered");
    }
}
