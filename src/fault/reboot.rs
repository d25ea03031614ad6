//! Machines that lose their power together, such as a whole region, and boot again after a while.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    id::NodeName,
    record::{MemberKind, Role, What},
    runtime::NodeState,
    scenario::fault::Reboot,
    time::{Bracket, Nanos},
};

use super::{
    Action, ActiveEffect, FaultContext, FaultError, Injected, Undone,
    active::bring_back,
    described::{Described, Seen, ended, hits_primary},
    ended::kill_all,
    select::{expand_hosts, select},
};

/// What the start of all machines may take.
const START: Duration = Duration::from_secs(60);
/// They may start so much later than asked.
const LATE: Duration = Duration::from_secs(1);
/// How long a server is waited for at its address. One that takes longer is the drill's matter, and no lack of the fault.
const ANSWER: Duration = Duration::from_secs(10);

/// How the machines came back.
#[derive(Debug, Clone)]
struct Boot {
    /// Those that did not stay dead until then.
    awake: Vec<NodeName>,
    /// When they were started.
    at: Bracket,
    /// What could not be started, and why.
    failed: Vec<String>,
}

/// What the effect of a reboot should look like.
#[derive(Debug)]
struct Rebooted {
    nodes: Vec<NodeName>,
    down: Duration,
    killed: Bracket,
    boot: watch::Receiver<Option<Boot>>,
}

/// Machines without power.
#[derive(Debug)]
struct RebootEffect {
    rebooted: Rebooted,
    rebooting: Rebooting,
}

/// Machines that come back by themselves, or when this is ended.
#[derive(Debug)]
struct Rebooting {
    boot: watch::Receiver<Option<Boot>>,
    token: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
    _ends: DropGuard,
}

impl Rebooting {
    /// Waits no longer; a start that has begun is seen through. Whether all came back by themselves.
    async fn end(&self) -> bool {
        self.token.cancel();
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task {
            // A task that panicked has ended too; what it left is brought back.
            let _ = task.await;
        }
        let boot = self.boot.borrow();
        boot.as_ref().is_some_and(|boot| boot.failed.is_empty())
    }
}

#[async_trait]
impl Action for Reboot {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        reboot(self, context).await
    }
}

#[async_trait]
impl ActiveEffect for RebootEffect {
    async fn verify(&self, context: &FaultContext) -> Seen {
        look(&self.rebooted, context).await
    }

    async fn undo(&self, _step: usize, context: &FaultContext) -> Option<Undone> {
        if self.rebooting.end().await {
            return None;
        }
        let nodes = &self.rebooted.nodes;
        Some(Undone::of(nodes, bring_back(nodes, context).await))
    }

    fn starts_nodes(&self) -> bool {
        true
    }
}

/// Kills everything on the machines at once, and starts it again together after the time.
async fn reboot(reboot: &Reboot, context: &FaultContext) -> Result<Injected, FaultError> {
    let nodes = expand_hosts(&select(&reboot.node, context).await?, context);
    let primary_hit = hits_primary(&nodes, context).await;
    let at = kill_all(&nodes, context).await?;
    let (said, boot) = watch::channel(None);
    let token = CancellationToken::new();
    let since = at.high;
    let work = come_back(
        nodes.clone(),
        since.after(reboot.down.0),
        context.clone(),
        token.clone(),
        said,
    );
    let rebooting = Rebooting {
        boot: boot.clone(),
        task: Mutex::new(Some(tokio::spawn(work))),
        _ends: token.clone().drop_guard(),
        token,
    };
    let rebooted = Rebooted {
        nodes: nodes.clone(),
        down: reboot.down.0,
        killed: at,
        boot,
    };
    let injected = Described {
        means: "SIGKILL to the main processes of all nodes at once, then a start of all".into(),
        primary_hit,
        at,
    };
    let effect = RebootEffect {
        rebooted,
        rebooting,
    };
    Ok(injected.into(nodes, effect))
}

async fn come_back(
    nodes: Vec<NodeName>,
    due: Nanos,
    context: FaultContext,
    token: CancellationToken,
    said: watch::Sender<Option<Boot>>,
) {
    let until = context.emitter.clock().instant(due);
    let wait = tokio::time::sleep_until(until.into());
    if token.run_until_cancelled(wait).await.is_none() {
        return;
    }
    let mut awake = Vec::new();
    for node in &nodes {
        if !ended(node, &context).await {
            awake.push(node.clone());
        }
    }
    let starts = nodes.iter().map(|node| context.runtime.start(node));
    let (at, results) = context.emitter.time(join_all(starts)).await;
    let mut failed: Vec<String> = results
        .into_iter()
        .filter_map(|result| Some(result.err()?.to_string()))
        .collect();
    for node in &nodes {
        let node = node.clone();
        context.emitter.say_at(at, What::Returned { node });
    }
    if let Some(links) = &context.links
        && let Err(error) = links.arm(&nodes).await
    {
        failed.push(error.to_string());
    }
    said.send_replace(Some(Boot { awake, at, failed }));
}

/// Every machine stayed dead for the time that was asked for, runs again, and its server is at its address as before.
async fn look(rebooted: &Rebooted, context: &FaultContext) -> Seen {
    let mut seen = Seen::default();
    let mut boot = rebooted.boot.clone();
    let limit = rebooted.down + START;
    let back = tokio::time::timeout(limit, boot.wait_for(Option::is_some));
    let boot = back.await.ok().and_then(|back| back.ok()?.clone());
    let Some(boot) = boot else {
        seen.no(format!("they were not started again within {limit:?}"));
        return seen;
    };
    for failure in &boot.failed {
        seen.no(failure.clone());
    }
    let dark = boot.at.low.since(rebooted.killed.high);
    let said = format!(
        "{} without power, asked {} s, observed {:.3} s; all were started within {} ms",
        named(&rebooted.nodes),
        rebooted.down.as_secs_f64(),
        dark.as_secs_f64(),
        boot.at.high.since(boot.at.low).as_millis()
    );
    if dark >= rebooted.down && dark <= rebooted.down + LATE {
        seen.yes(said);
    } else {
        seen.no(said);
    }
    for node in &boot.awake {
        seen.no(format!("{node} ran while it was to be without power"));
    }
    let states = rebooted.nodes.iter().map(|node| come_alive(node, context));
    for (node, (runs, text)) in rebooted.nodes.iter().zip(join_all(states).await) {
        if runs {
            seen.yes(format!("{node} runs again{text}"));
        } else {
            seen.no(format!("{node} does not run again{text}"));
        }
    }
    seen
}

/// Whether the node runs, and what its server says at the address that it had.
async fn come_alive(node: &NodeName, context: &FaultContext) -> (bool, String) {
    let runs = context.runtime.state(node).await == Ok(NodeState::Running);
    let members = context.members().iter();
    let data =
        |member: &&crate::record::Member| member.name == *node && member.kind == MemberKind::Data;
    let Some(member) = members.clone().find(data) else {
        return (runs, String::new());
    };
    let from = context.emitter.now();
    let answer = async {
        while context.system.view(node).await.role == Role::Unreachable {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let text = match tokio::time::timeout(ANSWER, answer).await {
        Ok(()) => format!(
            " and answers at {} as before, seen after {:.1} s",
            member.address,
            context.emitter.now().since(from).as_secs_f64()
        ),
        Err(_) => format!(
            " and does not answer at {} within {ANSWER:?}",
            member.address
        ),
    };
    (runs, text)
}

fn named(nodes: &[NodeName]) -> String {
    let names: Vec<&str> = nodes.iter().map(|node| node.as_str()).collect();
    names.join(", ")
}
