//! Whole drills of MySQL and MariaDB on real containers: one kill of each, with the loss found to the write.

use crate::{drill_rig::Drill, drills::nothing_left};

/// Three seconds at 100 writes a second are nowhere but on the dead primary's disk: they are lost, nothing else is, and
/// the node comes back without them.
fn loses_what_replication_had_not_sent(scenario: &str) {
    let done = Drill::shipped(scenario).run();
    done.expect(0, "pass");
    let lost = done.loss()["lost"].as_array().map_or(0, Vec::len);
    assert!((100..=600).contains(&lost), "{lost}\n{}", done.talk);
    let holes = done.loss()["holes"].as_array().map(Vec::len);
    assert_eq!(holes, Some(0), "{}", done.talk);
    assert!(done.talk.contains("errant: "), "{}", done.talk);
    nothing_left(&done);
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn mysql_loses_to_the_write_what_replication_had_not_sent() {
    loses_what_replication_had_not_sent("mysql/async-kill-with-lag.yaml");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn mariadb_loses_to_the_write_what_replication_had_not_sent() {
    loses_what_replication_had_not_sent("mariadb/async-kill-with-lag.yaml");
}
