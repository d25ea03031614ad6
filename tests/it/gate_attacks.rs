//! What a stranger tries at the gate: broken series, runs ended by hand, borrowed baselines, edits where nobody looks.

use std::{fs, process::Command};

use drdrill::{evidence::sha256, scenario::Goal, seed::Seed};

use crate::{
    drill_rig::DRDRILL,
    gate::{Gate, SCENARIO, left_open},
};

/// The quarter of today, as the command takes it.
fn this_quarter() -> String {
    let today = drdrill::time::wall_now().to_zoned(jiff::tz::TimeZone::UTC);
    format!("{}Q{}", today.year(), (today.month() - 1) / 3 + 1)
}

/// Attempts 1 and 2 of a series of 3, of which the third is not there.
fn two_of_three(gate: &Gate) {
    for attempt in [1, 2] {
        gate.reports.forge(3 + attempt, |opened| {
            (opened.seed, opened.attempt, opened.attempts) = (Seed(7), attempt, 3);
        });
    }
}

#[test]
fn a_series_that_was_killed_counts_as_what_ended_once_that_is_said() {
    let gate = Gate::new();
    two_of_three(&gate);
    let run = left_open(&gate, 30);
    let (exit, sentence) = gate.decide(&[]);
    assert_eq!(exit, 3, "{sentence}");
    assert!(sentence.contains(&run), "{sentence}");
    let output = Command::new(DRDRILL)
        .arg("history")
        .arg(gate.reports.path())
        .output()
        .expect("the binary starts");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(shown.contains(&run), "{shown}");
    let written = Command::new(DRDRILL)
        .arg("report")
        .arg(gate.reports.path())
        .args(["--quarter", &this_quarter()])
        .output()
        .expect("the binary starts");
    assert!(written.status.success());
    let page = gate.reports.path().join("quarterly").join(this_quarter());
    let page = fs::read_to_string(format!("{}.md", page.display())).expect("a report");
    let told = page.lines().find(|line| line.contains("without a verdict"));
    assert!(told.is_some_and(|line| line.contains(&run)), "{page}");
    let aside = ["--run", &run, "--reason", "the host lost its power"];
    assert_eq!(gate.reports.prune(&aside).0, 0);
    let (exit, sentence) = gate.decide(&[]);
    assert_eq!(exit, 0, "{sentence}");
    assert!(sentence.contains("lost its power"), "{sentence}");
    assert!(sentence.contains("3 earlier runs of it"), "{sentence}");
}

#[test]
fn a_series_without_its_end_does_not_pass_by_asking_for_fewer() {
    let gate = Gate::new();
    two_of_three(&gate);
    for arguments in [&[][..], &["--last", "1"], &["--last", "2"]] {
        let (exit, sentence) = gate.decide(arguments);
        assert_eq!(exit, 6, "{arguments:?}: {sentence}");
        assert!(sentence.contains("of the 3 attempts"), "{sentence}");
    }
}

#[test]
fn a_hole_in_a_series_does_not_pass_by_asking_for_fewer() {
    let gate = Gate::new();
    for attempt in [1, 3] {
        gate.reports.forge(3 + attempt, |opened| {
            (opened.seed, opened.attempt, opened.attempts) = (Seed(7), attempt, 3);
        });
    }
    for last in ["1", "2", "4"] {
        let (exit, sentence) = gate.decide(&["--last", last]);
        assert_eq!(exit, 6, "{last}: {sentence}");
        assert!(sentence.contains("not there: 2"), "{sentence}");
    }
}

/// With a seed that is set, one series is like another: the end of the one before does not stand in for that of this one.
#[test]
fn an_earlier_series_of_the_same_seed_fills_no_hole() {
    let gate = Gate::new();
    let add = |number: u32, attempt: u32| {
        gate.reports.forge(number, |opened| {
            (opened.seed, opened.attempt, opened.attempts) = (Seed(7), attempt, 3);
        })
    };
    for attempt in [1, 2, 3] {
        add(10 + attempt, attempt);
    }
    assert_eq!(gate.decide(&[]).0, 0);
    for attempt in [1, 2] {
        add(20 + attempt, attempt);
        let (exit, sentence) = gate.decide(&[]);
        assert_eq!(exit, 6, "{sentence}");
        assert!(sentence.contains("of the 3 attempts"), "{sentence}");
    }
    add(23, 3);
    let (exit, sentence) = gate.decide(&[]);
    assert_eq!(exit, 0, "{sentence}");
}

#[test]
fn a_result_that_says_of_itself_that_it_does_not_count_is_verified_too() {
    let gate = Gate::new();
    let (from, to) = ("\"verdict\": \"pass\"", "\"verdict\": \"control\"");
    gate.reports.edit(0, "result.json", from, to);
    let (exit, sentence) = gate.decide(&[]);
    assert_eq!(exit, 6, "{sentence}");
    assert!(sentence.contains(&gate.reports.name(0)), "{sentence}");
}

