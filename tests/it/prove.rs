//! `drdrill prove` on the reference store: a change that breaks it, one that breaks nothing, and none at all.

use std::{fs, path::Path, process::Command};

use crate::drill_rig::{DRDRILL, run_fit};

const SHIPPED: &str = "scenarios/reference/primary-kill.yaml";

/// The shipped scenario with other changes under `must-fail`, or none.
fn scenario(folder: &Path, changes: &str) -> std::path::PathBuf {
    let text = fs::read_to_string(SHIPPED).expect("it is shipped");
    let (plain, _) = text.split_once("must-fail:").expect("it names changes");
    let path = folder.join("drill.yaml");
    fs::write(&path, format!("{plain}{changes}")).expect("a scenario");
    path
}

/// Exit code and everything that was said.
fn proven(folder: &Path, changes: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let file = scenario(folder, changes);
    let reports = folder.join("reports");
    let output = run_fit(&reports, || {
        let mut drdrill = Command::new(DRDRILL);
        drdrill.arg("prove").arg(&file).args(arguments);
        drdrill.arg("--out").arg(&reports);
        drdrill.env("DRDRILL_STATE", folder.join("state"));
        drdrill.env("NO_COLOR", "1");
        drdrill
    });
    let said = [output.stderr, output.stdout].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

fn runs(folder: &Path) -> usize {
    fs::read_dir(folder.join("reports/reference-primary-kill")).map_or(0, Iterator::count)
}

#[test]
fn a_change_that_forgets_writes_turns_the_drill_red_and_stands_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let changes = "must-fail:\n  - with: { stack.reference.settings.defect: lose, stack.reference.settings.defect-amount: 20 }\n    misses: [rpo]\n";
    let (code, said) = proven(folder.path(), changes, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("1 of 1 changes turned their drill red"),
        "{said}"
    );
    assert_eq!(runs(folder.path()), 2, "{said}");
    let output = Command::new(DRDRILL)
        .args(["history", "--systems"])
        .arg(folder.path().join("reports"))
        .output()
        .expect("the binary starts");
    let table = String::from_utf8_lossy(&output.stdout);
    let mut lines = table.lines().filter(|line| line.contains("| 1/0/0/0 |"));
    let green = lines.next().expect("the drill as it is");
    assert!(
        green.contains("defect=lose") && green.contains("(run 2"),
        "{table}"
    );
}

#[test]
fn a_change_that_breaks_nothing_is_no_proof() {
    let folder = tempfile::tempdir().expect("a folder");
    let changes =
        "must-fail:\n  - with: { stack.reference.settings.detect: 600ms }\n    misses: [rto]\n";
    let (code, said) = proven(folder.path(), changes, &["--red"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("NOT RED"), "{said}");
    assert!(
        said.contains("`rto` not missed with stack.reference.settings.detect=600ms"),
        "{said}"
    );
    assert!(said.contains("0 of 1 changes"), "{said}");
    assert_eq!(runs(folder.path()), 1, "the drill as it is was not wanted");
}

#[test]
fn a_scenario_that_names_no_change_is_not_proven_and_not_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, said) = proven(folder.path(), "", &[]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("has no `must-fail`"), "{said}");
    assert_eq!(runs(folder.path()), 0);
}

#[test]
fn a_change_with_which_the_drill_cannot_be_run_is_shown_at_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let changes =
        "must-fail:\n  - with: { stack.reference.settings.detekt: 600ms }\n    misses: [rto]\n";
    let (code, said) = proven(folder.path(), changes, &[]);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("the drill cannot be run so"), "{said}");
    assert!(said.contains("drill.yaml:37"), "{said}");
    assert_eq!(runs(folder.path()), 0);
}
