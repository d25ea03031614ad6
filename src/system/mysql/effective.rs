//! What the running stack says of its settings, and what follows from them.

use std::time::Duration;

use crate::{
    record::{Setting, Stack},
    system::{SystemError, roster::Seat},
};

use super::{bounds, kind::Kind, members::text, moves::refused, running::MySqlStack, sql};

/// The longest wait for a server to say its settings.
const ASK_LIMIT: Duration = Duration::from_secs(3);

/// The settings that decide what a write has reached, how soon a lost member is noticed, and what a server takes; in each
/// flavour those that it has.
const SETTINGS: &str = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'version_comment', 'max_connections', \
    'sync_binlog', 'innodb_flush_log_at_trx_commit', 'gtid_mode', 'gtid_strict_mode', 'enforce_gtid_consistency', \
    'replica_net_timeout', 'slave_net_timeout', 'binlog_format', \
    'rpl_semi_sync_source_enabled', 'rpl_semi_sync_source_timeout', 'rpl_semi_sync_source_wait_point', \
    'rpl_semi_sync_source_wait_for_replica_count', \
    'rpl_semi_sync_master_enabled', 'rpl_semi_sync_master_timeout', 'rpl_semi_sync_master_wait_point', \
    'group_replication_member_expel_timeout', 'group_replication_unreachable_majority_timeout', \
    'group_replication_consistency', 'group_replication_single_primary_mode', 'group_replication_autorejoin_tries', \
    'group_replication_exit_state_action', 'wsrep_provider_options', 'wsrep_sync_wait', 'wsrep_sst_method')";

/// The parts of Galera's own settings that decide how soon a lost node is noticed.
const PROVIDER: [&str; 5] = [
    "evs.keepalive_period",
    "evs.suspect_timeout",
    "evs.inactive_timeout",
    "evs.inactive_check_period",
    "gcache.size",
];

/// What was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    kind: Kind,
    settings: Vec<Setting>,
}

/// Reads the settings back from the node that takes writes.
///
/// # Errors
/// When they cannot be read.
pub async fn read(stack: &MySqlStack, primary: &Seat) -> Result<Effective, SystemError> {
    let failed = |words: String| refused(format!("`{}`: {words}", primary.name));
    let rows = sql::ask(primary.address, ASK_LIMIT, SETTINGS).await;
    let source = format!("{}: SHOW GLOBAL VARIABLES", primary.name);
    let mut settings = Vec::new();
    for row in &rows.map_err(failed)? {
        let column = |name| text(row, name).map_err(|error| failed(error.to_string()));
        let (name, value) = (column("Variable_name")?, column("Value")?);
        if name == "wsrep_provider_options" {
            settings.extend(provider(&value, primary));
        } else {
            settings.push(Setting {
                name,
                value,
                source: source.clone(),
            });
        }
    }
    settings.push(stack.shape.isolation.fact());
    Ok(Effective {
        kind: stack.shape.kind,
        settings,
    })
}

/// The settings that matter of those that Galera keeps in one text, `name = value; name = value`.
fn provider(text: &str, primary: &Seat) -> Vec<Setting> {
    let pairs = text.split(';').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.trim(), value.trim()))
        .filter(|(name, _)| PROVIDER.contains(name))
        .map(|(name, value)| Setting {
            name: name.into(),
            value: value.into(),
            source: format!("{}: wsrep_provider_options", primary.name),
        })
        .collect()
}

impl Effective {
    fn value(&self, name: &str) -> Option<&str> {
        let setting = self.settings.iter().find(|setting| setting.name == name);
        setting.map(|setting| setting.value.as_str())
    }

    /// Writes what was read, and what follows from it, into the stack's facts.
    pub fn into_facts(self, facts: &mut Stack) {
        let flavour = if self.kind.maria() {
            "MariaDB"
        } else {
            "MySQL"
        };
        let version = self.value("version").unwrap_or("of an unknown version");
        facts.server = format!("{flavour} {version}");
        facts.connection_limit = self
            .value("max_connections")
            .and_then(|value| value.parse().ok());
        facts.bounds = match self.kind {
            Kind::MySqlReplication | Kind::MariaDbReplication => bounds::by_operator(),
            Kind::Group => {
                let expel = self.value("group_replication_member_expel_timeout");
                let seconds = expel.and_then(|value| value.parse().ok());
                seconds.map_or_else(Vec::new, |s| bounds::by_group(Duration::from_secs(s)))
            }
            Kind::Galera => {
                let suspect = self.value("evs.suspect_timeout").and_then(period);
                let inactive = self.value("evs.inactive_timeout").and_then(period);
                let both = suspect.zip(inactive);
                both.map_or_else(Vec::new, |(one, two)| bounds::by_galera(one, two))
            }
        };
        facts.effective = self.settings;
    }
}

/// Galera's seconds, `PT5S` or `PT0.5S`.
fn period(text: &str) -> Option<Duration> {
    let seconds = text.strip_prefix("PT")?.strip_suffix('S')?;
    Duration::try_from_secs_f64(seconds.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn galeras_periods_are_read() {
        assert_eq!(period("PT5S"), Some(Duration::from_secs(5)));
        assert_eq!(period("PT0.5S"), Some(Duration::from_millis(500)));
        assert_eq!(period("PT1M30S"), None);
        assert_eq!(period("5"), None);
    }
}
