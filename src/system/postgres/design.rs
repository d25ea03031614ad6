//! What PostgreSQL offers, and what a scenario makes of it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    id::NodeName,
    record::{Member, MemberKind},
    runtime::RuntimeKind,
    scenario::SystemSpec,
    system::{
        Deploy, Description, Design, Exporter, Issue, Machinery, Running, System, SystemError,
        TopologySpec, backups, object_store, proxied,
        route::{self, haproxy, keepalived},
        rows,
        settings::{Values, filled, issue},
    },
};

use super::{
    backup::{self, Tool},
    deploy, exporter, logical,
    options::{APART, COMMON, ETCD, NAMES, PATRONI, TLS},
    streaming,
};

/// PostgreSQL.
pub struct Postgres;

/// The image of nodes with streaming replication.
const IMAGE: &str = "postgres:17";

/// The image of nodes with Patroni: `docker/patroni` built on `postgres:17`.
const PATRONI_IMAGE: &str = "drdrill.local/patroni:17";

/// The image of etcd members.
const ETCD_IMAGE: &str = "quay.io/coreos/etcd:v3.5.21";

/// The route by which writes go to the primary and reads to the replicas, each through a port of HAProxy.
pub const SPLIT: &str = "haproxy-split";

/// The topology in which a server subscribes to the tables of the primary.
pub const LOGICAL: &str = "logical";

/// How many connections drdrill itself and replication need besides the clients'.
const CONNECTIONS_MIN: u64 = 50;

