//! Faults of disks on real stacks: what was asked against what servers in the nodes find, and what is left of them.

use std::{process::Command, time::Duration};

use crate::{
    drill_rig::Drill,
    drills::wait_for,
    faults::{all_seen, container, effects},
    machines::{accepted, refused},
};

const BAD: &str = "
schema: 1
name: bad-disk
summary: The disk of the primary is full, then nearly so, read-only, slow, failing, and forgets; a disk that is well is no fault.
stack:
  redis: { settings: { down-after: 30s, persistence: aof } }
targets: { rto: any, rpo: any }
drill:
  - steady: 9s
  - fault: { disk-full: primary }
  - heal: all
  - fault: { disk-quota: { node: primary, room: 8MiB } }
  - heal: all
  - fault: { disk-read-only: primary }
  - heal: all
  - fault: { disk-slow: { node: primary, delay: 50ms, operations: [write, sync] } }
  - heal: all
  - fault: { disk-errors: { node: primary, share: 30%, operations: [read] } }
  - heal: all
  - fault: { lose-unsynced: primary }
  - heal: all
  - expect: { redundant: { within: 1m } }
  - expect: { recovered: { within: 1m } }
";

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn disks_go_wrong_as_asked_and_are_sound_again() {
    let done = Drill::written(BAD).run();
    all_seen(
        &done,
        &[
            "of 20 tries to write what needs more room failed: 20 with ENOSPC",
            "asked 8192 KiB of room",
            "of 20 tries to write failed: 20 with EROFS",
            "asked 50 ms more for each sync",
            "asked 30 % of errors for read",
            "now, before it is synced: no",
        ],
    );
    assert!(!done.talk.contains("failed to heal"), "{}", done.talk);
}

