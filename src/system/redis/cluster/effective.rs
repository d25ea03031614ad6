//! Reads the settings back from every node of the cluster.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::try_join_all;

use crate::{
    record::Setting,
    system::{
        SystemError,
        redis::{
            effective::{ASK_LIMIT, SERVER, refused, setting, version},
            link::{ask, command},
        },
        roster::Seat,
    },
};

use super::{
    bounds::{bounds, delay},
    running::ClusterStack,
};

/// Settings of clusters that bear on failover, loss or what clients are told.
const CLUSTER: &[&str] = &[
    "cluster-node-timeout",
    "cluster-replica-validity-factor",
    "cluster-require-full-coverage",
    "cluster-allow-reads-when-down",
    "cluster-replica-no-failover",
    "cluster-allow-replica-migration",
    "cluster-migration-barrier",
];

type Values = BTreeMap<String, String>;

/// Fills in the version, the settings, the connection limit and the bounds.
pub async fn read_back(stack: &mut ClusterStack) -> Result<(), SystemError> {
    let seats: Vec<Seat> = stack.roster.data().cloned().collect();
    let words: Vec<&str> = ["CONFIG", "GET"]
        .into_iter()
        .chain(SERVER.iter().copied())
        .chain(CLUSTER.iter().copied())
        .collect();
    let asked = seats.iter().map(|seat| async {
        let read = ask::<Values>(seat.address, &command(&words), ASK_LIMIT).await;
        read.map_err(refused)
    });
    let read: Vec<Values> = try_join_all(asked).await?;
    let (Some(first), Some(values)) = (seats.first(), read.first()) else {
        return Err(SystemError::Refused("there is no node".into()));
    };
    let mut effective = Vec::new();
    for name in CLUSTER.iter().chain(SERVER) {
        effective.extend(settings(name, &seats, &read));
    }
    let info: String = ask(first.address, &command(&["INFO", "server"]), ASK_LIMIT)
        .await
        .map_err(refused)?;
    let timeout = node_timeout(&read)?;
    stack.stack.server = version(&info);
    stack.stack.connection_limit = values.get("maxclients").and_then(|text| text.parse().ok());
    stack.stack.bounds = bounds(timeout, delay(&stack.stack.server, timeout));
    // Within half a node timeout any node is pinged: how long a fault may lie before the next ping.
    stack.stack.phase_ns = u64::try_from((timeout / 2).as_nanos()).unwrap_or(0);
    stack.stack.effective = effective;
    Ok(())
}

/// One setting of all nodes, once if they agree. A server that has no such setting says nothing.
fn settings(name: &str, seats: &[Seat], read: &[Values]) -> Vec<Setting> {
    let of = |values: &Values| values.get(name).cloned();
    let first = read.first().and_then(of);
    if read.iter().all(|values| of(values) == first) {
        let source = format!("all {} nodes: CONFIG GET", seats.len());
        return first
            .map(|value| setting(name, &value, &source))
            .into_iter()
            .collect();
    }
    let each = seats.iter().zip(read).filter_map(|(seat, values)| {
        Some(setting(
            name,
            &of(values)?,
            &format!("{}: CONFIG GET", seat.name),
        ))
    });
    each.collect()
}

/// They were all started with one value, so a difference is an error.
fn node_timeout(read: &[Values]) -> Result<Duration, SystemError> {
    let mut values = read.iter().map(|values| {
        let text = values.get("cluster-node-timeout");
        text.and_then(|text| text.parse().ok())
    });
    let first = values.next().flatten();
    match first {
        Some(milliseconds) if values.all(|value| value == first) => {
            Ok(Duration::from_millis(milliseconds))
        }
        _ => Err(SystemError::Refused(
            "the nodes do not agree on `cluster-node-timeout`".into(),
        )),
    }
}
