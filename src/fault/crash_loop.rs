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

use crate::{
    id::NodeName,
    record::{Effect, What},
    runtime::Signal,
    scenario::CrashLoop,
};

use super::{
    Expected, FaultError, Ground, Injected, Undo,
    process::{Described, Seen, ended, hits_primary},
    select::{expand_hosts, select},
};

/// How often it must be seen to die before the effect counts as seen.
const DEATHS: u32 = 2;
/// What one death may take beyond the time in between.
const SLACK: Duration = Duration::from_secs(10);

/// What kills nodes again and again; it ends when it is told to, or when this is dropped.
#[derive(Debug)]
pub struct Looping {
    nodes: Vec<NodeName>,
    deaths: Arc<AtomicU32>,
    token: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
    _ends: DropGuard,
}

impl Looping {
    fn start(nodes: &[NodeName], every: Duration, ground: &Ground) -> Self {
        let token = CancellationToken::new();
        let deaths = Arc::new(AtomicU32::new(0));
        let work = again(
            nodes.to_vec(),
            every,
            deaths.clone(),
            ground.clone(),
            token.clone(),
        );
        Self {
            nodes: nodes.to_vec(),
            deaths,
            task: Mutex::new(Some(tokio::spawn(work))),
            _ends: token.clone().drop_guard(),
            token,
        }
    }

    /// The nodes that it kills.
    pub fn nodes(&self) -> &[NodeName] {
        &self.nodes
    }

    /// Ends it; a death that has begun is seen through.
    pub async fn end(&self) {
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

/// Kills the victims, starts them, lets them run, and again.
pub async fn start(
    crash: &CrashLoop,
    step: usize,
    ground: &Ground,
) -> Result<Injected, FaultError> {
    let nodes = expand_hosts(&select(&crash.node, ground).await?, ground);
    let primary_hit = hits_primary(&nodes, ground).await;
    let kills = nodes
        .iter()
        .map(|node| ground.runtime.signal(node, Signal::Kill));
    let (at, results) = ground
        .emitter
        .time(futures_util::future::join_all(kills))
        .await;
    results.into_iter().collect::<Result<Vec<()>, _>>()?;
    let looping = Looping::start(&nodes, crash.every.0, ground);
    let expected = Expected::Looping {
        nodes: nodes.clone(),
        deaths: looping.deaths.clone(),
        every: crash.every.0,
    };
    let injected = Described {
        name: "crash-loop",
        means: "SIGKILL to the node's main process, a start, and again",
        primary_hit,
        at,
        step,
    };
    Ok(injected.into(nodes, Undo::Loop(looping), expected))
}

async fn again(
    nodes: Vec<NodeName>,
    every: Duration,
    deaths: Arc<AtomicU32>,
    ground: Ground,
    token: CancellationToken,
) {
    loop {
        for node in &nodes {
            if !ended(node, &ground).await || ground.runtime.start(node).await.is_err() {
                ground
                    .emitter
                    .note(format!("{node} could not be started again: the loop ends"));
                return;
            }
            let node = node.clone();
            ground.emitter.say(What::Returned { node });
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
            let _ = ground.runtime.signal(node, Signal::Kill).await;
            ground.emitter.note(format!("{node} is killed again"));
        }
    }
}

/// It was seen dead, and started again, at least twice.
pub async fn verify(
    step: usize,
    nodes: &[NodeName],
    deaths: &AtomicU32,
    every: Duration,
    ground: &Ground,
) -> Effect {
    let mut seen = Seen::default();
    let limit = (every + SLACK) * DEATHS;
    let enough = async {
        while deaths.load(Ordering::Relaxed) < DEATHS {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let names: Vec<&str> = nodes.iter().map(|node| node.as_str()).collect();
    let names = names.join(", ");
    let from = ground.emitter.now();
    match tokio::time::timeout(limit, enough).await {
        Ok(()) => seen.yes(format!(
            "{names} was seen dead and started again {DEATHS} times, asked for every {every:?}, seen within {:?}",
            ground.emitter.now().since(from)
        )),
        Err(_) => seen.no(format!(
            "{names} died {} times within {limit:?}",
            deaths.load(Ordering::Relaxed)
        )),
    }
    seen.effect(step)
}
