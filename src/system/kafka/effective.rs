//! Reads the settings back from the running brokers.

use std::time::Duration;

use futures_util::future::try_join_all;

use crate::{
    record::Setting,
    system::{SystemError, roster::Seat, settings::agreed},
};

use super::{
    bounds::{Timeouts, bounds},
    brokers::Brokers,
    questions,
    running::KafkaStack,
};

/// The longest wait for one broker's answer.
const ASK_LIMIT: Duration = Duration::from_secs(5);

/// Settings that bear on failover, loss or the clients' connections.
const NAMES: &[&str] = &[
    "broker.session.timeout.ms",
    "broker.heartbeat.interval.ms",
    "controller.quorum.fetch.timeout.ms",
    "controller.quorum.election.timeout.ms",
    "controller.quorum.election.backoff.max.ms",
    "min.insync.replicas",
    "unclean.leader.election.enable",
    "replica.lag.time.max.ms",
    "default.replication.factor",
    "auto.leader.rebalance.enable",
    "log.flush.interval.messages",
    "max.connections",
    "process.roles",
];

/// Fills in the version, the settings, the connection limit and the bounds.
pub async fn read_back(stack: &mut KafkaStack, with_controller: bool) -> Result<(), SystemError> {
    let seats: Vec<Seat> = stack.brokers.seats().cloned().collect();
    let read = seats.iter().map(|seat| async move {
        let asked = questions::settings(seat.address, Brokers::id(seat), NAMES, ASK_LIMIT);
        asked.await.map_err(|error| {
            let words = format!(
                "failed to read the settings of `{}` back: {error}",
                seat.name
            );
            SystemError::Refused(words)
        })
    });
    let all = try_join_all(read).await?;
    let mut effective = Vec::new();
    for (seat, settings) in seats.iter().zip(&all) {
        let known = NAMES.iter().filter_map(|name| {
            let value = settings.get(*name)?;
            Some(setting(
                name,
                value,
                &format!("{}: DescribeConfigs", seat.name),
            ))
        });
        effective.extend(known);
    }
    let options = stack.driver.options();
    for (name, value) in [
        ("acks", options.acks.clone()),
        ("enable.idempotence", options.idempotence.to_string()),
    ] {
        effective.push(setting(name, &value, "producers of the clients"));
    }
    let same = |name| agreed(&all, name, "the brokers");
    let timeouts = Timeouts {
        session: same("broker.session.timeout.ms")?,
        heartbeat: same("broker.heartbeat.interval.ms")?,
        fetch: same("controller.quorum.fetch.timeout.ms")?,
        election: same("controller.quorum.election.timeout.ms")?,
        with_controller,
        acks_all: options.acks == "all",
    };
    stack.facts.server = version(stack, &seats).await?;
    stack.facts.connection_limit = all
        .iter()
        .filter_map(|settings| settings.get("max.connections")?.parse().ok())
        .min();
    stack.facts.bounds = bounds(&timeouts);
    stack.timeouts = Some(timeouts);
    stack.facts.phase_ns = u64::try_from(timeouts.heartbeat.as_nanos()).unwrap_or(0);
    stack.facts.effective = effective;
    Ok(())
}

fn setting(name: &str, value: &str, source: &str) -> Setting {
    let unit = if name.ends_with(".ms") { " ms" } else { "" };
    let value = match value {
        "" => "(empty)".to_owned(),
        value => format!("{value}{unit}"),
    };
    Setting {
        name: name.to_owned(),
        value,
        source: source.to_owned(),
    }
}

/// The version by the name of the server's own jar, which is what runs.
async fn version(stack: &KafkaStack, seats: &[Seat]) -> Result<String, SystemError> {
    let Some(seat) = seats.first() else {
        return Ok("unknown".into());
    };
    let list = ["sh", "-c", "echo /opt/kafka/libs/kafka-clients-*.jar"];
    let said = stack.runtime.exec(&seat.name, &list, ASK_LIMIT).await?;
    Ok(
        version_of(&said.stdout).map_or("unknown".into(), |version| {
            format!("Apache Kafka {version}")
        }),
    )
}

fn version_of(jar: &str) -> Option<&str> {
    let name = jar.trim().rsplit_once("kafka-clients-")?.1;
    name.strip_suffix(".jar").filter(|version| *version != "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_in_the_jars_name() {
        assert_eq!(
            version_of("/opt/kafka/libs/kafka-clients-4.3.1.jar\n"),
            Some("4.3.1")
        );
        assert_eq!(version_of("/opt/kafka/libs/kafka-clients-*.jar\n"), None);
    }
}
