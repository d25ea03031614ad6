//! The quarterly report over real runs: it claims what the records show, in red what they do not.

use std::{collections::BTreeMap, fs, process::Command};

use drdrill::{
    archive::{Archive, Quarter, Tracking, controls, review},
    report::quarterly::{Standing, quarterly},
    scenario::Goal,
    time::wall_now,
};

use crate::{drill_rig::DRDRILL, evidence_rig::Reports};

/// The quarter of today.
pub fn this_quarter() -> Quarter {
    let today = wall_now().strftime("%Y %m").to_string();
    let (year, month) = today.split_once(' ').expect("two numbers");
    let month: u32 = month.parse().expect("a month");
    format!("{year}Q{}", (month - 1) / 3 + 1)
        .parse()
        .expect("a quarter")
}

#[test]
fn a_quarter_shows_coverage_targets_minutes_findings_and_gaps() {
    let reports = Reports::signed();
    // The newest run misses its target: the finding is new.
    reports.forge(9, |opened| {
        opened.overrides = vec![("targets.rto".into(), "100ms".into())];
        opened.scenario.targets.rto = "100ms".parse().map(Goal::Limit).ok();
    });
    let archive = Archive::read(reports.path()).expect("an archive");
    let allowed = BTreeMap::from([("reference".to_owned(), 99.999)]);
    let modes = ["kill", "stop"].map(str::to_owned);
    let offered = BTreeMap::from([("mongodb".to_owned(), modes.into())]);
    let review = review(
        &archive,
        this_quarter(),
        &["mongodb".to_owned()],
        &offered,
        &allowed,
    );
    let document = quarterly(&review, &controls(&review), &Standing::default());
    let text = document.markdown();
    for words in [
        "| failure mode | reference |",
        "| mongodb | 2 | 0 | 0 | 0 | **2** | kill, stop |",
        "target-missed: rto",
        "| reference | kill | 99.999 % | 0.44 min |",
        "rto in 1 run",
        "**REQUIRES INPUT**",
        "with a fault whose effect was verified: 20261121",
        "| NIST SP 800-53 CP-4(2) | test at the alternate processing site | nothing |",
    ] {
        let plain = text.replace('\\', "");
        assert!(plain.contains(words), "`{words}` is not in {plain}");
    }
    let open: Vec<Tracking> = review.findings.iter().map(|it| it.status).collect();
    assert_eq!(open, [Tracking::New]);
    assert_eq!(
        document,
        quarterly(&review, &controls(&review), &Standing::default())
    );
    assert!(document.html().contains("<td class=\"bad\">2</td>"));
    let matrix = document
        .sections
        .iter()
        .find(|it| it.title.ends_with("were drilled"));
    let rows: Vec<&str> = matrix
        .iter()
        .flat_map(|it| &it.rows)
        .map(|row| row[0].text.as_str())
        .collect();
    assert_eq!(rows, ["kill"], "only what was drilled has a row");
}

#[test]
fn a_system_without_an_availability_target_is_named_with_the_way_to_give_one() {
    let reports = Reports::signed();
    let archive = Archive::read(reports.path()).expect("an archive");
    let told = |allowed: &BTreeMap<String, f64>| {
        let review = review(&archive, this_quarter(), &[], &BTreeMap::new(), allowed);
        let text = quarterly(&review, &controls(&review), &Standing::default()).markdown();
        let modes: Vec<String> = review.spent.iter().map(|it| it.mode.clone()).collect();
        (modes, text.replace('\\', ""))
    };
    let words = "name one with `--availability reference=PERCENT`";
    let (modes, text) = told(&BTreeMap::new());
    assert!(modes.is_empty(), "{modes:?}");
    assert!(text.contains(words), "{text}");
    let (modes, text) = told(&BTreeMap::from([("reference".to_owned(), 99.9)]));
    assert_eq!(modes, ["kill"]);
    assert!(!text.contains(words), "{text}");
}

#[test]
fn a_finding_is_closed_by_a_later_run_that_does_not_show_it() {
    let reports = Reports::signed();
    let slow = |opened: &mut drdrill::record::Opened| {
        opened.overrides = vec![("targets.rto".into(), "100ms".into())];
        opened.scenario.targets.rto = "100ms".parse().map(Goal::Limit).ok();
    };
    reports.forge(9, slow);
    reports.forge(10, |_| {});
    let archive = Archive::read(reports.path()).expect("an archive");
    let review = review(
        &archive,
        this_quarter(),
        &[],
        &BTreeMap::new(),
        &BTreeMap::new(),
    );
    assert_eq!(review.findings.len(), 1);
    assert_eq!(review.findings[0].status, Tracking::Closed);
    let closed_by = review.findings[0].closed_by.expect("a run");
    assert_eq!(
        Some(closed_by.id.to_string()),
        review.runs.last().map(|run| run.id.to_string())
    );
}

#[test]
fn an_empty_quarter_has_expired_cells_and_claims_nothing() {
    let reports = Reports::signed();
    let archive = Archive::read(reports.path()).expect("an archive");
    let later: Quarter = "2199Q1".parse().expect("a quarter");
    let review = review(&archive, later, &[], &BTreeMap::new(), &BTreeMap::new());
    assert!(
        controls(&review)
            .iter()
            .all(|control| control.shown.is_empty())
    );
    let text = quarterly(&review, &controls(&review), &Standing::default()).markdown();
    assert!(text.contains("**expired: 20"), "{text}");
    assert!(text.contains("0 runs of 0 scenarios"), "{text}");
}

#[test]
fn the_command_verifies_what_it_reports_on() {
    let reports = Reports::signed();
    let out = tempfile::tempdir().expect("a folder");
    let key = reports.key.public().line();
    let quarter = this_quarter().to_string();
    let report = || {
        Command::new(DRDRILL)
            .arg("report")
            .arg(reports.path())
            .args(["--quarter", &quarter, "--key", &key, "--out"])
            .arg(out.path())
            .output()
            .expect("the binary starts")
    };
    assert_eq!(report().status.code(), Some(0));
    let read = || fs::read_to_string(out.path().join(format!("{quarter}.md"))).expect("a report");
    assert!(
        read().contains("3 sealed runs and the register verify"),
        "{}",
        read()
    );
    reports.edit(0, "report.md", "rto", "RTO");
    assert_eq!(report().status.code(), Some(6));
    assert!(
        read().contains("THE EVIDENCE DOES NOT VERIFY"),
        "{}",
        read()
    );
}
