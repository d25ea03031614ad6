//! How Prometheus sees PostgreSQL: postgres_exporter.

use crate::system::Exporter;

use super::sql;

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
