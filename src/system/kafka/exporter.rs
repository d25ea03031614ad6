//! How Prometheus sees Kafka: its JMX exporter, which knows of each broker whether it is the active controller and what it leads.

use std::path::PathBuf;

use crate::{runtime::NodeFile, system::Exporter};

/// Where brokers listen for JMX.
pub const JMX_PORT: u16 = 9101;

/// The exporter's configuration, but for whom to ask.
const CONFIGURATION: &str = include_str!("../../../docker/prometheus/kafka-jmx.yaml");
const CONFIGURATION_PATH: &str = "/drdrill/jmx.yaml";

/// The exporter and its rules. The image is our own: the project publishes none. JMX asks for no password and is not
/// encrypted: the network is the run's own.
pub const EXPORTER: Exporter = Exporter {
    job: "kafka",
    image: "drdrill.local/jmx_exporter:1.0",
    port: 9404,
    up: "kafka_up",
    arguments: |_| vec!["9404".into(), CONFIGURATION_PATH.into()],
    env: |_| Vec::new(),
    files: |address| {
        let text = format!("hostPort: {}:{JMX_PORT}\n{CONFIGURATION}", address.ip());
        vec![NodeFile {
            path: PathBuf::from(CONFIGURATION_PATH),
            mode: 0o644,
            bytes: text.into(),
        }]
    },
    rules: include_str!("../../../docker/prometheus/rules/kafka.yaml"),
};
