//! SIGKILL of drdrill at every step of every kind of fault: the sweep leaves nothing, whatever was in force.

use std::{process::Command, time::Duration};

use drdrill::{drill::example_fault, scenario::FAULTS};

use crate::{
    drill_rig::Drill,
    drills::{labelled, wait_for},
};

/// The kinds that leave nothing to undo: a control run, and a program that the reference store's nodes play.
const NOTHING: [&str; 2] = ["noop", "script"];

const SIGNALS: &[&str] = &[
    "kill",
    "stop",
    "pause",
    "restart",
    "crash-loop",
    "reboot",
    "kill-process",
];

const FILES: &[&str] = &["wipe", "damage", "mistake"];

const DISKS: &[&str] = &[
    "disk-full",
    "disk-quota",
    "disk-read-only",
    "disk-slow",
    "disk-errors",
    "lose-unsynced",
];

const LIMITS: &[&str] = &[
    "cpu",
    "memory",
    "out-of-memory",
    "descriptors",
    "dns",
    "certificate",
    "clock-jump",
    "clock-drift",
];

const PACKETS: &[&str] = &[
    "partition",
    "latency",
    "loss",
    "duplicate",
    "corrupt",
    "reorder",
    "bandwidth",
    "packet-limit",
];

const STREAMS: &[&str] = &[
    "reset",
    "half-open",
    "slow-close",
    "slice",
    "limit-data",
    "stream-latency",
    "stream-bandwidth",
];

const FAMILIES: [&[&str]; 6] = [SIGNALS, FILES, DISKS, LIMITS, PACKETS, STREAMS];

/// Those that strike a replica: a replica looks up its primary's name, and with a replica gone clients go on.
const AT_A_REPLICA: [&str; 13] = [
    "kill",
    "stop",
    "restart",
    "crash-loop",
    "reboot",
    "kill-process",
    "wipe",
    "damage",
    "lose-unsynced",
    "cpu",
    "memory",
    "out-of-memory",
    "dns",
];

/// A drill with this fault alone; nobody fails over meanwhile.
fn scenario(kind: &str) -> String {
    let stack = match kind {
        "certificate" => "postgres: { nodes: 2, settings: { tls: true } }",
        "dns" => "postgres: { settings: { names: true } }",
        _ => "redis: { settings: { down-after: 30s, persistence: aof } }",
    };
    let clients = if STREAMS.contains(&kind) {
        "clients: { route: toxiproxy }\n"
    } else {
        ""
    };
    let node = if AT_A_REPLICA.contains(&kind) {
        "replica"
    } else {
        "primary"
    };
    let fault = example_fault(kind, node);
    format!(
        "schema: 1\nname: {kind}\nsummary: One fault, and drdrill is killed.\nstack:\n  {stack}\n{clients}\
         targets: {{ rto: any, rpo: any }}\ndrill:\n  - steady: 2s\n  - fault: {fault}\n  - hold: 2s\n  - heal: all\n"
    )
}

/// What the machine itself would have left: rules, queues, rates and file systems outside the nodes.
fn host_state() -> String {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        let output = output.map_or_else(
            |_| String::new(),
            |o| String::from_utf8_lossy(&o.stdout).into_owned(),
        );
        let ours = |line: &&str| {
            ["drdrill", "htb", "NFQUEUE"]
                .iter()
                .any(|w| line.contains(w))
        };
        output.lines().filter(ours).collect::<Vec<_>>().join("\n")
    };
    let rules = said("nft", &["list", "tables"]);
    format!(
        "{rules}{}{}{}",
        said("tc", &["qdisc", "show"]),
        said("iptables-save", &[]),
        said("cat", &["/proc/self/mountinfo"])
    )
}

/// Kills drdrill at a moment of a drill; the sweep leaves nothing.
pub fn killed_and_swept(drill: &Drill, moment: &str) {
    let mut child = drill.spawn();
    wait_for(drill, moment, Duration::from_secs(90));
    child.kill().expect("a SIGKILL");
    child.wait().expect("an end");
    let name = drill.run_name();
    assert_ne!(labelled(&name), "", "the kill left containers");
    let (code, said) = drill.sweep();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains(&name), "{said}");
    assert_eq!(labelled(&name), "", "{moment}");
    println!("killed at {moment}: nothing left");
}

/// Kills drdrill when the fault's step begins, once it has struck, once its effect was seen, when `heal` begins,
/// and once it is undone, or over by itself; some harm is never undone.
fn at_every_step(kinds: &[&str]) {
    let moments = [
        "step-started\":{\"step\":1",
        "\"disrupted\"",
        "\"effect\"",
        "step-started\":{\"step\":3",
    ];
    for kind in kinds {
        let text = scenario(kind);
        let last = match *kind {
            "kill-process" | "damage" | "mistake" => None,
            "restart" | "reboot" => Some("\"returned\""),
            _ => Some("\"healed\""),
        };
        for moment in moments.into_iter().chain(last) {
            println!("{kind}");
            killed_and_swept(&Drill::written(&text), moment);
            assert_eq!(host_state(), "", "{kind} killed at {moment}");
        }
    }
}

#[test]
fn every_kind_of_fault_is_killed_here() {
    let kinds = FAULTS.iter().map(|facts| facts.name);
    let mut listed: Vec<&str> = kinds.filter(|kind| !NOTHING.contains(kind)).collect();
    let mut here = FAMILIES.concat();
    here.sort_unstable();
    listed.sort_unstable();
    assert_eq!(here, listed);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_harness_killed_at_any_step_of_a_signal_leaves_nothing_after_the_sweep() {
    at_every_step(SIGNALS);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_harness_killed_at_any_step_of_harm_to_files_leaves_nothing_after_the_sweep() {
    at_every_step(FILES);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_harness_killed_at_any_step_of_a_disk_s_fault_leaves_nothing_after_the_sweep() {
    at_every_step(DISKS);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_harness_killed_at_any_step_of_limits_names_and_clocks_leaves_nothing_after_the_sweep() {
    at_every_step(LIMITS);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_harness_killed_at_any_step_of_a_fault_of_packets_leaves_nothing_after_the_sweep() {
    at_every_step(PACKETS);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_harness_killed_at_any_step_of_a_fault_of_streams_leaves_nothing_after_the_sweep() {
    at_every_step(STREAMS);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_harness_killed_while_it_backs_up_or_restores_leaves_nothing_after_the_sweep() {
    let text = std::fs::read_to_string("scenarios/postgres/restore-before-mistake.yaml");
    let text = text.expect("a scenario");
    for moment in [
        "step-started\":{\"step\":1",
        "\"backed-up\"",
        "step-started\":{\"step\":5",
        "\"restored\"",
    ] {
        killed_and_swept(&Drill::written(&text), moment);
        assert_eq!(host_state(), "", "killed at {moment}");
    }
}
