//! The configuration of one node.

use std::fmt::Write;

use crate::{
    record::Member,
    system::{SystemError, settings::Values},
};

/// Where brokers listen for clients and for each other.
pub const PORT: u16 = 9092;

/// Where controllers listen.
pub const CONTROLLER_PORT: u16 = 9093;

/// Kafka's names of the timeouts that scenarios set, each in milliseconds.
const TIMEOUTS: &[(&str, &str)] = &[
    ("broker.session.timeout.ms", "session-timeout"),
    ("broker.heartbeat.interval.ms", "heartbeat-interval"),
    ("replica.lag.time.max.ms", "replica-lag-max"),
    ("controller.quorum.fetch.timeout.ms", "quorum-fetch-timeout"),
    (
        "controller.quorum.election.timeout.ms",
        "quorum-election-timeout",
    ),
];

/// What is the same on every node of every cluster.
const FIXED: &[(&str, &str)] = &[
    ("process.roles", "broker,controller"),
    ("controller.listener.names", "CONTROLLER"),
    ("inter.broker.listener.name", "PLAINTEXT"),
    ("log.dirs", "/var/lib/kafka/data"),
    ("auto.create.topics.enable", "false"),
    // Leaders stay where a failover put them until someone moves them: failback is a step of its own.
    ("auto.leader.rebalance.enable", "false"),
    ("offsets.topic.num.partitions", "1"),
    ("group.initial.rebalance.delay.ms", "0"),
    // What is sized for large machines.
    ("num.network.threads", "2"),
    ("num.io.threads", "4"),
    ("log.cleaner.dedupe.buffer.size", "4194304"),
];

/// The address of a member, without the port.
pub fn ip(member: &Member) -> &str {
    let host = member.address.rsplit_once(':');
    host.map_or(&member.address, |(host, _)| host)
}

/// The configuration of the nth member, whose id is `n + 1`.
///
/// # Errors
/// When a setting cannot be read; the scenario's check refuses such a file before.
pub fn properties(
    members: &[Member],
    index: usize,
    values: Values<'_>,
) -> Result<String, SystemError> {
    let own = members
        .get(index)
        .map(ip)
        .ok_or_else(|| SystemError::Refused(format!("there is no member {index}")))?;
    let voters: Vec<String> = (1..)
        .zip(members)
        .map(|(id, member)| format!("{id}@{}:{CONTROLLER_PORT}", ip(member)))
        .collect();
    let settings = [
        ("node.id", (index + 1).to_string()),
        ("controller.quorum.voters", voters.join(",")),
        (
            "listeners",
            format!("PLAINTEXT://0.0.0.0:{PORT},CONTROLLER://0.0.0.0:{CONTROLLER_PORT}"),
        ),
        (
            "advertised.listeners",
            format!("PLAINTEXT://{own}:{PORT},CONTROLLER://{own}:{CONTROLLER_PORT}"),
        ),
        ("default.replication.factor", members.len().to_string()),
        (
            "offsets.topic.replication.factor",
            members.len().to_string(),
        ),
        (
            "min.insync.replicas",
            values.count("min-insync")?.to_string(),
        ),
        (
            "unclean.leader.election.enable",
            values.flag("unclean-leader-election").to_string(),
        ),
    ];
    let fixed = FIXED
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    let timeouts = TIMEOUTS.iter().map(|(name, setting)| {
        let value = values.duration(setting)?.as_millis().to_string();
        Ok::<_, SystemError>((*name, value))
    });
    let timeouts = timeouts.collect::<Result<Vec<_>, _>>()?;
    let all = settings.into_iter().chain(timeouts).chain(fixed);
    Ok(all.fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "{name}={value}");
        text
    }))
}
