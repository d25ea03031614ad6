//! What etcd offers, and what a scenario makes of it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    id::NodeName,
    record::{Member, MemberKind},
    runtime::RuntimeKind,
    scenario::{ConsistencyKind, SystemSpec},
    system::{
        Deploy, Description, Design, Issue, Running, SettingKind, SettingSpec, System, SystemError,
        TopologySpec,
        settings::{Values, filled, issue},
    },
};

use super::deploy;

/// The image of the members by default. It holds etcd and no shell.
const IMAGE: &str = "quay.io/coreos/etcd:v3.5.21";

/// The only topology.
pub const TOPOLOGY: &str = "cluster";

/// The only route.
pub const ROUTE: &str = "direct";

/// The longest election timeout that etcd takes.
const ELECTION_MAX: Duration = Duration::from_secs(50);

/// etcd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Etcd;

const SETTINGS: &[SettingSpec] = &[
    SettingSpec {
        name: "heartbeat-interval",
        kind: SettingKind::Duration,
        default: "100ms",
        help: "how often the leader is heard (--heartbeat-interval), in whole milliseconds; etcd's default",
    },
    SettingSpec {
        name: "election-timeout",
        kind: SettingKind::Duration,
        default: "1s",
        help: "silence of the leader after which a member may stand, each after one to two times as long (--election-timeout), in whole milliseconds; etcd's default",
    },
    SettingSpec {
        name: "reads",
        kind: SettingKind::OneOf(&["linearizable", "serializable"]),
        default: "linearizable",
        help: "whether a read is confirmed by the leader, or is what the member that is asked has itself and may be old; the API's default",
    },
];

#[async_trait]
impl System for Etcd {
    fn describe(&self) -> Description {
        Description {
            name: "etcd",
            summary: "etcd: members that agree by Raft and elect a leader",
            topologies: vec![TopologySpec {
                name: TOPOLOGY,
                summary: "voting members, each of which takes clients' requests; clients go through the list of them",
                routes: &[ROUTE],
                nodes: (3, 3, 7),
                runbooks: &[],
                planned_moves: true,
                etcd: false,
                controllers: false,
                scripts: false,
                shard_size: 0,
                consistency: &[ConsistencyKind::Registers],
                consumers: false,
            }],
            image: IMAGE,
            settings: SETTINGS.to_vec(),
            runtime: RuntimeKind::Docker,
            disk: None,
        }
    }

    fn design(&self, spec: &SystemSpec, _: Option<&str>) -> Result<Design, Vec<Issue>> {
        let image = spec.image.clone().unwrap_or_else(|| IMAGE.to_owned());
        let member = |n: u32| Member {
            name: NodeName::new(format!("e{n}")),
            kind: MemberKind::Data,
            address: String::new(),
            host: format!("e{n}"),
            image: image.clone(),
        };
        let design = Design {
            topology: TOPOLOGY,
            route: ROUTE,
            members: (1..=spec.nodes.unwrap_or(3)).map(member).collect(),
            settings: filled(SETTINGS, spec),
            images: vec![image.clone()],
        };
        let issues = issues(Values::of(&design));
        if issues.is_empty() {
            Ok(design)
        } else {
            Err(issues)
        }
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

/// What etcd would refuse to start with.
fn issues(values: Values<'_>) -> Vec<Issue> {
    let mut issues = Vec::new();
    let of = |name| values.duration(name).unwrap_or_default();
    for name in ["heartbeat-interval", "election-timeout"] {
        if of(name).is_zero() || !of(name).subsec_nanos().is_multiple_of(1_000_000) {
            let help = "give whole milliseconds; etcd's defaults are those in `drdrill list`";
            issues.push(issue(
                name,
                "etcd counts in whole milliseconds, from 1",
                help,
            ));
        }
    }
    let (heartbeat, election) = (of("heartbeat-interval"), of("election-timeout"));
    if issues.is_empty() && election < heartbeat * 5 {
        let message = format!("five heartbeats of {heartbeat:?} do not fit into {election:?}");
        let help = "etcd does not start so: lower `heartbeat-interval`";
        issues.push(issue("election-timeout", message, help));
    }
    if election > ELECTION_MAX {
        let help = "etcd does not start so: give at most `50s`";
        issues.push(issue("election-timeout", "it is longer than 50 s", help));
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
        let design = Etcd.design(&spec(&[]), None).expect("a design");
        let names: Vec<_> = design.members.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["e1", "e2", "e3"]);
        assert_eq!(design.images, [IMAGE]);
        assert_eq!(design.settings["election-timeout"], "1s");
        assert_eq!(design.settings["reads"], "linearizable");
        assert_eq!(Etcd.programs(&design, IMAGE), [] as [&str; 0]);
    }

    #[test]
    fn settings_with_which_etcd_does_not_start_are_named() {
        let paths = |settings: &[(&str, &str)]| -> Vec<String> {
            let issues = Etcd.design(&spec(settings), None).expect_err("issues");
            issues.iter().map(|issue| issue.path.join(".")).collect()
        };
        let election = ["settings.election-timeout"];
        assert_eq!(paths(&[("election-timeout", "499ms")]), election);
        assert_eq!(paths(&[("heartbeat-interval", "1s")]), election);
        assert_eq!(paths(&[("election-timeout", "51s")]), election);
        let heartbeat = ["settings.heartbeat-interval"];
        assert_eq!(paths(&[("heartbeat-interval", "0s")]), heartbeat);
    }
}
