//! What Redis and Valkey offer, and what a scenario makes of it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    id::NodeName,
    record::{Member, MemberKind},
    runtime::RuntimeKind,
    scenario::{ConsistencyKind, StreamLink, SystemSpec},
    system::{
        Deploy, Description, Design, Exporter, Issue, Machinery, Running, SettingKind, SettingSpec,
        System, SystemError, TopologySpec, backups, proxied,
        route::{self, Kind, dns, haproxy, keepalived, nginx},
        settings::{Values, filled, issue},
    },
};

use super::{attach, backup, cluster, deploy, exporter};

/// The topology without sentinels.
pub const REPLICAS: &str = "replicas";

/// How clients find the primary without sentinels.
const ROUTES: &[&str] = &[
    "direct",
    keepalived::ROUTE,
    haproxy::ROUTE,
    nginx::ROUTE,
    dns::ROUTE,
    proxied::ROUTE,
];

/// The most sentinels that a stack may have.
const SENTINELS_MAX: u64 = 7;

/// Redis, or Valkey, which speaks the same language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redis {
    /// Redis.
    Redis,
    /// Valkey.
    Valkey,
}

pub const SETTINGS: &[SettingSpec] = &[
    SettingSpec {
        name: "down-after",
        kind: SettingKind::Duration,
        default: "1s",
        help: "silence after which a sentinel takes the primary for down; short, so that a drill is short (Sentinel's own default is 30s, its documentation shows 5s)",
    },
    SettingSpec {
        name: "failover-timeout",
        kind: SettingKind::Duration,
        default: "10s",
        help: "half the time before a failed failover is tried again; short, so that a drill is short (Sentinel's own default is 180s, its documentation shows 60s)",
    },
    SettingSpec {
        name: "quorum",
        kind: SettingKind::Count,
        default: "2",
        help: "how many sentinels must agree that the primary is down: a majority of three",
    },
    SettingSpec {
        name: "parallel-syncs",
        kind: SettingKind::Count,
        default: "1",
        help: "how many replicas are pointed at the new primary at a time; Sentinel's default",
    },
    SettingSpec {
        name: "sentinels",
        kind: SettingKind::Count,
        default: "3",
        help: "how many sentinels watch, each on a machine of its own: the fewest that survive the loss of one",
    },
    SettingSpec {
        name: "persistence",
        kind: SettingKind::OneOf(&["none", "rdb", "aof", "aof-always"]),
        default: "none",
        help: "what is kept on disk: nothing, so that a restarted node comes back empty; rdb: a snapshot every 5 s, short, so that a drill is short (the server's own default is one after 60 s with 10000 changes); aof: a log, forced to disk each second (the server's default for it); aof-always: a log, forced before each answer",
    },
    SettingSpec {
        name: proxied::SETTING,
        kind: SettingKind::OneOf(&["direct", proxied::ROUTE]),
        default: "direct",
        help: "how a replica reaches its primary: at its own address, as usual, or through Toxiproxy, so that faults of streams can meet it (without Sentinel only, which leads replicas to nodes' own addresses)",
    },
    SettingSpec {
        name: "min-replicas-to-write",
        kind: SettingKind::Count,
        default: "0",
        help: "the primary refuses writes with fewer replicas in reach than this; the server's default",
    },
    SettingSpec {
        name: "min-replicas-max-lag",
        kind: SettingKind::Duration,
        default: "10s",
        help: "silence after which a replica no longer counts for min-replicas-to-write; the server's default",
    },
    backup::SETTING,
];

impl Redis {
    fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Valkey => "valkey",
        }
    }

    fn image(self) -> &'static str {
        match self {
            Self::Redis => "redis:8",
            Self::Valkey => "valkey/valkey:8",
        }
    }
}

