//! How Prometheus sees PostgreSQL: postgres_exporter.

use crate::{
    record::MemberKind,
    system::{Design, Exporter, Machinery, Scraped, route::haproxy},
};

use super::{etcd, haproxy::CHECK_PORT, sql};

/// The exporter and its rules. Nothing is encrypted: the network is the run's own.
pub const EXPORTER: Exporter = Exporter {
    job: "postgres",
    image: "quay.io/prometheuscommunity/postgres-exporter:v0.17.1",
    port: 9187,
    up: "pg_up",
    arguments: |_| Vec::new(),
    env: |address| {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![
            pair(
                "DATA_SOURCE_URI",
                &format!("{address}/postgres?sslmode=disable"),
            ),
            pair("DATA_SOURCE_USER", sql::USER),
            pair("DATA_SOURCE_PASS", sql::PASSWORD),
        ]
    },
    files: |_| Vec::new(),
    rules: include_str!("../../../docker/prometheus/rules/postgres.yaml"),
};

/// Patroni's agents, their etcd, and the proxy.
pub fn patroni(design: &Design) -> Vec<Machinery> {
    let rules = include_str!("../../../docker/prometheus/rules/patroni.yaml");
    let agents = Machinery {
        job: "patroni",
        nodes: design.names(MemberKind::Data),
        scraped: Scraped::Itself(CHECK_PORT),
        rules,
    };
    let etcd = Machinery {
        job: "etcd",
        nodes: design.names(MemberKind::Control),
        scraped: Scraped::Itself(etcd::PORT), // where it answers clients
        rules,
    };
    [agents, etcd]
        .into_iter()
        .chain(haproxy::machinery(design))
        .collect()
}
