//! Little memory for a node.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::{
    id::NodeName,
    runtime::{RuntimeError, journal},
    scenario::{Size, fault::Memory},
};

use super::{
    Action, ActiveEffect, FaultContext, FaultError, Injected, Undone,
    active::bring_back,
    described::{Described, Seen, hits_primary},
    out_of_memory::{held_mib, lift},
    select::{expand_hosts, select},
};

/// How long a command in a node may take.
const EXEC: Duration = Duration::from_secs(30);
/// How often is looked what a node's processes hold: a database's come and go.
const LOOKS: u32 = 10;
/// A program in the node takes up to so many eighths of the room.
const EIGHTHS: u64 = 12;
/// So many eighths it may take at most under the limit: the server may have given back a little.
const MOST: u64 = 9;
/// Takes memory by eighths of so many KiB, and prints how many of them it could have at most. What takes it offers itself to
/// be killed first, by its score (kernel: `oom_score_adj`).
const TAKE: &str = r#"i=1; while [ "$i" -le "$2" ]; do
sh -c 'echo 1000 >/proc/self/oom_score_adj && exec dd if=/dev/zero of=/dev/null count=1 bs="$1"K' sh $(($1 * i / 8)) 2>/dev/null || break; i=$((i + 1)); done; echo $((i - 1))"#;

/// Nodes with little memory, and what a program in them could take before.
#[derive(Debug)]
struct LittleMemory {
    room: Size,
    nodes: Vec<Before>,
}

#[derive(Debug)]
struct Before {
    node: NodeName,
    held_mib: u64,
    eighths: u64,
}

#[async_trait]
impl Action for Memory {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        limit(self, context).await
    }
}

#[async_trait]
impl ActiveEffect for LittleMemory {
    async fn verify(&self, context: &FaultContext) -> Seen {
        look(self, context).await
    }

    async fn undo(&self, _step: usize, context: &FaultContext) -> Option<Undone> {
        let nodes: Vec<NodeName> = self.nodes.iter().map(|one| one.node.clone()).collect();
        Some(Undone::of(&nodes, widen(&nodes, context).await))
    }
}

/// Limits the nodes' memory to what their processes hold and some room.
async fn limit(memory: &Memory, context: &FaultContext) -> Result<Injected, FaultError> {
    let nodes = select(&memory.node, context).await?;
    let primary_hit = hits_primary(&nodes, context).await;
    let room = memory.room;
    let mut before = Vec::new();
    for node in &nodes {
        before.push(Before {
            node: node.clone(),
            eighths: taken(node, room, context).await?,
            held_mib: held_mib(node, LOOKS, context).await?,
        });
    }
    context
        .write_ahead(&nodes, |node| journal::Effect::Limited { node })
        .await?;
    let limits = before.iter().map(|one| {
        let left = (one.held_mib << 20).saturating_add(room.0);
        context.runtime.limit_memory(&one.node, Some(left))
    });
    let (at, results) = context.emitter.time(join_all(limits)).await;
    results.into_iter().collect::<Result<Vec<()>, _>>()?;
    let injected = Described {
        means: "the engine's limit of the node's memory".into(),
        primary_hit,
        at,
    };
    let effect = LittleMemory {
        room,
        nodes: before,
    };
    Ok(injected.into(nodes, effect))
}

/// Gives the nodes back what they had; those that have ended come back.
async fn widen(nodes: &[NodeName], context: &FaultContext) -> Result<(), FaultError> {
    let lifted = lift(nodes, context).await;
    lifted.and(bring_back(&expand_hosts(nodes, context), context).await)
}

/// How many eighths of the room a program in the node can take at most.
async fn taken(node: &NodeName, room: Size, context: &FaultContext) -> Result<u64, RuntimeError> {
    let (room, most) = ((room.0 >> 10).to_string(), EIGHTHS.to_string());
    let argv = ["sh", "-c", TAKE, "sh", room.as_str(), most.as_str()];
    let said = context.runtime.exec(node, &argv, EXEC).await?;
    said.stdout
        .trim()
        .parse()
        .map_err(|_| RuntimeError::Failed {
            action: "measure the memory of",
            node: node.to_string(),
            cause: said.stderr.trim().to_owned(),
        })
}

/// A program that takes more than was left is killed, and was not before.
async fn look(narrow: &LittleMemory, context: &FaultContext) -> Seen {
    let mut seen = Seen::default();
    let room = narrow.room;
    let share = |eighths: u64| Size(room.0 / 8 * eighths);
    for Before {
        node,
        held_mib,
        eighths,
    } in &narrow.nodes
    {
        match taken(node, room, context).await {
            Ok(now) => {
                let beyond = if now < EIGHTHS {
                    "was killed beyond"
                } else {
                    "was not killed"
                };
                let text = format!(
                    "{node}: asked {room} beyond the {held_mib} MiB that it held, observed that a program could take {} and \
                     {beyond} ({} before)",
                    share(now),
                    share(*eighths)
                );
                // What the server itself has taken since is not left for the program.
                if now <= MOST && *eighths == EIGHTHS {
                    seen.yes(text);
                } else {
                    seen.no(text);
                }
            }
            Err(error) => seen.no(error.to_string()),
        }
    }
    seen
}
