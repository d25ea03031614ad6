//! Drills on consumer groups of a real Kafka: a member that says nothing, one that leaves, a coordinator that dies.

use serde_json::Value;

use crate::{
    drill_rig::{Done, Drill},
    drills::nothing_left,
};

/// The figures of the headline's rebalance.
fn rebalance(done: &Done) -> &Value {
    &done.result["figures"]["events"][0]["rebalance"]
}

/// Who consumed each partition before, and again.
fn consumers(done: &Done) -> Vec<(String, String)> {
    let partitions = rebalance(done)["partitions"].as_array().cloned();
    let name = |value: &Value| value.as_str().unwrap_or("nobody").to_owned();
    partitions
        .unwrap_or_default()
        .iter()
        .map(|it| (name(&it["before"]), name(&it["after"])))
        .collect()
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_consumer_that_crashes_costs_its_partition_a_session() {
    let done = Drill::shipped("kafka/consumer-crash.yaml").run();
    done.expect(0, "pass");
    let time = done.value("rebalance").expect("a time");
    // A session of 10 s less a heartbeat, then the others' next heartbeat.
    assert!((9.0..13.0).contains(&time), "{time}\n{}", done.talk);
    let consumers = consumers(&done);
    assert_eq!(consumers.len(), 3, "{consumers:?}");
    let lost: Vec<_> = consumers.iter().filter(|it| it.0 == "consumer-1").collect();
    assert!(!lost.is_empty(), "{consumers:?}");
    assert!(lost.iter().all(|it| it.1 != "consumer-1"), "{consumers:?}");
    // It commits each 5 s, and what came after its last commit is delivered again.
    let again = rebalance(&done)["again"].as_u64().expect("a count");
    assert!(again > 0, "{}", done.talk);
    nothing_left(&done);
}

/// The same drill with a longer session: the stack's own setting turns it red.
#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_session_longer_than_the_target_fails_the_drill() {
    let done = Drill::shipped("kafka/consumer-crash.yaml")
        .set("clients.consumers.session", "30s")
        .run();
    done.expect(1, "fail");
    assert_eq!(done.line("rebalance"), "missed", "{}", done.talk);
    assert_eq!(done.line("rto"), "met", "{}", done.talk);
    let time = done.value("rebalance").expect("a time");
    assert!((29.0..33.0).contains(&time), "{time}\n{}", done.talk);
    nothing_left(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_consumer_that_leaves_is_followed_at_once() {
    let done = Drill::shipped("kafka/consumer-leave.yaml").run();
    done.expect(0, "pass");
    let consumers = consumers(&done);
    let left: Vec<_> = consumers.iter().filter(|it| it.0 == "consumer-1").collect();
    assert!(left.iter().all(|it| it.1 != "consumer-1"), "{consumers:?}");
    nothing_left(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_group_goes_on_when_its_coordinator_dies() {
    let done = Drill::shipped("kafka/consumer-rebalance.yaml").run();
    done.expect(0, "pass");
    let time = done.value("rebalance").expect("a time");
    // A session of the brokers less a heartbeat at least, since each of them leads a partition.
    assert!((2.4..20.0).contains(&time), "{time}\n{}", done.talk);
    nothing_left(&done);
}
