//! Nodes that do not come back: what waits for them ends.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::sleep;

use crate::{
    id::NodeName,
    runtime::{NodeState, Runtime},
    time::Clock,
};

/// How long a node must have been down, and left alone, before nothing is hoped of it any more.
pub(super) const GIVEN_UP: Duration = Duration::from_secs(3);

/// How often nodes are looked at.
const LOOK: Duration = Duration::from_millis(200);

/// How many of some nodes must be lost for what waits for them to be out of reach.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// Any one of them is needed.
    Any,
    /// One that is left is enough.
    All,
}

/// Does work until it is done or the nodes that it needs are down, or frozen, with nothing that will bring them back.
///
/// # Errors
/// Which nodes are lost.
pub(super) async fn unless_lost<T>(
    runtime: &dyn Runtime,
    nodes: &[NodeName],
    needed: Lost,
    work: impl Future<Output = T>,
) -> Result<T, String> {
    tokio::select! {
        biased;
        done = work => Ok(done),
        why = lost(runtime, nodes, needed) => Err(why),
    }
}

/// Returns once the nodes are lost.
async fn lost(runtime: &dyn Runtime, nodes: &[NodeName], needed: Lost) -> String {
    let clock = Clock::start();
    let mut since = vec![None; nodes.len()];
    loop {
        let now = clock.now();
        let lives = join_all(nodes.iter().map(|node| runtime.life(node))).await;
        let mut gone = Vec::new();
        for ((node, life), since) in nodes.iter().zip(lives).zip(&mut since) {
            let times = runtime.meant(node).map(|(_, times)| times);
            let state = match life.map(|life| life.state) {
                Ok(NodeState::Exited { .. } | NodeState::Missing) => "has ended",
                Ok(NodeState::Paused) => "is frozen",
                // What cannot be told of it ends nothing.
                Ok(_) | Err(_) => {
                    *since = None;
                    continue;
                }
            };
            let (first, then) = *since.get_or_insert((now, times));
            if then != times {
                *since = Some((now, times));
            } else if now.since(first) >= GIVEN_UP {
                gone.push(format!("{node} {state} and nothing will bring it back"));
            }
        }
        let enough = match needed {
            Lost::Any => !gone.is_empty(),
            Lost::All => !gone.is_empty() && gone.len() == nodes.len(),
        };
        if enough {
            return gone.join(", ");
        }
        sleep(LOOK).await;
    }
}
