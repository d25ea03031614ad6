//! What a sharded cluster is made of.

use std::collections::BTreeMap;

use crate::{
    id::NodeName,
    record::{Member, MemberKind},
    system::{Design, Issue, TopologySpec},
};

/// The topology's name.
pub const SHARDED: &str = "sharded";

/// The members of a shard: the fewest that have a majority when one is lost.
pub const SHARD_SIZE: u32 = 3;

/// Two shards: the fewest of which one can be down while another is not.
const NODES: u32 = 2 * SHARD_SIZE;

/// The config servers: the fewest that have a majority when one is lost.
const CONFIG_SERVERS: u32 = 3;

/// The routers: clients have another one when one is lost.
const ROUTERS: u32 = 2;

/// What a scenario may ask for.
pub fn topology() -> TopologySpec {
    TopologySpec {
        name: SHARDED,
        summary: "shards of three members each, three config servers, and two routers; not tried yet: it needs an image with mongos",
        routes: &["driver"],
        nodes: (NODES, NODES, 3 * SHARD_SIZE),
        runbooks: &[],
        planned_moves: false,
        etcd: false,
        controllers: true,
        scripts: false,
        shard_size: SHARD_SIZE,
        consistency: &[],
        consumers: false,
    }
}

/// The members of the first shard, those of the next, the config servers, the routers.
///
/// # Errors
/// When the members do not make whole shards.
pub fn design(
    nodes: Option<u32>,
    image: &str,
    settings: BTreeMap<&'static str, String>,
) -> Result<Design, Issue> {
    let nodes = nodes.unwrap_or(NODES);
    if !nodes.is_multiple_of(SHARD_SIZE) {
        return Err(Issue {
            path: vec!["nodes".into()],
            message: format!("{nodes} nodes are not shards of {SHARD_SIZE} members"),
            help: "give 6 or 9".into(),
        });
    }
    let all = |kind: MemberKind, word: &'static str, count: u32| {
        (1..=count).map(move |number| {
            let name = format!("{word}{number}");
            Member {
                name: NodeName::new(name.clone()),
                kind,
                address: String::new(),
                host: name,
                image: image.to_owned(),
            }
        })
    };
    let members = all(MemberKind::Data, "m", nodes)
        .chain(all(MemberKind::Control, "config", CONFIG_SERVERS))
        .chain(all(MemberKind::Route, "router", ROUTERS));
    Ok(Design {
        topology: SHARDED,
        route: "driver",
        members: members.collect(),
        settings,
        images: vec![image.to_owned()],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        scenario::SystemSpec,
        system::{System, mongodb::MongoDb},
    };

    fn spec(nodes: Option<u32>) -> SystemSpec {
        SystemSpec {
            topology: Some(SHARDED.into()),
            nodes,
            ..SystemSpec::default()
        }
    }

    #[test]
    fn the_usual_cluster_is_two_shards_of_three_with_config_servers_and_routers() {
        let design = MongoDb.design(&spec(None), None).expect("a design");
        let of = |kind| -> Vec<String> {
            let names = design.names(kind).into_iter();
            names.map(|name| name.to_string()).collect()
        };
        assert_eq!(of(MemberKind::Data), ["m1", "m2", "m3", "m4", "m5", "m6"]);
        assert_eq!(of(MemberKind::Control), ["config1", "config2", "config3"]);
        assert_eq!(of(MemberKind::Route), ["router1", "router2"]);
        assert!(MongoDb.programs(&design, "mongo:8").contains(&"mongos"));
        let set = MongoDb
            .design(&SystemSpec::default(), None)
            .expect("a design");
        assert!(!MongoDb.programs(&set, "mongo:8").contains(&"mongos"));
    }

    #[test]
    fn members_that_make_no_whole_shards_are_refused() {
        let issues = MongoDb.design(&spec(Some(7)), None).expect_err("issues");
        assert_eq!(issues[0].path, ["nodes"]);
        assert!(MongoDb.design(&spec(Some(9)), None).is_ok());
    }
}
