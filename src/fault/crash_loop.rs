//! A node that comes back and dies again, until it is let be.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use async_trait::async_trait;

use crate::{id::NodeName, record::What, runtime::Signal, scenario::fault::CrashLoop};

use super::{
    Action, ActiveEffect, FaultContext, FaultError, Injected, Undone,
    active::{arm, bring_back},
    described::{Described, Seen, ended, hits_primary},
    ended::kill_all,
    select::{expand_hosts, select},
};

/// How often it must be seen to die before the effect counts as seen.
const DEATHS: u32 = 2;
/// What one death may take beyond the time in between.
const SLACK: Duration = Duration::from_secs(10);

/// What kills nodes again and again; it ends when it is told to, or when this is dropped.
#[derive(Debug)]
struct Looping {
    nodes: Vec<NodeName>,
    deaths: Arc<AtomicU32>,
    every: Duration,
    token: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
    _ends: DropGuard,
}

impl Looping {
    fn start(nodes: &[NodeName], every: Duration, context: &FaultContext) -> Self {
        let token = CancellationToken::new();
        let deaths = Arc::new(AtomicU32::new(0));
        let work = again(
            nodes.to_vec(),
            every,
            deaths.clone(),
            context.clone(),
            token.clone(),
        );
        Self {
            nodes: nodes.to_vec(),
            deaths,
            every,
            task: Mutex::new(Some(tokio::spawn(work))),
            _ends: token.clone().drop_guard(),
            token,
        }
    }

    /// Ends it; a death that has begun is seen through.
    async fn end(&self) {
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
    }
}

#[async_trait]
impl Action for CrashLoop {
    async fn inject(&self, _step: usize, context: &FaultContext) -> Result<Injected, FaultError> {
        start(self, context).await
    }
}

#[async_trait]
impl ActiveEffect for Looping {
    async fn verify(&self, context: &FaultContext) -> Seen {
        look(self, context).await
    }

    async fn undo(&self, _step: usize, context: &FaultContext) -> Option<Undone> {
        self.end().await;
        let back = bring_back(&self.nodes, context).await;
        let result = back.and(arm(&self.nodes, context).await);
        Some(Undone::of(&self.nodes, result))
    }

    fn starts_nodes(&self) -> bool {
        true
    }
}

/// Kills the victims, starts them, lets them run, and again.
async fn start(crash: &CrashLoop, context: &FaultContext) -> Result<Injected, FaultError> {
    let nodes = expand_hosts(&select(&crash.node, context).await?, context);
    let primary_hit = hits_primary(&nodes, context).await;
    let at = kill_all(&nodes, context).await?;
    let looping = Looping::start(&nodes, crash.every.0, context);
    let injected = Described {
        means: "SIGKILL to the node's main process, a start, and again".into(),
        primary_hit,
        at,
    };
    Ok(injected.into(nodes, looping))
}

async fn again(
    nodes: Vec<NodeName>,
    every: Duration,
    deaths: Arc<AtomicU32>,
    context: FaultContext,
    token: CancellationToken,
) {
    loop {
        for node in &nodes {
            if !ended(node, &context).await || context.runtime.start(node).await.is_err() {
                context
                    .emitter
                    .note(format!("{node} could not be started again: the loop ends"));
                return;
            }
            let node = node.clone();
            context.emitter.say(What::Returned { node });
        }
        deaths.fetch_add(1, Ordering::Relaxed);
        if token
            .run_until_cancelled(tokio::time::sleep(every))
            .await
            .is_none()
        {
            return;
        }
        for node in &nodes {
            // One that has ended by itself meanwhile is started again all the same.
            let _ = context.runtime.signal(node, Signal::Kill).await;
            context.emitter.note(format!("{node} is killed again"));
        }
    }
}

/// It was seen dead, and started again, at least twice.
async fn look(looping: &Looping, context: &FaultContext) -> Seen {
    let Looping {
        nodes,
        deaths,
        every,
        ..
    } = looping;
    let mut seen = Seen::default();
    let limit = (*every + SLACK) * DEATHS;
    let enough = async {
        while deaths.load(Ordering::Relaxed) < DEATHS {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let names: Vec<&str> = nodes.iter().map(|node| node.as_str()).collect();
    let names = names.join(", ");
    let from = context.emitter.now();
    match tokio::time::timeout(limit, enough).await {
        Ok(()) => seen.yes(format!(
            "{names} was seen dead and started again {DEATHS} times, asked for every {every:?}, seen within {:?}",
            context.emitter.now().since(from)
        )),
        Err(_) => seen.no(format!(
            "{names} died {} times within {limit:?}",
            deaths.load(Ordering::Relaxed)
        )),
    }
    seen
}
