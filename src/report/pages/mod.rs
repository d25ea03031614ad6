//! The pages of a reports folder: all scenarios, one scenario, two runs side by side.

mod chart;
mod compare;

use askama::Template;

use crate::{
    archive::{Archive, Run, Trend},
    score::Verdict,
};

use super::{
    history::{changed, outcome, recovery, started},
    view::text,
};

pub use compare::compare;

/// Runs listed on a scenario's page.
const RUNS_MAX: usize = 300;

#[derive(Template)]
#[template(path = "overview.html", config = "src/report/pages/askama.toml")]
struct Overview<'a> {
    archive: &'a Archive,
    trends: &'a [Trend<'a>],
}

#[derive(Template)]
#[template(path = "scenario.html", config = "src/report/pages/askama.toml")]
struct Scenario<'a> {
    trend: &'a Trend<'a>,
    chart: String,
}

#[derive(Template)]
#[template(path = "message.html", config = "src/report/pages/askama.toml")]
struct Message<'a> {
    title: &'a str,
    text: &'a str,
}

/// All scenarios of a folder.
pub fn overview(archive: &Archive, trends: &[Trend<'_>]) -> String {
    rendered(&Overview { archive, trends })
}

/// One scenario: its trend and its runs.
pub fn scenario(trend: &Trend<'_>) -> String {
    rendered(&Scenario {
        trend,
        chart: chart::chart(trend),
    })
}

/// Something to say instead of a page.
pub fn message(title: &str, text: &str) -> String {
    rendered(&Message { title, text })
}

#[derive(Template)]
#[template(path = "back.html", config = "src/report/pages/askama.toml")]
struct Back<'a> {
    run: &'a Run,
}

/// A run's own page with a way back to its scenario at the top; all else of it stays as it is.
pub fn with_way_back(page: &str, run: &Run) -> String {
    page.replacen("<body>", &format!("<body>{}", rendered(&Back { run })), 1)
}

fn rendered(page: &impl Template) -> String {
    page.render().expect("writing to a string does not fail")
}

impl Overview<'_> {
    fn title(&self) -> String {
        let runs = text::plural(self.archive.runs.len() as u64, "run");
        let scenarios = text::plural(self.trends.len() as u64, "scenario");
        format!("{runs} of {scenarios}")
    }

    fn newest<'t>(&self, trend: &'t Trend<'_>) -> Option<&'t Run> {
        trend.runs.last().copied()
    }

    fn spark(&self, trend: &Trend<'_>) -> String {
        chart::spark(&trend.runs)
    }

    fn times(&self, trend: &Trend<'_>) -> (String, String) {
        let none = || ("none".to_owned(), "none".to_owned());
        trend.median_worst.map_or_else(none, |(median, worst)| {
            (text::nanoseconds(median), text::nanoseconds(worst))
        })
    }

    fn counts(&self, trend: &Trend<'_>) -> String {
        let [passed, failed, unsure, controls, open] = trend.verdicts;
        let named = [
            (passed, "passed"),
            (failed, "failed"),
            (unsure, "inconclusive"),
            (controls, "control"),
            (open, "without verdict"),
        ];
        let said = named.iter().filter(|(count, _)| *count > 0);
        let words: Vec<String> = said
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        words.join(", ")
    }

    fn changes(&self, trend: &Trend<'_>) -> Option<String> {
        trend.changes.last().map(changed)
    }

    fn outcome(&self, run: &Run) -> &'static str {
        outcome(run)
    }

    fn class(&self, run: &Run) -> &'static str {
        class(run)
    }

    fn recovery(&self, run: &Run) -> String {
        recovery(run)
    }

    fn started(&self, run: &Run) -> String {
        started(run)
    }
}

impl Scenario<'_> {
    fn runs(&self) -> impl Iterator<Item = &Run> {
        self.trend.runs.iter().rev().take(RUNS_MAX).copied()
    }

    fn beyond(&self) -> usize {
        self.trend.runs.len().saturating_sub(RUNS_MAX)
    }

    fn changes(&self) -> Vec<String> {
        self.trend.changes.iter().map(changed).collect()
    }

    fn summary(&self) -> &str {
        let newest = self
            .trend
            .runs
            .iter()
            .rev()
            .find_map(|run| run.summary.as_ref());
        newest.map_or("", |summary| summary.config.summary.as_str())
    }

    fn sentence<'r>(&self, run: &'r Run) -> &'r str {
        let unread = run.unread.as_deref().unwrap_or("no result");
        run.summary
            .as_ref()
            .map_or(unread, |it| it.scorecard.sentence.as_str())
    }

    fn outcome(&self, run: &Run) -> &'static str {
        outcome(run)
    }

    fn class(&self, run: &Run) -> &'static str {
        class(run)
    }

    fn recovery(&self, run: &Run) -> String {
        recovery(run)
    }

    fn started(&self, run: &Run) -> String {
        started(run)
    }
}

/// The class of a run's chip.
fn class(run: &Run) -> &'static str {
    match run.verdict {
        Some(Verdict::Pass) => "met",
        Some(Verdict::Fail) => "missed",
        Some(Verdict::Inconclusive | Verdict::Aborted) => "inconclusive",
        Some(Verdict::Control) | None => "any",
    }
}
