//! What PostgreSQL offers, and what a scenario makes of it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    id::NodeName,
    record::{Member, MemberKind},
    scenario::SystemSpec,
    system::{
        Deploy, Description, Design, Issue, Running, SettingKind, SettingSpec, System, SystemError,
        TopologySpec, proxied,
        settings::{Values, filled, issue},
    },
};

use super::deploy;

/// PostgreSQL.
pub struct Postgres;

/// The image of nodes with streaming replication.
const IMAGE: &str = "postgres:17";

/// The image of nodes with Patroni: `docker/patroni` built on `postgres:17`.
const PATRONI_IMAGE: &str = "drdrill.local/patroni:17";

/// The image of etcd members.
const ETCD_IMAGE: &str = "quay.io/coreos/etcd:v3.5.21";

/// The image of the proxy.
const HAPROXY_IMAGE: &str = "haproxy:3.0";

/// The route by which writes go to the primary and reads to the replicas, each through a port of HAProxy.
pub const SPLIT: &str = "haproxy-split";

/// How many connections drdrill itself and replication need besides the clients'.
const CONNECTIONS_MIN: u64 = 50;

const COMMON: &[SettingSpec] = &[
    SettingSpec {
        name: "synchronous",
        kind: SettingKind::OneOf(&["off", "on", "remote-apply"]),
        default: "off",
        help: "what an acknowledged write has reached besides the primary: nothing (PostgreSQL's default), the disk \
               of any one replica, or its readers; with Patroni `synchronous_mode`, which falls back to nothing \
               when no replica is left (not strict, Patroni's default)",
    },
    SettingSpec {
        name: proxied::SETTING,
        kind: SettingKind::OneOf(&["direct", proxied::ROUTE]),
        default: "direct",
        help: "how a replica streams from its primary: from its own address, as usual, or through Toxiproxy, so that \
               faults of streams can meet it (not with Patroni, which leads replicas to nodes' own addresses); \
               copies and rewinds go straight to the primary",
    },
    SettingSpec {
        name: "max-connections",
        kind: SettingKind::Count,
        default: "500",
        help: "connections that a server takes at most; PostgreSQL's default of 100 is little for clients that \
               connect again and again during an outage",
    },
    SettingSpec {
        name: "fsync",
        kind: SettingKind::Flag,
        default: "true",
        help: "force the log to disk, PostgreSQL's default; `false` makes drills faster and a power loss fatal",
    },
];

const PATRONI: &[SettingSpec] = &[
    SettingSpec {
        name: "ttl",
        kind: SettingKind::Duration,
        default: "20s",
        help: "how long the leader's key lives without being renewed; 20 s is the least that Patroni takes, its \
               default is 30 s",
    },
    SettingSpec {
        name: "loop-wait",
        kind: SettingKind::Duration,
        default: "5s",
        help: "how often Patroni looks and renews the key; its default is 10 s, and ttl must be at least \
               loop-wait + 2 x retry-timeout",
    },
    SettingSpec {
        name: "retry-timeout",
        kind: SettingKind::Duration,
        default: "5s",
        help: "how long Patroni retries PostgreSQL and etcd before the leader steps down; its default is 10 s",
    },
    SettingSpec {
        name: "maximum-lag-on-failover",
        kind: SettingKind::Count,
        default: "1048576",
        help: "bytes that a replica may be behind to become leader; Patroni's default",
    },
    SettingSpec {
        name: "haproxy-inter",
        kind: SettingKind::Duration,
        default: "1s",
        help: "how often HAProxy checks a node; Patroni's template says 3 s",
    },
    SettingSpec {
        name: "haproxy-fall",
        kind: SettingKind::Count,
        default: "3",
        help: "failed checks after which a node is down; from Patroni's template",
    },
    SettingSpec {
        name: "haproxy-rise",
        kind: SettingKind::Count,
        default: "1",
        help: "good checks after which a node is up; Patroni's template says 2, which adds one check to an outage",
    },
];

