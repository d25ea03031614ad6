//! Memory that runs out: the kernel kills the greatest of a machine's processes.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::{
    id::NodeName,
    runtime::{ExecOutput, NodeState, RuntimeError, journal},
    scenario::fault::OutOfMemory,
};

use super::{
    Action, ActiveEffect, FaultContext, FaultError, Injected, Undone,
    active::bring_back,
    described::{Described, Seen, hits_primary},
    select::{expand_hosts, select},
};

/// How long a command in a node may take.
const EXEC: Duration = Duration::from_secs(30);
/// The longest wait until the engine knows of the end of a node.
const EFFECT_LIMIT: Duration = Duration::from_secs(5);
/// What a node is left with beyond what its processes hold, MiB: filled in some tens of milliseconds.
const ROOM: u64 = 64;
/// Prints the bytes that the node's processes hold, and what they share, by either version of control groups; the first has lines
/// of the same name for a group without those below it. Pages of files are not counted: the kernel drops them first.
const HELD: &str = r#"f=/sys/fs/cgroup/memory/memory.stat
if [ -f $f ]; then sed -n 's/^\(total_rss\|total_shmem\) //p' $f; else sed -n 's/^\(anon\|shmem\) //p' /sys/fs/cgroup/memory.stat; fi"#;
/// Fills the node's shared memory, which belongs to no process that could be killed, until the kernel has killed one.
/// Prints how many it had killed before and after.
const FILL: &str = r#"killed() { cat /sys/fs/cgroup/memory/memory.oom_control /sys/fs/cgroup/memory.events 2>/dev/null | sed -n 's/^oom_kill //p' | head -n 1; }
f=/dev/shm/drdrill-ballast; before=$(killed); echo "before $before"; i=0
while [ "$i" -lt "$1" ] && [ "$(killed)" = "$before" ]; do dd if=/dev/zero bs=65536 count=64 2>/dev/null >>$f || break; i=$((i + 1)); done
rm -f $f; echo "after $(killed)""#;

/// Nodes whose memory ran out, and everything on their machines.
#[derive(Debug)]
struct Exhausted {
    nodes: Vec<Starved>,
    hosts: Vec<NodeName>,
}

/// What became of a node whose memory ran out.
#[derive(Debug)]
struct Starved {
    node: NodeName,
    held_mib: u64,
    said: Result<ExecOutput, String>,
}

#[async_trait]
impl Action for OutOfMemory {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        exhaust(self, context).await
    }
}

#[async_trait]
impl ActiveEffect for Exhausted {
    async fn verify(&self, context: &FaultContext) -> Seen {
        look(&self.nodes, context).await
    }

    async fn undo(&self, _step: usize, context: &FaultContext) -> Option<Undone> {
        Some(Undone::of(
            &self.hosts,
            bring_back(&self.hosts, context).await,
        ))
    }
}

/// Leaves the nodes little memory, fills it, and gives them back what they had.
async fn exhaust(starved: &OutOfMemory, context: &FaultContext) -> Result<Injected, FaultError> {
    let nodes = select(&starved.node, context).await?;
    let hosts = expand_hosts(&nodes, context);
    let primary_hit = hits_primary(&nodes, context).await;
    let held = join_all(nodes.iter().map(|node| held_mib(node, 1, context))).await;
    let held = held.into_iter().collect::<Result<Vec<u64>, _>>()?;
    context
        .write_ahead(&nodes, |node| journal::Effect::Limited { node })
        .await?;
    for (node, held) in nodes.iter().zip(&held) {
        let left = (held + ROOM) << 20;
        context.runtime.limit_memory(node, Some(left)).await?;
    }
    let fills = nodes.iter().map(|node| fill(node, context));
    let (at, said) = context.emitter.time(join_all(fills)).await;
    lift(&nodes, context).await?;
    let starved = nodes.iter().zip(held).zip(said);
    let starved = starved.map(|((node, held_mib), said)| Starved {
        node: node.clone(),
        held_mib,
        said: said.map_err(|error| error.to_string()),
    });
    let injected = Described {
        means:
            "the engine's limit of the node's memory, and the node's shared memory filled up to it"
                .into(),
        primary_hit,
        at,
    };
    let effect = Exhausted {
        nodes: starved.collect(),
        hosts,
    };
    Ok(injected.into(nodes, effect))
}

/// The least that the node's processes hold in so many looks, 50 ms apart: some of them come and go.
pub(super) async fn held_mib(
    node: &NodeName,
    looks: u32,
    context: &FaultContext,
) -> Result<u64, RuntimeError> {
    let script = format!(
        "look=0; while [ $((look += 1)) -le {looks} ]; do {HELD}; echo /; sleep 0.05; done"
    );
    let said = context
        .runtime
        .exec(node, &["sh", "-c", &script], EXEC)
        .await?;
    least(&said.stdout).ok_or_else(|| RuntimeError::Failed {
        action: "read the memory of",
        node: node.to_string(),
        cause: "its control group is not to be seen in it".into(),
    })
}

