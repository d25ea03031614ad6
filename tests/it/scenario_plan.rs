//! What no system could carry out is found before anything is created.

use drdrill::{
    alerting::RuleFile,
    drill::{validate_against, validate_alerting, validate_design},
    scenario::{Problems, read},
    system::{System, mongodb::MongoDb, postgres::Postgres, redis::Redis, reference::Reference},
};

use crate::{offers::fixed, scenario_problems::rendered};

const REDIS: &str = "\
schema: 1
name: redis-kill
summary: Sentinel promotes a replica when the primary dies.
stack:
  redis:
    topology: sentinel
    nodes: 3
    settings: { down-after: 1s, persistence: aof, quorum: 2 }
clients:
  route: sentinel
targets: { rto: 1m, rpo: any }
drill:
  - steady: 10s
  - fault: { kill: { node: primary } }
  - expect: { recovered: { within: 60s } }
  - heal: all
  - expect: { redundant: { within: 2m } }
  - failback: planned
";

/// Name, replacements in the good file.
const CASES: &[(&str, &[(&str, &str)])] = &[
    ("unknown_system", &[("  redis:\n", "  rediss:\n")]),
    ("unknown_system_far", &[("  redis:\n", "  oracle:\n")]),
    (
        "unknown_topology",
        &[("topology: sentinel", "topology: sentinels")],
    ),
    ("unknown_setting", &[("down-after: 1s", "down_after: 1s")]),
    (
        "setting_no_duration",
        &[("down-after: 1s", "down-after: 1000")],
    ),
    ("setting_no_count", &[("quorum: 2", "quorum: two")]),
    (
        "setting_no_such_word",
        &[("persistence: aof", "persistence: rdb")],
    ),
    ("too_many_nodes", &[("nodes: 3", "nodes: 9")]),
    ("unknown_route", &[("route: sentinel", "route: haproxy")]),
    (
        "unknown_runbook",
        &[(
            "  - heal: all",
            "  - runbook: promote-replica\n  - heal: all",
        )],
    ),
    (
        "no_etcd",
        &[("node: primary", "node: primary, unless: etcd-leader")],
    ),
    (
        "no_such_replica",
        &[("node: primary", "node: 'replica[2]'")],
    ),
    (
        "several_systems",
        &[("stack:\n", "stack:\n  reference: {}\n")],
    ),
    (
        "process_runtime",
        &[
            ("  redis:\n", "  reference:\n"),
            (
                "sentinel\n    nodes: 3\n    settings: { down-after: 1s, persistence: aof, quorum: 2 }",
                "replicated\n    image: redis:8",
            ),
            ("route: sentinel", "route: direct"),
            ("kill: { node: primary }", "partition: { isolate: primary }"),
        ],
    ),
    (
        "process_packets",
        &[
            ("  redis:\n", "  reference:\n"),
            (
                "sentinel\n    nodes: 3\n    settings: { down-after: 1s, persistence: aof, quorum: 2 }",
                "replicated",
            ),
            ("route: sentinel", "route: direct"),
            (
                "- fault: { kill: { node: primary } }",
                "- fault: { latency: { node: primary, delay: 50ms } }\n  - fault: { kill-process: { node: primary, process: drdrill } }",
            ),
        ],
    ),
    (
        "no_consistency_clients",
        &[
            (
                "route: sentinel",
                "route: sentinel\n  consistency: { kind: registers }",
            ),
            ("rpo: any }", "rpo: any, consistency: linearizable }"),
        ],
    ),
    (
        "no_consumers",
        &[(
            "route: sentinel",
            "route: sentinel\n  consumers: { members: 3 }",
        )],
    ),
    (
        "cpu_of_processes",
        &[
            ("  redis:\n", "  reference:\n    cpu: 20%\n"),
            (
                "sentinel\n    nodes: 3\n    settings: { down-after: 1s, persistence: aof, quorum: 2 }",
                "replicated",
            ),
            ("route: sentinel", "route: direct"),
        ],
    ),
    (
        "no_planned_move",
        &[
            ("  redis:\n", "  postgres:\n"),
            (
                "sentinel\n    nodes: 3\n    settings: { down-after: 1s, persistence: aof, quorum: 2 }",
                "archive",
            ),
            ("route: sentinel", "route: direct"),
        ],
    ),
];

#[test]
fn every_impossible_plan_is_shown_at_its_place() {
    for (name, replacements) in CASES {
        let mut text = REDIS.to_owned();
        for (from, to) in *replacements {
            assert!(text.contains(from), "{name}: {from}");
            text = text.replacen(from, to, 1);
        }
        let parsed = read("drill.yaml", &text, &[]).expect("right as a file");
        let problems = Problems::new("drill.yaml", validate_against(&parsed, &fixed()));
        assert!(!problems.all.is_empty(), "{name}");
        insta::assert_snapshot!(format!("plan_{name}"), rendered(&problems));
    }
}

