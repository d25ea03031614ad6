//! Whole drills of PostgreSQL's logical replication on real containers: a region lost, with the subscriber near and behind.

use serde_json::Value;

use crate::{
    drill_rig::{Done, Drill},
    drills::nothing_left,
};

fn lost(done: &Done) -> usize {
    done.loss()["lost"].as_array().map_or(0, Vec::len)
}

/// How the members were held against each other: not by positions, which are those of two logs.
fn evidence(done: &Done, check: &str) -> String {
    let findings = done.result["findings"].as_array();
    let found = findings.and_then(|all| all.iter().find(|finding| finding["check"] == check));
    found
        .map_or(Value::Null, |found| found["evidence"].clone())
        .to_string()
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_subscriber_takes_over_and_the_old_primary_is_made_anew_as_its_subscriber() {
    let done = Drill::shipped("postgres/logical-region-loss.yaml").run();
    done.expect(0, "pass");
    // Two looks at the subscriber, the end of its subscription and a connection.
    let rto = done.value("rto").expect("an RTO");
    assert!((0.1..10.0).contains(&rto), "{rto}\n{}", done.talk);
    assert!(lost(&done) < 50, "{}", done.talk);
    assert!(
        evidence(&done, "convergence").contains("compared by their contents"),
        "{}",
        done.talk
    );
    nothing_left(&done);
}

/// Three seconds at 100 writes a second are nowhere but on the dead primary's disk.
#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_subscriber_loses_to_the_write_what_it_had_not_applied() {
    let done = Drill::shipped("postgres/logical-loses-lag.yaml")
        .set("targets.rpo", "{count: 0}")
        .run();
    done.expect(1, "fail");
    let count = lost(&done);
    assert!((100..=600).contains(&count), "{count}\n{}", done.talk);
    let holes = done.loss()["holes"].as_array().map(Vec::len);
    assert_eq!(holes, Some(0), "{}", done.talk);
    nothing_left(&done);
}
