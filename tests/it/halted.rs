//! Drills that stop before their end: by a condition of their own, and by a person's word for all of them.

use std::{
    fs,
    process::{Command, Output},
    time::{Duration, Instant},
};

use crate::{
    drill_rig::{DRDRILL, Done, Drill},
    drills::wait_for,
};

/// A store whose promotion takes 6 s, and a condition.
fn stuck(abort: &str) -> Drill {
    Drill::written(&format!(
        "schema: 1\nname: stuck\nsummary: Nobody takes over for long\n\
         stack: {{ reference: {{ settings: {{ defect: slow-promotion, defect-amount: 6000 }} }} }}\n\
         clients: {{ service: {{ lanes: 4, rate: 400/s, timeout: 200ms }} }}\n\
         targets: {{ rto: 5s, rpo: {{ count: 0 }} }}\nabort: {abort}\n\
         drill: [ {{ steady: 3s }}, {{ fault: {{ kill: primary }} }}, {{ expect: {{ recovered: {{ within: 30s }} }} }}, {{ heal: all }} ]\n"
    ))
}

fn talk_of(done: &Done, words: &str) {
    assert!(done.talk.contains(words), "{words}: {}", done.talk);
}

/// `drdrill halt` of one drill's user, where no engine answers.
fn halt(drill: &Drill, arguments: &[&str]) -> Output {
    let mut command = Command::new(DRDRILL);
    let command = command.arg("halt").args(arguments);
    let command = command.env("DRDRILL_STATE", drill.folder.path().join("state"));
    let command = command.env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    command.output().expect("the binary starts")
}

#[test]
fn too_little_availability_heals_and_ends_a_drill_as_aborted() {
    let begun = Instant::now();
    let done = stuck("{ availability: { below: 50%, for: 1s } }").run();
    done.expect(9, "aborted");
    talk_of(&done, "and `abort` says below 50%");
    assert!(
        begun.elapsed() < Duration::from_secs(25),
        "{:?}",
        begun.elapsed()
    );
    // Neither is it a pass for a gate, nor a miss.
    assert_eq!(done.line("rto"), "inconclusive", "{}", done.talk);
    assert!(
        done.reasons().contains(&"run-halted"),
        "{:?}",
        done.reasons()
    );
    let events = fs::read_to_string(done.run.join("events.jsonl")).expect("events");
    assert!(
        events.contains("\"healed\""),
        "what was broken is healed: {}",
        done.talk
    );
    // The same store is measured to its end where the condition is not met.
    let met = Drill::shipped("reference/primary-kill.yaml")
        .set("abort.after", "10m")
        .run();
    met.expect(0, "pass");
}

#[test]
fn steps_that_take_too_long_end_a_drill_as_aborted() {
    let done = stuck("{ after: 6s }").run();
    done.expect(9, "aborted");
    talk_of(&done, "its steps took longer than 6s");
}

/// Whether a process with these arguments runs.
fn runs(words: &str) -> bool {
    let processes = fs::read_dir("/proc").expect("processes").flatten();
    let mut lines = processes.filter_map(|one| fs::read(one.path().join("cmdline")).ok());
    lines.any(|line| {
        String::from_utf8_lossy(&line)
            .replace('\0', " ")
            .contains(words)
    })
}

#[test]
fn a_check_that_fails_keeps_a_drill_from_beginning() {
    let absent = stuck("{ check: { run: [test, -e, healthy], for: 2s } }").run();
    absent.expect(9, "aborted");
    talk_of(&absent, "`test` ended with code 1 before the drill began");
    assert!(!absent.talk.contains("step 2"), "{}", absent.talk);
    // One that never answers is no success, and goes with what it started.
    let hangs = r#"{ check: { run: [sh, -c, "sleep 86397 & wait"], every: 1s, for: 2s } }"#;
    let hangs = stuck(hangs).run();
    hangs.expect(9, "aborted");
    talk_of(
        &hangs,
        "`sh` gave no answer within 1s before the drill began",
    );
    let none = stuck("{ check: { run: [no-such-program-here], for: 2s } }").run();
    none.expect(9, "aborted");
    talk_of(&none, "`no-such-program-here` could not be started");
    assert!(!runs("sleep 86397"), "it is still there");
}

#[test]
fn a_check_that_fails_in_mid_fault_heals_and_ends_a_drill_as_aborted() {
    let drill = stuck("{ check: { run: [test, -e, healthy], every: 500ms, for: 1s } }");
    let healthy = drill.folder.path().join("healthy");
    fs::write(&healthy, "").expect("a file");
    let child = drill.spawn();
    wait_for(&drill, "\"effect\"", Duration::from_secs(30));
    fs::remove_file(healthy).expect("it was there");
    let since = Instant::now();
    wait_for(&drill, "\"healed\"", Duration::from_secs(10));
    let took = since.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
    let done = drill.done(&child.wait_with_output().expect("an end"));
    done.expect(9, "aborted");
    talk_of(&done, "`test` ended with code 1 and did not succeed for 1s");
    // While it succeeds, it stops nothing.
    let well = stuck("{ check: { run: [\"true\"], every: 500ms, for: 1s } }").run();
    well.expect(1, "fail");
}

#[test]
fn a_persons_word_stops_every_drill_until_it_is_lifted() {
    let drill = stuck("{ after: 10m }");
    let child = drill.spawn();
    wait_for(&drill, "\"effect\"", Duration::from_secs(30));
    assert!(
        halt(&drill, &["--reason", "a real incident"])
            .status
            .success()
    );
    let since = Instant::now();
    let output = child.wait_with_output().expect("an end");
    assert!(
        since.elapsed() < Duration::from_secs(15),
        "{:?}",
        since.elapsed()
    );
    assert_eq!(output.status.code(), Some(9));
    // Another one does not start; what is there of it says why.
    let state = drill.folder.path().join("state");
    let run = |name: &str| {
        let mut command = Command::new(DRDRILL);
        let file = drill.folder.path().join("scenario.yaml");
        let command = command
            .arg("run")
            .arg(file)
            .arg("--out")
            .arg(drill.folder.path().join(name));
        let output = command
            .env("DRDRILL_STATE", &state)
            .output()
            .expect("the binary starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), said)
    };
    let (code, said) = run("second");
    assert_eq!(code, Some(9), "{said}");
    assert!(said.contains("a real incident"), "{said}");
    let lifted = halt(&drill, &["--lift"]);
    assert!(String::from_utf8_lossy(&lifted.stdout).contains("drills may start"));
    let again = halt(&drill, &["--lift"]);
    assert!(String::from_utf8_lossy(&again.stdout).contains("nothing was halted"));
}
