//! Faults on real stacks: what was asked against what was observed, and what is left of them.

use std::{process::Command, time::Duration};

use serde_json::Value;

use crate::{
    drill_rig::{DRDRILL, Done, Drill},
    drills::wait_for,
};

/// Every disruption's effect: its state and what was seen.
pub fn effects(done: &Done) -> Vec<(String, String)> {
    let effects = done.result["effects"].as_array().cloned();
    let text = |value: &Value| {
        let lines = value.as_array().cloned().unwrap_or_default();
        let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
        lines.join("\n")
    };
    effects
        .unwrap_or_default()
        .iter()
        .map(|effect| {
            let state = effect["state"].as_str().unwrap_or("none").to_owned();
            (state, text(&effect["evidence"]))
        })
        .collect()
}

/// Every effect was seen, and the words stand in the effects in this order.
pub fn all_seen(done: &Done, words: &[&str]) {
    let effects = effects(done);
    assert_eq!(effects.len(), words.len(), "{effects:#?}\n{}", done.talk);
    for ((state, evidence), word) in effects.iter().zip(words) {
        println!("{evidence}\n");
        assert_eq!(state, "verified", "{evidence}\n{}", done.talk);
        assert!(evidence.contains(word), "{word} in {evidence}");
    }
    let left = done.result["residue"]["left"].as_array().map(Vec::len);
    assert_eq!(left, Some(0), "{}", done.talk);
}

const PACKETS: &str = "
schema: 1
name: packets
summary: What the primary sends fares badly in every way, one after the other.
stack:
  redis: { settings: { down-after: 30s } }
targets: { rto: any, rpo: any }
drill:
  - steady: 9s
  - fault: { latency: { node: primary, to: clients, delay: 50ms, jitter: 10ms } }
  - fault: { loss: { node: primary, to: replicas, share: 10% } }
  - heal: latency
  - fault: { latency: { node: primary, to: clients, delay: 100ms, jitter: 20ms, distribution: normal } }
  - heal: latency
  - fault: { latency: { node: primary, to: clients, delay: 100ms, jitter: 20ms, distribution: pareto } }
  - heal: latency
  - fault: { duplicate: { node: primary, to: clients, share: 20% } }
  - heal: all
  - fault: { corrupt: { node: primary, to: replicas, share: 20% } }
  - heal: all
  - fault: { reorder: { node: primary, share: 25%, hold: 30ms } }
  - heal: all
  - fault: { bandwidth: { node: primary, to: replicas, limit: 8Mbit/s } }
  - heal: all
  - expect: { recovered: { within: 1m } }
";

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn packets_fare_as_asked_and_other_paths_as_before() {
    let done = Drill::written(PACKETS).run();
    all_seen(
        &done,
        &[
            "asked 50 ms and 10 ms jitter",
            "asked 10.0 %",
            "asked 100 ms and 20 ms jitter (normal)",
            "asked 100 ms and 20 ms jitter (pareto)",
            "asked 20.0 %",
            "for a wrong checksum",
            "were overtaken",
            "asked 8.00 Mbit/s",
        ],
    );
}

const PORTS: &str = "
schema: 1
name: ports
summary: Replication is cut off, and the clients and Sentinel are not.
stack:
  redis: { settings: { down-after: 30s } }
targets: { rto: any, rpo: any }
drill:
  - steady: 9s
  - fault: { partition: { between: [primary, replicas], ports: [6379], clients: keep } }
  - heal: all
  - fault: { partition: { between: [primary, replicas], ports: [6379], clients: keep, how: reject } }
  - heal: all
  - fault: { crash-loop: { node: replica, every: 1s } }
  - heal: all
  - expect: { recovered: { within: 1m } }
  - expect: { redundant: { within: 1m } }
";

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn some_ports_are_cut_without_the_others_and_a_node_dies_again_and_again() {
    let done = Drill::written(PORTS).run();
    all_seen(
        &done,
        &[
            "get no answer",
            "are refused",
            "seen dead and started again 2 times",
        ],
    );
}