#[async_trait]
impl System for Redis {
    fn tell_time(&self) -> &'static [MemberKind] {
        &[MemberKind::Data, MemberKind::Control]
    }

    fn exporter(&self) -> Option<Exporter> {
        Some(exporter::EXPORTER)
    }

    fn machinery(&self, design: &Design) -> Vec<Machinery> {
        let sentinels = exporter::sentinels(design);
        sentinels
            .into_iter()
            .chain(haproxy::machinery(design))
            .collect()
    }

    fn keeps_backups(&self, design: &Design) -> bool {
        backups::kept(design)
    }

    fn keeps_log(&self, design: &Design) -> bool {
        backup::Tool::of(Values::of(design)) == Some(backup::Tool::Aof)
    }

    fn programs(&self, design: &Design, reference: &str) -> &'static [&'static str] {
        // Neither is started by a script; Toxiproxy's official image has no shell.
        if reference == proxied::IMAGE || Kind::is_image(reference) {
            return &[];
        }
        if backups::kept(design) {
            return backup::PROGRAMS;
        }
        match self {
            Self::Redis => &[
                "sh",
                "cat",
                "chown",
                "grep",
                "id",
                "mkdir",
                "mv",
                "redis-server",
            ],
            Self::Valkey => &[
                "sh",
                "cat",
                "chown",
                "grep",
                "id",
                "mkdir",
                "mv",
                "valkey-server",
            ],
        }
    }

    fn describe(&self) -> Description {
        Description {
            name: self.name(),
            summary: match self {
                Self::Redis => "Redis: asynchronous replication, failover by Sentinel or Cluster",
                Self::Valkey => "Valkey: asynchronous replication, failover by Sentinel or Cluster",
            },
            topologies: vec![
                TopologySpec {
                    name: "sentinel",
                    summary: "one primary, replicas, and sentinels on machines of their own",
                    routes: &["sentinel", proxied::ROUTE],
                    nodes: (2, 3, 5),
                    runbooks: &[],
                    planned_moves: true,
                    etcd: false,
                    controllers: false,
                    scripts: false,
                    shard_size: 0,
                    consistency: &[ConsistencyKind::Registers],
                    consumers: false,
                },
                TopologySpec {
                    name: REPLICAS,
                    summary: "one primary and replicas, of which an operator promotes one (`REPLICAOF NO ONE`)",
                    routes: ROUTES,
                    nodes: (2, 2, 5),
                    runbooks: &["promote-replica"],
                    planned_moves: true,
                    etcd: false,
                    controllers: false,
                    scripts: false,
                    shard_size: 0,
                    consistency: &[ConsistencyKind::Registers],
                    consumers: false,
                },
                cluster::topology(),
            ],
            image: self.image(),
            settings: [SETTINGS, &Kind::all_settings(), cluster::SETTINGS].concat(),
            runtime: RuntimeKind::Docker,
            disk: Some("/data"),
        }
    }

    fn design(&self, spec: &SystemSpec, asked: Option<&str>) -> Result<Design, Vec<Issue>> {
        let image = spec
            .image
            .clone()
            .unwrap_or_else(|| self.image().to_owned());
        if spec.topology.as_deref() == Some(cluster::CLUSTER) {
            let settings = filled(SETTINGS.iter().chain(cluster::SETTINGS), spec);
            return cluster::design(spec, image, settings);
        }
        let watched = spec.topology.as_deref() != Some(REPLICAS);
        if let Some(found) = &spec.attach {
            return attach::design(spec, found, watched, asked);
        }
        let nodes = spec.nodes.unwrap_or(if watched { 3 } else { 2 });
        let member = |name: String, kind: MemberKind| Member {
            name: NodeName::new(name.clone()),
            kind,
            address: String::new(),
            host: name,
            image: image.clone(),
        };
        let data = (1..=nodes).map(|n| member(format!("r{n}"), MemberKind::Data));
        let way = asked.filter(|_| !watched).and_then(Kind::of);
        let own = way.map(Kind::settings).unwrap_or_default();
        let settings = filled(SETTINGS.iter().chain(&own), spec);
        let sentinels = Values(&settings)
            .count("sentinels")
            .unwrap_or(3)
            .min(SENTINELS_MAX);
        let sentinels = if watched { sentinels } else { 0 };
        let watchers = (1..=sentinels).map(|n| member(format!("s{n}"), MemberKind::Control));
        let through = asked == Some(proxied::ROUTE);
        let mut design = Design {
            topology: if watched { "sentinel" } else { REPLICAS },
            route: match (through, watched) {
                (true, _) => proxied::ROUTE,
                (false, true) => "sentinel",
                (false, false) => "direct",
            },
            members: data.chain(watchers).collect(),
            settings,
            images: vec![image.clone()],
        };
        if !proxied::links(&design).is_empty() {
            design.members.push(proxied::member());
            design.images.push(proxied::IMAGE.into());
        }
        backup::join(&mut design, &image);
        if let Some(way) = way {
            way.join(&mut design);
        }
        let mut issues = issues(Values::of(&design), nodes);
        issues.extend(route::issues(&spec.settings, way, &design));
        issues.extend(backup::issues(&design, way));
        if watched && proxied::links(&design).contains(&StreamLink::Replication) {
            let message = "Sentinel leads replicas to the nodes' own addresses, past every proxy";
            let help = "choose `direct`, or `topology: replicas`";
            issues.push(issue(proxied::SETTING, message, help));
        }
        if issues.is_empty() {
            Ok(design)
        } else {
            Err(issues)
        }
    }

    fn attaches(&self, topology: &str) -> bool {
        topology != cluster::CLUSTER
    }

    fn needs_operator(&self, topology: &str) -> bool {
        topology == REPLICAS
    }

    fn memory_mib(&self, _kind: MemberKind) -> u32 {
        deploy::MEMORY_MIB
    }

    async fn deploy(
        &self,
        design: &Design,
        deploy: Deploy,
    ) -> Result<Arc<dyn Running>, SystemError> {
        if deploy.attach.is_some() {
            return Ok(Arc::new(attach::attach(self.name(), design, deploy).await?));
        }
        if design.topology == cluster::CLUSTER {
            return Ok(Arc::new(
                cluster::deploy(self.name(), design, deploy).await?,
            ));
        }
        Ok(Arc::new(deploy::deploy(self.name(), design, deploy).await?))
    }
}

