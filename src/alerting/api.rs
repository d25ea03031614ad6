//! Questions to Prometheus and Alertmanager over HTTP, and their answers.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use serde::Deserialize;

use crate::{record::AlertRule, scenario::prometheus_duration, system::http, time::Nanos};

/// The longest wait for an answer.
const ASK_LIMIT: Duration = Duration::from_secs(1);

/// A target as Prometheus scrapes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScrapeTarget {
    /// `up`, `down` or `unknown`.
    pub health: String,
    /// Why the last scrape failed.
    #[serde(default)]
    pub last_error: String,
    /// How often it is scraped.
    pub scrape_interval: String,
    /// How long a scrape may take.
    pub scrape_timeout: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// An alert that is pending or firing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ActiveAlert {
    /// Its labels, its name among them.
    pub labels: BTreeMap<String, String>,
    /// `pending` or `firing`.
    pub state: String,
}

/// What Prometheus says of its rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Those that alert.
    pub alerts: Vec<AlertRule>,
    /// Rules that were not evaluated yet, or not without an error, and why.
    pub unhealthy: Vec<String>,
}

#[derive(Deserialize)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    interval: f64,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    name: String,
    query: String,
    #[serde(default)]
    duration: f64,
    health: String,
    #[serde(default)]
    last_error: String,
    r#type: String,
}

async fn ask<T: serde::de::DeserializeOwned>(
    prometheus: SocketAddr,
    path: &str,
) -> Result<T, String> {
    let answer = http::get(prometheus, path, ASK_LIMIT).await?.json()?;
    let data = answer.get("data").cloned().unwrap_or_default();
    serde_json::from_value(data).map_err(|error| format!("{path}: unreadable answer: {error}"))
}

/// Whether it says that it is ready.
///
/// # Errors
/// What it says instead.
pub async fn ready(address: SocketAddr) -> Result<(), String> {
    let answer = http::get(address, "/-/ready", ASK_LIMIT).await?;
    if answer.status == 200 {
        Ok(())
    } else {
        Err(format!("{address} is not ready: {}", answer.body.trim()))
    }
}

/// Every target.
pub async fn targets(prometheus: SocketAddr) -> Result<Vec<ScrapeTarget>, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Targets {
        active_targets: Vec<ScrapeTarget>,
    }
    let targets: Targets = ask(prometheus, "/api/v1/targets?state=active").await?;
    Ok(targets.active_targets)
}

/// Every rule that alerts.
pub async fn rules(prometheus: SocketAddr) -> Result<Rules, String> {
    let groups: Groups = ask(prometheus, "/api/v1/rules?type=alert").await?;
    Ok(of_groups(groups))
}

fn of_groups(groups: Groups) -> Rules {
    let mut all = Rules::default();
    let ns = |seconds: f64| Nanos::from_duration(Duration::from_secs_f64(seconds.max(0.0))).0;
    for group in groups.groups {
        let every_ns = ns(group.interval);
        for rule in group.rules.into_iter().filter(|it| it.r#type == "alerting") {
            if rule.health != "ok" {
                let why = [rule.health.as_str(), rule.last_error.as_str()];
                all.unhealthy
                    .push(format!("{}: {}", rule.name, why.join(" ").trim()));
            }
            all.alerts.push(AlertRule {
                alert: rule.name,
                expr: rule.query,
                hold_ns: ns(rule.duration),
                every_ns,
            });
        }
    }
    all
}

/// Every alert that is pending or firing.
pub async fn active(prometheus: SocketAddr) -> Result<Vec<ActiveAlert>, String> {
    #[derive(Deserialize)]
    struct Alerts {
        alerts: Vec<ActiveAlert>,
    }
    let alerts: Alerts = ask(prometheus, "/api/v1/alerts").await?;
    Ok(alerts.alerts)
}

/// How many members an exporter's own metric says that it reaches.
pub async fn reached(prometheus: SocketAddr, metric: &str) -> Result<usize, String> {
    #[derive(Deserialize)]
    struct Found {
        result: Vec<serde_json::Value>,
    }
    let found: Found = ask(
        prometheus,
        &format!("/api/v1/query?query={metric}%20%3D%3D%201"),
    )
    .await?;
    Ok(found.result.len())
}

/// Alertmanager's `group_wait`, nanoseconds, by the configuration that it says is in force.
pub async fn group_wait(alertmanager: SocketAddr) -> Result<u64, String> {
    let status = http::get(alertmanager, "/api/v2/status", ASK_LIMIT).await?;
    let status = status.json()?;
    let config = status["config"]["original"].as_str().unwrap_or_default();
    waited(config).ok_or_else(|| "Alertmanager's configuration names no `group_wait`".into())
}

fn waited(config: &str) -> Option<u64> {
    let mut lines = config.lines().map(str::trim);
    let value = lines.find_map(|line| line.strip_prefix("group_wait:"))?;
    nanos(value)
}

/// A duration as Prometheus writes it, in nanoseconds.
pub fn nanos(text: &str) -> Option<u64> {
    prometheus_duration(text.trim()).map(|duration| Nanos::from_duration(duration).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_with_their_intervals_and_those_that_fail_are_named() {
        let text = r#"{"groups":[{"name":"redis","file":"a","interval":2,"rules":[
            {"state":"inactive","name":"RedisDown","query":"redis_up == 0","duration":5,"labels":{},"annotations":{},
             "alerts":[],"health":"ok","type":"alerting"},
            {"state":"inactive","name":"Wrong","query":"a b","duration":0,"health":"err","lastError":"bad","type":"alerting"},
            {"name":"x","query":"y","health":"ok","type":"recording"}]}]}"#;
        let rules = of_groups(serde_json::from_str(text).expect("an answer"));
        assert_eq!(rules.unhealthy, ["Wrong: err bad"]);
        let first = &rules.alerts[0];
        assert_eq!(
            (first.hold_ns, first.every_ns),
            (5_000_000_000, 2_000_000_000)
        );
        assert_eq!(rules.alerts.len(), 2);
    }

    #[test]
    fn the_wait_of_a_group_is_read_from_the_configuration() {
        let config = "route:\n  receiver: a\n  group_wait: 1s\n  group_interval: 2s\n";
        assert_eq!(waited(config), Some(1_000_000_000));
        assert_eq!(waited("route: {}\n"), None);
    }
}