#[test]
fn a_possible_plan_has_no_problems() {
    let parsed = read("drill.yaml", REDIS, &[]).expect("right as a file");
    assert!(validate_against(&parsed, &fixed()).is_empty());
}

#[test]
fn nodes_that_the_stack_would_not_have_are_found() {
    let text = std::fs::read_to_string("scenarios/reference/primary-kill.yaml")
        .expect("it is shipped")
        .replace("kill: primary", "kill: { node: n4 }");
    let parsed = read("drill.yaml", &text, &[]).expect("right as a file");
    assert!(validate_against(&parsed, &fixed()).is_empty());
    let problems = Problems::new("drill.yaml", validate_design(&parsed, &Reference));
    insta::assert_snapshot!("plan_unknown_node", rendered(&problems));
}

/// The shipped drill of a cluster with something replaced, against what Redis really offers.
fn of_cluster(from: &str, to: &str) -> Vec<String> {
    of_shipped("redis/cluster-kill-one.yaml", &Redis::Redis, from, to)
}

/// A shipped drill with something replaced, against what its system really offers.
fn of_shipped(name: &str, system: &dyn System, from: &str, to: &str) -> Vec<String> {
    let shipped = std::fs::read_to_string(format!("scenarios/{name}"));
    let shipped = shipped.expect("it is shipped");
    assert!(shipped.contains(from), "{from}");
    let parsed = read("drill.yaml", &shipped.replace(from, to), &[]).expect("right as a file");
    let mut problems = validate_against(&parsed, &[system.describe()]);
    problems.extend(validate_design(&parsed, system));
    problems.extend(validate_alerting(&parsed, system, &[]));
    problems
        .into_iter()
        .map(|problem| problem.message().to_owned())
        .collect()
}

#[test]
fn what_stands_on_machines_of_its_own_is_no_condition_of_a_server_s() {
    let none: [&str; 0] = [];
    let of = |from: &str, to: &str| of_shipped("postgres/patroni-kill.yaml", &Postgres, from, to);
    let ttl = "      ttl: 20s";
    assert_eq!(of(ttl, ttl), none);
    assert_eq!(of(ttl, "      etcd: beside\n      ttl: 20s"), none);
    let apart = of(ttl, "      etcd: apart\n      ttl: 20s");
    let words =
        "etcd stands on machines of its own here, so that no server's machine holds its leader";
    assert_eq!(apart, [words]);
}

#[test]
fn alerts_of_failover_machinery_are_known_where_it_stands() {
    let none: [&str; 0] = [];
    let redis = "redis/sentinel-dead-alert.yaml";
    let named = "alert: SentinelDown";
    assert_eq!(of_shipped(redis, &Redis::Redis, named, named), none);
    let elsewhere = of_shipped(redis, &Redis::Redis, named, "alert: HaproxyDown");
    assert_eq!(elsewhere, ["no rule raises the alert `HaproxyDown`"]);
    let replicas = of_shipped(
        redis,
        &Redis::Redis,
        "settings: { sentinels: 3,",
        "settings: { sentinels: 9,",
    );
    assert_eq!(replicas.len(), 1, "only the design's own: {replicas:?}");
    let patroni = "postgres/patroni-haproxy-dead-alert.yaml";
    let proxy = "alert: HaproxyDown";
    assert_eq!(
        of_shipped(patroni, &Postgres, proxy, "alert: EtcdNoLeader"),
        none
    );
    assert_eq!(
        of_shipped(patroni, &Postgres, proxy, "alert: SentinelDown"),
        ["no rule raises the alert `SentinelDown`"]
    );
}

#[test]
fn roles_are_those_of_shards_where_there_are_shards_and_only_there() {
    let none: [&str; 0] = [];
    for role in [
        "primary of shard 3",
        "replicas of shard 1",
        "shard 2",
        "primaries",
        "minority of primaries",
        "majority of primaries",
        "all",
        "r6",
    ] {
        assert_eq!(of_cluster("primary of shard 1", role), none, "{role}");
    }
    for role in ["primary", "replica", "replicas"] {
        let problems = of_cluster("primary of shard 1", role);
        assert!(
            problems[0].contains("is not one role in `cluster`, which has 3 shards"),
            "{problems:?}"
        );
    }
    let beyond = of_cluster("primary of shard 1", "primary of shard 4");
    assert_eq!(beyond, ["there is no shard 4 in this stack"]);
    let few = of_cluster("lanes: 6", "lanes: 2");
    assert_eq!(few, ["2 write lanes cannot watch 3 shards"]);
    let odd = of_cluster("nodes: 6", "nodes: 7");
    assert_eq!(odd, ["7 nodes are not pairs of a primary and a replica"]);
    let elsewhere = of_cluster("topology: cluster\n    nodes: 6", "topology: sentinel");
    assert!(
        elsewhere.contains(&"`sentinel` has no shards".to_owned()),
        "{elsewhere:?}"
    );
}

