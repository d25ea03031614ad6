//! How Prometheus sees MySQL and MariaDB: mysqld_exporter.

use crate::system::Exporter;

use super::sql::Account;

/// The exporter and its rules. The account has no password and nothing is encrypted: the network is the run's own.
pub const EXPORTER: Exporter = Exporter {
    job: "mysql",
    image: "prom/mysqld-exporter:v0.17.2",
    port: 9104,
    up: "mysql_up",
    arguments: |address| {
        vec![
            format!("--mysqld.address={address}"),
            format!("--mysqld.username={}", Account::Operator.name()),
        ]
    },
    env: |_| Vec::new(),
    files: |_| Vec::new(),
    rules: include_str!("../../../docker/prometheus/rules/mysql.yaml"),
};