#[async_trait]
impl System for Postgres {
    fn programs(&self, design: &Design, reference: &str) -> &'static [&'static str] {
        // The first image is that of the members that hold data; etcd and HAProxy need no script.
        match (design.images.first(), design.topology) {
            (Some(data), "patroni") if data == reference => &[
                "sh",
                "cat",
                "chown",
                "id",
                "mkdir",
                "initdb",
                "postgres",
                "pg_rewind",
                "patroni",
            ],
            (Some(data), _) if data == reference => &[
                "sh",
                "cat",
                "chown",
                "id",
                "mkdir",
                "initdb",
                "postgres",
                "pg_basebackup",
                "pg_rewind",
                "psql",
            ],
            _ => &[],
        }
    }

    fn describe(&self) -> Description {
        Description {
            name: "postgres",
            summary: "PostgreSQL with streaming replication, failed over by runbook or by Patroni",
            topologies: vec![
                TopologySpec {
                    name: "streaming",
                    summary: "a primary and streaming replicas; an operator promotes",
                    routes: &["direct", proxied::ROUTE],
                    nodes: (2, 3, 5),
                    runbooks: &["promote-replica"],
                    planned_moves: true,
                    etcd: false,
                    controllers: false,
                    scripts: false,
                    sharded: false,
                },
                TopologySpec {
                    name: "patroni",
                    summary: "Patroni and etcd on three machines, clients behind HAProxy; Patroni fails over",
                    routes: &["haproxy", SPLIT],
                    nodes: (3, 3, 3),
                    runbooks: &[],
                    planned_moves: true,
                    etcd: true,
                    controllers: false,
                    scripts: false,
                    sharded: false,
                },
            ],
            image: IMAGE,
            settings: COMMON.iter().chain(PATRONI).cloned().collect(),
            runtime: "docker",
        }
    }

    fn design(&self, spec: &SystemSpec, route: Option<&str>) -> Result<Design, Vec<Issue>> {
        let design = match spec.topology.as_deref() {
            Some("patroni") => patroni(spec, route),
            _ => streaming(spec, route),
        };
        let issues = issues(spec, &design);
        if issues.is_empty() {
            Ok(design)
        } else {
            Err(issues)
        }
    }

    async fn deploy(
        &self,
        design: &Design,
        deploy: Deploy,
    ) -> Result<Arc<dyn Running>, SystemError> {
        Ok(Arc::new(deploy::deploy(design, deploy).await?))
    }
}

fn member(name: String, kind: MemberKind, host: String, image: &str) -> Member {
    Member {
        name: NodeName::new(name),
        kind,
        address: String::new(),
        host,
        image: image.to_owned(),
    }
}

fn streaming(spec: &SystemSpec, route: Option<&str>) -> Design {
    let image = spec.image.as_deref().unwrap_or(IMAGE);
    let data = |n| member(format!("pg{n}"), MemberKind::Data, format!("h{n}"), image);
    let mut design = Design {
        topology: "streaming",
        route: if route == Some(proxied::ROUTE) {
            proxied::ROUTE
        } else {
            "direct"
        },
        members: (1..=spec.nodes.unwrap_or(3)).map(data).collect(),
        settings: filled(COMMON, spec),
        images: vec![image.to_owned()],
    };
    if !proxied::links(&design).is_empty() {
        design.members.push(proxied::member());
        design.images.push(proxied::IMAGE.into());
    }
    design
}

/// Each machine holds a database and a member of etcd, as small clusters have them: they die together.
fn patroni(spec: &SystemSpec, route: Option<&str>) -> Design {
    let image = spec.image.as_deref().unwrap_or(PATRONI_IMAGE);
    let machines = 1..=spec.nodes.unwrap_or(3);
    let host = |n| format!("h{n}");
    let data = machines
        .clone()
        .map(|n| member(format!("pg{n}"), MemberKind::Data, host(n), image));
    let etcd =
        machines.map(|n| member(format!("etcd{n}"), MemberKind::Control, host(n), ETCD_IMAGE));
    let proxy = ("haproxy1".to_owned(), "haproxy1".to_owned());
    let proxy = member(proxy.0, MemberKind::Route, proxy.1, HAPROXY_IMAGE);
    Design {
        topology: "patroni",
        route: if route == Some(SPLIT) {
            SPLIT
        } else {
            "haproxy"
        },
        members: data.chain(etcd).chain([proxy]).collect(),
        settings: filled(COMMON.iter().chain(PATRONI), spec),
        images: [image, ETCD_IMAGE, HAPROXY_IMAGE]
            .map(str::to_owned)
            .to_vec(),
    }
}

fn issues(spec: &SystemSpec, design: &Design) -> Vec<Issue> {
    let mut issues = Vec::new();
    let values = Values::of(design);
    if values
        .count("max-connections")
        .is_ok_and(|count| count < CONNECTIONS_MIN)
    {
        let help = format!("give at least {CONNECTIONS_MIN}");
        issues.push(issue(
            "max-connections",
            "too few for clients and probes",
            help,
        ));
    }
    if design.topology == "patroni" {
        if values.word(proxied::SETTING) == proxied::ROUTE {
            let message = "Patroni leads replicas to the nodes' own addresses, past every proxy";
            let help = "choose `direct`, or `topology: streaming`";
            issues.push(issue(proxied::SETTING, message, help));
        }
        issues.extend(timing_issues(values));
    } else {
        for setting in PATRONI {
            if spec.settings.contains_key(setting.name) {
                let message = "it has no meaning without Patroni";
                issues.push(issue(
                    setting.name,
                    message,
                    "remove it, or say `topology: patroni`",
                ));
            }
        }
    }
    issues
}

