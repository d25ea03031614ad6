//! One process inside a node ends, and the others go on: the database and not its agent.

use std::time::Duration;

use crate::{
    id::NodeName,
    record::Effect,
    runtime::{NodeState, RuntimeError},
    scenario::KillProcess,
};

use super::{
    Expected, FaultError, Ground, Injected, Undo,
    process::{Described, Seen, hits_primary},
    select::select,
};

/// How long a command in a node may take.
const EXEC: Duration = Duration::from_secs(5);
/// The longest wait for the processes to be gone.
const EFFECT_LIMIT: Duration = Duration::from_secs(5);
/// Prints each process of this name as `number:start`, in the kernel's clock ticks since boot.
const LIST: &str = r#"for p in /proc/[0-9]*; do
  read -r name < $p/comm 2>/dev/null || continue
  [ "$name" = "$1" ] || continue
  s=$(cat $p/stat 2>/dev/null) || continue
  set -- "$1" ${s##*) }
  [ "$2" = Z ] && continue
  eval "echo ${p#/proc/}:\${21}"
done"#;

/// A process, by its number and start: a number alone may be given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    node: NodeName,
    processes: Vec<String>,
}

/// Kills all processes of that name, at once on each node.
pub async fn kill(
    kill: &KillProcess,
    step: usize,
    ground: &Ground,
) -> Result<Injected, FaultError> {
    let nodes = select(&kill.node, ground).await?;
    let primary_hit = hits_primary(&nodes, ground).await;
    let mut targets = Vec::new();
    for node in &nodes {
        let processes = list(node, &kill.process, ground).await?;
        if processes.is_empty() {
            return Err(FaultError::NoProcess(kill.process.clone(), node.clone()));
        }
        let node = node.clone();
        targets.push(Target { node, processes });
    }
    let kills = targets.iter().map(|target| {
        let numbers = target
            .processes
            .iter()
            .filter_map(|one| one.split(':').next());
        let command = ["kill", "-9"].into_iter().chain(numbers);
        let command = command.collect::<Vec<&str>>().join(" ");
        // Some may have ended with the first one.
        async move {
            ground
                .runtime
                .exec(&target.node, &["sh", "-c", &command], EXEC)
                .await
        }
    });
    let (at, results) = ground
        .emitter
        .time(futures_util::future::join_all(kills))
        .await;
    results.into_iter().collect::<Result<Vec<_>, _>>()?;
    let injected = Described {
        name: "kill-process",
        means: "SIGKILL to the processes of one name inside the node",
        primary_hit,
        at,
        step,
    };
    let expected = Expected::Gone(kill.process.clone(), targets);
    Ok(injected.into(nodes, Undo::Nothing, expected))
}

async fn list(node: &NodeName, name: &str, ground: &Ground) -> Result<Vec<String>, RuntimeError> {
    let said = ground
        .runtime
        .exec(node, &["sh", "-c", LIST, "sh", name], EXEC)
        .await?;
    if said.code != 0 {
        return Err(RuntimeError::Failed {
            action: "list the processes of",
            node: node.to_string(),
            cause: format!(
                "its shell ended with code {}: {}",
                said.code,
                said.stderr.trim()
            ),
        });
    }
    Ok(said.stdout.lines().map(str::to_owned).collect())
}

/// Those processes are gone, and the node runs.
pub async fn verify(step: usize, name: &str, targets: &[Target], ground: &Ground) -> Effect {
    let mut seen = Seen::default();
    for Target { node, processes } in targets {
        let gone = async {
            loop {
                match list(node, name, ground).await {
                    Ok(now) if processes.iter().any(|one| now.contains(one)) => {}
                    other => return other,
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        match tokio::time::timeout(EFFECT_LIMIT, gone).await {
            Ok(Ok(now)) => seen.yes(format!(
                "{} processes {name} on {node} have ended, {} new ones run",
                processes.len(),
                now.len()
            )),
            Ok(Err(error)) => seen.no(error.to_string()),
            Err(_) => seen.no(format!(
                "processes {name} on {node} still run after {EFFECT_LIMIT:?}"
            )),
        }
        match ground.runtime.state(node).await {
            Ok(NodeState::Running) => seen.yes(format!("{node} itself runs on")),
            other => seen.no(format!(
                "{node} itself has ended with them: {other:?}; say `kill`"
            )),
        }
    }
    seen.effect(step)
}
