//! Reads the settings back from the running stack.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use futures_util::future::try_join_all;
use redis::RedisError;

use crate::{
    record::{MemberKind, Setting},
    system::{SystemError, roster::Seat, settings::agreed},
};

use super::{
    bounds::{PING_PERIOD, bounds},
    link::command,
    running::RedisStack,
    sentinel::{Fields, Watched},
};

/// The longest wait for one node's answer.
pub const ASK_LIMIT: Duration = Duration::from_secs(2);

/// Server settings that bear on failover, loss or the clients' connections.
pub const SERVER: &[&str] = &[
    "maxclients",
    "appendonly",
    "appendfsync",
    "save",
    "min-replicas-to-write",
    "min-replicas-max-lag",
    "repl-timeout",
    "repl-ping-replica-period",
    "repl-backlog-size",
    "repl-diskless-sync",
    "repl-diskless-sync-delay",
    "replica-serve-stale-data",
    "replica-priority",
    "timeout",
    "tcp-keepalive",
];

/// Fields of `SENTINEL MASTER` that bear on failover.
const SENTINEL: &[&str] = &[
    "down-after-milliseconds",
    "failover-timeout",
    "quorum",
    "parallel-syncs",
    "config-epoch",
];

/// Fills in the version, the settings, the connection limit and the bounds.
pub async fn read_back(stack: &mut RedisStack) -> Result<(), SystemError> {
    let primary = stack.roster.named(&stack.stack.primary)?.clone();
    let login = stack.directory.login();
    let server: BTreeMap<String, String> = {
        let words: Vec<&str> = ["CONFIG", "GET"]
            .into_iter()
            .chain(SERVER.iter().copied())
            .collect();
        login
            .ask(primary.address, &command(&words), ASK_LIMIT)
            .await
            .map_err(refused)?
    };
    let sentinels: Vec<&Seat> = stack.roster.of(MemberKind::Control).collect();
    let masters: Vec<Fields> = {
        let watched = stack.directory.watched();
        try_join_all(sentinels.iter().map(|seat| master(seat.address, watched))).await?
    };
    let mut effective = Vec::new();
    for name in SERVER {
        if let Some(value) = server.get(*name) {
            effective.push(setting(
                name,
                value,
                &format!("{}: CONFIG GET", primary.name),
            ));
        }
    }
    for (seat, fields) in sentinels.iter().zip(&masters) {
        for name in SENTINEL {
            let value = fields.get(*name).map_or("", String::as_str);
            effective.push(setting(
                name,
                value,
                &format!("{}: SENTINEL MASTER", seat.name),
            ));
        }
    }
    // Sentinels may differ; the slowest one bounds the failover from above and the fastest from below, but
    // they were all started with one value, so a difference is an error.
    let watched = if masters.is_empty() {
        None
    } else {
        let same = |name| agreed(&masters, name, "the sentinels");
        Some((same("down-after-milliseconds")?, same("failover-timeout")?))
    };
    let info: String = login
        .ask(primary.address, &command(&["INFO", "server"]), ASK_LIMIT)
        .await
        .map_err(refused)?;
    stack.stack.server = version(&info);
    stack.stack.connection_limit = server.get("maxclients").and_then(|text| text.parse().ok());
    // Without sentinels nobody but an operator decides, whose time no setting bounds.
    stack.stack.bounds = watched.map_or_else(Vec::new, |(down_after, failover_timeout)| {
        bounds(down_after, failover_timeout)
    });
    let period = watched.map(|(down_after, _)| PING_PERIOD.min(down_after).as_nanos());
    stack.stack.phase_ns = u64::try_from(period.unwrap_or(0)).unwrap_or(0);
    stack.stack.effective = effective;
    Ok(())
}

async fn master(sentinel: SocketAddr, watched: &Watched) -> Result<Fields, SystemError> {
    let question = command(&["SENTINEL", "MASTER", &watched.master]);
    let asked = watched.control.ask(sentinel, &question, ASK_LIMIT);
    asked.await.map_err(refused)
}

/// One setting with the unit that the server counts it in.
pub fn setting(name: &str, value: &str, source: &str) -> Setting {
    let unit = match name {
        "down-after-milliseconds" | "failover-timeout" | "cluster-node-timeout" => " ms",
        "repl-timeout"
        | "repl-ping-replica-period"
        | "repl-diskless-sync-delay"
        | "timeout"
        | "tcp-keepalive"
        | "min-replicas-max-lag" => " s",
        "repl-backlog-size" => " bytes",
        _ => "",
    };
    Setting {
        name: name.to_owned(),
        value: if value.is_empty() {
            "(empty)".into()
        } else {
            format!("{value}{unit}")
        },
        source: source.to_owned(),
    }
}

/// The server's name and version from `INFO server`; Valkey also answers with the version of Redis that it
/// is compatible with.
pub fn version(info: &str) -> String {
    let field = |name: &str| {
        info.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(str::trim)
    };
    match (field("valkey_version"), field("redis_version")) {
        (Some(version), _) => format!("Valkey {version}"),
        (None, Some(version)) => format!("Redis {version}"),
        (None, None) => "unknown".into(),
    }
}

/// What could not be read back.
pub fn refused(error: RedisError) -> SystemError {
    SystemError::Refused(format!("failed to read the settings back: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_server_itself() {
        assert_eq!(
            version("redis_version:8.0.5\r\nos:Linux\r\n"),
            "Redis 8.0.5"
        );
        let valkey = "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.3\r\n";
        assert_eq!(version(valkey), "Valkey 8.1.3");
    }
}
