//! What a stranger tries at the gate: broken series, runs ended by hand, borrowed baselines, edits where nobody looks.

use std::{fs, process::Command};

use drdrill::{evidence::sha256, scenario::Goal, seed::Seed, time::wall_now};

use crate::{
    drill_rig::DRDRILL,
    evidence_rig::edited,
    gate::{Gate, SCENARIO, left_open},
};

/// The sample's file with five repeats.
const REPEATED: (&str, &str) = ("must-fail:", "repeat: 5\nmust-fail:");
/// And with a claim that five drills can support.
const CLAIM: (&str, &str) = (
    "  rto: 5s",
    "  rto: 5s\n  confidence: { quantile: 50%, level: 95% }",
);

/// The quarter of today, as the command takes it.
fn this_quarter() -> String {
    let today = wall_now().to_zoned(jiff::tz::TimeZone::UTC);
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
        let written = Command::new(DRDRILL)
            .arg("report")
            .arg(gate.reports.path())
            .args(["--quarter", &this_quarter()])
            .output()
            .expect("the binary starts");
        let lead = String::from_utf8_lossy(&written.stdout).into_owned();
        let counted = "5 runs of 1 scenario: 4 met every target, 0 did not, 0 inconclusive";
        assert!(lead.contains(counted), "{verdict:?}: {lead}");
    }
}

/// One attempt of five of a file that makes a claim over them.
fn claiming(gate: &Gate, number: u32, attempt: u32) {
    gate.reports.forge_of(number, &[CLAIM, REPEATED], |opened| {
        (opened.seed, opened.attempt, opened.attempts) = (Seed(7), attempt, 5);
    });
}

#[test]
fn a_claim_over_repeats_is_not_shown_by_the_one_that_was_not_killed() {
    let gate = Gate::new();
    claiming(&gate, 4, 1);
    let run = left_open(&gate, 30);
    let aside = ["--run", &run, "--reason", "the host lost its power"];
    assert_eq!(gate.reports.prune(&aside).0, 0);
    let (exit, sentence) = gate.decide(&[]);
    assert_eq!(exit, 3, "{sentence}");
    assert!(sentence.contains("not yet shown"), "{sentence}");
}

#[test]
fn a_claim_over_repeats_is_not_shown_by_asking_for_one_of_them() {
    let gate = Gate::new();
    for attempt in 1..=5 {
        claiming(&gate, 10 + attempt, attempt);
    }
    let (exit, sentence) = gate.decide(&[]);
    assert_eq!(exit, 0, "{sentence}");
    let (exit, sentence) = gate.decide(&["--last", "1"]);
    assert_eq!(exit, 3, "{sentence}");
    assert!(sentence.contains("not yet shown"), "{sentence}");
}

#[test]
fn a_file_that_asks_for_repeats_is_not_met_by_a_single_run() {
    let gate = Gate::new();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("required.yaml");
    fs::write(&file, edited(&[REPEATED])).expect("a file");
    let file = file.to_string_lossy().into_owned();
    let require = ["--require", file.as_str()];
    gate.reports.forge_of(4, &[REPEATED], |opened| {
        opened.overrides = vec![("repeat".into(), "1".into())];
    });
    let (exit, sentence) = gate.decide(&require);
    assert_eq!(exit, 6, "{sentence}");
    assert!(sentence.contains("asks for 5"), "{sentence}");
    for attempt in 1..=5 {
        gate.reports.forge_of(10 + attempt, &[REPEATED], |opened| {
            (opened.seed, opened.attempt, opened.attempts) = (Seed(7), attempt, 5);
        });
    }
    let (exit, sentence) = gate.decide(&require);
    assert_eq!(exit, 0, "{sentence}");
}

