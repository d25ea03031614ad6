//! Descriptions as the systems give them, for checks of plans and shipped scenarios.

use drdrill::{
    runtime::RuntimeKind,
    system::{
        Description, SettingKind, SettingSpec, System, TopologySpec, catalogue,
        reference::Reference,
    },
};

/// Descriptions that stay as they are, so that messages do not change with the systems.
pub fn fixed() -> Vec<Description> {
    vec![Reference.describe(), redis(), postgres()]
}

/// The catalogue, and the agreed descriptions of systems that are not in it.
pub fn offers() -> Vec<Description> {
    let mut offers: Vec<Description> = catalogue::all().iter().map(|s| s.describe()).collect();
    for agreed in [redis(), postgres()] {
        if !offers.iter().any(|offer| offer.name == agreed.name) {
            offers.push(agreed);
        }
    }
    offers
}

fn settings(list: &[(&'static str, SettingKind, &'static str)]) -> Vec<SettingSpec> {
    let setting = |(name, kind, default): &(&'static str, SettingKind, &'static str)| SettingSpec {
        name,
        kind: *kind,
        default,
        help: "",
    };
    list.iter().map(setting).collect()
}

fn redis() -> Description {
    Description {
        name: "redis",
        summary: "Redis",
        topologies: vec![TopologySpec {
            name: "sentinel",
            summary: "a primary and replicas, watched by Sentinels",
            routes: &["sentinel", "direct"],
            nodes: (2, 3, 5),
            runbooks: &[],
            planned_moves: true,
            etcd: false,
            controllers: false,
            scripts: false,
            shard_size: 0,
            consistency: &[],
            consumers: false,
        }],
        image: "redis:8",
        settings: settings(&[
            ("down-after", SettingKind::Duration, "1s"),
            ("failover-timeout", SettingKind::Duration, "10s"),
            ("quorum", SettingKind::Count, "2"),
            ("persistence", SettingKind::OneOf(&["none", "aof"]), "none"),
            ("min-replicas-to-write", SettingKind::Count, "0"),
            ("min-replicas-max-lag", SettingKind::Duration, "10s"),
            ("sentinels", SettingKind::Count, "3"),
        ]),
        runtime: RuntimeKind::Docker,
        disk: Some("/data"),
    }
}

fn postgres() -> Description {
    let topology = |name, routes, runbooks, planned_moves, etcd| TopologySpec {
        name,
        summary: "",
        routes,
        nodes: (2, 3, 5),
        runbooks,
        planned_moves,
        etcd,
        controllers: false,
        scripts: false,
        shard_size: 0,
        consistency: &[],
        consumers: false,
    };
    Description {
        name: "postgres",
        summary: "PostgreSQL",
        topologies: vec![
            topology("streaming", &["direct"], &["promote-replica"], true, false),
            topology("patroni", &["haproxy"], &[], true, true),
            topology("archive", &["direct"], &["restore"], false, false),
        ],
        image: "postgres:17",
        settings: settings(&[
            (
                "synchronous",
                SettingKind::OneOf(&["off", "on", "remote-apply"]),
                "off",
            ),
            ("max-connections", SettingKind::Count, "500"),
            ("ttl", SettingKind::Duration, "20s"),
            ("loop-wait", SettingKind::Duration, "5s"),
            ("retry-timeout", SettingKind::Duration, "5s"),
            ("maximum-lag-on-failover", SettingKind::Count, "1048576"),
            ("haproxy-inter", SettingKind::Duration, "1s"),
            ("haproxy-fall", SettingKind::Count, "3"),
            ("haproxy-rise", SettingKind::Count, "1"),
            ("fsync", SettingKind::Flag, "true"),
        ]),
        runtime: RuntimeKind::Docker,
        disk: Some("/data"),
    }
}
