//! What Kafka offers, and what a scenario makes of it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    id::NodeName,
    record::{Member, MemberKind},
    runtime::RuntimeKind,
    scenario::SystemSpec,
    system::{
        Deploy, Description, Design, Exporter, Issue, Running, SettingKind, SettingSpec, System,
        SystemError, TopologySpec,
        settings::{Values, filled, issue},
    },
};

use super::{deploy, exporter};

/// The default image.
const IMAGE: &str = "apache/kafka:4.3.1";

/// Apache Kafka in KRaft mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kafka;

const SETTINGS: &[SettingSpec] = &[
    SettingSpec {
        name: "acks",
        kind: SettingKind::OneOf(&["all", "1"]),
        default: "all",
        help: "when a write counts: `all` when every replica in sync has it, `1` when the leader has it; the producer's default",
    },
    SettingSpec {
        name: "idempotence",
        kind: SettingKind::Flag,
        default: "true",
        help: "whether the application's producer numbers its records, so that one sent again is not appended twice; needs `acks: all`; the default of Kafka's own producer",
    },
    SettingSpec {
        name: "min-insync",
        kind: SettingKind::Count,
        default: "2",
        help: "how many replicas must be in sync for a write with `acks: all` (min.insync.replicas): the fewest that lose nothing with one broker",
    },
    SettingSpec {
        name: "unclean-leader-election",
        kind: SettingKind::Flag,
        default: "false",
        help: "whether a replica that is not in sync may lead when no other is left, and lose what it has not; Kafka's default",
    },
    SettingSpec {
        name: "session-timeout",
        kind: SettingKind::Duration,
        default: "9s",
        help: "silence after which the controller takes a broker for down (broker.session.timeout.ms); Kafka's default",
    },
    SettingSpec {
        name: "heartbeat-interval",
        kind: SettingKind::Duration,
        default: "2s",
        help: "how often a broker reports to the controller (broker.heartbeat.interval.ms); Kafka's default",
    },
    SettingSpec {
        name: "replica-lag-max",
        kind: SettingKind::Duration,
        default: "30s",
        help: "how long a replica may be behind and count as in sync (replica.lag.time.max.ms); Kafka's default",
    },
    SettingSpec {
        name: "quorum-fetch-timeout",
        kind: SettingKind::Duration,
        default: "2s",
        help: "silence after which controllers look for another active one (controller.quorum.fetch.timeout.ms); Kafka's default",
    },
    SettingSpec {
        name: "quorum-election-timeout",
        kind: SettingKind::Duration,
        default: "1s",
        help: "how long an election of the active controller may take before the next (controller.quorum.election.timeout.ms); Kafka's default",
    },
    SettingSpec {
        name: "request-timeout",
        kind: SettingKind::Duration,
        default: "2s",
        help: "how long the application's driver waits for an answer before it asks again (request.timeout.ms); short, so that a drill is short (librdkafka's and Kafka's own default is 30s)",
    },
    SettingSpec {
        name: "controller",
        kind: SettingKind::OneOf(&["apart", "with-leader"]),
        default: "apart",
        help: "whether the partition's first leader is put onto another node than the active controller's, or onto the same: losing both at once takes longer",
    },
];

