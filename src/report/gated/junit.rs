//! The decisions as JUnit XML: a suite per scenario, with a case for the gate and one per target line.

use quick_junit::{NonSuccessKind, Report, TestCaseStatus, TestSuite};

use crate::gate::State;

use super::super::junit::{ascii, case, line_cases, not_ok, xml};
use super::Gated;

/// Renders the decisions as JUnit XML.
pub fn gate_junit(gated: &[Gated<'_>]) -> String {
    let mut report = Report::new("drdrill gate");
    for it in gated {
        let class = format!("drill.{}.{}", ascii(&it.scenario), ascii(it.system()));
        let mut suite = TestSuite::new(class.clone());
        suite.extra.insert("file".into(), ascii(it.file()).into());
        suite.add_test_case(case("gate".into(), &class, status(it)));
        let lines = it
            .newest()
            .map(|summary| summary.scorecard.lines.as_slice());
        for case in line_cases(lines.unwrap_or_default(), &class, "gate") {
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    xml(&report)
}

fn status(gated: &Gated<'_>) -> TestCaseStatus {
    let sentence = format!(
        "{}: {}",
        gated.decision.state.word(),
        gated.decision.sentence
    );
    match gated.decision.state {
        State::Pass => TestCaseStatus::success(),
        State::TargetMissed | State::Regression => not_ok(NonSuccessKind::Failure, &sentence),
        State::Inconclusive | State::Evidence => not_ok(NonSuccessKind::Error, &sentence),
    }
}
