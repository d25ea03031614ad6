//! Whole drills whose registers are judged: linearizable across a failover, and told where a failover took something back.

use crate::{
    drill_rig::{Done, Drill},
    drills::nothing_left,
};

/// The evidence of the checker `consistency`.
fn told(done: &Done) -> Vec<String> {
    let findings = done.result["findings"].as_array().expect("findings");
    let own = findings.iter().find(|it| it["check"] == "consistency");
    let evidence = own.and_then(|it| it["evidence"].as_array());
    evidence
        .expect("evidence")
        .iter()
        .map(|line| line.as_str().expect("text").to_owned())
        .collect()
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn postgres_takes_back_what_was_read_where_replication_had_not_sent_it() {
    let done = Drill::shipped("postgres/async-kill-registers.yaml")
        .set("targets.consistency", "linearizable")
        .run();
    done.expect(1, "fail");
    assert_eq!(done.line("consistency"), "missed", "{}", done.talk);
    assert_eq!(done.finding("consistency"), "invalid", "{}", done.talk);
    let told = told(&done);
    let gone = told
        .iter()
        .any(|line| line.contains("was there and then gone"));
    assert!(gone, "{told:#?}");
    let page = std::fs::read_to_string(done.run.join("report.html")).expect("a report");
    assert!(page.contains("was there and then gone"));
    nothing_left(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn mysql_registers_stay_linearizable_with_semi_synchronous_replication() {
    let done = Drill::shipped("mysql/semi-sync-registers.yaml").run();
    done.expect(0, "pass");
    nothing_left(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn postgres_registers_stay_linearizable_under_patroni_with_synchronous_replication() {
    let done = Drill::shipped("postgres/patroni-sync-registers.yaml").run();
    done.expect(0, "pass");
    nothing_left(&done);
}

/// At the servers' own default isolation, two transfers that read the same balance overwrite each other's.
fn changes_the_total_unless_serializable(scenario: &str, isolation: &str, weaker: &str) {
    let done = Drill::shipped(scenario).run();
    done.expect(0, "pass");
    assert_eq!(done.line("consistency"), "met", "{}", done.talk);
    let done = Drill::shipped(scenario).set(isolation, weaker).run();
    done.expect(1, "fail");
    assert_eq!(done.line("consistency"), "missed", "{}", done.talk);
    assert_eq!(done.line("rpo_count"), "met", "{}", done.talk);
    let told = told(&done);
    assert!(
        told[0].contains("a final read held a total of"),
        "{told:#?}"
    );
    nothing_left(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn postgres_transfers_leave_the_total_alone_only_where_serializable() {
    let isolation = "stack.postgres.settings.isolation";
    let scenario = "postgres/serializable-transfers.yaml";
    changes_the_total_unless_serializable(scenario, isolation, "read-committed");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn mysql_transfers_leave_the_total_alone_only_where_serializable() {
    let isolation = "stack.mysql.settings.isolation";
    let scenario = "mysql/serializable-transfers.yaml";
    changes_the_total_unless_serializable(scenario, isolation, "repeatable-read");
}

/// The same transactions, on a stack whose isolation is weaker than what is asked: circles are found and named.
fn shows_circles_unless_serializable(scenario: &str, isolation: &str, weaker: &str) {
    let done = Drill::shipped(scenario).run();
    done.expect(0, "pass");
    assert_eq!(done.line("consistency"), "met", "{}", done.talk);
    nothing_left(&done);
    let done = Drill::shipped(scenario).set(isolation, weaker).run();
    done.expect(1, "fail");
    assert_eq!(done.line("consistency"), "missed", "{}", done.talk);
    assert_eq!(done.finding("consistency"), "invalid", "{}", done.talk);
    assert_eq!(done.line("rpo_count"), "met", "{}", done.talk);
    let told = told(&done);
    let circle = |line: &String| {
        line.starts_with("G-single-item: list-append-") && line.ends_with("closes the circle")
    };
    assert!(told.iter().any(circle), "{told:#?}");
    let lost = told.iter().any(|line| line.starts_with("lost-append"));
    assert!(!lost, "{told:#?}");
    nothing_left(&done);
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn postgres_transactions_on_lists_make_no_circle_only_where_serializable() {
    let isolation = "stack.postgres.settings.isolation";
    let scenario = "postgres/serializable-list-append.yaml";
    shows_circles_unless_serializable(scenario, isolation, "read-committed");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn mysql_transactions_on_lists_make_no_circle_only_where_serializable() {
    let isolation = "stack.mysql.settings.isolation";
    let scenario = "mysql/serializable-list-append.yaml";
    shows_circles_unless_serializable(scenario, isolation, "repeatable-read");
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn mysql_tells_each_acknowledged_append_that_an_asynchronous_failover_lost() {
    let done = Drill::shipped("mysql/async-kill-list-append.yaml")
        .set("targets.consistency", "serializable")
        .run();
    done.expect(1, "fail");
    assert_eq!(done.line("consistency"), "missed", "{}", done.talk);
    let told = told(&done);
    let lost = told
        .iter()
        .any(|line| line.starts_with("lost-append: list-append-"));
    assert!(lost, "{told:#?}");
    nothing_left(&done);
}
