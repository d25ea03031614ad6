//! The configurations of Prometheus and Alertmanager.

use std::{fmt::Write, net::SocketAddr, time::Duration};

use crate::{id::NodeName, scenario::Alerting};

/// Where Prometheus expects its configuration.
pub const PROMETHEUS_PATH: &str = "/etc/prometheus/prometheus.yml";

/// The folder of its rules.
pub const RULES_FOLDER: &str = "/etc/prometheus/rules";

/// Where Alertmanager expects its configuration.
pub const ALERTMANAGER_PATH: &str = "/etc/alertmanager/alertmanager.yml";

/// How Alertmanager is started: as its image does, and alone. As the first of a cluster it would wait for its fellows.
pub const ALERTMANAGER_ARGUMENTS: [&str; 3] = [
    "--config.file=/etc/alertmanager/alertmanager.yml",
    "--storage.path=/alertmanager",
    "--cluster.listen-address=",
];

/// A scrape may not take longer than this, whatever the interval: Prometheus' own default.
const SCRAPE_TIMEOUT_MAX: Duration = Duration::from_secs(10);

/// A duration as Prometheus and Alertmanager write it.
fn written(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

/// A target of Prometheus.
pub struct Target {
    /// The job under which it is scraped.
    pub job: &'static str,
    /// The member that it speaks of.
    pub member: NodeName,
    /// Where it answers.
    pub address: SocketAddr,
}

/// What Prometheus is told: whom to scrape under which name, which rules, and where alerts go. Targets of a job follow each
/// other.
pub fn prometheus<'a>(
    spec: &Alerting,
    targets: impl Iterator<Item = &'a Target>,
    alertmanager: SocketAddr,
) -> String {
    let scrape = spec.scrape_interval.0;
    let mut text = format!(
        "global:\n  scrape_interval: {}\n  scrape_timeout: {}\n  evaluation_interval: {}\n\
         rule_files: ['{RULES_FOLDER}/*.yaml']\n\
         alerting:\n  alertmanagers:\n    - static_configs: [{{ targets: ['{alertmanager}'] }}]\n\
         scrape_configs:\n",
        written(scrape),
        written(scrape.min(SCRAPE_TIMEOUT_MAX)),
        written(spec.evaluation_interval.0),
    );
    let mut last = None;
    for Target {
        job,
        member,
        address,
    } in targets
    {
        if last != Some(*job) {
            let _ = writeln!(text, "  - job_name: {job}\n    static_configs:");
            last = Some(*job);
        }
        let _ = writeln!(
            text,
            "      - {{ targets: ['{address}'], labels: {{ instance: '{member}' }} }}"
        );
    }
    text
}

/// What Alertmanager is told: alerts of one name are a group, and everything goes to the harness.
pub fn alertmanager(spec: &Alerting, receiver: SocketAddr) -> String {
    format!(
        "route:\n  receiver: drdrill\n  group_by: [alertname]\n  group_wait: {}\n  group_interval: {}\n  \
         repeat_interval: 4h\nreceivers:\n  - name: drdrill\n    webhook_configs:\n      - url: 'http://{receiver}/'\n        \
         send_resolved: true\n",
        written(spec.group_wait.0),
        written(spec.group_interval.0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_carry_the_names_of_their_members() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let spec = Alerting::default();
        let target = |job, member: &str, at: &str| Target {
            job,
            member: NodeName::new(member),
            address: address(at),
        };
        let targets = [
            target("redis", "redis1", "10.0.0.9:9121"),
            target("redis", "redis2", "10.0.0.10:9121"),
            target("sentinel", "s1", "10.0.0.11:9121"),
        ];
        let text = prometheus(&spec, targets.iter(), address("10.0.0.8:9093"));
        assert!(text.contains("scrape_interval: 15000ms\n  scrape_timeout: 10000ms\n"));
        assert!(text.contains("{ targets: ['10.0.0.9:9121'], labels: { instance: 'redis1' } }"));
        assert_eq!(text.matches("job_name: redis\n").count(), 1);
        let of_sentinels = text.split("job_name: sentinel\n").nth(1);
        assert!(of_sentinels.is_some_and(|rest| rest.contains("instance: 's1'")));
        let text = alertmanager(&spec, address("10.0.0.1:4000"));
        assert!(text.contains("group_wait: 30000ms\n  group_interval: 300000ms\n"));
        assert!(text.contains("url: 'http://10.0.0.1:4000/'"));
    }
}
