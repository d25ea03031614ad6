//! The outage picture as SVG: operations and latency over one time axis, with faults and milestones.

use crate::{
    record::DisruptionKind,
    report::view::{
        Picture,
        picture::{Bin, Series},
        text,
    },
    time::Nanos,
};

use super::{
    axes::{Axis, Sheet, c, decade, label, line, rect, round_up, short},
    bands::{BAND, alert_bands, bands},
};

const OPERATIONS: f64 = 150.0;
const LATENCY: f64 = 120.0;
const GAP: f64 = 40.0;
const MARK_ROW: f64 = 20.0;
/// Outcomes in stacking order: index in the bin, class.
const STACK: [(usize, &str); 5] = [
    (0, "ok"),
    (1, "conflict"),
    (3, "info"),
    (2, "fail"),
    (4, "shed"),
];

/// What tells outcomes and roles from each other without colours; once a page.
const PATTERNS: &str = "<defs>\n\
    <pattern id=\"p-fail\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\"><rect class=\"fail\" width=\"6\" height=\"6\"/><path class=\"fail-lines\" d=\"M-1 1L1 -1M0 6L6 0M5 7L7 5\"/></pattern>\n\
    <pattern id=\"p-info\" width=\"6\" height=\"4\" patternUnits=\"userSpaceOnUse\"><rect class=\"info\" width=\"6\" height=\"4\"/><path class=\"info-lines\" d=\"M0 2H6\"/></pattern>\n\
    <pattern id=\"p-conflict\" width=\"4\" height=\"6\" patternUnits=\"userSpaceOnUse\"><rect class=\"conflict\" width=\"4\" height=\"6\"/><path class=\"conflict-lines\" d=\"M2 0V6\"/></pattern>\n\
    <pattern id=\"p-other\" width=\"5\" height=\"6\" patternUnits=\"userSpaceOnUse\"><rect class=\"other-back\" width=\"5\" height=\"6\"/><path class=\"role-lines\" d=\"M2 0V6\"/></pattern>\n\
    <pattern id=\"p-unreachable\" width=\"9\" height=\"9\" patternUnits=\"userSpaceOnUse\"><rect class=\"unreachable-back\" width=\"9\" height=\"9\"/><path class=\"role-lines\" d=\"M0 0L9 9\"/></pattern>\n\
    </defs>\n";

/// The detailed picture.
pub(super) fn detail(picture: &Picture, sheet: Sheet) -> String {
    let axis = axis(picture, &picture.detail, sheet);
    let (marks, head) = marks(picture, axis);
    let top = head + 36.0;
    let middle = top + OPERATIONS + GAP;
    let bottom = middle + LATENCY + GAP;
    let alerts = bottom + BAND * picture.nodes.len() as f64;
    let end = alerts + BAND * picture.alerts.len() as f64;
    let height = end + 30.0;
    let mut out = open(
        sheet,
        height,
        "outage",
        "Operations, latency and roles around the disruption",
    );
    if sheet == Sheet::Desk {
        out.push_str(PATTERNS);
    }
    out.push_str(&faults(picture, axis, (head + 4.0, end)));
    out.push_str(&grid(axis, (top, end), end + 16.0));
    out.push_str(&operations(&picture.detail, axis, top, OPERATIONS));
    out.push_str(&latency(&picture.detail, axis, middle));
    out.push_str(&bands(picture, axis, bottom));
    out.push_str(&alert_bands(picture, axis, alerts));
    out.push_str(&marks_lines(picture, axis, (head, end)));
    out.push_str(&injections(picture, axis, (head + 4.0, end)));
    out.push_str(&target(picture, axis, (head + 18.0, bottom - GAP)));
    out.push_str(&marks);
    out.push_str("</svg>\n");
    out
}

/// The whole run, where the detailed picture shows a part of it.
pub(super) fn overview(picture: &Picture, sheet: Sheet) -> Option<String> {
    let series = picture.overview.as_ref()?;
    let axis = axis(picture, series, sheet);
    let (top, height) = (24.0, 56.0);
    let end = top + height;
    let mut out = open(
        sheet,
        end + 24.0,
        "overview",
        "Operations over the whole run",
    );
    out.push_str(&faults(picture, axis, (6.0, end)));
    let part = (axis.x(picture.detail.from), axis.x(picture.detail.to()));
    out.push_str(&rect(
        "part",
        (part.0, top),
        (part.1, end),
        "the part shown in detail",
    ));
    out.push_str(&grid(axis, (top, end), end + 16.0));
    out.push_str(&operations(series, axis, top, height));
    out.push_str(&injections(picture, axis, (6.0, end)));
    if picture.target.as_ref().is_some_and(|it| axis.shows(it.at)) {
        out.push_str(&target(picture, axis, (6.0, end)));
    }
    out.push_str("</svg>\n");
    Some(out)
}

fn axis(picture: &Picture, series: &Series, sheet: Sheet) -> Axis {
    Axis {
        from: series.from,
        to: series.to(),
        zero: picture.zero,
        sheet,
    }
}