fn issues(values: Values<'_>, nodes: u32) -> Vec<Issue> {
    let mut issues = Vec::new();
    for name in ["down-after", "failover-timeout", "min-replicas-max-lag"] {
        if values
            .duration(name)
            .is_ok_and(|value| value < Duration::from_millis(1))
        {
            issues.push(issue(
                name,
                "it is shorter than 1 ms",
                "give at least `1ms`",
            ));
        }
    }
    if values
        .duration("min-replicas-max-lag")
        .is_ok_and(|lag| lag.subsec_nanos() > 0)
    {
        let help = "the server counts it in whole seconds, for instance `10s`";
        issues.push(issue(
            "min-replicas-max-lag",
            "it has a fraction of a second",
            help,
        ));
    }
    let sentinels = values.count("sentinels").unwrap_or(SENTINELS_MAX);
    if !(1..=SENTINELS_MAX).contains(&sentinels) {
        let help = format!("give 1 to {SENTINELS_MAX}; 3 survive the loss of one");
        issues.push(issue("sentinels", "that many cannot watch", help));
    }
    if values
        .count("quorum")
        .is_ok_and(|quorum| !(1..=sentinels).contains(&quorum))
    {
        let help = format!("give 1 to {sentinels}; {} is a majority", sentinels / 2 + 1);
        issues.push(issue(
            "quorum",
            format!("there are {sentinels} sentinels"),
            help,
        ));
    }
    let replicas = u64::from(nodes.saturating_sub(1));
    if values
        .count("min-replicas-to-write")
        .is_ok_and(|least| least > replicas)
    {
        let message = format!("there are only {replicas} replicas: every write would be refused");
        issues.push(issue(
            "min-replicas-to-write",
            message,
            "lower it, or raise `nodes`",
        ));
    }
    issues
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(settings: &[(&str, &str)]) -> SystemSpec {
        SystemSpec {
            settings: settings
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            ..SystemSpec::default()
        }
    }

    #[test]
    fn the_usual_stack_is_a_primary_two_replicas_and_three_sentinels() {
        let design = Redis::Valkey.design(&spec(&[]), None).expect("a design");
        let names: Vec<_> = design.members.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["r1", "r2", "r3", "s1", "s2", "s3"]);
        assert_eq!(design.images, ["valkey/valkey:8"]);
        assert_eq!(design.settings["down-after"], "1s");
    }

    #[test]
    fn without_sentinels_there_are_only_nodes_that_hold_data() {
        let spec = SystemSpec {
            topology: Some(REPLICAS.into()),
            ..SystemSpec::default()
        };
        let design = Redis::Redis.design(&spec, None).expect("a design");
        let names: Vec<_> = design.members.iter().map(|m| m.name.as_str()).collect();
        assert_eq!((names, design.route), (vec!["r1", "r2"], "direct"));
    }

    #[test]
    fn proxies_are_there_where_clients_or_replicas_go_through_them() {
        let mut spec = spec(&[("replication", "toxiproxy")]);
        let issues = Redis::Redis.design(&spec, None).expect_err("issues");
        assert_eq!(issues[0].path.join("."), "settings.replication");
        spec.topology = Some(REPLICAS.into());
        let design = Redis::Redis.design(&spec, None).expect("a design");
        let names: Vec<_> = design.members.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["r1", "r2", "toxiproxy1"]);
        assert_eq!(
            (design.route, proxied::links(&design)),
            ("direct", vec![StreamLink::Replication])
        );
        let through = Redis::Redis.design(&SystemSpec::default(), Some("toxiproxy"));
        let through = through.expect("a design");
        assert_eq!(
            (through.route, proxied::links(&through)),
            ("toxiproxy", vec![StreamLink::Clients])
        );
        assert_eq!(through.images[1], proxied::IMAGE);
    }

    #[test]
    fn routes_have_nodes_of_their_own_and_settings_that_mean_nothing_without_them() {
        let mut spec = spec(&[("check-fall", "3")]);
        spec.topology = Some(REPLICAS.into());
        let names = |route: &str| {
            let design = Redis::Redis.design(&spec, Some(route)).expect("a design");
            assert_eq!(design.route, route);
            assert_eq!(design.settings["check-fall"], "3");
            let names = design
                .members
                .iter()
                .map(|m| format!("{}@{}", m.name, m.host));
            names.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            names("keepalived"),
            "r1@r1 r2@r2 keepalived1@r1 keepalived2@r2"
        );
        assert_eq!(names("haproxy"), "r1@r1 r2@r2 haproxy1@haproxy1");
        let paths = |settings: &[(&str, &str)], route: &str| -> Vec<String> {
            let mut spec = self::spec(settings);
            spec.topology = Some(REPLICAS.into());
            let issues = Redis::Redis.design(&spec, Some(route)).expect_err("issues");
            issues.iter().map(|issue| issue.path[1].clone()).collect()
        };
        assert_eq!(paths(&[("check-fall", "3")], "direct"), ["check-fall"]);
        assert_eq!(
            paths(&[("advert-interval", "1s")], "haproxy"),
            ["advert-interval"]
        );
        let wrong = [("advert-interval", "1ms"), ("check-rise", "0")];
        assert_eq!(paths(&wrong[..1], "keepalived"), ["advert-interval"]);
        assert_eq!(paths(&wrong[1..], "keepalived"), ["check-rise"]);
        assert_eq!(
            paths(&[("check-interval", "1500ms")], "haproxy"),
            ["check-interval"]
        );
    }

    #[test]
    fn every_impossible_setting_is_named_at_once() {
        let wrong = [
            ("quorum", "4"),
            ("min-replicas-to-write", "3"),
            ("down-after", "0s"),
        ];
        let issues = Redis::Redis
            .design(&spec(&wrong), None)
            .expect_err("issues");
        let paths: Vec<_> = issues.iter().map(|issue| issue.path.join(".")).collect();
        let expected = [
            "settings.down-after",
            "settings.quorum",
            "settings.min-replicas-to-write",
        ];
        assert_eq!(paths, expected);
    }
}
