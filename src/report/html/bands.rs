//! Who was primary when: a row per data member, by its own view, with what it acknowledged.

use crate::{
    record::Role,
    report::view::{Picture, alerts::AlertBand, picture::NodeBand, text},
    time::Nanos,
};

use super::axes::{Axis, Sheet, label, line, rect, row_name};

/// Height of a row.
pub(super) const BAND: f64 = 28.0;
/// Height of the coloured part of a row.
const BAR: f64 = 16.0;
/// Narrower spans carry no word.
const WORD_WIDTH: f64 = 72.0;

/// The rows of all data members.
pub(super) fn bands(picture: &Picture, axis: Axis, top: f64) -> String {
    let mut out = String::new();
    if !picture.nodes.is_empty() {
        let words = match axis.sheet {
            Sheet::Desk => "role by each node's own view; line below: writes acknowledged",
            Sheet::Phone => "role by each node's own view",
        };
        out.push_str(&label(4.0, top - 11.0, "panel", words));
    }
    for (index, node) in picture.nodes.iter().enumerate() {
        out.push_str(&band(node, axis, top + index as f64 * BAND));
    }
    out
}

fn band(node: &NodeBand, axis: Axis, top: f64) -> String {
    let mut out = row_name(axis.sheet, top + 13.0, &node.name);
    for (from, to, role) in &node.roles {
        if *to < axis.from || *from > axis.to {
            continue;
        }
        let (left, right) = (axis.x(*from), axis.x(*to));
        let word = text::role(*role);
        let title = format!(
            "{}: {word}, {} to {}",
            node.name,
            text::offset(*from, axis.zero),
            text::offset(*to, axis.zero)
        );
        out.push_str(&rect(class(*role), (left, top), (right, top + BAR), &title));
        if right - left > WORD_WIDTH {
            let class = if *role == Role::Primary {
                "word on"
            } else {
                "word"
            };
            out.push_str(&label(left + 6.0, top + 12.0, class, word));
        }
    }
    out.push_str(&strokes(&node.probes, "probe", axis, top + BAR + 6.5));
    out.push_str(&strokes(&node.acks, "ack", axis, top + BAR + 3.5));
    out
}

/// The rows of all alerts: pending, firing, and a stroke for each notification.
pub(super) fn alert_bands(picture: &Picture, axis: Axis, top: f64) -> String {
    let mut out = String::new();
    for (index, alert) in picture.alerts.iter().enumerate() {
        out.push_str(&alert_band(alert, axis, top + index as f64 * BAND));
    }
    out
}

fn alert_band(alert: &AlertBand, axis: Axis, top: f64) -> String {
    let mut out = row_name(axis.sheet, top + 13.0, &alert.name);
    for (from, to, firing) in &alert.spans {
        if *to < axis.from || *from > axis.to {
            continue;
        }
        let (word, class) = if *firing {
            ("firing", "alert firing")
        } else {
            ("pending", "alert pending")
        };
        let title = format!(
            "{}: {word}, {} to {}",
            alert.name,
            text::offset(*from, axis.zero),
            text::offset(*to, axis.zero)
        );
        let (left, right) = (axis.x(*from), axis.x(*to));
        out.push_str(&rect(class, (left, top), (right, top + BAR), &title));
        if right - left > WORD_WIDTH {
            let class = if *firing { "word on" } else { "word" };
            out.push_str(&label(left + 6.0, top + 12.0, class, word));
        }
    }
    for (at, over) in alert.told.iter().filter(|(at, _)| axis.shows(*at)) {
        let class = if *over { "told over" } else { "told" };
        let x = axis.x(*at);
        out.push_str(&line(class, (x, top - 3.0), (x, top + BAR + 3.0)));
    }
    out
}

fn strokes(times: &[(Nanos, Nanos)], class: &str, axis: Axis, y: f64) -> String {
    let shown = times
        .iter()
        .filter(|(from, to)| *to >= axis.from && *from <= axis.to);
    shown
        .map(|(from, to)| {
            let left = axis.x(*from);
            line(class, (left, y), (axis.x(*to).max(left + 1.5), y))
        })
        .collect()
}

fn class(role: Role) -> &'static str {
    match role {
        Role::Primary => "role primary",
        Role::Replica => "role replica",
        Role::Other => "role other",
        Role::Unreachable => "role unreachable",
    }
}
