//! Two runs side by side: what they came to, and what differs in what they ran on.

use std::collections::BTreeMap;

use askama::Template;

use crate::{
    archive::{Run, Summary},
    report::view::text,
    score::LineState,
};

use super::{class, outcome, recovery, rendered, started};

#[derive(Template)]
#[template(path = "compare.html", config = "src/report/pages/askama.toml")]
struct Compare<'a> {
    runs: [&'a Run; 2],
    lines: Vec<LineRow>,
    differences: Vec<[String; 3]>,
}

/// One target line in both runs: value and state, or nothing where the run has no such line.
struct LineRow {
    figure: String,
    sides: [Option<(String, String, LineState)>; 2],
}

/// Two runs side by side.
pub fn compare(a: &Run, b: &Run) -> String {
    let runs = [a, b];
    let summaries = runs.map(|run| run.summary.as_ref());
    rendered(&Compare {
        runs,
        lines: lines(summaries),
        differences: differences(summaries),
    })
}

impl Compare<'_> {
    fn outcome(&self, run: &Run) -> &'static str {
        outcome(run)
    }

    fn class(&self, run: &Run) -> &'static str {
        class(run)
    }

    fn started(&self, run: &Run) -> String {
        started(run)
    }

    fn recovery(&self, run: &Run) -> String {
        recovery(run)
    }

    fn state(&self, state: &LineState) -> &'static str {
        text::state(*state)
    }

    fn sentence<'r>(&self, run: &'r Run) -> &'r str {
        run.summary
            .as_ref()
            .map_or("no result", |it| it.scorecard.sentence.as_str())
    }
}

fn lines(summaries: [Option<&Summary>; 2]) -> Vec<LineRow> {
    let mut figures: Vec<&str> = Vec::new();
    for line in summaries
        .iter()
        .flatten()
        .flat_map(|it| &it.scorecard.lines)
    {
        if !figures.contains(&line.figure.as_str()) {
            figures.push(&line.figure);
        }
    }
    let side = |summary: Option<&Summary>, figure: &str| {
        let line = summary?
            .scorecard
            .lines
            .iter()
            .find(|line| line.figure == figure)?;
        Some((line.measured.clone(), line.target.clone(), line.state))
    };
    let row = |figure: &&str| LineRow {
        figure: (*figure).to_owned(),
        sides: summaries.map(|summary| side(summary, figure)),
    };
    figures.iter().map(row).collect()
}

/// What the runs ran on, where it differs: name, first, second.
fn differences(summaries: [Option<&Summary>; 2]) -> Vec<[String; 3]> {
    let [a, b] = summaries.map(|summary| summary.map(facts).unwrap_or_default());
    let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
    names.sort();
    names.dedup();
    let said = |facts: &BTreeMap<String, String>, name: &String| {
        facts.get(name).cloned().unwrap_or_else(|| "none".into())
    };
    names
        .into_iter()
        .filter(|name| a.get(*name) != b.get(*name))
        .map(|name| [name.clone(), said(&a, name), said(&b, name)])
        .collect()
}

fn facts(summary: &Summary) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::from([
        ("drdrill".to_owned(), summary.run.drdrill.clone()),
        ("seed".to_owned(), summary.run.seed.clone()),
    ]);
    if let Some(stood) = &summary.system {
        facts.insert("server".into(), stood.server.clone());
        facts.insert("topology".into(), stood.topology.clone());
        facts.insert("route".into(), stood.route.clone());
    }
    for setting in &summary.effective_settings {
        facts.insert(
            format!("setting {} ({})", setting.name, setting.source),
            setting.value.clone(),
        );
    }
    for image in &summary.images {
        facts.insert(format!("image {}", image.reference), image.digest.clone());
    }
    for fact in &summary.environment {
        facts.insert(fact.name.clone(), fact.value.clone());
    }
    facts
}
