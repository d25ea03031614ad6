//! The scorecard as JUnit XML, for what GitLab, Jenkins and annotating actions read of it.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::score::{Line, LineState, Verdict};

use super::view::{View, text};

/// Renders a run as JUnit XML.
pub fn junit(view: &View) -> String {
    let name = format!("drdrill {}", ascii(&view.title.scenario));
    several(&name, vec![suite(view)])
}

/// What a reader of JUnit calls a suite: a run.
pub struct Suite(TestSuite);

/// A report of several runs.
pub fn several(name: &str, suites: Vec<Suite>) -> String {
    let mut report = Report::new(ascii(name));
    for suite in suites {
        report.add_test_suite(suite.0);
    }
    xml(&report)
}

/// The suite of a drill that could not be carried to its end, and why.
pub fn unended(scenario: &str, why: &str) -> Suite {
    let class = format!("drill.{}", ascii(scenario));
    let status = not_ok(NonSuccessKind::Error, why);
    let mut suite = TestSuite::new(class.clone());
    suite.add_test_case(case("verdict".into(), &class, status));
    Suite(suite)
}

/// The suite of a run: its verdict, and a case for each target.
pub fn suite(view: &View) -> Suite {
    let title = &view.title;
    let class = format!("drill.{}.{}", ascii(&title.scenario), ascii(&title.system));
    let mut suite = TestSuite::new(class.clone());
    suite.extra.insert("id".into(), title.run.as_str().into());
    suite
        .extra
        .insert("timestamp".into(), title.started.as_str().into());
    suite.extra.insert("file".into(), ascii(&title.file).into());
    suite.add_test_case(case("verdict".into(), &class, verdict(view)));
    for case in line_cases(&view.card.lines, &class, "verdict") {
        suite.add_test_case(case);
    }
    Suite(suite)
}

/// The report as XML that strict readers take too: Jenkins' xUnit reader knows no `skipped` of all suites together.
pub(super) fn xml(report: &Report) -> String {
    let text = report
        .to_string()
        .expect("text that was stripped of control characters is XML");
    let skipped = |suite: &TestSuite| {
        suite
            .test_cases
            .iter()
            .filter(|it| matches!(it.status, TestCaseStatus::Skipped { .. }))
            .count()
    };
    let all: usize = report.test_suites.iter().map(skipped).sum();
    text.replacen(&format!(" skipped=\"{all}\""), "", 1)
}

/// A case per target line; `first` is a name that is taken.
pub(super) fn line_cases<'a>(
    lines: &'a [Line],
    class: &'a str,
    first: &str,
) -> impl Iterator<Item = TestCase> + 'a {
    let mut names: Vec<String> = vec![first.to_owned()];
    lines.iter().map(move |line| {
        let name = unique(&mut names, &ascii(&line.figure));
        let mut case = case(name, class, status(line));
        if let (true, Some(seconds)) = (line.figure.starts_with("rto"), line.value)
            && let Ok(time) = Duration::try_from_secs_f64(seconds)
        {
            case.set_time(time);
        }
        case
    })
}

/// A case; strict readers let it name no file: its suite does.
pub(super) fn case(name: String, class: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(class.to_owned());
    case
}

/// The verdict's own case: what makes a drill fail without missing a target is red too.
fn verdict(view: &View) -> TestCaseStatus {
    let mut sentence = format!(
        "{}: {}",
        text::verdict(view.card.verdict),
        view.card.sentence
    );
    for reason in &view.card.reasons {
        sentence.push_str(&format!(" {}: {}", reason.name, reason.text));
    }
    match view.card.verdict {
        Verdict::Pass | Verdict::Control => TestCaseStatus::success(),
        Verdict::Fail => not_ok(NonSuccessKind::Failure, &sentence),
        Verdict::Inconclusive | Verdict::Aborted => not_ok(NonSuccessKind::Error, &sentence),
    }
}

fn status(line: &Line) -> TestCaseStatus {
    let sentence = View::sentence(line);
    match line.state {
        LineState::Met => TestCaseStatus::success(),
        LineState::Missed => not_ok(NonSuccessKind::Failure, &sentence),
        LineState::Inconclusive => not_ok(NonSuccessKind::Error, &sentence),
        LineState::Any => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(ascii(&sentence));
            status.set_description(ascii(&sentence));
            status
        }
    }
}

/// The same sentence as message and as text: readers show one or the other.
pub(super) fn not_ok(kind: NonSuccessKind, sentence: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(ascii(sentence));
    status.set_type("drdrill");
    status.set_description(ascii(sentence));
    status
}

/// GitLab ignores a second case of the same name.
fn unique(names: &mut Vec<String>, wanted: &str) -> String {
    let mut name = wanted.to_owned();
    let mut number = 2;
    while names.contains(&name) {
        name = format!("{wanted}_{number}");
        number += 1;
    }
    names.push(name.clone());
    name
}

/// Plain words: annotating actions strip what is not ASCII, so it is written out or replaced here.
pub(super) fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '≤' => out.push_str("<="),
            '≥' => out.push_str(">="),
            '–' | '—' | '−' => out.push('-'),
            c if c.is_control() => out.push(' '),
            c if c.is_ascii() => out.push(c),
            _ => out.push('?'),
        }
    }
    out
}
