//! What a cluster is made of, and the settings that bear on its failover.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    id::NodeName,
    record::{Member, MemberKind},
    scenario::SystemSpec,
    system::{
        Design, Issue, SettingKind, SettingSpec, SystemError, TopologySpec, backups, proxied,
        settings::{Values, issue},
    },
};

/// The topology's name, which is also the name of its route.
pub const CLUSTER: &str = "cluster";

/// The fewest nodes: three primaries, the fewest of which two are a majority, and a replica each.
const NODES: u32 = 6;

/// Settings of clusters only.
pub const SETTINGS: &[SettingSpec] = &[
    SettingSpec {
        name: "cluster-node-timeout",
        kind: SettingKind::Duration,
        default: "2s",
        help: "silence after which a node of a cluster takes another one for failing; short, so that a drill is short (the server's own default is 15s)",
    },
    SettingSpec {
        name: "cluster-replica-validity-factor",
        kind: SettingKind::Count,
        default: "10",
        help: "a replica that was out of touch for this many node timeouts and 10 s more does not stand for election; 0: it always does; the server's default",
    },
    SettingSpec {
        name: "cluster-require-full-coverage",
        kind: SettingKind::Flag,
        default: "true",
        help: "the whole cluster refuses clients while a slot has no owner; the server's default",
    },
    SettingSpec {
        name: "cluster-allow-reads-when-down",
        kind: SettingKind::Flag,
        default: "false",
        help: "nodes answer reads while they take the cluster for down; the server's default",
    },
    SettingSpec {
        name: "cluster-replica-no-failover",
        kind: SettingKind::Flag,
        default: "false",
        help: "replicas never stand for election by themselves; the server's default",
    },
];

/// What a scenario may ask for.
pub fn topology() -> TopologySpec {
    TopologySpec {
        name: CLUSTER,
        summary: "shards of one primary and one replica each, which elect a dead primary's replica by a majority of primaries",
        routes: &[CLUSTER],
        nodes: (NODES, NODES, 10),
        runbooks: &[],
        planned_moves: true,
        etcd: false,
        controllers: false,
        scripts: false,
        shard_size: 2,
        consistency: &[],
        consumers: false,
    }
}

/// Primaries first, one per shard, then their replicas in the same order.
pub fn design(
    spec: &SystemSpec,
    image: String,
    settings: BTreeMap<&'static str, String>,
) -> Result<Design, Vec<Issue>> {
    let nodes = spec.nodes.unwrap_or(NODES);
    let member = |number: u32| Member {
        name: NodeName::new(format!("r{number}")),
        kind: MemberKind::Data,
        address: String::new(),
        host: format!("r{number}"),
        image: image.clone(),
    };
    let design = Design {
        topology: CLUSTER,
        route: CLUSTER,
        members: (1..=nodes).map(member).collect(),
        settings,
        images: vec![image.clone()],
    };
    let mut issues = issues(Values::of(&design), nodes);
    if !proxied::links(&design).is_empty() {
        let message = "the nodes of a cluster name each other's own addresses, past every proxy";
        issues.push(issue(proxied::SETTING, message, "choose `direct`"));
    }
    if backups::kept(&design) {
        let message = "a cluster has as many logs as primaries, which no backup of one moment brings together here";
        let help = "remove it, or use `topology: sentinel` or `topology: replicas`";
        issues.push(issue(backups::BACKUP, message, help));
    }
    if issues.is_empty() {
        Ok(design)
    } else {
        Err(issues)
    }
}

/// What a node of a cluster is started with besides.
pub fn arguments(values: Values<'_>) -> Result<String, SystemError> {
    let timeout = values.duration("cluster-node-timeout")?.as_millis();
    let validity = values.count("cluster-replica-validity-factor")?;
    let mut arguments =
        format!(" --cluster-node-timeout {timeout} --cluster-replica-validity-factor {validity}");
    for flag in [
        "cluster-require-full-coverage",
        "cluster-allow-reads-when-down",
        "cluster-replica-no-failover",
    ] {
        let value = if values.flag(flag) { "yes" } else { "no" };
        arguments.push_str(&format!(" --{flag} {value}"));
    }
    Ok(arguments)
}

fn issues(values: Values<'_>, nodes: u32) -> Vec<Issue> {
    let mut issues = Vec::new();
    if !nodes.is_multiple_of(2) {
        issues.push(Issue {
            path: vec!["nodes".into()],
            message: format!("{nodes} nodes are not pairs of a primary and a replica"),
            help: "give 6, 8 or 10".into(),
        });
    }
    // The servers look at their links ten times a second: much less than that is all chance.
    let least = Duration::from_millis(300);
    if values
        .duration("cluster-node-timeout")
        .is_ok_and(|timeout| timeout < least)
    {
        let message = "the nodes would take each other for failing by chance";
        issues.push(issue(
            "cluster-node-timeout",
            message,
            "give at least `300ms`",
        ));
    }
    if values
        .count("min-replicas-to-write")
        .is_ok_and(|least| least > 1)
    {
        let message = "each primary has one replica: every write would be refused";
        issues.push(issue("min-replicas-to-write", message, "give 0 or 1"));
    }
    if values
        .duration("min-replicas-max-lag")
        .is_ok_and(|lag| lag.subsec_nanos() > 0 || lag.is_zero())
    {
        let help = "the server counts it in whole seconds, for instance `10s`";
        issues.push(issue(
            "min-replicas-max-lag",
            "it is no number of whole seconds",
            help,
        ));
    }
    issues
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::{System, redis::Redis};

    fn spec(nodes: u32, settings: &[(&str, &str)]) -> SystemSpec {
        SystemSpec {
            topology: Some(CLUSTER.into()),
            nodes: Some(nodes),
            settings: settings
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            ..SystemSpec::default()
        }
    }

    #[test]
    fn a_cluster_is_nodes_that_hold_data_and_nothing_else() {
        let design = Redis::Valkey.design(&spec(6, &[]), None).expect("a design");
        let names: Vec<_> = design.members.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["r1", "r2", "r3", "r4", "r5", "r6"]);
        let arguments = arguments(Values::of(&design)).expect("arguments");
        assert!(
            arguments.contains("--cluster-node-timeout 2000 "),
            "{arguments}"
        );
        assert!(arguments.contains("--cluster-require-full-coverage yes"));
    }

    #[test]
    fn what_cannot_stand_is_named_at_once() {
        let wrong = [
            ("cluster-node-timeout", "10ms"),
            ("min-replicas-to-write", "2"),
            ("replication", "toxiproxy"),
        ];
        let issues = Redis::Redis
            .design(&spec(7, &wrong), None)
            .expect_err("issues");
        let paths: Vec<_> = issues.iter().map(|issue| issue.path.join(".")).collect();
        let expected = [
            "nodes",
            "settings.cluster-node-timeout",
            "settings.min-replicas-to-write",
            "settings.replication",
        ];
        assert_eq!(paths, expected);
    }
}