/// A system that holds acknowledged writes back from its disk, and one that syncs each: the primary loses power.
fn unsynced(persistence: &str) -> String {
    format!(
        "
schema: 1
name: power
summary: The only copy of what was acknowledged is on one machine, which loses power.
stack:
  redis: {{ settings: {{ down-after: 60s, persistence: {persistence} }} }}
targets: {{ rto: any, rpo: {{ count: 0 }} }}
headline: 5
drill:
  - steady: 9s
  - fault: {{ kill: replicas }}
  - hold: 2s
  - fault: {{ lose-unsynced: primary }}
  - hold: 5s
  - fault: {{ restart: primary }}
  - hold: 5s
  - heal: all
  - expect: {{ recovered: {{ within: 1m }} }}
"
    )
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn what_was_not_synced_is_lost_with_the_power_and_what_was_synced_is_not() {
    let lost = |persistence: &str| {
        let done = Drill::written(&unsynced(persistence)).run();
        let states: Vec<String> = effects(&done).into_iter().map(|(state, _)| state).collect();
        assert_eq!(states, ["verified"; 3], "{}", done.talk);
        done.loss()["lost"].as_array().map_or(0, Vec::len)
    };
    let (each_second, each) = (lost("aof"), lost("aof-always"));
    println!("lost: {each_second} where it syncs each second, {each} where it syncs each write");
    assert!((1..400).contains(&each_second), "{each_second}");
    assert_eq!(each, 0);
}

const FILLED: &str = "
schema: 1
name: filled
summary: The primary uses up what room is left; a replica's limit stands when it starts again.
stack:
  redis: { settings: { down-after: 60s, persistence: aof } }
clients:
  service: { lanes: 4, rate: 600/s }
targets: { rto: any, rpo: any }
drill:
  - steady: 9s
  - fault: { disk-quota: { node: primary, room: 1MiB } }
  - fault: { disk-quota: { node: r2, room: 16MiB } }
  - hold: 20s
  - fault: { restart: r2 }
  - hold: 5s
  - heal: all
  - expect: { recovered: { within: 1m } }
";

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_server_writes_until_the_room_is_used_up_and_a_restart_makes_none() {
    let drill = Drill::written(FILLED);
    let child = drill.spawn();
    // Beside the drill: whether so many blocks of 64 KiB fit, by a shell in the node.
    let fits = |node: &str, blocks: u32, file: &str| {
        let write = format!("dd if=/dev/zero of=/data/{file} bs=64k count={blocks} 2>&1");
        let tried = Command::new("docker")
            .args(["exec", &container(&drill, node), "sh", "-c", &write])
            .output();
        let said = tried.expect("docker").stdout;
        let said = String::from_utf8_lossy(&said);
        // Where nothing at all is left, the file itself cannot be made.
        let is_full = said.contains("No space left on device");
        assert!(is_full || said.contains("records out"), "{said}");
        !is_full
    };
    let limit = Duration::from_secs(120);
    wait_for(&drill, "step-started\":{\"step\":3", limit);
    assert!(fits("r2", 160, "ballast"), "10 of 16 MiB");
    // What the server itself writes depends on the machine: half of the room is left to it.
    assert!(fits("r1", 8, "ballast"), "half of 1 MiB");
    wait_for(&drill, "step-started\":{\"step\":5", limit);
    assert!(!fits("r1", 1, "more"), "the server has used up 1 MiB");
    assert!(!fits("r2", 128, "more"), "8 of 6 MiB: 10 are taken");
    assert!(fits("r3", 512, "more"), "no limit here");
    let output = child.wait_with_output().expect("an end");
    let done = drill.done(&output);
    let seen = effects(&done);
    println!("{seen:#?}");
    let states: Vec<&str> = seen.iter().map(|(state, _)| state.as_str()).collect();
    assert_eq!(states, ["verified"; 3], "{}", done.talk);
    assert!(!done.talk.contains("failed to heal"), "{}", done.talk);
}

const HELD: &str = "
schema: 1
name: held
summary: The disk of the replica is full for a while.
stack:
  redis: { settings: { down-after: 30s, persistence: aof } }
targets: { rto: any, rpo: any }
drill:
  - steady: 9s
  - fault: { disk-full: r2 }
  - hold: 2s
  - heal: all
  - expect: { recovered: { within: 1m } }
";

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_disk_that_is_unmounted_under_the_fault_is_inconclusive() {
    let drill = Drill::written(HELD);
    let child = drill.spawn();
    wait_for(
        &drill,
        "step-started\":{\"step\":0",
        Duration::from_secs(90),
    );
    // Someone takes the file system away: what is opened from then on is not on it.
    let unmount = "import ctypes, os; os.setns(os.open('/proc/1/ns/mnt', 0), 0x20000); \
                   raise SystemExit(ctypes.CDLL(None).umount2(b'/data', 2))";
    let server = container(&drill, "r2.disk");
    let unmounted = Command::new("docker")
        .args(["exec", &server, "python3", "-c", unmount])
        .status();
    assert!(unmounted.expect("docker").success());
    let output = child.wait_with_output().expect("an end");
    let done = drill.done(&output);
    done.expect(3, "inconclusive");
    let seen = effects(&done);
    assert_eq!(seen.len(), 1, "{}", done.talk);
    assert_eq!(seen[0].0, "not-verified", "{seen:#?}\n{}", done.talk);
    println!("{}", seen[0].1);
}

#[test]
fn disks_under_which_no_server_would_wait_are_refused_with_their_place() {
    let text = |stack: &str, fault: &str| {
        format!(
            "schema: 1\nname: a\nsummary: b\nstack: {{ {stack} }}\ntargets: {{ rto: any, rpo: any }}\n\
             drill: [ {{ steady: 9s }}, {{ fault: {fault} }}, {{ expect: {{ recovered: {{ within: 1m }} }} }} ]\n"
        )
    };
    for fault in [
        "{ disk-full: primary }",
        "{ disk-quota: { node: primary, room: 1MiB } }",
        "{ disk-read-only: primary }",
        "{ disk-slow: { node: primary, delay: 50ms } }",
        "{ disk-errors: { node: primary, share: 20% } }",
        "{ lose-unsynced: primary }",
    ] {
        let said = refused(&text("etcd: {}", fault));
        assert!(said.contains("`etcd` are started without"), "{said}");
        assert!(said.contains("scenario.yaml:6:"), "{said}");
        assert!(said.contains("use `pause`"), "{said}");
        accepted(&text("redis: {}", fault));
    }
    let beside = text("postgres: { topology: patroni }", "{ disk-full: etcd1 }");
    let said = refused(&beside);
    assert!(said.contains("holds no data, and no disk"), "{said}");
    accepted(&beside.replace("etcd1", "pg1"));
}
