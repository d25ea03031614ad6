//! `drdrill prune` on real runs: what goes leaves a signed line, counts nowhere any more, and nothing else may go.

use std::{collections::BTreeMap, fs};

use drdrill::{
    archive::{Archive, review, trend},
    report::{
        history_json,
        quarterly::{Standing, quarterly},
    },
    scenario::Goal,
    time::wall_now,
};

use crate::{evidence_rig::Reports, quarter::this_quarter};

#[test]
fn the_oldest_runs_go_and_what_is_left_verifies_and_goes_on() {
    let reports = Reports::signed();
    let (exit, said) = reports.prune(&["--keep", "1", "--dry-run"]);
    assert_eq!(exit, 0, "{said}");
    assert!(said.contains("2 runs would go, 1 stay"), "{said}");
    assert!(reports.runs.iter().all(|run| run.is_dir()));
    let (exit, said) = reports.prune(&["--keep", "1"]);
    assert_eq!(exit, 0, "{said}");
    let there: Vec<bool> = reports.runs.iter().map(|run| run.is_dir()).collect();
    assert_eq!(there, [false, false, true]);
    let said = reports.verify(&["--head", &reports.head()]);
    assert_eq!((said.exit, said.problems), (0, vec![]));
    assert_eq!(said.json["register"]["pruned"], 2);
    assert_eq!(said.json["runs"].as_array().map(Vec::len), Some(1));
    reports.forge(9, |_| {});
    assert_eq!(reports.verify(&[]).problems, [""; 0]);
    let (exit, said) = reports.prune(&["--keep", "1"]);
    assert_eq!(exit, 0, "{said}");
    assert_eq!(reports.verify(&[]).problems, [""; 0]);
}

/// By the clock it would be the oldest.
#[test]
fn a_run_whose_clock_was_set_back_is_the_newest_if_it_was_registered_last() {
    let reports = Reports::signed();
    let month_ago = wall_now() - jiff::SignedDuration::from_hours(24 * 30);
    let newest = reports.forge(9, |opened| opened.started = month_ago.to_string());
    let (exit, said) = reports.prune(&["--keep", "1"]);
    assert_eq!(exit, 0, "{said}");
    assert!(newest.is_dir(), "{said}");
    assert!(reports.runs.iter().all(|run| !run.exists()), "{said}");
    assert_eq!(reports.verify(&[]).problems, [""; 0]);
}

#[test]
fn a_folder_removed_without_a_line_stays_a_deleted_run() {
    let reports = Reports::signed();
    fs::remove_dir_all(&reports.runs[0]).expect("a folder");
    let (exit, said) = reports.prune(&["--keep", "1"]);
    assert_eq!(exit, 6, "{said}");
    assert!(said.contains("nothing was removed"), "{said}");
    assert!(reports.runs[1].is_dir());
    assert!(reports.verify(&[]).problems[0].contains("deleted"));
}

#[test]
fn what_was_altered_does_not_go_and_neither_does_what_is_young() {
    let reports = Reports::signed();
    let (exit, said) = reports.prune(&["--keep", "1", "--older-than", "1d"]);
    assert_eq!(exit, 0, "{said}");
    assert!(said.contains("0 runs pruned, 3 stay"), "{said}");
    reports.edit(1, "report.md", "rto", "RTO");
    let (exit, said) = reports.prune(&["--keep", "1"]);
    assert_eq!(exit, 6, "{said}");
    assert!(said.contains("report.md: altered"), "{said}");
    assert!(
        reports.runs.iter().all(|run| run.is_dir()),
        "not the run before it either"
    );
    assert_eq!(reports.prune(&["--keep", "0"]).0, 2);
}

#[test]
fn an_interrupted_prune_is_finished_by_the_next() {
    let reports = Reports::signed();
    let kept = tempfile::tempdir().expect("a folder");
    let copy = kept.path().join("run");
    fs::create_dir(&copy).expect("a folder");
    fs::copy(
        reports.runs[0].join("events.jsonl"),
        copy.join("events.jsonl"),
    )
    .expect("a copy");
    assert_eq!(reports.prune(&["--keep", "2"]).0, 0);
    // As it lies there when the machine stops in the middle: the line is written, some files are left.
    fs::rename(&copy, &reports.runs[0]).expect("a folder");
    assert_eq!(reports.verify(&[]).exit, 6);
    let (exit, said) = reports.prune(&["--keep", "2"]);
    assert_eq!(exit, 0, "{said}");
    assert_eq!(reports.verify(&[]).problems, [""; 0]);
}

#[test]
fn a_pruned_run_counts_nowhere_and_is_named() {
    let reports = Reports::signed();
    let before = Archive::read(reports.path()).expect("an archive");
    let scenario = before.scenarios()[0].to_owned();
    assert_eq!(trend(&before, &scenario).verdicts[0], 3);
    assert_eq!(reports.prune(&["--keep", "1"]).0, 0);
    let archive = Archive::read(reports.path()).expect("an archive");
    assert_eq!(archive.runs.iter().filter(|run| run.counts()).count(), 1);
    let trend = trend(&archive, &scenario);
    assert_eq!((trend.runs.len(), trend.verdicts), (3, [1, 0, 0, 0, 0]));
    let shown = history_json(&[trend]).to_string();
    assert_eq!(
        shown.matches("\"outcome\":\"pruned\"").count(),
        2,
        "{shown}"
    );
    let review = review(
        &archive,
        this_quarter(),
        &[],
        &BTreeMap::new(),
        &BTreeMap::new(),
    );
    assert_eq!(review.scenarios[0].verdicts, [1, 0, 0]);
    let text = quarterly(&review, &[], &Standing::default()).markdown();
    assert!(
        text.contains("1 met every target, 0 did not, 0 inconclusive, 2 pruned and not counted"),
        "{text}"
    );
    assert!(text.contains("pruned; registered as pass"), "{text}");
}

#[test]
fn repeats_that_were_started_together_go_together_or_stay() {
    let reports = Reports::signed();
    let seed = drdrill::seed::Seed(77);
    for number in 4..=6 {
        reports.forge(number, |opened| {
            (opened.seed, opened.attempt, opened.attempts) = (seed, number - 3, 3);
        });
    }
    let (exit, said) = reports.prune(&["--keep", "2"]);
    assert_eq!(exit, 0, "{said}");
    assert!(said.contains("3 runs pruned, 3 stay"), "{said}");
}

#[test]
fn each_variant_of_a_scenario_keeps_its_newest() {
    let reports = Reports::signed();
    reports.forge(9, |opened| {
        opened.overrides = vec![("targets.rto".into(), "100ms".into())];
        opened.scenario.targets.rto = "100ms".parse().map(Goal::Limit).ok();
    });
    let (exit, said) = reports.prune(&["--keep", "1"]);
    assert_eq!(exit, 0, "{said}");
    assert!(said.contains("2 runs pruned, 2 stay"), "{said}");
    assert_eq!(reports.verify(&[]).problems, [""; 0]);
}
