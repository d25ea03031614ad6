//! Drills with Prometheus and Alertmanager beside the stack: an alert that arrives, and those that do not.

use serde_json::Value;

use crate::{
    drill_rig::{Done, Drill},
    drills::nothing_left,
};

/// The finding of a checker.
fn finding<'a>(done: &'a Done, check: &str) -> &'a Value {
    let findings = done.result["findings"].as_array().expect("findings");
    let found = findings.iter().find(|finding| finding["check"] == check);
    found.unwrap_or_else(|| panic!("no finding `{check}`\n{}", done.talk))
}

/// Seconds from the fault to a moment of the only alert, at the most.
fn moment(done: &Done, moment: &str) -> Option<f64> {
    let alert = &done.result["figures"]["alerts"][0];
    let high = alert[moment]["measured"]["high_ns"].as_u64()?;
    Some(high as f64 / 1e9)
}

fn says(done: &Done, check: &str, answer: &str, text: &str) {
    let finding = finding(done, check);
    assert_eq!(finding["answer"], answer, "{finding}\n{}", done.talk);
    let summary = finding["summary"].as_str().unwrap_or_default();
    assert!(summary.contains(text), "{finding}");
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn the_alert_of_a_killed_primary_fires_arrives_and_is_resolved() {
    let done = Drill::shipped("redis/sentinel-kill-alert.yaml").run();
    done.expect(0, "pass");
    says(&done, "alerting", "valid", "proven to work");
    says(&done, "alerts", "valid", "1 alert fired and arrived");
    let at = |name| moment(&done, name).unwrap_or_else(|| panic!("no {name}\n{}", done.talk));
    let (pending, firing, delivered) = (at("pending"), at("firing"), at("delivered"));
    // Scraped and evaluated each second, pending for 5 s; then a group waits for 1 s.
    assert!((0.0..4.0).contains(&pending), "{pending}\n{}", done.talk);
    assert!((5.0..10.0).contains(&firing), "{firing}\n{}", done.talk);
    assert!(
        firing - pending > 4.5 && delivered > firing,
        "{firing} {delivered}"
    );
    assert!(at("resolved") > delivered, "{}", done.talk);
    nothing_left(&done);
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn no_client_notices_the_death_of_a_sentinel_and_its_alert_arrives() {
    let done = Drill::shipped("redis/sentinel-dead-alert.yaml").run();
    done.expect(0, "pass");
    says(&done, "alerting", "valid", "proven to work");
    says(&done, "alerts", "valid", "1 alert fired and arrived");
    assert_eq!(done.line("max_gap"), "met", "{}", done.talk);
    nothing_left(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn rules_of_what_no_client_notices_fire() {
    for scenario in [
        "redis/replicas-dead-alert.yaml",
        "redis/link-down-alert.yaml",
        "mysql/replica-stopped-alert.yaml",
        "mysql/semi-sync-kill-alert.yaml",
        "mongodb/no-primary-alert.yaml",
        "postgres/lag-alert.yaml",
    ] {
        let done = Drill::shipped(scenario).run();
        done.expect(0, "pass");
        says(&done, "alerts", "valid", "1 alert fired and arrived");
        nothing_left(&done);
    }
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn parts_of_the_failover_machinery_die_and_the_service_or_the_alert_tells() {
    for scenario in [
        "redis/sentinel-in-dead-zone.yaml",
        "postgres/patroni-etcd-dead-alert.yaml",
        "postgres/patroni-haproxy-dead-alert.yaml",
        "postgres/patroni-agent-dead-alert.yaml",
        "postgres/patroni-agent-restarts.yaml",
    ] {
        let done = Drill::shipped(scenario).run();
        done.expect(0, "pass");
        nothing_left(&done);
    }
    // Without its agent the old primary still takes writes when another one has been promoted.
    let two = Drill::shipped("postgres/patroni-agent-restarts.yaml")
        .set("stack.postgres.settings.agent-restarts", "false")
        .run();
    two.expect(1, "fail");
    assert_eq!(two.line("split_brain"), "missed", "{}", two.talk);
    nothing_left(&two);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_rule_that_waits_longer_than_the_outage_may_last_is_found() {
    let done = Drill::shipped("redis/sentinel-kill-alert-slow.yaml").run();
    done.expect(0, "pass");
    says(
        &done,
        "alert-reach",
        "invalid",
        "cannot fire within the outage: 300.000 s",
    );
    says(&done, "alerts", "invalid", "RedisDownForLong never fired");
    assert!(
        done.talk.contains("cannot fire within the outage"),
        "{}",
        done.talk
    );
    nothing_left(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn a_wrong_rule_fails_the_drill_that_promises_its_alert() {
    let done = Drill::shipped("redis/sentinel-kill-alert-wrong-rule.yaml")
        .set("alerting.expect.0.firing", "15s")
        .run();
    done.expect(1, "fail");
    says(&done, "alerts", "invalid", "RedisDown never fired");
    says(&done, "alerting", "valid", "proven to work");
    assert_eq!(done.line("alert_firing RedisDown"), "missed");
    nothing_left(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn an_alert_that_nothing_names_is_a_wrong_one_and_one_past_its_target_is_late() {
    let done = Drill::shipped("redis/sentinel-kill-alert.yaml")
        .set("alerting.expect", "[{ alert: RedisFailover, firing: any }]")
        .set("drill.2.expect.alerted.within", "8s")
        .run();
    done.expect(1, "fail");
    says(
        &done,
        "alerts",
        "invalid",
        "a wrong alert fired: RedisDown for r1",
    );
    assert_eq!(done.line("alerts_unexpected"), "missed");
    let late = Drill::shipped("redis/sentinel-kill-alert.yaml")
        .set("alerting.expect.0.firing", "2s")
        .run();
    late.expect(1, "fail");
    says(&late, "alerts", "invalid", "RedisDown fired late");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn alerting_that_never_worked_is_inconclusive() {
    let scenario = std::fs::read_to_string("scenarios/redis/sentinel-kill-alert.yaml")
        .expect("it is shipped")
        .replace("[shipped]", "[broken.rules]")
        .replace("  may-fire: [RedisFailover]\n", "");
    let drill = Drill::written(&scenario);
    // Two series of each node on either side: evaluated with an error, and never an alert.
    let rules = "groups:\n- name: a\n  rules:\n  - alert: RedisDown\n    expr: redis_up == on (job) redis_up\n";
    std::fs::write(drill.folder.path().join("broken.rules"), rules).expect("written");
    let done = drill.run();
    done.expect(3, "inconclusive");
    says(&done, "alerting", "unknown", "the rule RedisDown: err");
    assert_eq!(done.line("alert_firing RedisDown"), "inconclusive");
    nothing_left(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn an_alert_arrives_while_patroni_still_fails_over() {
    let done = Drill::shipped("postgres/patroni-kill-alert.yaml").run();
    done.expect(0, "pass");
    let delivered = moment(&done, "delivered").expect("it arrived");
    let rto = done.value("rto").expect("an RTO");
    assert!(delivered < rto, "{delivered} {rto}\n{}", done.talk);
    nothing_left(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn the_alert_of_a_killed_mongodb_primary_arrives_and_one_that_waits_too_long_does_not() {
    let done = Drill::shipped("mongodb/majority-kill-alert.yaml").run();
    done.expect(0, "pass");
    says(&done, "alerting", "valid", "proven to work");
    let at = |name| moment(&done, name).unwrap_or_else(|| panic!("no {name}\n{}", done.talk));
    assert!(at("firing") - at("pending") > 4.5, "{}", done.talk);
    assert!(at("delivered") < at("resolved"), "{}", done.talk);
    nothing_left(&done);
    let slow = Drill::shipped("mongodb/majority-kill-alert-slow.yaml").run();
    slow.expect(0, "pass");
    says(
        &slow,
        "alert-reach",
        "invalid",
        "cannot fire within the outage: 300.000 s",
    );
    says(&slow, "alerts", "invalid", "MongodbDownForLong never fired");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn the_alert_of_a_killed_kafka_leader_arrives_and_is_resolved() {
    let done = Drill::shipped("kafka/leader-kill-alert.yaml").run();
    done.expect(0, "pass");
    says(&done, "alerting", "valid", "proven to work");
    let at = |name| moment(&done, name).unwrap_or_else(|| panic!("no {name}\n{}", done.talk));
    assert!(at("firing") - at("pending") > 4.5, "{}", done.talk);
    assert!(at("delivered") < at("resolved"), "{}", done.talk);
    nothing_left(&done);
}
