//! Whole drills of Redis Cluster on real containers: recovery shard by shard, and what happens without a majority.

use std::time::Duration;

use serde_json::Value;

use crate::{
    drill_rig::{Done, Drill},
    drills::nothing_left,
};

/// What the report says of each shard at the headline: in order of their numbers.
fn shards(done: &Done) -> Vec<Value> {
    let shards = done.result["figures"]["events"][0]["shards"].as_array();
    let shards = shards.cloned().unwrap_or_default();
    assert_eq!(shards.len(), 3, "{}", done.talk);
    shards
}

/// The upper end of a shard's recovery time, seconds.
fn rto(shard: &Value) -> f64 {
    let high = shard["rto"]["measured"]["high_ns"].as_u64();
    high.map_or(f64::INFINITY, |ns| Duration::from_nanos(ns).as_secs_f64())
}

fn seen(shards: &[Value]) -> Vec<bool> {
    let seen = shards.iter().map(|shard| shard["outage_seen"] == true);
    seen.collect()
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn a_cluster_elects_the_replica_of_a_primary_that_was_killed() {
    let done = Drill::shipped("redis/cluster-kill-one.yaml").run();
    done.expect(0, "pass");
    let shards = shards(&done);
    assert_eq!(shards[0]["hit"], true, "{}", done.talk);
    assert_eq!(shards[0]["successor"], "r4", "{}", done.talk);
    // Node timeout 2 s and the delay of an election; then at most the reports, the election and a second for the machine.
    assert!((2.5..6.5).contains(&rto(&shards[0])), "{}", done.talk);
    // While a slot has no owner the whole cluster refuses its clients.
    assert_eq!(seen(&shards), [true; 3], "{}", done.talk);
    nothing_left(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn without_full_coverage_only_the_shard_that_was_hit_has_an_outage() {
    let done = Drill::shipped("redis/cluster-kill-one.yaml")
        .set(
            "stack.redis.settings.cluster-require-full-coverage",
            "false",
        )
        .run();
    done.expect(0, "pass");
    assert_eq!(seen(&shards(&done)), [true, false, false], "{}", done.talk);
    assert!(
        done.value("rto").is_some_and(|rto| rto > 2.5),
        "{}",
        done.talk
    );
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_cluster_whose_replicas_may_not_stand_misses_its_target() {
    let done = Drill::shipped("redis/cluster-kill-one.yaml")
        .set("stack.redis.settings.cluster-replica-no-failover", "true")
        .run();
    done.expect(1, "fail");
    assert_eq!(done.line("rto"), "missed", "{}", done.talk);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_cluster_elects_the_replica_of_a_primary_that_hangs() {
    let done = Drill::shipped("redis/cluster-pause.yaml").run();
    done.expect(0, "pass");
    let shards = shards(&done);
    assert_eq!(shards[1]["successor"], "r5", "{}", done.talk);
    assert!((2.5..6.5).contains(&rto(&shards[1])), "{}", done.talk);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_shard_that_is_lost_as_a_whole_is_down_until_it_is_back_and_the_others_are_not() {
    let done = Drill::shipped("redis/cluster-minority-lost.yaml").run();
    done.expect(0, "pass");
    let shards = shards(&done);
    assert_eq!(seen(&shards), [true, false, false], "{}", done.talk);
    assert!(rto(&shards[0]) > 10.0, "{}", done.talk);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_cluster_without_a_majority_serves_no_shard_until_it_has_one() {
    let done = Drill::shipped("redis/cluster-majority-lost.yaml").run();
    done.expect(0, "pass");
    let shards = shards(&done);
    assert_eq!(seen(&shards), [true; 3], "{}", done.talk);
    assert!(
        shards.iter().all(|shard| rto(shard) > 10.0),
        "{}",
        done.talk
    );
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_cluster_left_alone_shows_no_outage_and_no_loss() {
    let done = Drill::shipped("redis/cluster-noop.yaml").run();
    done.expect(0, "control");
    assert_eq!(seen(&shards(&done)), [false; 3], "{}", done.talk);
}
