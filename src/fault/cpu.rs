//! Little CPU time for a node.

use std::time::Duration;

use async_trait::async_trait;

use crate::{
    id::NodeName,
    runtime::{RuntimeError, journal},
    scenario::fault::Cpu,
};

use super::{
    Action, ActiveEffect, FaultContext, FaultError, Injected, Undone,
    described::{Described, Seen, hits_primary},
    select::select,
};

/// How long a command in a node may take; it has little CPU.
const EXEC: Duration = Duration::from_secs(30);
/// Spins for two seconds and prints what CPU time, in nanoseconds, the whole node has used by then.
const SPIN: &str = r#"used() { cat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null || sed -n 's/^usage_usec \(.*\)/\1000/p' /sys/fs/cgroup/cpu.stat; }
a=$(used); t=$(date +%s%N); timeout 2 sh -c 'while :; do :; done'; b=$(used); u=$(date +%s%N); echo $((b - a)) $((u - t))"#;

/// Nodes with little CPU, and what a spinning program got before.
#[derive(Debug)]
struct Throttled {
    nodes: Vec<NodeName>,
    asked: f64,
    before: Vec<f64>,
}

#[async_trait]
impl Action for Cpu {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        limit(self, context).await
    }
}

#[async_trait]
impl ActiveEffect for Throttled {
    async fn verify(&self, context: &FaultContext) -> Seen {
        look(self, context).await
    }

    async fn undo(&self, _step: usize, context: &FaultContext) -> Option<Undone> {
        Some(Undone::of(&self.nodes, unlimit(&self.nodes, context).await))
    }
}

/// Limits the nodes' CPU time.
async fn limit(cpu: &Cpu, context: &FaultContext) -> Result<Injected, FaultError> {
    let nodes = select(&cpu.node, context).await?;
    let primary_hit = hits_primary(&nodes, context).await;
    let asked = cpu.share.0 / 100.0;
    let mut before = Vec::new();
    for node in &nodes {
        before.push(used(node, context).await?);
    }
    context
        .write_ahead(&nodes, |node| journal::Effect::Limited { node })
        .await?;
    let limits = nodes
        .iter()
        .map(|node| context.runtime.limit_cpu(node, Some(asked)));
    let (at, results) = context
        .emitter
        .time(futures_util::future::join_all(limits))
        .await;
    results.into_iter().collect::<Result<Vec<()>, _>>()?;
    let injected = Described {
        means: "the engine's limit of the node's CPU time (100 ms periods)".into(),
        primary_hit,
        at,
    };
    let throttled = Throttled {
        nodes: nodes.clone(),
        asked,
        before,
    };
    Ok(injected.into(nodes, throttled))
}

/// How many cores the node gets while a program in it spins.
async fn used(node: &NodeName, context: &FaultContext) -> Result<f64, RuntimeError> {
    let said = context
        .runtime
        .exec(node, &["sh", "-c", SPIN], EXEC)
        .await?;
    let numbers: Vec<f64> = said
        .stdout
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    match numbers.as_slice() {
        [used, took] if *took > 0.0 => Ok(used / took),
        _ => Err(RuntimeError::Failed {
            action: "measure the CPU time of",
            node: node.to_string(),
            cause: said.stderr.trim().to_owned(),
        }),
    }
}

/// A spinning program gets what was asked, and got more before.
async fn look(throttled: &Throttled, context: &FaultContext) -> Seen {
    let mut seen = Seen::default();
    let asked = throttled.asked;
    for (node, before) in throttled.nodes.iter().zip(&throttled.before) {
        match used(node, context).await {
            Ok(now) => {
                let text = format!(
                    "{node}: asked {:.0} % of a core, observed {:.0} % while a program spins ({:.0} % before)",
                    asked * 100.0,
                    now * 100.0,
                    before * 100.0
                );
                // A period may be used up at either end.
                if now <= asked * 1.15 + 0.05 && now < before * 0.9 {
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

/// Gives the nodes all their CPU time again.
async fn unlimit(nodes: &[NodeName], context: &FaultContext) -> Result<(), FaultError> {
    let limited = |node| journal::Effect::Limited { node };
    context
        .undo_each(nodes, limited, |context, node| {
            context.runtime.limit_cpu(node, None)
        })
        .await
}
