//! Faults of whole machines on real stacks: regions that boot again, clocks that go wrong, and schedules of faults.

use std::{process::Command, time::Duration};

use crate::{
    drill_rig::{DRDRILL, Done, Drill},
    drills::{nothing_left, wait_for},
    faults::{all_seen, container, effects},
};

/// The only effect was seen, with these words in what was seen of it.
fn seen(done: &Done, words: &[&str]) -> String {
    let effects = effects(done);
    let [(state, evidence)] = effects.as_slice() else {
        panic!("{effects:#?}\n{}", done.talk);
    };
    println!("{evidence}\n");
    assert_eq!(state, "verified", "{evidence}\n{}", done.talk);
    for word in words {
        assert!(evidence.contains(word), "{word} in {evidence}");
    }
    evidence.clone()
}

/// What `check` says of a scenario that it refuses.
pub fn refused(text: &str) -> String {
    let (code, said) = checked(text);
    assert_eq!(code, Some(4), "{said}");
    // Lines are folded to the terminal.
    said.replace("\n  │ ", " ")
}

/// Nothing is wrong with such a scenario.
pub fn accepted(text: &str) {
    let (code, said) = checked(text);
    assert_eq!(code, Some(0), "{said}");
}

/// What `check` says, and its exit code.
fn checked(text: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("scenario.yaml");
    std::fs::write(&path, text).expect("a scenario");
    let check = Command::new(DRDRILL)
        .arg("check")
        .arg(&path)
        .env("NO_COLOR", "1")
        .output()
        .expect("the binary starts");
    let said = String::from_utf8_lossy(&check.stderr).into_owned();
    (check.status.code(), said)
}

#[test]
fn a_region_is_without_power_as_long_as_asked_and_comes_back_by_itself() {
    let done = Drill::shipped("reference/region-reboot.yaml").run();
    done.expect(0, "pass");
    seen(
        &done,
        &["asked 3 s, observed 3.0", "n1 runs again and answers at"],
    );
}

const REGIONS: &str = "
schema: 1
name: regions
summary: Regions that cannot be.
stack: { reference: { nodes: 3, regions: { a: [n1, n9], b: [n1] } } }
targets: { rto: any, rpo: any }
drill:
  - steady: 2s
  - fault: { reboot: { node: region c, down: 3s } }
  - expect: { recovered: { within: 1m } }
";