#[test]
fn a_sharded_mongodb_takes_roles_of_its_shards_its_config_servers_and_routers_by_name() {
    let name = "mongodb/sharded-primary-kill.yaml";
    let of = |from: &str, to: &str| of_shipped(name, &MongoDb, from, to);
    let none: [&str; 0] = [];
    let roles = [
        "replicas of shard 2",
        "shard 1",
        "controller",
        "router2",
        "m6",
    ];
    for role in roles
        .into_iter()
        .chain(["primaries", "majority of primaries"])
    {
        assert_eq!(of("primary of shard 1", role), none, "{role}");
    }
    let refused = [
        (
            ("primary of shard 1", "primary"),
            "`primary` is not one role in `sharded`, which has 2 shards",
        ),
        (
            ("primary of shard 1", "primary of shard 3"),
            "there is no shard 3 in this stack",
        ),
        (
            ("primary of shard 1", "minority of primaries"),
            "`minority of primaries` of 2 shards is nobody",
        ),
        (
            ("primary of shard 1", "router3"),
            "there is no node or role `router3` in this stack",
        ),
        (
            ("lanes: 4", "lanes: 1"),
            "1 write lanes cannot watch 2 shards",
        ),
        (
            ("nodes: 6", "nodes: 7"),
            "7 nodes are not shards of 3 members",
        ),
        (
            ("  - heal: all", "  - switchover: planned\n  - heal: all"),
            "`sharded` has no planned move of the primary",
        ),
        (
            ("topology: sharded\n    nodes: 6", "topology: replica-set"),
            "`replica-set` has no shards",
        ),
    ];
    for ((from, to), message) in refused {
        assert!(
            of(from, to).contains(&message.to_owned()),
            "{:?}",
            of(from, to)
        );
    }
    assert_eq!(of("nodes: 6", "nodes: 9"), none);
    let fault = "drill:\n  - steady: 10s\n  - fault: { kill: primary of shard 1 }\n";
    let alerting = "alerting:\n  expect: [{ alert: MongodbDown, firing: 1m }]\n";
    let awaited = format!("{alerting}{fault}  - expect: {{ alerted: {{ within: 1m }} }}\n");
    let misfit = of(fault, &awaited);
    assert!(
        misfit[0].starts_with("the shipped rules do not fit this topology"),
        "{misfit:?}"
    );
}

const ALERTED: &str = "  - expect: { alerted: { within: 1m } }\nalerting:\n  expect: [{ alert: RedisDwn, firing: 1m }]\n  may-fire: [Other]\n";

#[test]
fn alerts_that_no_rule_raises_and_systems_without_an_exporter_are_found() {
    let file =
        |text: &str| read("drill.yaml", &format!("{text}{ALERTED}"), &[]).expect("right as a file");
    let redis = "schema: 1\nname: a\nsummary: b\nstack: { redis: {} }\ntargets: { rto: 1m, rpo: any }\n\
                 drill:\n  - steady: 10s\n  - fault: { kill: primary }\n  - expect: { recovered: { within: 1m } }\n";
    let none = validate_alerting(&file(redis), &Redis::Redis, &[]);
    insta::assert_snapshot!(
        "plan_unknown_alerts",
        rendered(&Problems::new("drill.yaml", none))
    );
    let own = RuleFile {
        name: "own.rules".into(),
        text: "groups:\n- name: a\n  rules:\n  - alert: RedisDwn\n    expr: up == 0\n  - alert: Other\n    expr: up\n".into(),
    };
    assert!(validate_alerting(&file(redis), &Redis::Redis, std::slice::from_ref(&own)).is_empty());
    let broken = RuleFile {
        text: own.text.replace("expr: up\n", "for: soon\n"),
        ..own
    };
    let problems = validate_alerting(&file(redis), &Redis::Redis, &[broken]);
    insta::assert_snapshot!(
        "plan_broken_rules",
        rendered(&Problems::new("drill.yaml", problems))
    );
    let without = file(&redis.replace("redis: {}", "reference: {}"));
    let problems = validate_alerting(&without, &Reference, &[]);
    insta::assert_snapshot!(
        "plan_no_exporter",
        rendered(&Problems::new("drill.yaml", problems))
    );
}
