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

/// The configuration of the nth member, whose id is `n + 1`.
///
/// # Errors
/// When a setting cannot be read; the scenario's check refuses such a file before.
pub fn properties(
    members: &[Member],
    index: usize,
    values: Values<'_>,
) -> Result<String, SystemError> {
    let ip = |member: &Member| {
        let host = member.address.rsplit_once(':');
        host.map_or(member.address.clone(), |(host, _)| host.to_owned())
    };
    let own = members
        .get(index)
        .map(ip)
        .ok_or_else(|| SystemError::Refused(format!("there is no member {index}")))?;
    let voters: Vec<String> = (1..)
        .zip(members)
        .map(|(id, member)| format!("{id}@{}:{CONTROLLER_PORT}", ip(member)))
        .collect();
    let milliseconds = |name: &str| values.duration(name).map(|value| value.as_millis());
    let replicas = members.len();
    let settings = [
        ("process.roles", "broker,controller".to_owned()),
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
        ("controller.listener.names", "CONTROLLER".into()),
        ("inter.broker.listener.name", "PLAINTEXT".into()),
        ("log.dirs", "/var/lib/kafka/data".into()),
        ("auto.create.topics.enable", "false".into()),
        ("default.replication.factor", replicas.to_string()),
        (
            "min.insync.replicas",
            values.count("min-insync")?.to_string(),
        ),
        (
            "unclean.leader.election.enable",
            values.flag("unclean-leader-election").to_string(),
        ),
        (
            "broker.session.timeout.ms",
            milliseconds("session-timeout")?.to_string(),
        ),
        (
            "broker.heartbeat.interval.ms",
            milliseconds("heartbeat-interval")?.to_string(),
        ),
        (
            "replica.lag.time.max.ms",
            milliseconds("replica-lag-max")?.to_string(),
        ),
        (
            "controller.quorum.fetch.timeout.ms",
            milliseconds("quorum-fetch-timeout")?.to_string(),
        ),
        (
            "controller.quorum.election.timeout.ms",
            milliseconds("quorum-election-timeout")?.to_string(),
        ),
        // Leaders stay where a failover put them until someone moves them: failback is a step of its own.
        ("auto.leader.rebalance.enable", "false".into()),
        ("offsets.topic.replication.factor", replicas.to_string()),
        ("offsets.topic.num.partitions", "1".into()),
        ("group.initial.rebalance.delay.ms", "0".into()),
        // What is sized for large machines.
        ("num.network.threads", "2".into()),
        ("num.io.threads", "4".into()),
        ("log.cleaner.dedupe.buffer.size", "4194304".into()),
    ];
    Ok(settings
        .iter()
        .fold(String::new(), |mut text, (name, value)| {
            let _ = writeln!(text, "{name}={value}");
            text
        }))
}
