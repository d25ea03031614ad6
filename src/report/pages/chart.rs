//! Recovery times over runs as pictures.

use std::fmt::Write;

use crate::{
    archive::{Run, Trend},
    score::Verdict,
};

use super::super::{history::TREND_RUNS, view::text};
use super::{recovery, started};

/// The newest runs that a scenario's chart shows.
const CHART_RUNS: usize = 200;
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 28.0;

/// Where values lie on the picture.
struct Scale {
    high_ns: f64,
    step: f64,
}

impl Scale {
    fn y(&self, ns: f64) -> f64 {
        let share = if ns.is_finite() {
            (ns / self.high_ns).min(1.0)
        } else {
            1.0
        };
        HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
    }

    fn x(&self, index: usize) -> f64 {
        LEFT + (index as f64 + 0.5) * self.step
    }
}

/// A scenario's recovery times, its target, and where they changed.
pub fn chart(trend: &Trend<'_>) -> String {
    let runs = &trend.runs[trend.runs.len().saturating_sub(CHART_RUNS)..];
    let target = runs.last().and_then(|run| target_ns(run));
    let times = runs
        .iter()
        .filter_map(|run| run.rto_ns())
        .filter(|ns| ns.is_finite());
    let largest = times.chain(target).fold(0.0, f64::max);
    if largest <= 0.0 {
        return String::new();
    }
    let scale = Scale {
        high_ns: largest * 1.1,
        step: (WIDTH - LEFT) / runs.len().max(1) as f64,
    };
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"recovery time of the newest {} runs\">",
        runs.len()
    );
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let ns = scale.high_ns * share;
        let y = scale.y(ns);
        add(
            &mut svg,
            format_args!(
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text class=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                LEFT - 6.0,
                y + 4.0,
                text::seconds(ns as u64)
            ),
        );
    }
    if let Some(target) = target {
        let y = scale.y(target);
        add(
            &mut svg,
            format_args!(
                "<line class=\"rto\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text class=\"rtoname\" x=\"{:.1}\" y=\"{:.1}\">target</text>",
                LEFT + 4.0,
                y - 4.0
            ),
        );
    }
    for change in &trend.changes {
        if let Some(index) = runs.iter().position(|run| run.id == change.run.id) {
            let x = scale.x(index) - scale.step / 2.0;
            add(
                &mut svg,
                format_args!(
                    "<line class=\"milestone\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\">changed</text>",
                    HEIGHT - BOTTOM,
                    x + 4.0,
                    TOP + 4.0
                ),
            );
        }
    }
    for (index, run) in runs.iter().enumerate() {
        if let Some(ns) = run.rto_ns() {
            point(&mut svg, run, scale.x(index), scale.y(ns), scale.step);
        }
    }
    svg.push_str("</svg>");
    svg
}

fn point(svg: &mut String, run: &Run, x: f64, y: f64, step: f64) {
    let radius = (step * 0.4).clamp(2.0, 5.0);
    let circle = |class: &str| {
        format!("<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"/>")
    };
    let shape = match run.verdict {
        Some(Verdict::Pass | Verdict::Control) => circle("passed"),
        Some(Verdict::Fail) => {
            let [left, right] = [x - radius, x + radius];
            let [top, bottom] = [y - radius, y + radius];
            format!(
                "<path class=\"cross\" d=\"M{left:.1} {top:.1}L{right:.1} {bottom:.1}M{left:.1} {bottom:.1}L{right:.1} {top:.1}\"/>"
            )
        }
        Some(Verdict::Inconclusive | Verdict::Aborted) | None => circle("ring"),
    };
    add(
        svg,
        format_args!(
            "<a href=\"/run/{0}/report.html\"><title>{0}, {1}: {2}</title>{shape}</a>",
            run.id,
            started(run),
            recovery(run)
        ),
    );
}

fn target_ns(run: &Run) -> Option<f64> {
    let lines = &run.summary.as_ref()?.scorecard.lines;
    let line = lines.iter().find(|line| line.figure == "rto")?;
    line.limit.map(|seconds| seconds * 1e9)
}

/// The newest recovery times as a small line of bars.
pub fn spark(runs: &[&Run]) -> String {
    let runs = &runs[runs.len().saturating_sub(TREND_RUNS)..];
    let finite = runs
        .iter()
        .filter_map(|run| run.rto_ns())
        .filter(|ns| ns.is_finite());
    let largest = finite.fold(0.0, f64::max);
    let mut svg = "<svg class=\"spark\" viewBox=\"0 0 192 28\" aria-hidden=\"true\">".to_owned();
    for (index, run) in runs.iter().enumerate() {
        let share = match run.rto_ns() {
            Some(ns) if ns.is_finite() && largest > 0.0 => ns / largest,
            Some(ns) if ns.is_finite() => 0.0,
            Some(_) => 1.0,
            None => continue,
        };
        let class = match run.verdict {
            Some(Verdict::Fail) => "fail",
            Some(Verdict::Inconclusive | Verdict::Aborted) => "info",
            Some(Verdict::Pass | Verdict::Control) | None => "ok",
        };
        let height = (share * 26.0).max(2.0);
        add(
            &mut svg,
            format_args!(
                "<rect class=\"{class}\" x=\"{}\" y=\"{:.1}\" width=\"6\" height=\"{height:.1}\"/>",
                index * 8,
                28.0 - height
            ),
        );
    }
    svg.push_str("</svg>");
    svg
}

fn add(svg: &mut String, part: std::fmt::Arguments<'_>) {
    svg.write_fmt(part)
        .expect("writing to a string does not fail");
}