fn open(sheet: Sheet, height: f64, id: &str, title: &str) -> String {
    let (width, height, name) = (sheet.width(), c(height), sheet.name());
    let id = format!("{id}-{name}");
    format!(
        "<svg class=\"{name}\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\n\
         <title id=\"{id}-title\">{title}</title>\n\
         <desc id=\"{id}-desc\">The tables below the picture hold the same data.</desc>\n"
    )
}

/// Shaded windows from injection to heal.
fn faults(picture: &Picture, axis: Axis, span: (f64, f64)) -> String {
    let mut out = String::new();
    for fault in &picture.faults {
        let to = fault.to.unwrap_or(axis.to);
        if to < axis.from || fault.from > axis.to {
            continue;
        }
        let (left, right) = (axis.x(fault.from), axis.x(to));
        out.push_str(&rect(
            "fault",
            (left, span.0),
            (right, span.1),
            &fault.label,
        ));
    }
    out
}

/// The moment of each injection, over the bars, with what it was and when it was undone.
fn injections(picture: &Picture, axis: Axis, span: (f64, f64)) -> String {
    let mut out = String::new();
    for fault in picture.faults.iter().filter(|fault| axis.shows(fault.from)) {
        let x = axis.x(fault.from);
        let name = short(&fault.label, axis.sheet.note());
        let note = match fault.to {
            _ if fault.kind != DisruptionKind::Fault || axis.sheet == Sheet::Phone => name,
            Some(healed) => format!("{name}, undone {}", text::offset(healed, picture.zero)),
            None => format!("{name}, not undone"),
        };
        out.push_str(&line("injected", (x, span.0), (x, span.1)));
        if beyond_the_middle(axis, x) {
            out.push_str(&label(x - 5.0, span.0 + 11.0, "faultname end", &note));
        } else {
            out.push_str(&label(x + 5.0, span.0 + 11.0, "faultname", &note));
        }
    }
    out
}

/// Whether a word beside this place is to stand left of it.
fn beyond_the_middle(axis: Axis, x: f64) -> bool {
    x > (axis.sheet.left() + axis.sheet.right()) * 0.6
}

/// The moment by which the service had to be back, or where it lies when the picture ends before it.
fn target(picture: &Picture, axis: Axis, span: (f64, f64)) -> String {
    let Some(target) = &picture.target else {
        return String::new();
    };
    let words = format!("rto target {}", target.label);
    let y = span.0 + 10.0;
    if !axis.shows(target.at) {
        let right = axis.sheet.right();
        return label(right, y, "rtoname end", &format!("{words} \u{2192}"));
    }
    let x = axis.x(target.at);
    let (place, class) = if beyond_the_middle(axis, x) {
        (x - 5.0, "rtoname end")
    } else {
        (x + 5.0, "rtoname")
    };
    line("rto", (x, span.0), (x, span.1)) + &label(place, y, class, &words)
}

fn grid(axis: Axis, span: (f64, f64), baseline: f64) -> String {
    let mut out = String::new();
    for (x, text) in axis.ticks() {
        out.push_str(&line("grid", (x, span.0), (x, span.1)));
        out.push_str(&label(x, baseline, "tick mid", &text));
    }
    out
}

/// Stacked counts per bin by outcome.
fn operations(series: &Series, axis: Axis, top: f64, height: f64) -> String {
    let most = series.bins.iter().map(|bin| bin.counts.iter().sum()).max();
    let scale = round_up(most.unwrap_or(0).max(1));
    let bottom = top + height;
    let y = |number: u64| bottom - number as f64 / scale as f64 * height;
    let (start, end) = (axis.sheet.left(), axis.sheet.right());
    let mut out = String::new();
    if height > 100.0 {
        let per = series.width_ns / 1_000_000;
        out.push_str(&label(
            4.0,
            top - 13.0,
            "panel",
            &format!("operations per {per} ms"),
        ));
        for number in [scale / 2, scale] {
            out.push_str(&line("grid", (start, y(number)), (end, y(number))));
            out.push_str(&label(
                start - 8.0,
                y(number) + 4.0,
                "tick end",
                &number.to_string(),
            ));
        }
    } else {
        out.push_str(&label(4.0, top + 12.0, "panel", "whole run"));
    }
    for (index, bin) in series.bins.iter().enumerate() {
        let from = Nanos(series.from.0 + index as u64 * series.width_ns);
        let to = Nanos(from.0 + series.width_ns);
        let (left, right) = (axis.x(from), axis.x(to));
        let mut parts = String::new();
        let mut below = 0;
        for (outcome, class) in STACK {
            let number = bin.counts[outcome];
            if number > 0 {
                let corner = (left + 0.4, y(below + number));
                parts.push_str(&rect(class, corner, (right - 0.4, y(below)), ""));
            }
            below += number;
        }
        if below > 0 {
            let said = told(bin, from, axis.zero);
            out.push_str(&format!(
                "<g class=\"bars\"><title>{said}</title>{parts}</g>\n"
            ));
        }
    }
    out.push_str(&line("base", (start, bottom), (end, bottom)));
    out
}