/// The least sum of the numbers between two strokes, in MiB.
fn least(said: &str) -> Option<u64> {
    let sums = said.split('/').filter_map(|look| {
        let bytes: Vec<u64> = look
            .lines()
            .filter_map(|line| line.trim().parse().ok())
            .collect();
        (!bytes.is_empty()).then(|| bytes.iter().sum::<u64>())
    });
    Some(sums.min()?.div_ceil(1 << 20))
}

/// Gives the nodes back what they had.
pub(super) async fn lift(nodes: &[NodeName], context: &FaultContext) -> Result<(), FaultError> {
    let limited = |node| journal::Effect::Limited { node };
    context
        .undo_each(nodes, limited, |context, node| {
            Box::pin(unlimit(node, context))
        })
        .await
}

/// While the node ends of the fault, the engine can change nothing about it.
async fn unlimit(node: &NodeName, context: &FaultContext) -> Result<(), RuntimeError> {
    let give_up = context.emitter.now().after(EFFECT_LIMIT);
    loop {
        match context.runtime.limit_memory(node, None).await {
            Err(_) if context.emitter.now() < give_up => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            result => return result,
        }
    }
}

/// Twice the room in pieces of 4 MiB is more than enough.
async fn fill(node: &NodeName, context: &FaultContext) -> Result<ExecOutput, RuntimeError> {
    let pieces = (2 * ROOM / 4).to_string();
    let argv = ["sh", "-c", FILL, "sh", pieces.as_str()];
    context.runtime.exec(node, &argv, EXEC).await
}

/// How many processes the kernel killed, by its own count; none where the command did not live to say so.
fn killed(said: &ExecOutput) -> Option<u64> {
    let number = |name: &str| {
        let mut lines = said.stdout.lines();
        lines.find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok())
    };
    number("after ")?.checked_sub(number("before ")?)
}

/// The kernel killed a process for want of memory: by its own count, or the node ended of it.
async fn look(starved: &[Starved], context: &FaultContext) -> Seen {
    let mut seen = Seen::default();
    for Starved {
        node,
        held_mib,
        said,
    } in starved
    {
        let count = match said {
            Ok(said) => killed(said),
            Err(error) => {
                seen.no(format!("{node}: {error}"));
                continue;
            }
        };
        let left = format!("left {ROOM} MiB beyond the {held_mib} MiB that it held");
        match (count, state(node, count, context).await) {
            (Some(0), _) => seen.no(format!("{node}: {left}, the kernel killed nothing")),
            (Some(count), NodeState::Running) => seen.yes(format!(
                "{node}: {left}, the kernel killed {count} of its processes; the node runs on"
            )),
            (Some(count), _) => seen.yes(format!(
                "{node}: {left}, the kernel killed {count} of its processes; the node has ended by it"
            )),
            (
                None,
                NodeState::Exited {
                    code,
                    out_of_memory: true,
                },
            ) => seen.yes(format!(
                "{node}: {left}, it has ended with code {code}, out of memory by the engine's word"
            )),
            (None, state) => seen.no(format!(
                "{node}: {left}, and nothing says that its memory ran out: {state:?}"
            )),
        }
    }
    seen
}

/// What the node does; where the command in it did not come to its end, the node's end is waited for.
async fn state(node: &NodeName, killed: Option<u64>, context: &FaultContext) -> NodeState {
    let told = async {
        loop {
            let state = context.runtime.state(node).await;
            let state = state.unwrap_or(NodeState::Missing);
            let ended = matches!(
                state,
                NodeState::Exited {
                    out_of_memory: true,
                    ..
                }
            );
            if ended || killed.is_some() {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(EFFECT_LIMIT, told).await {
        Ok(state) => state,
        Err(_) => context
            .runtime
            .state(node)
            .await
            .unwrap_or(NodeState::Missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_of_several_looks_counts() {
        assert_eq!(least("5242880\n1048576\n/\n3145728\n1\n/\n"), Some(4));
        assert_eq!(least("5242880\n/\n"), Some(5));
        assert_eq!(least("/\n/\n"), None);
    }

    #[test]
    fn the_kernel_s_own_count_says_how_many_were_killed() {
        let said = |stdout: &str| ExecOutput {
            code: 0,
            stdout: stdout.into(),
            stderr: String::new(),
        };
        assert_eq!(killed(&said("before 0\nafter 2\n")), Some(2));
        assert_eq!(killed(&said("before 3\nafter 3\n")), Some(0));
        for unsaid in ["before 0\n", "", "before \nafter \n"] {
            assert_eq!(killed(&said(unsaid)), None);
        }
    }
}
