//! How Prometheus sees Redis and Valkey: redis_exporter.

use crate::system::Exporter;

/// The exporter and its rules.
pub const EXPORTER: Exporter = Exporter {
    job: "redis",
    image: "oliver006/redis_exporter:v1.69.0",
    port: 9121,
    up: "redis_up",
    arguments: |address| vec![format!("--redis.addr=redis://{address}")],
    env: |_| Vec::new(),
    files: |_| Vec::new(),
    rules: include_str!("../../../docker/prometheus/rules/redis.yaml"),
};
