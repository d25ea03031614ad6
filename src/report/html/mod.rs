//! The report as one page that needs nothing from outside: no network, no fonts, no scripts.

mod axes;
mod bands;
mod chart;
#[cfg(test)]
mod contrast;

use askama::Template;

use crate::{
    check::Answer,
    score::{Line, LineState, Verdict},
};

use axes::Sheet;

use super::view::{ActionView, BoundView, PhaseView, Picture, Table, View, text, why};

/// Tiles above the table.
const TILES_MAX: usize = 4;
/// Lines of evidence shown per finding.
const EVIDENCE_MAX: usize = 20;

#[derive(Template)]
#[template(path = "page.html", config = "src/report/html/askama.toml")]
struct Page<'a> {
    view: &'a View,
    pictures: Vec<String>,
    overviews: Vec<String>,
    bins: Option<Table>,
    roles: Table,
}

/// Renders the page.
pub fn html(view: &View) -> String {
    let picture = view.picture.as_ref();
    let page = Page {
        view,
        pictures: drawn(picture, |picture, sheet| {
            Some(chart::detail(picture, sheet))
        }),
        overviews: drawn(picture, chart::overview),
        bins: picture.map(bins),
        roles: picture.map_or_else(Table::default, roles),
    };
    page.render()
        .expect("writing to a string does not fail")
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .flat_map(|line| [line, "\n"])
        .collect()
}

/// A picture once for each width.
fn drawn(picture: Option<&Picture>, draw: fn(&Picture, Sheet) -> Option<String>) -> Vec<String> {
    let sheets = |picture| {
        Sheet::ALL
            .into_iter()
            .filter_map(move |it| draw(picture, it))
    };
    picture.into_iter().flat_map(sheets).collect()
}

impl Page<'_> {
    fn shows_target(&self) -> bool {
        let picture = self.view.picture.as_ref();
        picture.is_some_and(|picture| picture.target.is_some())
    }

    fn why(&self) -> Table {
        why::table(&self.view.why)
    }

    fn word(&self, verdict: &Verdict) -> &'static str {
        text::verdict(*verdict)
    }

    fn state(&self, state: &LineState) -> &'static str {
        text::state(*state)
    }

    fn answer(&self, answer: &Answer) -> &'static str {
        text::answer(*answer)
    }

    /// The first two lines, RTO and RPO, and before all others those that are not met.
    fn tiles(&self) -> Vec<&Line> {
        let lines: Vec<&Line> = self.view.card.lines.iter().collect();
        let open = |line: &Line| matches!(line.state, LineState::Missed | LineState::Inconclusive);
        let mut order: Vec<usize> = (0..lines.len()).collect();
        order.sort_by_key(|index| (*index >= 2, !open(lines[*index]), *index));
        order.truncate(TILES_MAX);
        order.sort_unstable();
        order.into_iter().map(|index| lines[index]).collect()
    }

    fn evidence<'e>(&self, evidence: &'e [String]) -> &'e [String] {
        &evidence[..evidence.len().min(EVIDENCE_MAX)]
    }

    fn beyond(&self, evidence: &[String]) -> usize {
        evidence.len().saturating_sub(EVIDENCE_MAX)
    }

    fn zero_name(&self) -> &'static str {
        let picture = self.view.picture.as_ref();
        picture.map_or("the start", |picture| picture.zero_name)
    }

    fn count(&self, number: &u64) -> String {
        text::count(*number)
    }

    fn phase_bar(&self, phase: &PhaseView) -> String {
        let (from, to) = phase.bar;
        let width = (to.saturating_sub(from)).max(4);
        format!("<rect class=\"phase\" x=\"{from}\" y=\"2\" width=\"{width}\" height=\"10\"/>")
    }

    fn operator_bar(&self, step: &ActionView) -> String {
        let (from, to) = step.bar;
        let width = (to.saturating_sub(from)).max(4);
        format!("<rect class=\"operator\" x=\"{from}\" y=\"2\" width=\"{width}\" height=\"10\"/>")
    }

    fn bound_bar(&self, bound: &BoundView) -> String {
        let (low, high, measured) = bound.bar;
        let width = high.saturating_sub(low).max(4);
        let mut bar =
            format!("<rect class=\"bound\" x=\"{low}\" y=\"3\" width=\"{width}\" height=\"8\"/>");
        if let Some(at) = measured {
            let x = at.saturating_sub(3);
            bar.push_str(&format!(
                "<rect class=\"mark\" x=\"{x}\" y=\"0\" width=\"6\" height=\"14\"/>"
            ));
        }
        bar
    }
}

/// The picture's bins as a table, for those who cannot see it.
fn bins(picture: &Picture) -> Table {
    let mut table = Table::new(
        &[
            "from", "ok", "conflict", "fail", "info", "shed", "p50", "p99", "max",
        ],
        "No operation was intended in this time.",
    );
    let series = &picture.detail;
    for (index, bin) in series.bins.iter().enumerate() {
        let at = crate::time::Nanos(series.from.0 + index as u64 * series.width_ns);
        let [ok, conflict, fail, info, shed] = bin.counts.map(text::count);
        let [p50, p99, max] = match bin.latency {
            Some(latency) => latency.map(text::milliseconds),
            None => ["none ok"; 3].map(str::to_owned),
        };
        table.row([
            text::offset(at, picture.zero),
            ok,
            conflict,
            fail,
            info,
            shed,
            p50,
            p99,
            max,
        ]);
    }
    table
}

/// The roles as a table, for those who cannot see the picture.
fn roles(picture: &Picture) -> Table {
    let mut table = Table::new(
        &["node", "from", "to", "role by its own view"],
        "No node was asked.",
    );
    for node in &picture.nodes {
        for (from, to, role) in &node.roles {
            table.row([
                node.name.clone(),
                text::offset(*from, picture.zero),
                text::offset(*to, picture.zero),
                text::role(*role).into(),
            ]);
        }
    }
    table.first(200)
}
