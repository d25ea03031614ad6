//! Reads the settings back from the running set.

use std::time::Duration;

use mongodb::bson::{Bson, Document, doc};

use crate::{record::Setting, system::SystemError};

use super::{
    bounds::{Timeouts, bounds},
    concern::Concern,
    deploy::command,
    running::MongoStack,
    wire::number,
};

/// Settings of the set's configuration that bear on failover.
pub const CONFIGURATION: &[(&str, &str)] = &[
    ("electionTimeoutMillis", " ms"),
    ("heartbeatIntervalMillis", " ms"),
    ("heartbeatTimeoutSecs", " s"),
    ("catchUpTimeoutMillis", " ms"),
    ("catchUpTakeoverDelayMillis", " ms"),
    ("chainingAllowed", ""),
];

/// What a member's own part of the configuration says where it is not as usual.
const OF_MEMBERS: &[(&str, &str, i64)] = &[
    ("secondaryDelaySecs", " s", 0),
    ("votes", "", 1),
    ("priority", "", 1),
];

/// The part of the election timeout that a member waits longer at random, at most.
pub const OFFSET: &str = "replElectionTimeoutOffsetLimitFraction";

/// Fills in the version, the settings, the connection limit and the bounds.
pub async fn read_back(stack: &mut MongoStack) -> Result<(), SystemError> {
    let primary = stack.roster.named(&stack.stack.primary)?.clone();
    let said = |question: Document| async {
        command(primary.address, question).await.map_err(|words| {
            SystemError::Refused(format!("failed to read the settings back: {words}"))
        })
    };
    let answer = said(doc! { "replSetGetConfig": 1 }).await?;
    let settings = answer
        .get_document("config")
        .and_then(|config| config.get_document("settings"));
    let settings = settings.cloned().unwrap_or_default();
    let mut effective = Vec::new();
    let mut tell = |name: &str, value: String, source: String| {
        effective.push(Setting {
            name: name.to_owned(),
            value,
            source,
        });
    };
    let source = |what: &str| format!("{}: {what}", primary.name);
    for (name, unit) in CONFIGURATION {
        if let Some(value) = settings.get(name) {
            tell(
                name,
                format!("{}{unit}", text(value)),
                source("replSetGetConfig"),
            );
        }
    }
    for (host, name, value) in of_members(&answer) {
        let own = stack.stack.members.iter().find(|one| one.address == host);
        let node = own.map_or(host, |member| member.name.to_string());
        tell(name, value, format!("{node}: replSetGetConfig"));
    }
    let offset = said(doc! { "getParameter": 1, OFFSET: 1 }).await;
    if let Some(value) = offset.ok().as_ref().and_then(|all| all.get(OFFSET)) {
        tell(OFFSET, text(value), source("getParameter"));
    }
    effective.extend(clients(stack.concern));
    let status = said(doc! { "serverStatus": 1, "metrics": 0, "wiredTiger": 0 }).await?;
    let build = said(doc! { "buildInfo": 1 }).await?;
    stack.stack.server = version(&build);
    stack.stack.connection_limit = connections(&status);
    let milliseconds = |name| {
        let read = number(&settings, name).and_then(|value| u64::try_from(value).ok());
        let missing = || SystemError::Refused(format!("`{name}` was not read back"));
        read.map(Duration::from_millis).ok_or_else(missing)
    };
    let heartbeat = milliseconds("heartbeatIntervalMillis")?;
    stack.stack.bounds = bounds(&Timeouts {
        election: milliseconds("electionTimeoutMillis")?,
        heartbeat,
        lost: milliseconds("heartbeatTimeoutSecs")? * 1000,
    });
    stack.stack.phase_ns = u64::try_from(heartbeat.as_nanos()).unwrap_or(0);
    stack.stack.effective = effective;
    Ok(())
}

/// Each member's address, and what is not as usual of it.
fn of_members(answer: &Document) -> Vec<(String, &'static str, String)> {
    let configuration = answer.get_document("config").ok();
    let members = configuration.and_then(|all| all.get_array("members").ok());
    let members = members.into_iter().flatten().filter_map(Bson::as_document);
    let unusual = members.flat_map(|member| {
        let host = member.get_str("host").unwrap_or_default().to_owned();
        OF_MEMBERS.iter().filter_map(move |(name, unit, usual)| {
            let value = number(member, name).filter(|value| value != usual)?;
            Some((host.clone(), *name, format!("{value}{unit}")))
        })
    });
    unusual.collect()
}

/// The server's name and version, from `buildInfo`.
pub fn version(build: &Document) -> String {
    let version = build.get_str("version").unwrap_or("of unknown version");
    format!("MongoDB {version}")
}

/// What the workload's clients ask for.
pub fn clients(concern: Concern) -> Vec<Setting> {
    let setting = |name: &str, value: String, source: &str| Setting {
        name: name.to_owned(),
        value,
        source: source.to_owned(),
    };
    let retries = concern.retry_writes.to_string();
    let reads = "clients: every read but those pinned to a member";
    vec![
        setting(
            "write concern",
            concern.write().to_string(),
            "clients: every write",
        ),
        setting(
            "read concern",
            concern.read().to_string(),
            "clients: every read",
        ),
        setting("read preference", "primary".into(), reads),
        setting("retryWrites", retries, "application: the driver"),
    ]
}

/// Those that are open and those that may still come.
pub fn connections(status: &Document) -> Option<u32> {
    let connections = status.get_document("connections").ok()?;
    let all = number(connections, "current")? + number(connections, "available")?;
    u32::try_from(all).ok()
}

/// A setting's value in words.
pub fn text(value: &Bson) -> String {
    match value {
        Bson::Int32(number) => number.to_string(),
        Bson::Int64(number) => number.to_string(),
        Bson::Double(number) => number.to_string(),
        Bson::Boolean(flag) => flag.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unusual_of_a_member_is_told() {
        let usual = doc! { "host": "a", "votes": 1, "priority": 1.0, "secondaryDelaySecs": 0_i64 };
        let late = doc! { "host": "b", "votes": 0, "priority": 0.0, "secondaryDelaySecs": 30_i64 };
        let told = of_members(&doc! { "config": { "members": [usual, late] } });
        let told: Vec<_> = (told
            .iter()
            .map(|(host, name, value)| format!("{host} {name} {value}")))
        .collect();
        assert_eq!(
            told,
            ["b secondaryDelaySecs 30 s", "b votes 0", "b priority 0"]
        );
    }

    #[test]
    fn the_limit_is_what_is_open_and_what_may_come() {
        let status = doc! { "connections": { "current": 7, "available": 813 } };
        assert_eq!(connections(&status), Some(820));
        assert_eq!(connections(&doc! {}), None);
    }
}
