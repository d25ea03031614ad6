//! How Prometheus sees Redis and Valkey: redis_exporter.

use crate::{
    record::MemberKind,
    system::{Design, Exporter, Machinery, Scraped},
};

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

/// The sentinels of a design, if it has some; the exporter asks them as it asks a server.
pub fn sentinels(design: &Design) -> Option<Machinery> {
    let nodes = design.names(MemberKind::Control);
    (!nodes.is_empty()).then_some(Machinery {
        job: "sentinel",
        nodes,
        scraped: Scraped::ByExporter,
        rules: include_str!("../../../docker/prometheus/rules/sentinel.yaml"),
    })
}
