//! What a stack can take: closed-loop clients that write to the primary as soon as they were answered.

use std::time::Duration;

use futures_util::future::join_all;

use crate::{
    history::{Access, Group, Lane, Outcome},
    id::{LaneId, NodeName},
    record::Capacity,
    system::{Request, SharedRunning, Subject},
    time::{Clock, Nanos},
};

/// How many clients write at once: enough for a server to commit in groups, few beside its connection limit.
const CLIENTS: u16 = 16;

/// The first of the lane numbers that such writes carry, beyond those of any drill's clients.
const FIRST_LANE: u16 = 60_000;

/// An attempt is given up after this time, as in a service lane.
const TIMEOUT: Duration = Duration::from_millis(500);

/// Drives the primary for this long, beside the drill's own clients. Like pinned probes, the writes go to a table
/// of their own, so that they are neither in the history nor in the final reads.
pub async fn capacity(
    running: &SharedRunning,
    primary: &NodeName,
    lasting: Duration,
    clock: Clock,
) -> Capacity {
    let began = clock.now();
    let clients = (0..CLIENTS).map(|number| {
        let lane = lane(FIRST_LANE + number, primary);
        let running = running.clone();
        tokio::spawn(async move { drive(&running, &lane, began.after(lasting), clock).await })
    });
    // A client that panicked has written nothing that counts.
    let written: u64 = join_all(clients).await.into_iter().flatten().sum();
    Capacity {
        writes: written,
        took: clock.now().since(began),
    }
}

/// Writes until the end, and returns how many were acknowledged.
async fn drive(running: &SharedRunning, lane: &Lane, until: Nanos, clock: Clock) -> u64 {
    let mut client = running.client(lane);
    let (mut seq, mut written) = (0, 0);
    while clock.now() < until {
        let request = Request {
            access: Access::Write,
            on: Subject::Appends,
            lane: lane.id,
            seq,
            deadline: clock.instant(clock.now().after(TIMEOUT)),
        };
        let reply = client.invoke(request).await;
        seq += 1;
        written += u64::from(reply.outcome == Outcome::Ok);
        if !reply.outcome.available() {
            client = running.client(lane);
        }
    }
    written
}

fn lane(id: u16, primary: &NodeName) -> Lane {
    Lane {
        id: LaneId(id),
        name: format!("capacity-{id}"),
        group: Group::Pinned,
        access: Access::Write,
        fresh: false,
        reads: None,
        pinned: Some(primary.clone()),
        shard: None,
        keys: None,
        interval: Duration::ZERO,
        timeout: TIMEOUT,
        objective: None,
    }
}
