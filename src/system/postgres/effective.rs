//! What the running stack says of its settings, and what follows from them.

use std::time::Duration;

use serde_json::Value;
use sqlx::{Row, postgres::PgRow};

use crate::{
    record::{Setting, Stack},
    system::{SystemError, roster::Seat},
};

use super::{
    bounds, etcd, haproxy, patroni,
    running::PostgresStack,
    shape::{Keeper, Timings},
    sql,
};

/// The longest wait for a server to say its settings.
const ASK_LIMIT: Duration = Duration::from_secs(3);

/// The settings that decide what a write has reached, and how soon a lost link is noticed.
const SETTINGS: &str = "\
SELECT name, current_setting(name) AS value FROM pg_settings WHERE name IN \
('server_version', 'wal_level', 'wal_retrieve_retry_interval', 'max_logical_replication_workers', 'synchronous_standby_names', 'synchronous_commit', 'max_connections', 'fsync', \
'full_page_writes', 'wal_sender_timeout', 'wal_receiver_timeout', 'max_slot_wal_keep_size', \
'wal_keep_size', 'data_checksums') ORDER BY name";

/// What was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    settings: Vec<Setting>,
    server: String,
    connection_limit: Option<u32>,
    timings: Option<Timings>,
}

/// Reads the settings back from the primary and, with Patroni, from its configuration in etcd.
///
/// # Errors
/// When they cannot be read.
pub async fn read(stack: &PostgresStack, primary: &Seat) -> Result<Effective, SystemError> {
    let refused = |words: String| SystemError::Refused(format!("`{}`: {words}", primary.name));
    let mut settings = server_settings(primary).await?;
    settings.push(stack.shape.isolation.fact());
    let find = |name: &str| {
        settings
            .iter()
            .find(|s| s.name == name)
            .map(|s| s.value.clone())
    };
    let server = find("server_version").map_or("PostgreSQL".into(), |v| format!("PostgreSQL {v}"));
    let connection_limit = find("max_connections").and_then(|value| value.parse().ok());
    let mut timings = None;
    if let Keeper::Patroni(asked) = stack.shape.keeper {
        let config = patroni::config(primary).await.map_err(refused)?;
        let read = timings_of(&config, asked).map_err(refused)?;
        settings.extend(patroni_settings(&config, primary));
        settings.extend(surroundings(stack, read));
        timings = Some(read);
    }
    Ok(Effective {
        settings,
        server,
        connection_limit,
        timings,
    })
}

/// What a server says of the settings above.
///
/// # Errors
/// When it does not answer.
pub async fn server_settings(server: &Seat) -> Result<Vec<Setting>, SystemError> {
    let refused = |words: String| SystemError::Refused(format!("`{}`: {words}", server.name));
    let rows = sql::ask(server.address, ASK_LIMIT, SETTINGS).await;
    let rows = rows.map_err(refused)?;
    let setting = |row: &PgRow| {
        let text = |name| {
            row.try_get::<String, _>(name)
                .map_err(|error| refused(error.to_string()))
        };
        Ok(Setting {
            name: text("name")?,
            value: text("value")?,
            source: format!("{}: pg_settings", server.name),
        })
    };
    rows.iter().map(setting).collect()
}

impl Effective {
    /// Writes what was read, and what follows from it, into the stack's facts.
    pub fn into_facts(self, facts: &mut Stack) {
        facts.server = self.server;
        facts.connection_limit = self.connection_limit;
        facts.effective = self.settings;
        facts.bounds = self
            .timings
            .map_or_else(bounds::by_operator, bounds::by_patroni);
        // The lease is renewed once in a loop: where in it the fault falls decides what is left of the lease.
        let period = self
            .timings
            .map_or(Duration::ZERO, |timings| timings.loop_wait);
        facts.phase_ns = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX);
    }
}

/// The timings as the cluster follows them; HAProxy's are as it was told.
fn timings_of(config: &Value, asked: Timings) -> Result<Timings, String> {
    let number = |name: &str| {
        config[name]
            .as_u64()
            .ok_or_else(|| format!("Patroni's configuration has no `{name}`"))
    };
    Ok(Timings {
        ttl: Duration::from_secs(number("ttl")?),
        loop_wait: Duration::from_secs(number("loop_wait")?),
        retry_timeout: Duration::from_secs(number("retry_timeout")?),
        maximum_lag: number("maximum_lag_on_failover")?,
        ..asked
    })
}

fn patroni_settings(config: &Value, primary: &Seat) -> Vec<Setting> {
    let names = [
        ("ttl", " s"),
        ("loop_wait", " s"),
        ("retry_timeout", " s"),
        ("maximum_lag_on_failover", " bytes"),
        ("synchronous_mode", ""),
        ("synchronous_mode_strict", ""),
    ];
    let setting = |(name, unit): (&str, &str)| Setting {
        name: name.into(),
        value: format!("{}{unit}", config[name]),
        source: format!("{}: Patroni's GET /config", primary.name),
    };
    names.map(setting).to_vec()
}

fn surroundings(stack: &PostgresStack, timings: Timings) -> Vec<Setting> {
    let proxy =
        haproxy::seat(&stack.roster).map(|seat| format!("{}: haproxy.cfg as written", seat.name));
    let proxy = |name: &str, value: String| Setting {
        name: format!("haproxy {name}"),
        value,
        source: proxy.clone().unwrap_or_default(),
    };
    let etcd = |name: &str, value: Duration| Setting {
        name: format!("etcd {name}"),
        value: format!("{value:?}"),
        source: "command line of every etcd member".into(),
    };
    vec![
        Setting {
            name: "agent restarts".into(),
            value: timings.agent_restarts.to_string(),
            source: "start script of every node".into(),
        },
        proxy("inter", format!("{:?}", timings.inter)),
        proxy("fall", timings.fall.to_string()),
        proxy("rise", timings.rise.to_string()),
        proxy("timeout check", format!("{:?}", haproxy::CHECK_TIMEOUT)),
        proxy("on-marked-down", "shutdown-sessions".into()),
        etcd("heartbeat-interval", etcd::HEARTBEAT),
        etcd("election-timeout", etcd::ELECTION),
    ]
}
