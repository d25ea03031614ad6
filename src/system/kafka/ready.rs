//! Proves that a cluster replicates and could fail over, before any client sees it.

use std::time::Duration;

use futures_util::future::try_join_all;

use crate::system::{
    Client, Request, Subject, SystemError, roster::Seat, started::not_ready, wait::until,
};
use crate::{
    history::{Access, Outcome},
    id::LaneId,
};

use super::{
    brokers::{Brokers, at, believes},
    client::{DirectClient, Target},
    effective,
    element::Found,
    log::{Sight, read_all},
    questions::{create_topic, quorum},
    running::KafkaStack,
};

/// The longest wait for the brokers to be registered, and for replication to flow.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// How often is asked.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_secs(2);

/// The topic keeps all that was written, in one file as long as it is small. The brokers date the records: a
/// producer's date would decide when files are closed and deleted.
const TOPIC: &[(&str, &str)] = &[
    ("retention.ms", "-1"),
    ("message.timestamp.type", "LogAppendTime"),
];

/// Creates the run's topic, waits until every replica is in sync and holds a record that was written at the leader;
/// then reads the settings back. `with_controller`: the first leader stands on the active controller's node.
pub async fn prove(stack: &mut KafkaStack, with_controller: bool) -> Result<(), SystemError> {
    let controller = stack.controller(READY_LIMIT).await?;
    let order = stack.placement(controller, with_controller);
    place(stack, &order).await?;
    let leader = order.first().and_then(|id| stack.brokers.seat(*id));
    let leader = leader
        .cloned()
        .ok_or_else(|| SystemError::Refused("there is no broker".into()))?;
    stack.facts.primary = leader.name.clone();
    let mut evidence = replication_flows(stack, &leader).await?;
    let active = stack.brokers.seat(controller);
    evidence.push(format!(
        "{}: active controller, {} the partition's leader {}",
        active.map_or_else(|| controller.to_string(), |seat| seat.name.to_string()),
        if with_controller {
            "with"
        } else {
            "apart from"
        },
        leader.name,
    ));
    effective::read_back(stack, with_controller).await?;
    stack.facts.ready = evidence;
    Ok(())
}

async fn place(stack: &KafkaStack, order: &[i32]) -> Result<(), SystemError> {
    let topic = stack.records.topic();
    let any = stack.brokers.seats().next();
    let seat = any.ok_or_else(|| SystemError::Refused("there is no broker".into()))?;
    // Not all brokers need be registered yet, and an answer that was lost leaves the topic there.
    let placed = [order];
    let create = || create_topic(seat.address, topic, &placed, TOPIC, ASK_LIMIT);
    match until(READY_LIMIT, ASK_EVERY, create).await {
        Ok(()) => Ok(()),
        Err(reason) => {
            Err(not_ready(&*stack.runtime, &seat.name, "the workload's topic", reason).await)
        }
    }
}

async fn replication_flows(stack: &KafkaStack, leader: &Seat) -> Result<Vec<String>, SystemError> {
    let (topic, replicas) = (stack.records.topic(), stack.brokers.seats().count());
    let known = stack.brokers.seats().map(|seat| async move {
        let knows = || async {
            let belief = believes(seat, topic, ASK_LIMIT).await?;
            if belief.leader != Some(Brokers::id(leader)) {
                return Err(format!("it does not know `{}` as the leader", leader.name));
            }
            match belief.in_sync.len() {
                all if all == replicas => Ok(()),
                some => Err(format!("{some} of {replicas} replicas are in sync")),
            }
        };
        step(
            stack,
            seat,
            "all replicas in sync",
            until(READY_LIMIT, ASK_EVERY, knows),
        )
        .await
    });
    try_join_all(known).await?;
    let write = || async {
        let target = Target::Pinned(leader.address, leader.index);
        let mut probe = DirectClient::new(stack.ground(), target);
        let request = Request {
            access: Access::Write,
            on: Subject::Appends,
            lane: LaneId(0),
            seq: 0,
            deadline: std::time::Instant::now() + ASK_LIMIT,
        };
        let reply = probe.invoke(request).await;
        match reply.outcome {
            Outcome::Ok => Ok(()),
            _ => Err(reply.error.unwrap_or_default()),
        }
    };
    step(
        stack,
        leader,
        "a first write",
        until(READY_LIMIT, ASK_EVERY, write),
    )
    .await?;
    let reads = stack.brokers.seats().map(|seat| async move {
        let read = || async {
            let found = at(seat.address, ASK_LIMIT, async |wire| {
                read_all(wire, &stack.records, Sight::Held).await
            });
            match found.await?.contains(&Found::Probe) {
                true => Ok(()),
                false => Err("the leader's record has not arrived".into()),
            }
        };
        step(
            stack,
            seat,
            "the leader's record",
            until(READY_LIMIT, ASK_EVERY, read),
        )
        .await?;
        Ok(format!(
            "{}: in sync; its log holds the record that was written at {}",
            seat.name, leader.name
        ))
    });
    try_join_all(reads).await
}

async fn step(
    stack: &KafkaStack,
    seat: &Seat,
    what: &str,
    waiting: impl Future<Output = Result<(), String>>,
) -> Result<(), SystemError> {
    match waiting.await {
        Ok(()) => Ok(()),
        Err(reason) => Err(not_ready(&*stack.runtime, &seat.name, what, reason).await),
    }
}

impl KafkaStack {
    /// The active controller, by the first broker that says so within `limit`.
    pub(super) async fn controller(&self, limit: Duration) -> Result<i32, SystemError> {
        let ask = || async {
            let mut reason = String::new();
            for seat in self.brokers.seats() {
                match quorum(seat.address, ASK_LIMIT).await {
                    Ok(quorum) => return Ok(quorum.leader),
                    Err(error) => reason = error,
                }
            }
            Err(reason)
        };
        let found = until(limit, ASK_EVERY, ask).await;
        found.map_err(|reason| {
            SystemError::Refused(format!("no broker names the active controller: {reason}"))
        })
    }

    /// The order of replicas whose first is, or is not, the active controller.
    fn placement(&self, controller: i32, with_controller: bool) -> Vec<i32> {
        let mut ids: Vec<i32> = self.brokers.seats().map(Brokers::id).collect();
        ids.sort_by_key(|id| (*id == controller) != with_controller);
        ids
    }
}
