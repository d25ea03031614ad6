//! Reads the settings back from the running nodes.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use crate::{record::Setting, scenario::Dur, system::SystemError};

use super::{
    api::{Question, ask},
    bounds::{Checks, Timeouts, bounds},
    running::OpenSearchStack,
};

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_secs(5);

/// What is recorded of a node's settings.
const NODE: &[&str] = &[
    "cluster.fault_detection.follower_check.interval",
    "cluster.fault_detection.follower_check.timeout",
    "cluster.fault_detection.follower_check.retry_count",
    "cluster.fault_detection.leader_check.interval",
    "cluster.fault_detection.leader_check.timeout",
    "cluster.fault_detection.leader_check.retry_count",
    "cluster.no_cluster_manager_block",
];

/// What is recorded of the index's settings.
const INDEX: &[&str] = &[
    "index.number_of_replicas",
    "index.write.wait_for_active_shards",
    "index.refresh_interval",
    "index.translog.durability",
];

type Settings = BTreeMap<String, String>;

/// Fills in the version, the settings and the bounds.
///
/// # Errors
/// When a node does not tell, or not all tell the same.
pub async fn read_back(stack: &mut OpenSearchStack) -> Result<(), SystemError> {
    let refused =
        |words: String| SystemError::Refused(format!("failed to read the settings back: {words}"));
    let mut told: Option<(Settings, String)> = None;
    for seat in stack.roster.data() {
        let of = |words: String| refused(format!("`{}`: {words}", seat.name));
        let path = "/_cluster/settings?include_defaults=true&flat_settings=true&local=true";
        let answer = ask(seat.address, &Question::get(path), ASK_LIMIT).await;
        let settings = chosen(&node_settings(&answer.map_err(of)?), NODE).map_err(of)?;
        let root = ask(seat.address, &Question::get("/"), ASK_LIMIT).await;
        let version = version(&root.map_err(of)?).map_err(of)?;
        match &told {
            Some((first, _)) if *first != settings => {
                let words = format!("nodes run with unlike settings: {first:?} and {settings:?}");
                return Err(refused(words));
            }
            Some(_) => {}
            None => told = Some((settings, version)),
        }
    }
    let (nodes, version) = told.ok_or_else(|| refused("there is no node".into()))?;
    let index = index_settings(stack).await.map_err(refused)?;
    let timeouts = Timeouts {
        follower: checks(&nodes, "follower").map_err(refused)?,
        leader: checks(&nodes, "leader").map_err(refused)?,
        with_primary: stack.with_primary,
    };
    stack.stack.server = version;
    stack.stack.bounds = bounds(&timeouts);
    stack.stack.phase_ns = u64::try_from(timeouts.follower.interval.as_nanos()).unwrap_or(0);
    let setting = |source: &'static str| {
        move |(name, value): (String, String)| Setting {
            name,
            value,
            source: source.into(),
        }
    };
    let nodes = nodes
        .into_iter()
        .map(setting("every node: GET _cluster/settings"));
    let index = index
        .into_iter()
        .map(setting("the run's index: GET _settings"));
    stack.stack.effective = nodes.chain(index).collect();
    Ok(())
}

async fn index_settings(stack: &OpenSearchStack) -> Result<Settings, String> {
    let primary = stack.roster.named(&stack.stack.primary);
    let address = primary.map_err(|error| error.to_string())?.address;
    let index = stack.elements.index();
    let path = format!("/{index}/_settings?include_defaults=true&flat_settings=true");
    let answer = ask(address, &Question::get(path), ASK_LIMIT).await?;
    let own = &answer[&index];
    chosen(&merged([&own["defaults"], &own["settings"]]), INDEX)
}

/// A node's settings: defaults, which hold what its file says, and above them what the cluster was told.
fn node_settings(answer: &Value) -> Settings {
    merged(["defaults", "persistent", "transient"].map(|from| &answer[from]))
}

fn merged<const N: usize>(layers: [&Value; N]) -> Settings {
    let all = layers.into_iter().filter_map(Value::as_object).flatten();
    all.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

fn chosen(all: &Settings, names: &[&str]) -> Result<Settings, String> {
    let one = |name: &&str| match all.get(*name) {
        Some(value) => Ok(((*name).to_owned(), value.clone())),
        None => Err(format!("`{name}` is not told")),
    };
    names.iter().map(one).collect()
}

fn version(root: &Value) -> Result<String, String> {
    let number = root["version"]["number"].as_str();
    let number = number.ok_or("its version is not told")?;
    Ok(format!("OpenSearch {number}"))
}

fn checks(settings: &Settings, of: &str) -> Result<Checks, String> {
    let value = |name: &str| {
        let name = format!("cluster.fault_detection.{of}_check.{name}");
        let value = settings.get(&name).cloned();
        value.ok_or(format!("`{name}` is not told"))
    };
    let time = |name: &str| {
        let text = value(name)?;
        let parsed = text.parse::<Dur>();
        parsed
            .map(|dur| dur.0)
            .map_err(|_| format!("`{text}` is no time"))
    };
    let retries = value("retry_count")?;
    Ok(Checks {
        interval: time("interval")?,
        timeout: time("timeout")?,
        retries: retries
            .parse()
            .map_err(|_| format!("`{retries}` is no count"))?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_cluster_was_told_stands_above_files_and_defaults() {
        let check = |name: &str| format!("cluster.fault_detection.follower_check.{name}");
        let answer = json!({
            "persistent": { check("timeout"): "2s" },
            "transient": {},
            "defaults": {
                check("timeout"): "10000ms", check("interval"): "1000ms", check("retry_count"): "3",
                "transport.tracer.exclude": ["a"],
            },
        });
        let settings = node_settings(&answer);
        let expected = Checks {
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(2),
            retries: 3,
        };
        assert_eq!(checks(&settings, "follower"), Ok(expected));
        let missing = checks(&settings, "leader").expect_err("not told");
        assert!(missing.contains("leader_check"), "{missing}");
        let missing = chosen(&settings, NODE).expect_err("not told");
        assert!(missing.contains("is not told"), "{missing}");
    }
}
