//! One process inside a node ends, and the others go on: the database and not its agent.

use std::time::Duration;

use async_trait::async_trait;

use crate::{
    id::NodeName,
    runtime::{NodeState, RuntimeError},
    scenario::fault::KillProcess,
};

use super::{
    Action, ActiveEffect, FaultContext, FaultError, Injected,
    described::{Described, Seen, hits_primary},
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

/// The processes of this name that ran on nodes.
#[derive(Debug)]
struct Gone {
    name: String,
    targets: Vec<Target>,
}

/// A process, by its number and start: a number alone may be given again.
#[derive(Debug)]
struct Target {
    node: NodeName,
    processes: Vec<String>,
}

#[async_trait]
impl Action for KillProcess {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        kill(self, context).await
    }
}

#[async_trait]
impl ActiveEffect for Gone {
    async fn verify(&self, context: &FaultContext) -> Seen {
        look(&self.name, &self.targets, context).await
    }
}

/// Kills all processes of that name, at once on each node.
async fn kill(kill: &KillProcess, context: &FaultContext) -> Result<Injected, FaultError> {
    let nodes = select(&kill.node, context).await?;
    let primary_hit = hits_primary(&nodes, context).await;
    let mut targets = Vec::new();
    for node in &nodes {
        let processes = list(node, &kill.process, context).await?;
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
            context
                .runtime
                .exec(&target.node, &["sh", "-c", &command], EXEC)
                .await
        }
    });
    let (at, results) = context
        .emitter
        .time(futures_util::future::join_all(kills))
        .await;
    results.into_iter().collect::<Result<Vec<_>, _>>()?;
    let injected = Described {
        means: "SIGKILL to the processes of one name inside the node".into(),
        primary_hit,
        at,
    };
    let effect = Gone {
        name: kill.process.clone(),
        targets,
    };
    Ok(injected.into(nodes, effect))
}

async fn list(
    node: &NodeName,
    name: &str,
    context: &FaultContext,
) -> Result<Vec<String>, RuntimeError> {
    let said = context
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
async fn look(name: &str, targets: &[Target], context: &FaultContext) -> Seen {
    let mut seen = Seen::default();
    for Target { node, processes } in targets {
        let gone = async {
            loop {
                match list(node, name, context).await {
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
        match context.runtime.state(node).await {
            Ok(NodeState::Running) => seen.yes(format!("{node} itself runs on")),
            other => seen.no(format!(
                "{node} itself has ended with them: {other:?}; say `kill`"
            )),
        }
    }
    seen
}