#[test]
fn a_baseline_is_only_believed_where_signed_runs_say_the_same() {
    let gate = Gate::new();
    let made_up = gate.baseline((0..10).map(|i| 60_000_000_000 + i));
    let (exit, sentence) = gate.decide(&["--baseline", &made_up, "--last", "3"]);
    assert_eq!(exit, 6, "{sentence}");
    assert!(sentence.contains("is not here"), "{sentence}");
    let key = gate.reports.key.public().line();
    let file = gate.reports.path().join("own.json");
    let set = Command::new(DRDRILL)
        .args(["baseline", "set"])
        .arg(gate.reports.path())
        .args(["--key", &key, "--file"])
        .arg(&file)
        .output()
        .expect("the binary starts");
    assert_eq!(set.status.code(), Some(0));
    let own = file.to_string_lossy().into_owned();
    let (exit, sentence) = gate.decide(&["--baseline", &own, "--last", "3"]);
    assert_ne!(exit, 6, "{sentence}");
    // The same runs, given as the baseline of another scenario's name.
    let text = fs::read_to_string(&file).expect("a baseline");
    let red = gate.reports.forge(9, |opened| {
        opened.overrides = vec![("targets.rto".into(), "100ms".into())];
        opened.scenario.targets.rto = "100ms".parse().map(Goal::Limit).ok();
    });
    assert!(red.is_dir());
    let variant = format!("{SCENARIO} [targets.rto=100ms]");
    fs::write(&file, text.replacen(SCENARIO, &variant, 1)).expect("a baseline");
    let (exit, sentence) = gate.decide(&["--baseline", &own, "--scenario", &variant]);
    assert_eq!(exit, 6, "{sentence}");
    assert!(sentence.contains("of the baseline is one of"), "{sentence}");
}

#[test]
fn no_baseline_is_set_of_runs_that_the_key_did_not_sign() {
    let gate = Gate::new();
    let file = gate.reports.path().join("b.json");
    let set = |key: &str| {
        let mut command = Command::new(DRDRILL);
        command.args(["baseline", "set"]).arg(gate.reports.path());
        command.args(["--key", key, "--file"]).arg(&file);
        command.output().expect("the binary starts").status.code()
    };
    let own = gate.reports.key.public().line();
    let other = Gate::new().reports.key.public().line();
    assert_eq!(set(&other), Some(6));
    assert!(!file.exists());
    assert_eq!(set(&own), Some(0));
    fs::remove_file(&file).expect("a baseline");
    fs::remove_file(gate.reports.runs[1].join("manifest.json.minisig")).expect("a signature");
    assert_eq!(set(&own), Some(6));
    assert!(!file.exists());
}

/// The register's lines of ends are not signed: whoever can write there can end a killed run by hand.
#[test]
fn a_killed_run_that_was_closed_by_hand_with_a_verdict_does_not_pass() {
    use drdrill::{
        evidence::Closing, evidence::Register, id::RunId, record::Status, score::Verdict,
    };
    for verdict in [Verdict::Pass, Verdict::Control, Verdict::Fail] {
        let gate = Gate::new();
        let run = left_open(&gate, 1);
        let closing = Closing {
            run: RunId::parse(&run).expect("a name"),
            status: Status::Completed,
            verdict: Some(verdict),
            manifest_sha256: None,
        };
        let register = Register::of(gate.reports.path());
        register.close(&closing).expect("a line");
        gate.reports.forge(60, |_| {});
        let (exit, sentence) = gate.decide(&[]);
        assert!([3, 6].contains(&exit), "{verdict:?} {exit}: {sentence}");
        assert!(sentence.contains(&run), "{verdict:?}: {sentence}");
    }
}

#[test]
fn a_policy_permits_pinned_files_only_and_enough_runs_of_them() {
    let gate = Gate::new();
    let text = fs::read(gate.reports.runs[0].join("scenario.yaml")).expect("a scenario");
    let own = sha256(&text);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("policy.json");
    let policy = path.to_string_lossy().into_owned();
    let with = |content: &str, more: &[&str]| {
        fs::write(&path, content).expect("a policy");
        gate.decide(&[&["--policy", &policy], more].concat())
    };
    let pinned = |digest: &str, runs: usize| {
        format!(
            r#"{{"schema":1,"scenarios":{{"{SCENARIO}":{{"digests":["{digest}"],"runs":{runs}}}}}}}"#
        )
    };
    let (exit, sentence) = with(&pinned(&own, 1), &[]);
    assert_eq!(exit, 0, "{sentence}");
    assert_eq!(with(&pinned(&own, 3), &["--last", "3"]).0, 0);
    let (exit, sentence) = with(&pinned(&own, 3), &[]);
    assert_eq!(exit, 6, "{sentence}");
    assert!(sentence.contains("at least 3 runs"), "{sentence}");
    let (exit, sentence) = with(&pinned(&sha256(b"weaker"), 1), &[]);
    assert_eq!(exit, 6, "{sentence}");
    assert!(sentence.contains(&own), "{sentence}");
    // What the policy names must be there, and what is there must be named.
    let missing = pinned(&own, 1).replace(SCENARIO, "never-drilled");
    assert_eq!(with(&missing, &[]).0, 6);
    let key = gate.reports.key.public().line();
    fs::write(&path, pinned(&own, 0)).expect("a policy");
    let output = gate.command(&["--key", &key, "--policy", &policy]);
    assert_eq!(output.status.code(), Some(2));
}
