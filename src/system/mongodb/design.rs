//! What MongoDB offers, and what a scenario makes of it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    id::NodeName,
    record::{Member, MemberKind},
    runtime::RuntimeKind,
    scenario::SystemSpec,
    system::{
        Deploy, Description, Design, Exporter, Issue, Running, SettingKind, SettingSpec, System,
        SystemError, TopologySpec, backups,
        settings::{Values, filled, issue},
    },
};

use super::{
    delayed, deploy, exporter,
    sharded::{self, SHARDED},
};

/// The image of the members by default.
const IMAGE: &str = "mongo:8";

/// MongoDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MongoDb;

/// The setting of members without a vote.
pub const DR_MEMBERS: &str = "dr-members";

const SETTINGS: &[SettingSpec] = &[
    SettingSpec {
        name: "election-timeout",
        kind: SettingKind::Duration,
        default: "10s",
        help: "silence of the primary after which a secondary stands for election (electionTimeoutMillis); the server's default",
    },
    SettingSpec {
        name: "heartbeat-interval",
        kind: SettingKind::Duration,
        default: "2s",
        help: "how often members ask each other (heartbeatIntervalMillis); the server's default",
    },
    SettingSpec {
        name: "write-concern",
        kind: SettingKind::OneOf(&["majority", "1"]),
        default: "majority",
        help: "how many members have a write before it is acknowledged; the server's default without arbiters since 5.0",
    },
    SettingSpec {
        name: "wtimeout",
        kind: SettingKind::Duration,
        default: "0s",
        help: "after which the server answers that the write concern is not satisfied yet, which leaves the write open; 0s waits for good, the server's default",
    },
    SettingSpec {
        name: "read-concern",
        kind: SettingKind::OneOf(&["local", "majority"]),
        default: "local",
        help: "whether reads return only what a majority has; reads go to the primary (read preference primary); both are the driver's defaults",
    },
    SettingSpec {
        name: "retry-writes",
        kind: SettingKind::Flag,
        default: "true",
        help: "whether the application's driver sends a write, and a read, again by itself, once; the driver's default. Service lanes never do",
    },
    SettingSpec {
        name: DR_MEMBERS,
        kind: SettingKind::Count,
        default: "0",
        help: "how many members, the last ones, hold data without a vote and cannot be elected (votes: 0, priority: 0), as one in another \
               region often is",
    },
    delayed::SETTING,
    delayed::DELAY,
];

#[async_trait]
impl System for MongoDb {
    fn tell_time(&self) -> &'static [MemberKind] {
        &[MemberKind::Data]
    }

    fn keeps_backups(&self, design: &Design) -> bool {
        backups::kept(design)
    }

    fn keeps_log(&self, _: &Design) -> bool {
        false
    }

    fn programs(&self, design: &Design, _: &str) -> &'static [&'static str] {
        match design.topology {
            SHARDED => &["sh", "cat", "chown", "id", "mkdir", "mongod", "mongos"],
            _ => &["sh", "cat", "chown", "id", "mkdir", "mongod"],
        }
    }

    fn describe(&self) -> Description {
        Description {
            name: "mongodb",
            summary: "MongoDB: a replica set that elects its primary, or a sharded cluster",
            topologies: vec![
                TopologySpec {
                    name: "replica-set",
                    summary: "members of equal priority, all of which hold data and vote",
                    routes: &["driver"],
                    nodes: (3, 3, 7),
                    runbooks: &[],
                    planned_moves: true,
                    etcd: false,
                    controllers: false,
                    scripts: false,
                    shard_size: 0,
                    consistency: &[],
                    consumers: false,
                },
                sharded::topology(),
            ],
            image: IMAGE,
            settings: SETTINGS.to_vec(),
            runtime: RuntimeKind::Docker,
            disk: Some("/data/db"),
        }
    }

    fn design(&self, spec: &SystemSpec, _: Option<&str>) -> Result<Design, Vec<Issue>> {
        let image = spec.image.clone().unwrap_or_else(|| IMAGE.to_owned());
        let settings = filled(SETTINGS, spec);
        let nodes = spec.nodes.unwrap_or(3);
        let mut issues = issues(Values(&settings));
        let dr = Values(&settings).count(DR_MEMBERS).unwrap_or_default();
        if dr >= u64::from(nodes) {
            let message = format!("none of {nodes} members would be left that can be elected");
            issues.push(issue(DR_MEMBERS, message, "raise `nodes`, or lower it"));
        }
        if spec.topology.as_deref() == Some(SHARDED) {
            if dr > 0 {
                let help = "remove it, or use `topology: replica-set`";
                issues.push(issue(DR_MEMBERS, "members of shards all vote", help));
            }
            if settings[backups::BACKUP] != "off" {
                let message =
                    "a delayed member of each shard would be restored to a moment of its own";
                let help = "remove it, or use `topology: replica-set`";
                issues.push(issue(backups::BACKUP, message, help));
            }
            let design = sharded::design(spec.nodes, &image, settings);
            return match design {
                Ok(design) if issues.is_empty() => Ok(design),
                Ok(_) => Err(issues),
                Err(issue) => {
                    issues.insert(0, issue);
                    Err(issues)
                }
            };
        }
        let member = |name: String, kind| Member {
            host: name.clone(),
            name: NodeName::new(name),
            kind,
            address: String::new(),
            image: image.clone(),
        };
        let data = (1..=nodes).map(|n| member(format!("m{n}"), MemberKind::Data));
        let mut design = Design {
            topology: "replica-set",
            route: "driver",
            members: data.collect(),
            settings,
            images: vec![image.clone()],
        };
        if backups::kept(&design) {
            let store = member(backups::NODE.into(), MemberKind::Store);
            design.members.push(store);
        }
        if issues.is_empty() {
            Ok(design)
        } else {
            Err(issues)
        }
    }

    fn exporter(&self) -> Option<Exporter> {
        Some(exporter::EXPORTER)
    }

    fn rules_misfit(&self, topology: &str) -> Option<&'static str> {
        let words = "a shard without a primary is hidden by the primary of another shard";
        (topology == SHARDED).then_some(words)
    }

    fn memory_mib(&self, _kind: MemberKind) -> u32 {
        deploy::MEMORY_MIB
    }

    async fn deploy(
        &self,
        design: &Design,
        deploy: Deploy,
    ) -> Result<Arc<dyn Running>, SystemError> {
        Ok(match design.topology {
            SHARDED => Arc::new(sharded::deploy(design, deploy).await?),
            _ => Arc::new(deploy::deploy(design, deploy).await?),
        })
    }
}