fn told(bin: &Bin, from: Nanos, zero: Nanos) -> String {
    let [ok, conflict, fail, info, shed] = bin.counts;
    let at = text::offset(from, zero);
    format!("from {at}: ok {ok}, conflict {conflict}, fail {fail}, info {info}, shed {shed}")
}

/// Latency of ok operations per bin on a logarithmic scale.
fn latency(series: &Series, axis: Axis, top: f64) -> String {
    let (start, end) = (axis.sheet.left(), axis.sheet.right());
    let mut out = label(4.0, top - 13.0, "panel", "latency of ok operations");
    let values = series.bins.iter().filter_map(|bin| bin.latency);
    let bounds = values.fold(None, |bounds: Option<(u64, u64)>, [low, _, high]| {
        let (a, b) = bounds.unwrap_or((low, high));
        Some((a.min(low), b.max(high)))
    });
    let bottom = top + LATENCY;
    out.push_str(&line("base", (start, bottom), (end, bottom)));
    let Some((low, high)) = bounds else {
        let middle = (start + end) / 2.0;
        out.push_str(&label(
            middle,
            top + LATENCY / 2.0,
            "tick mid",
            "no operation was ok",
        ));
        return out;
    };
    let first = (low.max(1) as f64).log10().floor();
    let last = (high.max(1) as f64).log10().ceil().max(first + 1.0);
    let y = |ns: u64| {
        let share = ((ns.max(1) as f64).log10() - first) / (last - first);
        bottom - share * LATENCY
    };
    for power in (first as i32)..=(last as i32) {
        let value = 10f64.powi(power);
        let y = bottom - (f64::from(power) - first) / (last - first) * LATENCY;
        out.push_str(&line("grid", (start, y), (end, y)));
        out.push_str(&label(start - 8.0, y + 4.0, "tick end", &decade(value)));
    }
    let x = |index: usize| {
        axis.x(Nanos(
            series.from.0 + index as u64 * series.width_ns + series.width_ns / 2,
        ))
    };
    for (index, bin) in series.bins.iter().enumerate() {
        if let Some([_, _, max]) = bin.latency {
            let (x, y) = (c(x(index)), c(y(max)));
            out.push_str(&format!(
                "<circle class=\"max\" cx=\"{x}\" cy=\"{y}\" r=\"1.7\"/>\n"
            ));
        }
    }
    for (which, class) in [(1, "p99"), (0, "p50")] {
        let points = series.bins.iter().enumerate().map(|(index, bin)| {
            let value = bin.latency?[which];
            Some((x(index), y(value)))
        });
        out.push_str(&path(class, points));
    }
    out
}

/// A line through points, broken where there is none.
fn path(class: &str, points: impl Iterator<Item = Option<(f64, f64)>>) -> String {
    let mut data = String::new();
    let mut pen = false;
    for point in points {
        if let Some((x, y)) = point {
            // A lone point would draw nothing without a line to itself.
            let (x, y) = (c(x), c(y));
            data.push_str(&if pen {
                format!("L{x} {y}")
            } else {
                format!("M{x} {y}L{x} {y}")
            });
        }
        pen = point.is_some();
    }
    format!("<path class=\"{class}\" d=\"{data}\"/>\n")
}

/// Numbered circles above the plots, in as many rows as they need, and the height of the rows.
fn marks(picture: &Picture, axis: Axis) -> (String, f64) {
    let mut out = String::new();
    let mut rows: Vec<f64> = Vec::new();
    for mark in picture.marks.iter().filter(|mark| axis.shows(mark.at)) {
        let x = axis.x(mark.at);
        let row = rows.iter().position(|last| x - last > 19.0);
        let row = row.unwrap_or_else(|| {
            rows.push(f64::MIN);
            rows.len() - 1
        });
        rows[row] = x;
        let y = 10.0 + row as f64 * MARK_ROW;
        let title = format!("{} {}", mark.label, text::offset(mark.at, axis.zero));
        out.push_str(&format!(
            "<g><title>{title}</title><circle class=\"number\" cx=\"{}\" cy=\"{}\" r=\"8\"/>",
            c(x),
            c(y)
        ));
        out.push_str(&label(
            x,
            y + 3.7,
            "numbertext mid",
            &mark.number.to_string(),
        ));
        out.push_str("</g>\n");
    }
    (out, rows.len() as f64 * MARK_ROW)
}

fn marks_lines(picture: &Picture, axis: Axis, span: (f64, f64)) -> String {
    let shown = picture.marks.iter().filter(|mark| axis.shows(mark.at));
    shown
        .map(|mark| {
            let x = axis.x(mark.at);
            line("milestone", (x, span.0), (x, span.1))
        })
        .collect()
}