#[async_trait]
impl System for Kafka {
    fn tell_time(&self) -> &'static [MemberKind] {
        &[MemberKind::Data]
    }

    fn programs(&self, _: &Design, _: &str) -> &'static [&'static str] {
        &["sh", "java"]
    }

    fn describe(&self) -> Description {
        Description {
            name: "kafka",
            summary: "Apache Kafka in KRaft mode: a replicated partition, its leader chosen by the controllers",
            topologies: vec![TopologySpec {
                name: "kraft",
                summary: "nodes that are broker and controller at once, one partition with a replica on each",
                routes: &["driver"],
                nodes: (3, 3, 5),
                runbooks: &[],
                planned_moves: true,
                etcd: false,
                controllers: true,
                scripts: false,
                shard_size: 0,
                consistency: &[],
                consumers: true,
            }],
            image: IMAGE,
            settings: SETTINGS.to_vec(),
            runtime: RuntimeKind::Docker,
            disk: Some("/var/lib/kafka/data"),
        }
    }

    fn design(&self, spec: &SystemSpec, _: Option<&str>) -> Result<Design, Vec<Issue>> {
        let image = spec.image.clone().unwrap_or_else(|| IMAGE.to_owned());
        let nodes = spec.nodes.unwrap_or(3);
        let member = |n| Member {
            name: NodeName::new(format!("k{n}")),
            kind: MemberKind::Data,
            address: String::new(),
            host: format!("k{n}"),
            image: image.clone(),
        };
        let design = Design {
            topology: "kraft",
            route: "driver",
            members: (1..=nodes).map(member).collect(),
            settings: filled(SETTINGS, spec),
            images: vec![image.clone()],
        };
        let issues = issues(Values::of(&design), nodes);
        if issues.is_empty() {
            Ok(design)
        } else {
            Err(issues)
        }
    }

    fn exporter(&self) -> Option<Exporter> {
        Some(exporter::EXPORTER)
    }

    fn memory_mib(&self, _kind: MemberKind) -> u32 {
        deploy::MEMORY_MIB
    }

    async fn deploy(
        &self,
        design: &Design,
        deploy: Deploy,
    ) -> Result<Arc<dyn Running>, SystemError> {
        Ok(Arc::new(deploy::deploy(design, deploy).await?))
    }
}

fn issues(values: Values<'_>, nodes: u32) -> Vec<Issue> {
    let mut issues = Vec::new();
    let durations = SETTINGS
        .iter()
        .filter(|setting| setting.kind == SettingKind::Duration);
    for setting in durations {
        let shortest = Duration::from_millis(100);
        if values
            .duration(setting.name)
            .is_ok_and(|value| value < shortest)
        {
            issues.push(issue(
                setting.name,
                "it is shorter than 100 ms",
                "give at least `100ms`",
            ));
        }
    }
    let session = values.duration("session-timeout");
    let heartbeat = values.duration("heartbeat-interval");
    if let (Ok(session), Ok(heartbeat)) = (session, heartbeat)
        && heartbeat * 2 > session
    {
        let help = format!("give at most half of `session-timeout`, {session:?}");
        issues.push(issue(
            "heartbeat-interval",
            "one late report would fence a broker that is well",
            help,
        ));
    }
    if values
        .count("min-insync")
        .is_ok_and(|least| !(1..=u64::from(nodes)).contains(&least))
    {
        let message = format!("there are {nodes} replicas");
        issues.push(issue("min-insync", message, format!("give 1 to {nodes}")));
    }
    if values.flag("idempotence") && values.word("acks") == "1" {
        let help = "add `idempotence: false`, or drop `acks: 1`";
        issues.push(issue(
            "acks",
            "an idempotent producer needs `acks: all`",
            help,
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
    fn the_usual_stack_is_three_nodes_that_are_broker_and_controller() {
        let design = Kafka.design(&spec(&[]), None).expect("a design");
        let names: Vec<_> = design.members.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["k1", "k2", "k3"]);
        assert_eq!(design.images, ["apache/kafka:4.3.1"]);
        assert_eq!(design.settings["session-timeout"], "9s");
    }

    #[test]
    fn every_impossible_setting_is_named_at_once() {
        let wrong = [
            ("acks", "1"),
            ("min-insync", "4"),
            ("heartbeat-interval", "5s"),
            ("replica-lag-max", "1ms"),
        ];
        let issues = Kafka.design(&spec(&wrong), None).expect_err("issues");
        let paths: Vec<_> = issues.iter().map(|issue| issue.path.join(".")).collect();
        let expected = [
            "settings.replica-lag-max",
            "settings.heartbeat-interval",
            "settings.min-insync",
            "settings.acks",
        ];
        assert_eq!(paths, expected);
    }
}