fn issues(values: Values<'_>) -> Vec<Issue> {
    let mut issues = Vec::new();
    let of = |name| values.duration(name).unwrap_or_default();
    for name in ["election-timeout", "heartbeat-interval"] {
        if of(name) < Duration::from_millis(100) {
            let help = "give at least `100ms`; the server's default is the one in `drdrill list`";
            issues.push(issue(name, "it is shorter than 100 ms", help));
        }
    }
    let (election, heartbeat) = (of("election-timeout"), of("heartbeat-interval"));
    if issues.is_empty() && election < heartbeat * 2 {
        let message = format!("two heartbeats of {heartbeat:?} do not fit into {election:?}");
        let help = "one heartbeat that is late would be an election: lower `heartbeat-interval`";
        issues.push(issue("election-timeout", message, help));
    }
    if values.word("write-concern") == "1" && !of("wtimeout").is_zero() {
        let help = "remove it, or use `write-concern: majority`";
        issues.push(issue(
            "wtimeout",
            "a write to the primary alone waits for nobody",
            help,
        ));
    }
    let delay = of(delayed::DELAY.name);
    if delay < Duration::from_secs(1) || delay.subsec_nanos() > 0 {
        let help =
            "the server counts in whole seconds, and without a delay the member is no backup";
        issues.push(issue(
            delayed::DELAY.name,
            "it is not a second or more in whole seconds",
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
    fn the_usual_stack_is_three_members_with_the_products_defaults() {
        let design = MongoDb.design(&spec(&[]), None).expect("a design");
        let names: Vec<_> = design.members.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["m1", "m2", "m3"]);
        assert_eq!(design.images, [IMAGE]);
        assert_eq!(design.settings["election-timeout"], "10s");
        assert_eq!(design.settings["write-concern"], "majority");
    }

    #[test]
    fn the_delayed_member_is_none_of_those_that_hold_data() {
        let design = MongoDb.design(&spec(&[("backup", "delayed")]), None);
        let design = design.expect("a design");
        assert!(MongoDb.keeps_backups(&design));
        assert_eq!(design.names(MemberKind::Data).len(), 3);
        let store = NodeName::new(backups::NODE);
        assert_eq!(design.names(MemberKind::Store), [store]);
    }

    #[test]
    fn settings_that_cannot_work_together_are_named() {
        let paths = |settings: &[(&str, &str)]| -> Vec<String> {
            let issues = MongoDb.design(&spec(settings), None).expect_err("issues");
            issues.iter().map(|issue| issue.path.join(".")).collect()
        };
        let wrong = [
            ("election-timeout", "1s"),
            ("write-concern", "1"),
            ("wtimeout", "1s"),
        ];
        assert_eq!(
            paths(&wrong),
            ["settings.election-timeout", "settings.wtimeout"]
        );
        assert_eq!(
            paths(&[("heartbeat-interval", "0s")]),
            ["settings.heartbeat-interval"]
        );
        assert_eq!(paths(&[(DR_MEMBERS, "3")]), ["settings.dr-members"]);
        assert_eq!(
            paths(&[("backup-delay", "1500ms")]),
            ["settings.backup-delay"]
        );
    }
}