#[test]
fn regions_that_the_stack_has_not_are_refused() {
    let said = refused(REGIONS);
    for word in [
        "there is no node `n9` in this stack",
        "the machine of `n1` lies in region `a` already",
        "there is no region `c` in this stack",
    ] {
        assert!(said.contains(word), "{word} in {said}");
    }
    let short = REGIONS.replace("down: 3s", "down: 100ms");
    assert!(refused(&short).contains("a time without power"));
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_region_of_machines_loses_its_power_and_boots_again() {
    let done = Drill::shipped("redis/sentinel-region-reboot.yaml").run();
    done.expect(0, "pass");
    seen(
        &done,
        &["r1, r2, s1 without power, asked 20 s, observed 20.0"],
    );
    nothing_left(&done);
    let done = Drill::shipped("postgres/patroni-region-reboot.yaml").run();
    done.expect(0, "pass");
    seen(&done, &["without power, asked 20 s, observed 20.0"]);
    nothing_left(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_machine_that_someone_starts_while_it_is_without_power_is_no_reboot() {
    let drill =
        Drill::shipped("redis/sentinel-region-reboot.yaml").set("drill.1.fault.reboot.down", "8s");
    let child = drill.spawn();
    wait_for(&drill, "\"disrupted\"", Duration::from_secs(90));
    let name = container(&drill, "r2");
    let started = Command::new("docker").args(["start", &name]).status();
    assert!(started.is_ok_and(|status| status.success()));
    let output = child.wait_with_output().expect("an end");
    let done = drill.done(&output);
    done.expect(3, "inconclusive");
    let effects = effects(&done);
    assert_eq!(effects[0].0, "not-verified", "{effects:#?}");
    // It is not started by us when it is due, as it runs already.
    assert!(
        effects[0].1.contains("failed to see the end"),
        "{effects:#?}"
    );
}

const CLOCKS: &str = "
schema: 1
name: clocks
summary: The primary's clock jumps ahead, and a replica's goes too fast.
stack:
  redis: { settings: { down-after: 30s } }
clients: { service: { lanes: 4, rate: 300/s, timeout: 500ms } }
targets: { rto: any, rpo: any }
drill:
  - steady: 5s
  - fault: { clock-jump: { node: primary, ahead: 60s } }
  - heal: clock-jump
  - fault: { clock-drift: { node: replica, faster: 5% } }
  - heal: all
  - expect: { recovered: { within: 1m } }
";

/// How often it is said that a clock is right again.
fn set_right(done: &Done) -> usize {
    let events = std::fs::read_to_string(done.run.join("events.jsonl")).expect("events");
    events.matches("off after the clock was set right").count()
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_clock_jumps_and_drifts_as_asked_and_its_neighbours_do_not() {
    let done = Drill::written(CLOCKS).run();
    all_seen(&done, &["r1 tells a time +", "r2 goes +"]);
    let effects = effects(&done);
    assert!(effects[0].1.contains("asked +60.000 s"), "{effects:#?}");
    assert!(effects[0].1.contains("r2 tells its time as before"));
    assert!(effects[1].1.contains("asked +5.000 %"), "{effects:#?}");
    assert_eq!(set_right(&done), 2, "{}", done.talk);
    nothing_left(&done);
}

#[test]
fn clocks_of_go_programs_and_of_systems_that_do_not_tell_are_refused() {
    let text = |stack: &str, node: &str| {
        format!(
            "schema: 1\nname: a\nsummary: b\nstack: {{ {stack} }}\ntargets: {{ rto: any, rpo: any }}\n\
             drill: [ {{ steady: 9s }}, {{ fault: {{ clock-jump: {{ node: {node}, ahead: 60s }} }} }}, {{ expect: {{ recovered: {{ within: 1m }} }} }} ]\n"
        )
    };
    let cases = [
        (
            "postgres: { topology: patroni }",
            "etcd1",
            "etcd is a Go program",
        ),
        (
            "postgres: { topology: patroni }",
            "haproxy1",
            "nobody could ask it for its time",
        ),
        ("etcd: {}", "primary", "etcd is a Go program"),
        ("etcd: {}", "e1", "etcd is a Go program"),
        ("reference: {}", "primary", "which share its clock"),
    ];
    for (stack, node, word) in cases {
        let said = refused(&text(stack, node));
        assert!(said.contains(word), "{word} in {said}");
    }
    let both = text("redis: {}", "primary").replace("ahead: 60s", "ahead: 60s, back: 5s");
    assert!(refused(&both).contains("in one way"));
    let little = text("redis: {}", "primary").replace("60s", "1ms");
    assert!(refused(&little).contains("a jump"));
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn servers_of_every_kind_tell_the_time_that_was_asked_for() {
    let text = |stack: &str| {
        CLOCKS
            .replace("redis: { settings: { down-after: 30s } }", stack)
            .replace("ahead: 60s", "back: 1h")
            .replace("rate: 300/s", "rate: 200/s")
            .replace("steady: 5s", "steady: 9s")
    };
    let stacks = [
        "valkey: { settings: { down-after: 30s } }",
        "postgres: { topology: streaming }",
        "mysql: {}",
        "mariadb: {}",
        "mongodb: {}",
        "kafka: { settings: { session-timeout: 3s, heartbeat-interval: 500ms } }",
    ];
    for stack in stacks {
        println!("{stack}");
        let done = Drill::written(&text(stack)).run();
        all_seen(&done, &["asked -3600.000 s", "asked +5.000 %"]);
        nothing_left(&done);
    }
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn shipped_drills_of_clocks_pass() {
    for name in [
        "postgres/patroni-clock-jump.yaml",
        "redis/sentinel-clock-drift.yaml",
        "redis/sentinel-clock-tilt.yaml",
    ] {
        let done = Drill::shipped(name).run();
        done.expect(0, "pass");
        nothing_left(&done);
    }
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_clock_that_someone_sets_right_again_is_no_effect() {
    let drill = Drill::written(CLOCKS);
    let child = drill.spawn();
    wait_for(
        &drill,
        "step-started\":{\"step\":1",
        Duration::from_secs(60),
    );
    let right = drdrill::runtime::Skew::default().escaped();
    let spoil = format!(
        "end=$(($(date +%s) + 20)); while [ $(date +%s) -lt $end ]; do printf '{right}' 1<>/drdrill-clock/at; done"
    );
    let name = container(&drill, "r1");
    let spoiled = Command::new("docker")
        .args(["exec", "-e", "LD_PRELOAD=", &name, "sh", "-c", &spoil])
        .status();
    assert!(spoiled.is_ok());
    let output = child.wait_with_output().expect("an end");
    let done = drill.done(&output);
    done.expect(3, "inconclusive");
    assert_eq!(effects(&done)[0].0, "not-verified", "{}", done.talk);
}

/// Seed 3 draws, as its second schedule, four faults of which one moves the primary.
#[test]
#[ignore = "minutes of drills: make test-long"]
fn a_failing_schedule_shrinks_to_the_one_fault_that_matters_and_its_file_fails_the_same_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/scenarios/reference/primary-kill.yaml"
    );
    let hunt = Command::new(DRDRILL)
        .args(["hunt", scenario, "--failing", "--for", "8m", "--seed", "3"])
        .args(["--faults", "4"])
        .args(["--set", "stack.reference.settings.defect=lose"])
        .args([
            "--set",
            "stack.reference.settings.defect-amount=20",
            "--out",
        ])
        .arg(folder.path())
        .env("DRDRILL_STATE", folder.path().join("state"))
        .output()
        .expect("the binary starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = format!("{}{}", text(&hunt.stderr), text(&hunt.stdout));
    println!("{said}");
    assert_eq!(hunt.status.code(), Some(1), "{said}");
    assert!(said.contains("fails by lost-writes"), "{said}");
    assert!(said.contains("smaller: "), "{said}");
    let found = folder.path().join("reference-primary-kill-hunt.yaml");
    let written = std::fs::read_to_string(&found).expect("a scenario");
    let parsed = drdrill::scenario::read("found.yaml", &written, &[]).expect("a right scenario");
    let faults: Vec<String> = parsed
        .scenario
        .drill
        .iter()
        .filter_map(|step| match step {
            drdrill::scenario::Step::Fault(fault) => Some(fault.title()),
            _ => None,
        })
        .collect();
    let [only] = faults.as_slice() else {
        panic!("{faults:?}\n{said}");
    };
    assert!(
        only.contains("the primary"),
        "only an election loses: {only}"
    );
    let done = Drill::written(&written).run();
    done.expect(1, "fail");
    assert_eq!(done.finding("lost-writes"), "invalid", "{}", done.talk);
}

/// A store without a defect fails at nothing, and the search says so.
#[test]
#[ignore = "minutes of drills: make test-long"]
fn a_sound_store_gives_a_search_for_failures_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/scenarios/reference/primary-kill.yaml"
    );
    let hunt = Command::new(DRDRILL)
        .args(["hunt", scenario, "--failing", "--for", "40s", "--seed", "7"])
        .args(["--faults", "1", "--set", "targets.rto=any", "--out"])
        .arg(folder.path())
        .env("DRDRILL_STATE", folder.path().join("state"))
        .output()
        .expect("the binary starts");
    let said = String::from_utf8_lossy(&hunt.stdout).into_owned();
    assert!(matches!(hunt.status.code(), Some(0 | 3)), "{said}");
    assert!(said.contains("drills were tried and none"), "{said}");
}
