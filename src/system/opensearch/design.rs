//! What OpenSearch offers, and what a scenario makes of it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    record::{Member, MemberKind},
    runtime::RuntimeKind,
    scenario::SystemSpec,
    system::{
        Deploy, Description, Design, Issue, Running, SettingKind, SettingSpec, System, SystemError,
        TopologySpec,
        settings::{Values, filled, issue},
    },
};

use super::deploy;

/// The image of the nodes by default.
const IMAGE: &str = "opensearchproject/opensearch:3";

/// The only topology.
pub const TOPOLOGY: &str = "cluster";

/// The only route.
pub const ROUTE: &str = "direct";

/// The shortest pause between checks, and the shortest wait for one, that OpenSearch takes is less; below this a node of
/// a busy machine that is well would be left out.
const CHECK_MIN: Duration = Duration::from_millis(100);

/// OpenSearch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenSearch;

const SETTINGS: &[SettingSpec] = &[
    SettingSpec {
        name: "replicas",
        kind: SettingKind::Count,
        default: "2",
        help: "copies of the index beside its primary (index.number_of_replicas), at most one on each other node; as many as there are nodes for (OpenSearch's own default is 1)",
    },
    SettingSpec {
        name: "wait-for-active-shards",
        kind: SettingKind::OneOf(&["1", "majority", "all"]),
        default: "1",
        help: "how many copies there must be before a write begins (index.write.wait_for_active_shards); every copy in sync acknowledges a write whatever it says; OpenSearch's default",
    },
    SettingSpec {
        name: "refresh-interval",
        kind: SettingKind::Duration,
        default: "1s",
        help: "how soon a search sees what was written (index.refresh_interval); reads by id do not wait for it; OpenSearch's default",
    },
    SettingSpec {
        name: "follower-check-interval",
        kind: SettingKind::Duration,
        default: "1s",
        help: "the pause between the cluster manager's checks of a node (cluster.fault_detection.follower_check.interval); OpenSearch's default",
    },
    SettingSpec {
        name: "follower-check-timeout",
        kind: SettingKind::Duration,
        default: "10s",
        help: "how long such a check waits for an answer (cluster.fault_detection.follower_check.timeout); OpenSearch's default",
    },
    SettingSpec {
        name: "follower-check-retries",
        kind: SettingKind::Count,
        default: "3",
        help: "how many such checks in a row must fail before the node is left out (cluster.fault_detection.follower_check.retry_count); OpenSearch's default",
    },
    SettingSpec {
        name: "leader-check-interval",
        kind: SettingKind::Duration,
        default: "1s",
        help: "the pause between a node's checks of the cluster manager (cluster.fault_detection.leader_check.interval); OpenSearch's default",
    },
    SettingSpec {
        name: "leader-check-timeout",
        kind: SettingKind::Duration,
        default: "10s",
        help: "how long such a check waits for an answer (cluster.fault_detection.leader_check.timeout); OpenSearch's default",
    },
    SettingSpec {
        name: "leader-check-retries",
        kind: SettingKind::Count,
        default: "3",
        help: "how many such checks in a row must fail before a node looks for another cluster manager (cluster.fault_detection.leader_check.retry_count); OpenSearch's default",
    },
    SettingSpec {
        name: "no-cluster-manager-block",
        kind: SettingKind::OneOf(&["metadata-write", "write", "all"]),
        default: "metadata-write",
        help: "what a node refuses while it knows no cluster manager (cluster.no_cluster_manager_block): changes of the cluster only, writes too, or reads as well; OpenSearch's default",
    },
    SettingSpec {
        name: "cluster-manager",
        kind: SettingKind::OneOf(&["apart", "with-primary"]),
        default: "apart",
        help: "whether the index's first primary is put onto another node than the elected cluster manager's, or onto the same: losing both at once takes longer",
    },
];

#[async_trait]
impl System for OpenSearch {
    fn describe(&self) -> Description {
        Description {
            name: "opensearch",
            summary: "OpenSearch: an index with copies on several nodes, of which an elected cluster manager names the primary",
            topologies: vec![TopologySpec {
                name: TOPOLOGY,
                summary: "nodes that hold data and may be cluster manager, an index of one shard with a copy on each; clients go through the list of nodes",
                routes: &[ROUTE],
                nodes: (3, 3, 3),
                runbooks: &[],
                planned_moves: false,
                etcd: false,
                controllers: true,
                scripts: false,
                shard_size: 0,
                consistency: &[],
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
        let nodes = spec.nodes.unwrap_or(3);
        let member = |n: u32| Member::alone(&format!("o{n}"), MemberKind::Data, &image);
        let design = Design {
            topology: TOPOLOGY,
            route: ROUTE,
            members: (1..=nodes).map(member).collect(),
            settings: filled(SETTINGS, spec),
            images: vec![image.clone()],
        };
        let issues = issues(Values::of(&design), u64::from(nodes));
        if issues.is_empty() {
            Ok(design)
        } else {
            Err(issues)
        }
    }

    fn programs(&self, _: &Design, _: &str) -> &'static [&'static str] {
        &["sh", "cat"]
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

/// What OpenSearch would refuse, or never be done with.
fn issues(values: Values<'_>, nodes: u64) -> Vec<Issue> {
    let mut issues = Vec::new();
    for setting in SETTINGS {
        let name = setting.name;
        let short = values.duration(name).is_ok_and(|value| value < CHECK_MIN);
        if setting.kind == SettingKind::Duration && short {
            let help = "give at least `100ms`";
            issues.push(issue(name, "it is shorter than 100 ms", help));
        }
        if name.ends_with("-retries") && values.count(name).is_ok_and(|count| count == 0) {
            let help = "give at least 1; OpenSearch does not start so";
            issues.push(issue(name, "no check would have to fail", help));
        }
    }
    if let Ok(replicas) = values.count("replicas")
        && replicas >= nodes
    {
        let message = format!(
            "{nodes} nodes hold at most {} copies beside the primary",
            nodes - 1
        );
        let help = format!("give at most {}", nodes - 1);
        issues.push(issue("replicas", message, help));
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
    fn the_usual_stack_is_three_nodes_with_the_products_defaults() {
        let design = OpenSearch.design(&spec(&[]), None).expect("a design");
        let names: Vec<_> = design.members.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["o1", "o2", "o3"]);
        assert_eq!(design.images, [IMAGE]);
        assert_eq!(design.settings["follower-check-timeout"], "10s");
        assert_eq!(design.settings["wait-for-active-shards"], "1");
    }

    #[test]
    fn settings_with_which_no_cluster_would_be_whole_are_named() {
        let paths = |settings: &[(&str, &str)]| -> Vec<String> {
            let issues = OpenSearch
                .design(&spec(settings), None)
                .expect_err("issues");
            issues.iter().map(|issue| issue.path.join(".")).collect()
        };
        assert_eq!(paths(&[("replicas", "3")]), ["settings.replicas"]);
        assert_eq!(
            paths(&[("leader-check-retries", "0")]),
            ["settings.leader-check-retries"]
        );
        assert_eq!(
            paths(&[("follower-check-timeout", "99ms")]),
            ["settings.follower-check-timeout"]
        );
    }
}
