//! Patroni: how its nodes are started, and its REST interface.

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};

use crate::{
    record::MemberKind,
    system::{
        http::{Call, get, request},
        roster::Seat,
    },
};

use super::{
    deploy::Plan,
    haproxy::CHECK_PORT,
    shape::{Synchronous, Timings},
};

/// The script that starts a node.
pub const START: &str = include_str!("files/patroni.sh");

/// The longest wait for an answer about state.
const ASK_LIMIT: Duration = Duration::from_millis(900);

/// The longest wait for a switchover's answer, which comes when it is done; it takes some 2 s.
const SWITCHOVER_LIMIT: Duration = Duration::from_secs(40);

/// What a node is told at its start.
pub fn env(plan: &Plan<'_>, seat: &Seat, timings: Timings) -> Vec<(&'static str, String)> {
    let etcd = plan.roster.of(MemberKind::Control);
    let etcd: Vec<String> = etcd.map(|seat| seat.address.to_string()).collect();
    let seconds = |time: Duration| time.as_secs().to_string();
    let synchronous = plan.shape.synchronous != Synchronous::Off;
    vec![
        ("DRDRILL_NODE", seat.name.to_string()),
        ("DRDRILL_ANNOUNCE", seat.address.ip().to_string()),
        ("DRDRILL_ETCD", etcd.join(",")),
        ("DRDRILL_TTL", seconds(timings.ttl)),
        ("DRDRILL_LOOP_WAIT", seconds(timings.loop_wait)),
        ("DRDRILL_RETRY_TIMEOUT", seconds(timings.retry_timeout)),
        (
            "DRDRILL_MAXIMUM_LAG_ON_FAILOVER",
            timings.maximum_lag.to_string(),
        ),
        ("DRDRILL_AGENT_RESTARTS", timings.agent_restarts.to_string()),
        ("DRDRILL_SYNCHRONOUS_MODE", synchronous.to_string()),
        ("DRDRILL_SYNCHRONOUS_MODE_STRICT", "false".to_owned()),
        ("DRDRILL_SETTINGS", plan.settings()),
    ]
}

fn rest(node: &Seat) -> SocketAddr {
    SocketAddr::new(node.address.ip(), CHECK_PORT)
}

/// Whether a node says that it is in this role: `primary` (it holds the leader's key) or `replica` (it runs
/// and lags no more than so many bytes).
pub async fn is(node: &Seat, path: &str) -> bool {
    let answer = get(rest(node), path, ASK_LIMIT).await;
    answer.is_ok_and(|answer| answer.status == 200)
}

/// The configuration that the whole cluster follows.
///
/// # Errors
/// When the node does not answer.
pub async fn config(node: &Seat) -> Result<Value, String> {
    get(rest(node), "/config", ASK_LIMIT).await?.json()
}

async fn patch(node: &Seat, body: Value) -> Result<(), String> {
    let body = body.to_string();
    let call = Call {
        method: "PATCH",
        address: rest(node),
        path: "/config",
        body: &body,
    };
    request(call, ASK_LIMIT).await?.json().map(drop)
}

/// Wakes every node: a change of the configuration, even to what it was, starts their next look at once.
/// Without it a new replica waits for the next loop to find its slot.
pub async fn wake(leader: &Seat, loop_wait: Duration) {
    // If it is not heard, the next loop does the same, only later.
    let _ = patch(leader, json!({ "loop_wait": loop_wait.as_secs() })).await;
}

/// Sets how many replicas are to be synchronous; none is Patroni's default of one.
///
/// # Errors
/// When the node does not take it.
pub async fn synchronous_nodes(node: &Seat, count: Option<usize>) -> Result<(), String> {
    patch(node, json!({ "synchronous_node_count": count })).await
}

/// Asks the leader to hand over to a candidate; returns when Patroni says that it is done.
///
/// # Errors
/// Patroni's words, for instance that the candidate is not the synchronous standby.
pub async fn switchover(leader: &Seat, candidate: &Seat) -> Result<(), String> {
    let (from, to) = (leader.name.as_str(), candidate.name.as_str());
    let body = json!({ "leader": from, "candidate": to }).to_string();
    let call = Call {
        method: "POST",
        address: rest(leader),
        path: "/switchover",
        body: &body,
    };
    let refused =
        |words: String| format!("Patroni did not switch over from {from} to {to}: {words}");
    let answer = request(call, SWITCHOVER_LIMIT).await.map_err(refused)?;
    match answer.status {
        200 | 202 => Ok(()),
        status => Err(refused(format!("{} (status {status})", answer.body.trim()))),
    }
}