const LATE: &str = "
schema: 1
name: late
summary: What the primary sends is late.
stack:
  redis: { settings: { down-after: 30s } }
targets: { rto: any, rpo: any }
drill:
  - steady: 9s
  - fault: { latency: { node: primary, to: clients, delay: 50ms } }
  - hold: 2s
  - heal: all
  - expect: { recovered: { within: 1m } }
";

/// A container of the only run: a node's own, or one beside it, such as `r1.sidecar`.
pub fn container(drill: &Drill, node: &str) -> String {
    let run = drill.run_folder().expect("a run");
    let run = run.to_string_lossy().into_owned();
    let tail = run.rsplit('-').next().expect("a tail");
    let names = Command::new("docker")
        .args(["ps", "-a", "--format", "{{.Names}}"])
        .output()
        .expect("docker");
    let names = String::from_utf8_lossy(&names.stdout).into_owned();
    let own = format!("drdrill-{tail}-{node}");
    let found = names.lines().find(|name| **name == own);
    found
        .unwrap_or_else(|| panic!("no {own} among {names}"))
        .to_owned()
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_packet_queue_that_gets_no_packets_is_inconclusive() {
    let drill = Drill::written(LATE);
    let child = drill.spawn();
    wait_for(
        &drill,
        "step-started\":{\"step\":1",
        Duration::from_secs(60),
    );
    // Someone takes the queue's rules away as soon as they are there.
    let spoil = "end=$(($(date +%s) + 8)); while [ $(date +%s) -lt $end ]; do iptables -t mangle -F OUTPUT; done";
    let spoiled = Command::new("docker")
        .args(["exec", &container(&drill, "r1.sidecar"), "sh", "-c", spoil])
        .status();
    assert!(spoiled.is_ok());
    let output = child.wait_with_output().expect("an end");
    let done = drill.done(&output);
    done.expect(3, "inconclusive");
    assert!(
        done.reasons().contains(&"effect-verified"),
        "{:?}\n{}",
        done.reasons(),
        done.talk
    );
}

const LIMITED: &str = "
schema: 1
name: limited
summary: Few new connections reach the primary, on all ports and on one; those that stand go on.
stack:
  redis: { settings: { down-after: 30s } }
targets: { rto: any, rpo: any }
drill:
  - steady: 9s
  - fault: { packet-limit: { node: primary, rate: 10/s } }
  - heal: all
  - fault: { packet-limit: { node: all, rate: 1/s, ports: [6379] } }
  - heal: all
  - expect: { recovered: { within: 1m } }
";

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn as_many_new_connections_get_through_as_asked_and_all_once_it_is_healed() {
    let done = Drill::written(LIMITED).run();
    let words = ["asked 10 new connections", "asked 1 new connections"];
    all_seen(&done, &words);
    assert!(!done.talk.contains("failed to heal"), "{}", done.talk);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_limit_that_someone_takes_away_is_inconclusive() {
    let drill = Drill::written(LIMITED);
    let child = drill.spawn();
    let struck = "step-started\":{\"step\":1";
    wait_for(&drill, struck, Duration::from_secs(60));
    let spoil = "end=$(($(date +%s) + 8)); while [ $(date +%s) -lt $end ]; do nft flush table inet drdrill; done";
    let spoiled = Command::new("docker")
        .args(["exec", &container(&drill, "r1.sidecar"), "sh", "-c", spoil])
        .status();
    assert!(spoiled.is_ok());
    let output = child.wait_with_output().expect("an end");
    let done = drill.done(&output);
    done.expect(3, "inconclusive");
    let seen = effects(&done);
    assert_eq!(seen[0].0, "not-verified", "{seen:#?}\n{}", done.talk);
    println!("{}", seen[0].1);
}

const HARM: &str = "
schema: 1
name: harm
summary: Little CPU time and memory, a wiped replica, a damaged file, no memory, and an operator's mistake.
stack:
  redis: { settings: { down-after: 30s, persistence: aof } }
targets: { rto: any, rpo: any }
drill:
  - steady: 9s
  - fault: { cpu: { node: 'replica[1]', share: 20% } }
  - heal: all
  - fault: { memory: { node: 'replica[1]', room: 64MiB } }
  - heal: all
  - fault: { damage: { node: 'replica[1]', path: '/data/appendonlydir/*.aof' } }
  - fault: { wipe: { node: replica, path: /data/appendonlydir } }
  - heal: all
  - expect: { redundant: { within: 1m } }
  - fault: { out-of-memory: 'replica[0]' }
  - heal: all
  - expect: { redundant: { within: 1m } }
  - fault: { mistake: { node: 'replica[0]', run: mkdir /dev/shm/drdrill-ballast, shows: ls /dev/shm, expect: drdrill-ballast } }
  - fault: { out-of-memory: 'replica[0]' }
  - fault: { mistake: { node: primary, run: 'true', shows: echo nothing, expect: gone-for-good } }
  - expect: { recovered: { within: 1m } }
";

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn cpu_memory_files_and_folders_go_and_what_does_not_show_is_no_effect() {
    let done = Drill::written(HARM).run();
    let effects = effects(&done);
    let states: Vec<&str> = effects.iter().map(|(state, _)| state.as_str()).collect();
    println!("{effects:#?}");
    assert_eq!(
        states,
        [
            "verified",
            "verified",
            "verified",
            "verified",
            "verified",
            "verified",
            "not-verified",
            "not-verified"
        ],
        "{effects:#?}\n{}",
        done.talk
    );
    for ((_, evidence), word) in effects.iter().zip([
        "asked 20 % of a core",
        "asked 64MiB beyond",
        "by their digest",
        "files and folders below",
        "out of memory by the engine's word",
        "ballast",
        "the kernel killed nothing",
        "and not `gone-for-good`",
    ]) {
        assert!(evidence.contains(word), "{word} in {evidence}");
    }
    done.expect(3, "inconclusive");
}

const FLUSH: &str = "
schema: 1
name: flush
summary: An operator empties the primary.
stack:
  redis: { settings: { down-after: 30s } }
targets: { rto: any, rpo: { count: 0 } }
drill:
  - steady: 9s
  - fault: { mistake: { node: primary, run: redis-cli flushall, shows: redis-cli info commandstats | grep -c cmdstat_flushall, expect: '1' } }
  - hold: 2s
  - expect: { recovered: { within: 1m } }
";

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn an_operator_who_empties_the_primary_loses_what_was_acknowledged() {
    let done = Drill::written(FLUSH).run();
    all_seen(&done, &["says `1`, and said `0` before"]);
    done.expect(1, "fail");
    let lost = done.loss()["lost"].as_array().map_or(0, Vec::len);
    assert!(lost > 500, "nine seconds at 100 writes a second: {lost}");
}

/// Finds something within half a minute on processes, without an engine.
#[test]
#[ignore = "a minute of drills: make test-long"]
fn a_hunt_finds_the_worst_and_its_file_replays() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/scenarios/reference/primary-kill.yaml"
    );
    let hunt = Command::new(DRDRILL)
        .args([
            "hunt", scenario, "--for", "20s", "--seed", "3", "--faults", "1", "--out",
        ])
        .arg(folder.path())
        .env("DRDRILL_STATE", folder.path().join("state"))
        .output()
        .expect("the binary starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = format!("{}{}", text(&hunt.stderr), text(&hunt.stdout));
    println!("{said}");
    assert!(matches!(hunt.status.code(), Some(0 | 1 | 3)), "{said}");
    let found = std::fs::read_dir(folder.path())
        .expect("a folder")
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().ends_with("-hunt.yaml"));
    let Some(found) = found else {
        // On a machine that is too busy nothing may be concluded, and that is what it says.
        assert!(said.contains("none could be told"), "{said}");
        return;
    };
    let check = Command::new(DRDRILL).arg("check").arg(&found).output();
    assert!(check.expect("the binary starts").status.success(), "{said}");
    let written = std::fs::read_to_string(&found).expect("a file");
    assert!(written.starts_with("# The least of "), "{written}");
}
