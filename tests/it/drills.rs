//! Whole drills on real containers: one kill per system, the controls, and what must not pass.

use std::{
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{drill_rig::Drill, faults::container};

/// Nothing with the run's label is left in the engine, and the record says so.
pub fn nothing_left(done: &crate::drill_rig::Done) {
    let residue = &done.result["residue"];
    assert_eq!(
        residue["left"].as_array().map(Vec::len),
        Some(0),
        "{}",
        done.talk
    );
    let run = done.result["run"]["id"].as_str().expect("a run").to_owned();
    assert_eq!(labelled(&run), "", "{}", done.talk);
}

pub fn labelled(run: &str) -> String {
    let filter = format!("label=drdrill.run={run}");
    let list = |kind: &[&str]| {
        let output = Command::new("docker")
            .args(kind)
            .args(["--filter", &filter])
            .output()
            .expect("docker");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    format!(
        "{}{}{}",
        list(&["ps", "-aq"]),
        list(&["network", "ls", "-q"]),
        list(&["volume", "ls", "-q"])
    )
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn redis_fails_over_when_the_primary_is_killed() {
    let done = Drill::shipped("redis/sentinel-kill.yaml").run();
    done.expect(0, "pass");
    let rto = done.value("rto").expect("an RTO");
    // Detection in [0, down-after], then at most a vote, an election and a promotion.
    assert!((0.2..8.0).contains(&rto), "{rto}\n{}", done.talk);
    nothing_left(&done);
    // Six nodes and their network: nobody cuts or probes a link, so there are no sidecars.
    assert_eq!(done.result["residue"]["removed"], 7, "{}", done.talk);
}

/// What a route took of the recovery is a phase of its own, and ends where the clients came that way.
fn moved_by(route: &str, scenario: &str) {
    let done = Drill::shipped(scenario).run();
    done.expect(0, "pass");
    let phases = &done.result["figures"]["events"][0]["phases"];
    let found = (phases.as_array().into_iter().flatten())
        .find(|phase| phase["until"] == "routed")
        .unwrap_or_else(|| panic!("no phase of the route: {phases}"));
    assert_eq!(found["source"], route, "{phases}");
    nothing_left(&done);
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn redis_is_reached_at_an_address_that_keepalived_moves() {
    moved_by("keepalived", "redis/keepalived-kill.yaml");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn every_system_is_reached_by_its_routes() {
    moved_by("haproxy", "redis/haproxy-kill.yaml");
    moved_by("keepalived", "mysql/keepalived-kill.yaml");
    moved_by("keepalived", "postgres/keepalived-kill.yaml");
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn redis_left_alone_shows_no_outage_and_no_loss() {
    let done = Drill::shipped("redis/sentinel-noop.yaml").run();
    done.expect(0, "control");
    nothing_left(&done);
    // With a sidecar each: a control shows that every link passes bytes.
    assert_eq!(done.result["residue"]["removed"], 13, "{}", done.talk);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn postgres_loses_to_the_write_what_replication_had_not_sent() {
    let done = Drill::shipped("postgres/async-kill-with-lag.yaml").run();
    done.expect(0, "pass");
    let lost = done.loss()["lost"].as_array().map_or(0, Vec::len);
    assert!(
        lost > 100,
        "three seconds at 100 writes a second: {lost}\n{}",
        done.talk
    );
    assert_eq!(
        done.loss()["holes"].as_array().map(Vec::len),
        Some(0),
        "{}",
        done.talk
    );
    nothing_left(&done);
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn postgres_under_patroni_fails_over_when_the_primary_is_killed() {
    let done = Drill::shipped("postgres/patroni-kill.yaml").run();
    done.expect(0, "pass");
    let rto = done.value("rto").expect("an RTO");
    assert!(
        (14.0..30.0).contains(&rto),
        "ttl 20 s, loop wait 5 s: {rto}\n{}",
        done.talk
    );
    nothing_left(&done);
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn mongodb_elects_another_primary_when_the_primary_is_killed() {
    let done = Drill::shipped("mongodb/quick-kill.yaml").run();
    done.expect(0, "pass");
    let rto = done.value("rto").expect("an RTO");
    assert!(
        (1.0..6.0).contains(&rto),
        "election timeout 2 s, heartbeat 0.5 s: {rto}\n{}",
        done.talk
    );
    nothing_left(&done);
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn kafka_loses_nothing_when_the_leader_is_killed() {
    let done = Drill::shipped("kafka/leader-kill.yaml").run();
    done.expect(0, "pass");
    let rto = done.value("rto").expect("an RTO");
    // A session of 3 s less one heartbeat, then at most a look, the record's way and the clients'.
    assert!((2.4..8.0).contains(&rto), "{rto}\n{}", done.talk);
    nothing_left(&done);
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn etcd_elects_another_leader_when_the_leader_is_killed() {
    let done = Drill::shipped("etcd/leader-kill.yaml")
        .set("targets.rto", "10s")
        .run();
    done.expect(0, "pass");
    let rto = done.value("rto").expect("an RTO");
    // An election timeout of 1 s less two heartbeats of 0.1 s, then at most twice of it and a vote; what
    // a busy machine adds is left room for.
    assert!((0.7..5.0).contains(&rto), "{rto}\n{}", done.talk);
    nothing_left(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn etcd_with_a_long_election_timeout_misses_the_target() {
    let done = Drill::shipped("etcd/leader-kill.yaml")
        .set("stack.etcd.settings.election-timeout", "5s")
        .run();
    done.expect(1, "fail");
    assert_eq!(done.line("rto"), "missed", "{}", done.talk);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn etcd_left_alone_shows_no_outage_and_no_loss() {
    let done = Drill::shipped("etcd/noop.yaml").run();
    done.expect(0, "control");
    nothing_left(&done);
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn opensearch_makes_another_copy_primary_when_the_primary_is_killed() {
    let done = Drill::shipped("opensearch/primary-kill.yaml")
        .set("targets.rto", "10s")
        .run();
    done.expect(0, "pass");
    let rto = done.value("rto").expect("an RTO");
    // The connections of the dead node end at once; what a busy machine adds is left room for.
    assert!((0.05..8.0).contains(&rto), "{rto}\n{}", done.talk);
    nothing_left(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn opensearch_without_a_second_copy_misses_the_target() {
    let done = Drill::shipped("opensearch/primary-kill.yaml")
        .set("stack.opensearch.settings.replicas", "0")
        .run();
    done.expect(1, "fail");
    assert_eq!(done.line("rto"), "missed", "{}", done.talk);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn opensearch_left_alone_shows_no_outage_and_no_loss() {
    let done = Drill::shipped("opensearch/noop.yaml").run();
    done.expect(0, "control");
    nothing_left(&done);
}

const HANG: &str = "
schema: 1
name: hang
summary: The primary hangs for less than Sentinel needs to notice.
stack:
  redis: { settings: { down-after: 8s } }
targets: { rto: 1m, rpo: any, recovered-by: other-node }
drill:
  - steady: 10s
  - fault: { pause: { node: primary, for: 2s } }
  - expect: { recovered: { within: 1m } }
  - heal: all
  - expect: { redundant: { within: 1m } }
";

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_hang_healed_before_the_failover_is_recovered_by_heal_and_fails() {
    let done = Drill::written(HANG).run();
    done.expect(1, "fail");
    assert_eq!(done.line("recovered_by"), "missed", "{}", done.talk);
}

const CUT: &str = "
schema: 1
name: cut
summary: The primary is isolated.
stack:
  redis: { settings: { down-after: 30s } }
targets: { rto: 1m, rpo: any }
drill:
  - steady: 10s
  - fault: { partition: { isolate: primary } }
  - hold: 2s
  - heal: all
  - expect: { recovered: { within: 1m } }
";

/// Waits until the run's event log holds a word.
pub fn wait_for(drill: &Drill, word: &str, limit: Duration) {
    let end = Instant::now() + limit;
    while Instant::now() < end {
        let log = drill
            .run_folder()
            .and_then(|run| std::fs::read_to_string(run.join("events.jsonl")).ok());
        if log.is_some_and(|log| log.contains(word)) {
            return;
        }
        sleep(Duration::from_millis(2));
    }
    panic!("`{word}` did not show within {limit:?}");
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_partition_whose_rules_match_nothing_is_inconclusive() {
    let drill = Drill::written(CUT);
    let child = drill.spawn();
    wait_for(
        &drill,
        "step-started\":{\"step\":1",
        Duration::from_secs(60),
    );
    // Someone deletes the rules as soon as they are there.
    let loop_ = "end=$(($(date +%s) + 6)); while [ $(date +%s) -lt $end ]; do nft delete table inet drdrill 2>/dev/null; done";
    let sidecar = container(&drill, "r1.sidecar");
    let spoil = Command::new("docker")
        .args(["exec", &sidecar, "sh", "-c", loop_])
        .status();
    assert!(spoil.is_ok());
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

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_harness_killed_during_a_partition_leaves_nothing_after_the_sweep() {
    let drill = Drill::written(CUT);
    let mut child = drill.spawn();
    wait_for(&drill, "disrupted", Duration::from_secs(60));
    child.kill().expect("a SIGKILL");
    child.wait().expect("an end");
    let run = drill.run_name();
    assert_ne!(labelled(&run), "", "the kill left containers");
    let (code, text) = drill.sweep();
    assert_eq!(code, 0, "{text}");
    assert!(text.contains(&run), "{text}");
    assert_eq!(labelled(&run), "");
    let register = std::fs::read_to_string(drill.folder.path().join("reports/register.jsonl"))
        .expect("a register");
    assert!(
        register.contains("closed") || register.contains("closing"),
        "{register}"
    );
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn an_interrupted_drill_heals_removes_and_reports() {
    let drill = Drill::written(CUT);
    let child = drill.spawn();
    wait_for(&drill, "disrupted", Duration::from_secs(60));
    let interrupted = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupted.is_ok_and(|status| status.success()));
    let output = child.wait_with_output().expect("an end");
    let done = drill.done(&output);
    assert_eq!(done.exit, 130, "{}", done.talk);
    assert_ne!(done.verdict(), "pass");
    nothing_left(&done);
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn an_image_without_the_server_is_refused_before_a_node_is_created() {
    let done = Drill::shipped("quickstart.yaml")
        .set("stack.redis.image", "drdrill.local/base:trixie")
        .run();
    assert_eq!(done.exit, 5, "{}", done.talk);
    assert!(
        done.talk.contains("it has no redis-server"),
        "{}",
        done.talk
    );
    nothing_left(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn valkey_fails_over_when_the_primary_is_shut_down() {
    let done = Drill::shipped("valkey/sentinel-stop.yaml").run();
    done.expect(0, "pass");
    assert!(
        done.value("rto").is_some_and(|rto| rto > 0.0),
        "{}",
        done.talk
    );
    nothing_left(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn redis_restarted_in_place_keeps_its_data_only_with_a_log_on_disk() {
    let kept = Drill::shipped("redis/restart.yaml").run();
    kept.expect(0, "pass");
    nothing_left(&kept);
    let setting = "stack.redis.settings.persistence";
    let empty = Drill::shipped("redis/restart.yaml")
        .set(setting, "none")
        .run();
    empty.expect(1, "fail");
    let lost = empty.loss()["lost"].as_array().map_or(0, Vec::len);
    assert!(
        lost > 500,
        "ten seconds at 100 writes a second: {lost}\n{}",
        empty.talk
    );
    nothing_left(&empty);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn redis_fails_over_when_what_the_primary_sends_is_lost() {
    let done = Drill::shipped("redis/sentinel-partition-out.yaml").run();
    done.expect(0, "pass");
    nothing_left(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn clients_cut_off_with_the_redis_primary_come_back_to_its_successor() {
    let done = Drill::shipped("redis/sentinel-partition-clients-inside.yaml").run();
    done.expect(0, "pass");
    // They cannot come back before the cut is healed after 10 s.
    assert!(
        done.value("rto_write").is_some_and(|rto| rto > 10.0),
        "{}",
        done.talk
    );
    nothing_left(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn postgres_recovers_in_place_without_loss() {
    let done = Drill::shipped("postgres/restart.yaml").run();
    done.expect(0, "pass");
    nothing_left(&done);
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_stack_that_does_not_come_up_is_an_unfit_environment_with_the_nodes_own_words() {
    // More than PostgreSQL takes: each server says so in its log, and ends.
    let drill = Drill::shipped("postgres/sync-kill.yaml");
    let done = drill
        .set("stack.postgres.settings.max-connections", "1000000")
        .run();
    assert_eq!(done.exit, 5, "{}", done.talk);
    assert!(
        done.talk.contains("outside the valid range"),
        "{}",
        done.talk
    );
    nothing_left(&done);
}
