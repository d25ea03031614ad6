//! How Prometheus sees MongoDB: Percona's mongodb_exporter.

use crate::system::Exporter;

/// The exporter and its rules. There are no accounts, and nothing is encrypted: the network is the run's own.
pub const EXPORTER: Exporter = Exporter {
    job: "mongodb",
    image: "percona/mongodb_exporter:0.43.1",
    port: 9216,
    up: "mongodb_up",
    arguments: |address| {
        vec![
            format!("--mongodb.uri=mongodb://{address}"),
            "--collector.replicasetstatus".into(),
        ]
    },
    env: |_| Vec::new(),
    files: |_| Vec::new(),
    rules: include_str!("../../../docker/prometheus/rules/mongodb.yaml"),
};
