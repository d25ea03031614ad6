//! What one node is started with.

use crate::system::{
    SystemError,
    roster::{Roster, Seat},
    settings::Values,
};

use super::api::{PEER_PORT, PORT};

/// The settings of the node on a seat among all of them.
///
/// # Errors
/// When a setting cannot be read; the scenario's check refuses such a file before.
pub fn configuration(
    roster: &Roster,
    seat: &Seat,
    values: Values<'_>,
) -> Result<String, SystemError> {
    let list = |text: fn(&Seat) -> String| {
        let all: Vec<String> = roster.data().map(text).collect();
        all.join(", ")
    };
    let time = |name: &str| {
        let duration = values.duration(name)?;
        Ok::<_, SystemError>(format!("{}ms", duration.as_millis()))
    };
    let count = |name: &str| Ok::<_, SystemError>(values.count(name)?.to_string());
    let fields = [
        ("@NAME@", seat.name.to_string()),
        ("@IP@", seat.address.ip().to_string()),
        ("@CLIENTS@", PORT.to_string()),
        ("@PEERS@", PEER_PORT.to_string()),
        (
            "@SEEDS@",
            list(|seat| format!("\"{}:{PEER_PORT}\"", seat.address.ip())),
        ),
        ("@NAMES@", list(|seat| format!("\"{}\"", seat.name))),
        (
            "@BLOCK@",
            values.word("no-cluster-manager-block").replace('-', "_"),
        ),
        ("@FOLLOWER_INTERVAL@", time("follower-check-interval")?),
        ("@FOLLOWER_TIMEOUT@", time("follower-check-timeout")?),
        ("@FOLLOWER_RETRIES@", count("follower-check-retries")?),
        ("@LEADER_INTERVAL@", time("leader-check-interval")?),
        ("@LEADER_TIMEOUT@", time("leader-check-timeout")?),
        ("@LEADER_RETRIES@", count("leader-check-retries")?),
    ];
    let template = include_str!("files/opensearch.settings").to_owned();
    let filled = |text: String, (field, value): &(&str, String)| text.replace(field, value);
    Ok(fields.iter().fold(template, filled))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        record::{Member, MemberKind},
        scenario::SystemSpec,
        system::{System, opensearch::OpenSearch},
    };

    #[test]
    fn a_node_knows_itself_the_others_and_its_timings() {
        let spec = SystemSpec {
            settings: [("follower-check-timeout".to_owned(), "2s".to_owned())].into(),
            ..SystemSpec::default()
        };
        let design = OpenSearch.design(&spec, None).expect("a design");
        let members: Vec<Member> = (1..=2)
            .map(|n| Member {
                address: format!("10.0.0.{n}:9200"),
                ..Member::alone(&format!("o{n}"), MemberKind::Data, "")
            })
            .collect();
        let roster = Roster::new(&members).expect("addresses");
        let seat = roster.data().nth(1).expect("a seat");
        let text = configuration(&roster, seat, Values::of(&design)).expect("settings");
        for expected in [
            "node.name: \"o2\"",
            "network.host: \"10.0.0.2\"",
            "discovery.seed_hosts: [\"10.0.0.1:9300\", \"10.0.0.2:9300\"]",
            "cluster.initial_cluster_manager_nodes: [\"o1\", \"o2\"]",
            "cluster.no_cluster_manager_block: metadata_write",
            "cluster.fault_detection.follower_check.timeout: 2000ms",
            "cluster.fault_detection.leader_check.timeout: 10000ms",
            "cluster.fault_detection.leader_check.retry_count: 3",
        ] {
            assert!(text.lines().any(|line| line == expected), "{text}");
        }
        assert!(!text.contains('@'), "{text}");
    }
}
