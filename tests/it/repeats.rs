//! Repeats on one stack that is made ready again, what happens where it cannot be, and what an end halfway leaves.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{drill_rig::Drill, drills::labelled};

fn result(run: &Path) -> Value {
    let bytes = std::fs::read(run.join("result.json")).expect("a result");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn name(run: &Path) -> String {
    run.file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned()
}

fn talk(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\n{}", text(&output.stderr), text(&output.stdout))
}

/// The register's lines about each run: every one was opened once and closed once.
fn all_closed(drill: &Drill, runs: &[PathBuf]) {
    let path = drill.folder.path().join("reports/register.jsonl");
    let register = std::fs::read_to_string(path).expect("a register");
    for run in runs {
        let name = format!("\"run\":\"{}\"", name(run));
        let lines = |word: &str| {
            let both = |line: &&str| line.contains(&name) && line.contains(word);
            register.lines().filter(both).count()
        };
        assert_eq!(
            (lines("\"opened\""), lines("\"closed\"")),
            (1, 1),
            "{register}"
        );
    }
}

/// No journal is left, so a sweep would find nothing to do.
fn no_journal(drill: &Drill) {
    let state = drill.folder.path().join("state");
    let journals = std::fs::read_dir(state).into_iter().flatten().flatten();
    let left: Vec<PathBuf> = journals
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .collect();
    assert_eq!(left, [] as [PathBuf; 0]);
}

/// Sentinels that decide fast, and a baseline that is one only with what the run before lends.
const KILL: &str = "
schema: 1
name: again
summary: Sentinel promotes a replica, twice on one stack.
stack:
  redis: { settings: { down-after: 500ms } }
clients: { service: { lanes: 4, rate: 200/s, timeout: 300ms } }
targets: { rto: 20s, rpo: any, recovered-by: other-node }
drill:
  - steady: 4s
  - fault: { kill: primary }
  - expect: { recovered: { within: 30s } }
  - heal: all
  - expect: { redundant: { within: 1m } }
repeat: 2
";

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_second_repeat_runs_on_the_first_ones_stack_and_is_judged_as_strictly() {
    let drill = Drill::written(KILL);
    let output = drill.spawn().wait_with_output().expect("an end");
    let talk = talk(&output);
    let runs = drill.run_folders();
    assert_eq!(runs.len(), 2, "{talk}");
    let [first, second] = [result(&runs[0]), result(&runs[1])];
    assert_eq!(first["handed_on"], true, "{talk}");
    assert_eq!(first["residue"], Value::Null);
    assert_eq!(second["handed_on"], Value::Null);
    let rearmed = &second["rearmed"];
    assert_eq!(rearmed["stack_of"], name(&runs[0]), "{talk}");
    assert_eq!(
        (&rearmed["nth"], &rearmed["after"]),
        (&2.into(), &rearmed["stack_of"])
    );
    // Another node is primary now, and the second drill kills that one.
    let victim = |result: &Value| result["disruptions"][0]["disruption"]["victims"][0].clone();
    assert_eq!(victim(&first), "r1");
    assert_eq!(victim(&second), second["system"]["primary"], "{talk}");
    assert_ne!(victim(&second), "r1");
    // Each has elements of its own: none of the other's shows as phantom or corrupt.
    for result in [&first, &second] {
        let check = |name: &str| {
            let findings = result["findings"].as_array().expect("findings");
            let found = findings.iter().find(|one| one["check"] == name);
            found.expect("a checker")["answer"].clone()
        };
        for name in [
            "phantom",
            "corrupt",
            "duplicates",
            "convergence",
            "history-complete",
        ] {
            assert_eq!(check(name), "valid", "{name}\n{talk}");
        }
    }
    assert!(rearmed["lent"].as_u64() > Some(1_000), "{rearmed}");
    assert_eq!(
        second["residue"]["left"],
        Value::Array(Vec::new()),
        "{talk}"
    );
    assert!(
        talk.contains("2 drills on 1 stack, made ready again in between"),
        "{talk}"
    );
    for run in &runs {
        assert_eq!(labelled(&name(run)), "", "{talk}");
    }
    all_closed(&drill, &runs);
    no_journal(&drill);
}

/// Waits until the second repeat's event log holds a word.
fn second_reaches(drill: &Drill, word: &str) {
    let end = Instant::now() + Duration::from_secs(120);
    while Instant::now() < end {
        let log = drill
            .run_folders()
            .get(1)
            .and_then(|run| std::fs::read_to_string(run.join("events.jsonl")).ok());
        if log.is_some_and(|log| log.contains(word)) {
            return;
        }
        sleep(Duration::from_millis(5));
    }
    panic!("`{word}` did not show in a second repeat");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_harness_killed_in_a_second_repeat_leaves_nothing_after_the_sweep() {
    let drill = Drill::written(KILL);
    let mut child = drill.spawn();
    second_reaches(&drill, "disrupted");
    child.kill().expect("a SIGKILL");
    child.wait().expect("an end");
    let runs = drill.run_folders();
    assert_ne!(labelled(&name(&runs[0])), "", "the kill left containers");
    let (code, said) = drill.sweep();
    assert_eq!(code, 0, "{said}");
    for run in &runs {
        assert_eq!(labelled(&name(run)), "", "{said}");
    }
    all_closed(&drill, &runs);
    no_journal(&drill);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn an_interrupted_second_repeat_heals_removes_and_reports() {
    let drill = Drill::written(KILL);
    let child = drill.spawn();
    second_reaches(&drill, "disrupted");
    let interrupted = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupted.is_ok_and(|status| status.success()));
    let output = child.wait_with_output().expect("an end");
    let talk = talk(&output);
    assert_eq!(output.status.code(), Some(130), "{talk}");
    let runs = drill.run_folders();
    let second = result(&runs[1]);
    assert_eq!(
        second["residue"]["left"],
        Value::Array(Vec::new()),
        "{talk}"
    );
    for run in &runs {
        assert_eq!(labelled(&name(run)), "", "{talk}");
    }
    all_closed(&drill, &runs);
    no_journal(&drill);
}

/// One sentinel suffices to believe that the primary is down, and the other two are frozen until it has given up its
/// election, which takes it the failover timeout.
const ELECTION: &str = "
schema: 1
name: election
summary: A sentinel stands for election and is not elected.
stack:
  redis: { settings: { down-after: 500ms, quorum: 1, failover-timeout: 5s } }
clients: { service: { lanes: 4, rate: 200/s, timeout: 300ms } }
targets: { rto: 1m, rpo: any }
drill:
  - steady: 2s
  - fault: { pause: { node: s2, for: 10s } }
  - fault: { pause: { node: s3, for: 10s } }
  - fault: { pause: { node: primary, for: 7s } }
  - expect: { recovered: { within: 1m } }
repeat: 2
";

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_stack_whose_sentinels_hold_the_next_failover_back_is_not_used_again() {
    let drill = Drill::written(ELECTION);
    let output = drill.spawn().wait_with_output().expect("an end");
    let talk = talk(&output);
    let runs = drill.run_folders();
    assert_eq!(runs.len(), 2, "{talk}");
    let second = result(&runs[1]);
    assert!(
        talk.contains("the stack could not be made ready again: s"),
        "{talk}"
    );
    assert!(
        talk.contains("knows of election 1, and the primary is that of 0"),
        "{talk}"
    );
    assert_eq!(second["rearmed"], Value::Null, "{talk}");
    assert_eq!(
        second["residue"]["left"],
        Value::Array(Vec::new()),
        "{talk}"
    );
    for run in &runs {
        assert_eq!(labelled(&name(run)), "", "{talk}");
    }
    no_journal(&drill);
}

const REFERENCE: &str = "
schema: 1
name: twice
summary: The reference store is not touched, twice.
stack: { reference: {} }
clients: { service: { lanes: 4, rate: 400/s, timeout: 200ms } }
targets: { rto: 5s, rpo: { count: 0 } }
drill:
  - steady: 2s
  - fault: noop
  - expect: { recovered: { within: 10s } }
repeat: 2
";

#[test]
fn a_system_that_cannot_be_made_ready_again_has_fresh_stacks_and_says_so() {
    let drill = Drill::written(REFERENCE);
    let output = drill.spawn().wait_with_output().expect("an end");
    let talk = talk(&output);
    let runs = drill.run_folders();
    assert_eq!(runs.len(), 2, "{talk}");
    let note = "the system cannot make a stack ready again: the next repeat has a fresh stack";
    assert!(talk.contains(note), "{talk}");
    assert!(!talk.contains("less independent"), "{talk}");
    for run in &runs {
        let result = result(run);
        assert_eq!(
            (&result["rearmed"], &result["handed_on"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(
            result["residue"]["left"],
            Value::Array(Vec::new()),
            "{talk}"
        );
    }
    all_closed(&drill, &runs);
    no_journal(&drill);
}

#[test]
fn several_stacks_at_once_are_refused_where_each_repeat_needs_a_fresh_one() {
    let drill = Drill::written(REFERENCE).with(&["--parallel", "2"]);
    let output = drill.spawn().wait_with_output().expect("an end");
    let talk = talk(&output);
    assert_eq!(output.status.code(), Some(5), "{talk}");
    assert!(talk.contains("failed to run 2 stacks at once"), "{talk}");
    assert!(talk.contains("cannot be made ready again"), "{talk}");
    // The controls ran, and only they.
    let runs = drill.run_folders();
    assert_eq!(runs.len(), 2, "{talk}");
    for run in &runs {
        assert_eq!(result(run)["run"]["scenario"], "twice-control", "{talk}");
    }
    all_closed(&drill, &runs);
    no_journal(&drill);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn two_stacks_at_once_run_after_quiet_controls_or_not_at_all() {
    let drill = Drill::written(KILL).with(&["--parallel", "2"]);
    let output = drill.spawn().wait_with_output().expect("an end");
    let talk = talk(&output);
    let runs = drill.run_folders();
    let drills: Vec<Value> = runs
        .iter()
        .map(|run| result(run))
        .filter(|result| result["run"]["scenario"] == "again")
        .collect();
    if talk.contains("the controls left each other alone") {
        assert_eq!((runs.len(), drills.len()), (4, 2), "{talk}");
        for drill in &drills {
            assert_eq!(drill["rearmed"]["nth"], 2, "on its control's stack\n{talk}");
        }
    } else {
        assert_eq!(output.status.code(), Some(5), "{talk}");
        assert_eq!(drills.len(), 0, "{talk}");
    }
    for run in &runs {
        assert_eq!(labelled(&name(run)), "", "{talk}");
    }
    all_closed(&drill, &runs);
    no_journal(&drill);
}