#[async_trait]
impl System for Postgres {
    fn tell_time(&self) -> &'static [MemberKind] {
        &[MemberKind::Data]
    }

    fn resolves_names(&self, design: &Design) -> bool {
        Values::of(design).flag(NAMES)
    }

    fn keeps_backups(&self, design: &Design) -> bool {
        backups::kept(design)
    }

    fn presents_certificates(&self, design: &Design) -> bool {
        Values::of(design).flag(TLS)
    }

    fn exporter(&self) -> Option<Exporter> {
        Some(exporter::EXPORTER)
    }

    fn machinery(&self, design: &Design) -> Vec<Machinery> {
        match design.topology {
            "patroni" => exporter::patroni(design),
            _ => Vec::new(),
        }
    }

    fn rules_misfit(&self, topology: &str) -> Option<&'static str> {
        let words = "they take every server that is no physical replica for a primary, and the subscriber is none";
        (topology == LOGICAL).then_some(words)
    }

    fn programs(&self, design: &Design, reference: &str) -> &'static [&'static str] {
        // The first image is that of the members that hold data; etcd and HAProxy need no script.
        match (design.images.first(), design.topology) {
            (Some(data), "patroni") if data == reference => &[
                "sh",
                "cat",
                "chown",
                "id",
                "mkdir",
                "sleep",
                "initdb",
                "postgres",
                "pg_rewind",
                "patroni",
            ],
            (Some(data), LOGICAL) if data == reference => &[
                "sh", "cat", "chown", "id", "mkdir", "initdb", "postgres", "pg_ctl", "pg_dump",
                "psql", "timeout",
            ],
            (Some(data), _) if data == reference && backups::kept(design) => {
                backup::programs(Values::of(design), reference)
            }
            (_, _) if Tool::store_image(Values::of(design)) == Some(reference) => {
                backup::programs(Values::of(design), reference)
            }
            (Some(data), _) if data == reference => streaming::PROGRAMS,
            _ if reference == object_store::IMAGE => object_store::PROGRAMS,
            _ => &[],
        }
    }

    fn describe(&self) -> Description {
        Description {
            name: "postgres",
            summary: "PostgreSQL with streaming replication, failed over by runbook or by Patroni, or with logical replication",
            topologies: vec![
                TopologySpec {
                    name: "streaming",
                    summary: "a primary and streaming replicas; an operator promotes",
                    routes: &["direct", keepalived::ROUTE, proxied::ROUTE],
                    nodes: (2, 3, 5),
                    runbooks: &["promote-replica"],
                    planned_moves: true,
                    etcd: false,
                    controllers: false,
                    scripts: false,
                    shard_size: 0,
                    consistency: rows::CONSISTENCY,
                    consumers: false,
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
                    shard_size: 0,
                    consistency: rows::CONSISTENCY,
                    consumers: false,
                },
                TopologySpec {
                    name: LOGICAL,
                    summary: "a primary and an independent server, as in another region, that subscribes to its tables; \
                              an operator ends the subscription and repoints the clients",
                    routes: &["direct", proxied::ROUTE],
                    nodes: (2, 2, 2),
                    runbooks: &["promote-replica"],
                    planned_moves: true,
                    etcd: false,
                    controllers: false,
                    scripts: false,
                    shard_size: 0,
                    consistency: rows::CONSISTENCY,
                    consumers: false,
                },
            ],
            image: IMAGE,
            settings: (COMMON.iter().chain(PATRONI).cloned())
                .chain(route::Kind::all_settings())
                .collect(),
            runtime: RuntimeKind::Docker,
            disk: Some("/var/lib/postgresql/data"),
        }
    }

    fn design(&self, spec: &SystemSpec, asked: Option<&str>) -> Result<Design, Vec<Issue>> {
        let design = match spec.topology.as_deref() {
            Some("patroni") => patroni(spec, asked),
            Some(LOGICAL) => with_runbook(LOGICAL, 2, spec, asked),
            _ => with_runbook("streaming", 3, spec, asked),
        };
        let mut issues = issues(spec, &design);
        // Patroni's proxy is its own.
        let way = route::Kind::of(design.route).filter(|_| design.topology == "streaming");
        issues.extend(route::issues(&spec.settings, way, &design));
        if issues.is_empty() {
            Ok(design)
        } else {
            Err(issues)
        }
    }

    fn needs_operator(&self, topology: &str) -> bool {
        topology != "patroni"
    }

    fn memory_mib(&self, kind: MemberKind) -> u32 {
        match kind {
            MemberKind::Data | MemberKind::Store => deploy::DATABASE_MIB,
            MemberKind::Control | MemberKind::Route => deploy::HELPER_MIB,
        }
    }

    async fn deploy(
        &self,
        design: &Design,
        deploy: Deploy,
    ) -> Result<Arc<dyn Running>, SystemError> {
        Ok(match design.topology {
            LOGICAL => Arc::new(logical::deploy(design, deploy).await?),
            _ => Arc::new(deploy::deploy(design, deploy).await?),
        })
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

/// A primary, and others that follow it until an operator says otherwise.
fn with_runbook(
    topology: &'static str,
    nodes: u32,
    spec: &SystemSpec,
    asked: Option<&str>,
) -> Design {
    let way = asked
        .filter(|_| topology != LOGICAL)
        .and_then(route::Kind::of);
    let of_way = way.map(route::Kind::settings).unwrap_or_default();
    let settings = filled(COMMON.iter().chain(&of_way), spec);
    let usual = Tool::image(Values(&settings)).unwrap_or(IMAGE);
    let image = spec.image.as_deref().unwrap_or(usual);
    let data = |n| member(format!("pg{n}"), MemberKind::Data, format!("h{n}"), image);
    let mut design = Design {
        topology,
        route: if asked == Some(proxied::ROUTE) {
            proxied::ROUTE
        } else {
            "direct"
        },
        members: (1..=spec.nodes.unwrap_or(nodes)).map(data).collect(),
        settings,
        images: vec![image.to_owned()],
    };
    if backups::kept(&design) {
        let name = || backups::NODE.to_owned();
        let own = Tool::store_image(Values::of(&design));
        design.images.extend(own.map(str::to_owned));
        let image = own.unwrap_or(image);
        (design.members).push(member(name(), MemberKind::Store, name(), image));
        // After the node that restores, which is the first of its kind.
        if Tool::in_object_store(Values::of(&design)) {
            design.members.push(object_store::member());
            design.images.push(object_store::IMAGE.into());
        }
    }
    if !proxied::links(&design).is_empty() {
        design.members.push(proxied::member());
        design.images.push(proxied::IMAGE.into());
    }
    if let Some(way) = way {
        way.join(&mut design);
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
    let settings = filled(COMMON.iter().chain(PATRONI), spec);
    let apart = settings.get(ETCD).is_some_and(|word| word == APART);
    let etcd = machines.map(|n| {
        let name = format!("etcd{n}");
        let host = if apart { name.clone() } else { host(n) };
        member(name, MemberKind::Control, host, ETCD_IMAGE)
    });
    let proxy = (haproxy::NODE.to_owned(), haproxy::NODE.to_owned());
    let proxy = member(proxy.0, MemberKind::Route, proxy.1, haproxy::IMAGE);
    Design {
        topology: "patroni",
        route: if route == Some(SPLIT) {
            SPLIT
        } else {
            "haproxy"
        },
        members: data.chain(etcd).chain([proxy]).collect(),
        settings,
        images: [image, ETCD_IMAGE, haproxy::IMAGE]
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
    if design.topology == LOGICAL {
        issues.extend(logical_issues(values));
    }
    let elsewhere = design.topology == "patroni" || values.word(proxied::SETTING) == proxied::ROUTE;
    if values.flag(NAMES) && elsewhere {
        let message = "replicas are led to addresses by Patroni and by proxies";
        let help = "remove it, or use `topology: streaming` without `replication: toxiproxy`";
        issues.push(issue(NAMES, message, help));
    }
    if let Some((message, help)) = backup::unfit(design, values.flag(TLS)) {
        issues.push(issue(backups::BACKUP, message, help));
    }
    issues.extend(backup::misfits(spec, values));
    if values.flag(TLS) && (design.topology == "patroni" || !proxied::links(design).is_empty()) {
        let message = "certificates are made for servers that are reached at their own addresses, without Patroni";
        let help = "remove it, or use `topology: streaming` without Toxiproxy";
        issues.push(issue(TLS, message, help));
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

/// What a subscriber does not offer here.
fn logical_issues(values: Values<'_>) -> Vec<Issue> {
    let mut issues = Vec::new();
    if values.word("synchronous") != "off" {
        let message = "a subscriber confirms a write when its own log is on disk, which it does not hurry with";
        let help = "remove it, or use `topology: streaming`";
        issues.push(issue("synchronous", message, help));
    }
    if values.flag(NAMES) {
        let message = "a subscription is made with the primary's address";
        issues.push(issue(
            NAMES,
            message,
            "remove it, or use `topology: streaming`",
        ));
    }
    if values.flag(TLS) {
        let message = "a subscription is made without certificates";
        issues.push(issue(
            TLS,
            message,
            "remove it, or use `topology: streaming`",
        ));
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
        let apart = Postgres
            .design(&spec("patroni", &[("etcd", "apart")]), None)
            .expect("a design");
        assert_eq!(
            names(&apart)[2..5],
            ["pg3@h3", "etcd1@etcd1", "etcd2@etcd2"]
        );
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
    fn what_keeps_backups_stands_on_images_of_its_own_where_it_needs_them() {
        let images = |tool: &str| {
            let spec = spec("streaming", &[("backup", tool)]);
            let design = Postgres.design(&spec, None).expect("a design");
            let image = |member: &Member| member.image.clone();
            let images: Vec<String> = design.members.iter().map(image).collect();
            (design.images, images)
        };
        let (all, members) = images("pgbackrest");
        assert_eq!(all, ["drdrill.local/pgbackrest:17"]);
        assert!(members.len() == 4 && members.iter().all(|image| *image == all[0]));
        let s3 = [("backup", "pgbackrest"), ("repository", "s3")];
        let design = Postgres.design(&spec("streaming", &s3), None);
        let design = design.expect("a design");
        assert_eq!(design.images[1], object_store::IMAGE);
        let stores = design.members.iter().map(|member| member.name.as_str());
        assert_eq!(stores.collect::<Vec<_>>()[3..], ["backup1", "store1"]);
        let (all, members) = images("barman");
        assert_eq!(all, ["postgres:17", "drdrill.local/barman:17"]);
        assert_eq!(members[0], all[0]);
        assert_eq!(members[3], all[1]);
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
        let floating = Postgres.design(
            &spec("streaming", &[("backup", "stream")]),
            Some("keepalived"),
        );
        let floating = floating.expect_err("backups at a floating address");
        assert_eq!(floating[0].path.join("."), "settings.backup");
        // Each tool has its own.
        let timeout = ("archive-timeout", "5s");
        for tool in ["off", "stream", "barman"] {
            let said = problems("streaming", &[("backup", tool), timeout]);
            assert_eq!(said, ["settings.archive-timeout"], "{tool}");
        }
        for tool in ["archive", "pgbackrest"] {
            let said = problems("streaming", &[("backup", tool), timeout]);
            assert_eq!(said, none, "{tool}");
        }
        let elsewhere = [("backup", "archive"), ("repository", "s3")];
        assert_eq!(problems("streaming", &elsewhere), ["settings.repository"]);
        let cron = [("backup", "pgbackrest"), ("barman-cron", "5s")];
        assert_eq!(problems("streaming", &cron), ["settings.barman-cron"]);
        // Its proxy is Patroni's own, not one that asks the servers.
        assert_eq!(
            problems("patroni", &[("check-rise", "2")]),
            ["settings.check-rise"]
        );
        assert_eq!(
            problems("patroni", &[("haproxy-rise", "0")]),
            ["settings.haproxy-rise"]
        );
        assert_eq!(problems("streaming", &[("ttl", "20s")]), ["settings.ttl"]);
        assert_eq!(
            problems("patroni", &[("names", "true")]),
            ["settings.names"]
        );
        assert_eq!(problems("streaming", &[("names", "true")]), none);
        assert_eq!(problems(LOGICAL, &[]), none);
        assert_eq!(problems(LOGICAL, &[("replication", "toxiproxy")]), none);
        let refused = [("synchronous", "on"), ("names", "true"), ("tls", "true")];
        let expected = ["settings.synchronous", "settings.names", "settings.tls"];
        assert_eq!(problems(LOGICAL, &refused), expected);
        assert_eq!(problems("patroni", &[("tls", "true")]), ["settings.tls"]);
        let proxied = [("tls", "true"), ("replication", "toxiproxy")];
        assert_eq!(problems("streaming", &proxied), ["settings.tls"]);
        let both = [("tls", "true"), ("names", "true")];
        assert_eq!(problems("streaming", &both), none);
        assert_eq!(
            problems("streaming", &[("max-connections", "9")]),
            ["settings.max-connections"]
        );
    }
}