fn timing_issues(values: Values<'_>) -> Vec<Issue> {
    let mut issues = Vec::new();
    // Patroni replaces what is below these without a word, and the prediction would be wrong.
    for (name, least) in [("ttl", 20), ("loop-wait", 1), ("retry-timeout", 3)] {
        let Ok(value) = values.duration(name) else {
            continue;
        };
        if value < Duration::from_secs(least) {
            let message = format!("Patroni takes at least {least} s");
            issues.push(issue(name, message, format!("give `{least}s` or more")));
        } else if value.subsec_nanos() > 0 {
            issues.push(issue(
                name,
                "Patroni counts whole seconds",
                "for instance `20s`",
            ));
        }
    }
    let least = values
        .duration("loop-wait")
        .ok()
        .zip(values.duration("retry-timeout").ok());
    if let (Ok(ttl), Some((looped, retry))) = (values.duration("ttl"), least)
        && ttl < looped + retry * 2
    {
        let message =
            "it is shorter than loop-wait + 2 x retry-timeout, and Patroni would change both";
        let help = format!("give at least `{}s`", (looped + retry * 2).as_secs());
        issues.push(issue("ttl", message, help));
    }
    if values
        .duration("haproxy-inter")
        .is_ok_and(|inter| inter < Duration::from_millis(50))
    {
        issues.push(issue(
            "haproxy-inter",
            "checks would be a load",
            "give at least `50ms`",
        ));
    }
    for name in ["haproxy-fall", "haproxy-rise"] {
        if values
            .count(name)
            .is_ok_and(|count| !(1..=100).contains(&count))
        {
            issues.push(issue(name, "HAProxy counts from 1", "give 1 to 100"));
        }
    }
    issues
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(topology: &str, settings: &[(&str, &str)]) -> SystemSpec {
        SystemSpec {
            topology: Some(topology.into()),
            settings: settings
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            ..SystemSpec::default()
        }
    }

    fn problems(topology: &str, settings: &[(&str, &str)]) -> Vec<String> {
        let issues = Postgres
            .design(&spec(topology, settings), None)
            .err()
            .unwrap_or_default();
        issues.iter().map(|issue| issue.path.join(".")).collect()
    }

    #[test]
    fn the_usual_stacks() {
        let streaming = Postgres
            .design(&SystemSpec::default(), None)
            .expect("a design");
        let names = |design: &Design| -> Vec<String> {
            design
                .members
                .iter()
                .map(|m| format!("{}@{}", m.name, m.host))
                .collect()
        };
        assert_eq!(names(&streaming), ["pg1@h1", "pg2@h2", "pg3@h3"]);
        assert_eq!(streaming.images, ["postgres:17"]);
        assert!(!streaming.settings.contains_key("ttl"));
        let patroni = Postgres
            .design(&spec("patroni", &[]), None)
            .expect("a design");
        let expected = [
            "pg1@h1",
            "pg2@h2",
            "pg3@h3",
            "etcd1@h1",
            "etcd2@h2",
            "etcd3@h3",
            "haproxy1@haproxy1",
        ];
        assert_eq!(names(&patroni), expected);
        let expected = [
            "drdrill.local/patroni:17",
            "quay.io/coreos/etcd:v3.5.21",
            "haproxy:3.0",
        ];
        assert_eq!(patroni.images, expected);
        assert_eq!(patroni.settings["ttl"], "20s");
    }

    #[test]
    fn settings_that_patroni_would_change_are_refused() {
        let none: [&str; 0] = [];
        assert_eq!(problems("patroni", &[]), none);
        assert_eq!(
            problems("patroni", &[("replication", "toxiproxy")]),
            ["settings.replication"]
        );
        assert_eq!(problems("patroni", &[("ttl", "19s")]), ["settings.ttl"; 1]);
        assert_eq!(
            problems("patroni", &[("loop-wait", "1500ms")]),
            ["settings.loop-wait"]
        );
        assert_eq!(
            problems("patroni", &[("retry-timeout", "10s")]),
            ["settings.ttl"]
        );
        assert_eq!(
            problems("patroni", &[("haproxy-rise", "0")]),
            ["settings.haproxy-rise"]
        );
        assert_eq!(problems("streaming", &[("ttl", "20s")]), ["settings.ttl"]);
        assert_eq!(
            problems("streaming", &[("max-connections", "9")]),
            ["settings.max-connections"]
        );
    }
}