#[test]
fn a_file_that_asks_for_fresh_stacks_is_not_met_by_runs_on_one() {
    let gate = Gate::new();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("required.yaml");
    let fresh = ("must-fail:", "fresh-stacks: true\nmust-fail:");
    fs::write(&file, edited(&[fresh])).expect("a file");
    let file = file.to_string_lossy().into_owned();
    gate.reports.forge_of(4, &[fresh], |opened| {
        opened.overrides = vec![("fresh-stacks".into(), "false".into())];
        opened.scenario.fresh_stacks = false;
    });
    let (exit, sentence) = gate.decide(&["--require", &file]);
    assert_eq!(exit, 6, "{sentence}");
    assert!(sentence.contains("without `fresh-stacks`"), "{sentence}");
    gate.reports.forge_of(5, &[fresh], |_| {});
    let (exit, sentence) = gate.decide(&["--require", &file]);
    assert_eq!(exit, 0, "{sentence}");
}

#[test]
fn a_baseline_does_not_leave_out_a_run_whose_result_cannot_be_read() {
    let gate = Gate::new();
    let set = || {
        let mut command = Command::new(DRDRILL);
        command.args(["baseline", "set"]).arg(gate.reports.path());
        let file = gate.reports.path().join("baseline.json");
        let output = command.arg("--file").arg(file).output();
        let output = output.expect("the binary starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().unwrap_or(-1), said)
    };
    assert_eq!(set().0, 0);
    let newest = gate.reports.runs.last().expect("a run");
    fs::write(newest.join("result.json"), "{").expect("a file");
    let (exit, said) = set();
    assert_eq!(exit, 6, "{said}");
    assert!(said.contains("does not verify"), "{said}");
}

/// Nothing verifies a result before it says which scenario it is of.
#[test]
fn a_result_that_names_another_scenario_hides_no_run() {
    let named = format!("\"scenario\": \"{SCENARIO}\"");
    for (from, to) in [
        (named.as_str(), "\"scenario\": \"x\""),
        (
            "\"overrides\": []",
            "\"overrides\": [[\"targets.rto\", \"1h\"]]",
        ),
    ] {
        let gate = Gate::new();
        gate.reports.edit(2, "result.json", from, to);
        for arguments in [&[][..], &["--scenario", SCENARIO]] {
            let (exit, sentence) = gate.decide(arguments);
            assert_eq!(exit, 6, "{to}: {sentence}");
            assert!(sentence.contains(&gate.reports.name(2)), "{sentence}");
        }
    }
}

#[test]
fn a_result_that_is_put_into_a_killed_run_s_folder_does_not_hide_it() {
    let gate = Gate::new();
    let run = left_open(&gate, 1);
    let folder = gate.reports.path().join(SCENARIO).join(&run);
    fs::create_dir(&folder).expect("a folder");
    let result = fs::read_to_string(gate.reports.runs[0].join("result.json")).expect("a result");
    for name in [SCENARIO, "x"] {
        let own = result.replacen(SCENARIO, name, 1);
        fs::write(folder.join("result.json"), own).expect("a result");
        let (exit, sentence) = gate.decide(&["--scenario", SCENARIO]);
        assert_eq!(exit, 3, "{name}: {sentence}");
        assert!(sentence.contains(&run), "{name}: {sentence}");
    }
}

/// Whoever sets the clock back would else make the red run an old one.
#[test]
fn the_newest_run_is_the_one_that_was_registered_last_whatever_its_clock_says() {
    let gate = Gate::new();
    let month_ago = wall_now() - jiff::SignedDuration::from_hours(24 * 30);
    let red = gate
        .reports
        .forge_of(9, &[("  rto: 5s", "  rto: 100ms")], |opened| {
            opened.started = month_ago.to_string();
        });
    let name = red.file_name().expect("a name").to_string_lossy();
    let (exit, sentence) = gate.decide(&[]);
    assert_eq!(exit, 1, "{sentence}");
    let told = format!(
        "By their own clocks these started more than 5 minutes before a run that was opened earlier: {name}."
    );
    assert!(sentence.contains(&told), "{sentence}");
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
