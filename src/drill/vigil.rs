//! Watching the nodes for what no step of the drill causes.

use std::{
    collections::BTreeMap,
    mem::{Discriminant, discriminant},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use futures_util::stream::{BoxStream, StreamExt};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    fault::FaultContext,
    id::NodeName,
    record::{Cause, Change, Unexplained, Watched, What},
    runtime::{Life, Meant, NodeState, Report, Runtime, RuntimeError},
    scenario::Fault,
    time::Nanos,
};

use super::{lost::GIVEN_UP, outside::Outside};

/// The shortest time between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// The time between two looks, in times of what a look takes: watching costs a twentieth of the engine's time at most.
const REST: u32 = 20;

/// How long a state must hold before it is told: an engine learns of an end late, and of its exit code later.
pub(super) const HOLDS: Duration = Duration::from_millis(250);

/// Within this time a look and a report of the same change to a node are of one.
const AGAIN: Duration = Duration::from_secs(2);

/// With less than this left on their disk nodes fail by that alone.
const FULL: u64 = 16 << 20;

/// How long an engine may refuse or break connections, look after look, before it counts as gone; one that is started again within
/// that time is told by its report.
const ENGINE_AWAY: Duration = Duration::from_secs(1);

/// And how long it may be silent to one look.
const ENGINE_SILENT: Duration = Duration::from_secs(8);

/// What steps tell the watch, and what it tells them. Cheap to clone.
#[derive(Clone, Default)]
pub struct Vigil {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Steps that act at the moment: what they did is told once they have said whom they hit.
    acting: AtomicUsize,
    /// Nodes that faults may end from inside, with how often the runtime had acted on them by then.
    struck: Mutex<BTreeMap<NodeName, u64>>,
    /// Nodes in which an operator gave a command of the scenario's own.
    commanded: Mutex<Vec<NodeName>>,
    /// Nodes that are victims of any fault: they may end in order by themselves.
    hit: Mutex<Vec<NodeName>>,
    /// Nodes that were seen down: how often the runtime had acted on them by then, and since when.
    down: Mutex<BTreeMap<NodeName, (u64, Nanos)>>,
    /// Why nothing more is to be waited for.
    why: Mutex<Option<String>>,
    spoiled: CancellationToken,
}

/// A step acts for as long as this is held.
pub struct Acting(Vigil);

impl Drop for Acting {
    fn drop(&mut self) {
        self.0.inner.acting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Vigil {
    /// A step begins to act.
    pub fn acting(&self) -> Acting {
        self.inner.acting.fetch_add(1, Ordering::SeqCst);
        Acting(self.clone())
    }

    /// Whether a step acts at the moment.
    pub(super) fn is_acting(&self) -> bool {
        self.inner.acting.load(Ordering::SeqCst) > 0
    }

    /// A fault struck these nodes.
    pub fn struck(&self, nodes: &[NodeName], fault: &Fault, runtime: &dyn Runtime) {
        lock(&self.inner.hit).extend(nodes.iter().cloned());
        if fault.harm().is_some() {
            lock(&self.inner.commanded).extend(nodes.iter().cloned());
        }
        // It may end them by other means than the runtime's.
        if fault.ends_inside() {
            self.may_end(nodes, runtime);
        }
    }

    /// A command of the scenario's own was given in these nodes.
    pub fn commanded(&self, nodes: &[NodeName], runtime: &dyn Runtime) {
        lock(&self.inner.hit).extend(nodes.iter().cloned());
        lock(&self.inner.commanded).extend(nodes.iter().cloned());
        self.may_end(nodes, runtime);
    }

    fn may_end(&self, nodes: &[NodeName], runtime: &dyn Runtime) {
        let meant = |node: &NodeName| runtime.meant(node).map_or(0, |(_, times)| times);
        let struck = nodes.iter().map(|node| (node.clone(), meant(node)));
        lock(&self.inner.struck).extend(struck);
    }

    /// Runs work until it ends or an outsider spoils the run; then why.
    ///
    /// # Errors
    /// What became of a node that no step caused.
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Result<T, String> {
        match self.inner.spoiled.run_until_cancelled(work).await {
            Some(done) => Ok(done),
            None => Err(self.why().unwrap_or_default()),
        }
    }

    /// What spoiled the run, if anything did.
    pub fn why(&self) -> Option<String> {
        lock(&self.inner.why).clone()
    }

    /// The nodes that have been down for a while, each with when it ended, in words. What the runtime has acted on since
    /// it was seen is not: the look that will see it back is still to come.
    pub fn gone(&self, now: Nanos, runtime: &dyn Runtime) -> Vec<(NodeName, String)> {
        let down = lock(&self.inner.down);
        let gone = down.iter().filter(|(node, (times, since))| {
            let untouched = runtime.meant(node).is_some_and(|(_, now)| now == *times);
            untouched && now.since(*since) >= GIVEN_UP
        });
        let told = |(node, (_, since)): (&NodeName, &(u64, Nanos))| {
            let at = since.0 as f64 / 1e9;
            let text = format!("{node} ended at +{at:.1} s and nothing will start it");
            (node.clone(), text)
        };
        gone.map(told).collect()
    }

    /// Watches all nodes, those that alert and lead clients too, until told to end; what no step caused is an event at once.
    pub async fn watch(self, ground: FaultContext, end: CancellationToken) {
        let nodes = ground.runtime.nodes();
        let runtime = ground.runtime.clone();
        let mut reports = runtime.reports();
        let mut watch = Watch {
            vigil: self,
            away: None,
            folder: ground.runtime.data_folder().await,
            is_full: false,
            seen: BTreeMap::new(),
            told: BTreeMap::new(),
            started: BTreeMap::new(),
            outside: Outside::default(),
            last: BTreeMap::new(),
            ground,
        };
        let mut watched = Watched {
            nodes: nodes.len(),
            looks: 0,
            longest_ns: 0,
        };
        let mut last = watch.ground.emitter.now();
        let mut has_missed = false;
        loop {
            let begun = watch.ground.emitter.now();
            let found = watch.look(&nodes).await;
            let now = watch.ground.emitter.now();
            watched.looks += 1;
            watched.longest_ns = watched.longest_ns.max(nanos(now.since(last)));
            match found {
                Ok(()) => {
                    last = now;
                    has_missed = false;
                }
                Err(why) if !has_missed => {
                    has_missed = true;
                    let note = format!("the watch over the nodes could not see them all: {why}");
                    watch.ground.emitter.note(note);
                }
                Err(_) => {}
            }
            let rest = LOOK.max(now.since(begun) * REST).min(10 * LOOK);
            let resting = watch.listen(&mut reports, rest);
            if end.run_until_cancelled(resting).await.is_none() {
                break;
            }
        }
        // What ended just before the end is not left untold.
        watch.listen(&mut reports, HOLDS).await;
        // Nothing is left to act on what cannot be seen now; the time since the last look that saw all is told.
        if watch.look(&nodes).await.is_err() {
            let now = watch.ground.emitter.now();
            watched.longest_ns = watched.longest_ns.max(nanos(now.since(last)));
        }
        watch.ground.emitter.say(What::Watched(watched));
    }
}

/// A mismatch as it was first seen: the state, under which intent, and when.
type Seen = (NodeState, u64, Nanos);

pub(super) struct Watch {
    pub(super) vigil: Vigil,
    pub(super) ground: FaultContext,
    /// Since when the engine refuses connections.
    away: Option<Nanos>,
    /// Where nodes' files lie, and whether it was told to be full.
    folder: Option<PathBuf>,
    is_full: bool,
    seen: BTreeMap<NodeName, Seen>,
    /// The last thing told of each node, under which intent.
    pub(super) told: BTreeMap<NodeName, (NodeState, u64)>,
    /// When each running node was started, and under which intent that was seen.
    started: BTreeMap<NodeName, (String, u64)>,
    /// What the engine reported, and what stands beside the nodes.
    pub(super) outside: Outside,
    /// The last change told of each node, in which look or report.
    last: BTreeMap<NodeName, (Discriminant<Change>, Nanos)>,
}

impl Watch {
    /// Looks at all nodes and at what stands beside them.
    ///
    /// # Errors
    /// What could not be seen, and why.
    async fn look(&mut self, nodes: &[NodeName]) -> Result<(), String> {
        let runtime = self.ground.runtime.clone();
        let ask = nodes.iter().map(|node| {
            let runtime = &runtime;
            async move {
                let before = runtime.meant(node);
                let life = runtime.life(node).await;
                (node, before.filter(|_| runtime.meant(node) == before), life)
            }
        });
        let now = self.ground.emitter.now();
        let mut found = Ok(());
        let (lives, around) = tokio::join!(join_all(ask), runtime.surroundings());
        for (node, meant, life) in lives {
            match (meant, life) {
                (Some(meant), Ok(life)) => {
                    self.anew(node, meant, &life);
                    let held = life.held && life.state == NodeState::Running;
                    let state = if held { NodeState::Paused } else { life.state };
                    self.see(node, meant, state, now);
                }
                // A step acts on it at the moment.
                (None, _) => {}
                (Some(_), Err(error)) => found = Err(format!("{node}: {error}")),
            }
        }
        self.weigh();
        // What is asked of all nodes at once is asked of the engine each time.
        let away = around.as_ref().err().filter(|error| is_away(error));
        let away = away.map(ToString::to_string);
        match around {
            Ok(around) => self.look_around(around, now),
            Err(error) => found = Err(error.to_string()),
        }
        self.engine(away, now);
        self.disk();
        found
    }

    /// Takes what the engine reports for so long.
    async fn listen(&mut self, reports: &mut BoxStream<'_, Report>, time: Duration) {
        let hear = async {
            while let Some(report) = reports.next().await {
                self.hear(report);
            }
        };
        let _ = timeout(time, hear).await;
    }

    /// The state that a node was last seen in.
    pub(super) fn last_seen(&self, node: &NodeName) -> Option<&NodeState> {
        self.seen.get(node).map(|(state, ..)| state)
    }

    fn disk(&mut self) {
        let stat = self.folder.as_deref().map(nix::sys::statvfs::statvfs);
        let Some(Ok(stat)) = stat else { return };
        let free = stat.blocks_available() * stat.fragment_size();
        if free < FULL && !self.is_full {
            self.is_full = true;
            self.tell(None, Change::DiskFull { free }, Cause::Outsider);
        }
    }

    /// Tells that the engine is away, where no look since one that began that long ago was answered: several that were refused at
    /// once, or one that waited until its deadline.
    fn engine(&mut self, away: Option<String>, begun: Nanos) {
        let Some(why) = away else {
            self.away = None;
            return;
        };
        let first = self.away.is_none();
        let since = *self.away.get_or_insert(begun);
        let most = if first { ENGINE_SILENT } else { ENGINE_AWAY };
        if self.ground.emitter.now().since(since) >= most && self.vigil.why().is_none() {
            self.tell(None, Change::EngineAway { why }, Cause::Outsider);
        }
    }

    /// A node that runs as it is meant to, and was started since it was last seen to: it ended and came back between two looks.
    /// Where its process can be seen, its state tells already that it is another one.
    fn anew(&mut self, node: &NodeName, (meant, times): (Meant, u64), life: &Life) {
        let Some(started) = life.started.as_ref().filter(|_| meant == Meant::Running) else {
            return;
        };
        if life.state != NodeState::Running {
            return;
        }
        let now = (started.clone(), times);
        let before = self.started.insert(node.clone(), now.clone());
        if before.is_some_and(|before| before.1 == times && before.0 != now.0) {
            self.tell(Some(node), Change::Started, Cause::Outsider);
        }
    }

    fn see(&mut self, node: &NodeName, (meant, times): (Meant, u64), state: NodeState, now: Nanos) {
        let is_down = matches!(state, NodeState::Exited { .. } | NodeState::Missing);
        if is_down {
            let mut down = lock(&self.vigil.inner.down);
            let since = down.entry(node.clone()).or_insert((times, now));
            if since.0 != times {
                *since = (times, now);
            }
        } else {
            lock(&self.vigil.inner.down).remove(node);
        }
        let as_before =
            matches!(self.seen.get(node), Some((s, t, _)) if *s == state && *t == times);
        if !as_before {
            let came_back = matches!(self.seen.get(node), Some((s, t, _))
                if *t == times && state == NodeState::Running && *s != NodeState::Running);
            self.seen.insert(node.clone(), (state.clone(), times, now));
            if came_back && meant == Meant::Down {
                self.tell(Some(node), Change::Started, Cause::Outsider);
            }
            return;
        }
        let held = self
            .seen
            .get(node)
            .is_some_and(|(_, _, since)| now.since(*since) >= HOLDS);
        if !held || self.vigil.is_acting() || self.told.get(node) == Some(&(state.clone(), times)) {
            return;
        }
        let Some(change) = change(meant, &state) else {
            self.told.remove(node);
            return;
        };
        self.told.insert(node.clone(), (state, times));
        // A command that an operator gives by mistake may stop the server with a signal.
        let stops = matches!(change, Change::Frozen | Change::Thawed);
        let told = stops && lock(&self.vigil.inner.commanded).contains(node);
        if let Some(by) = self.blame(node, times, &change).filter(|_| !told) {
            self.tell(Some(node), change, by);
        }
    }

    /// Who did it; none where a step did.
    pub(super) fn blame(&self, node: &NodeName, times: u64, change: &Change) -> Option<Cause> {
        // Until it is started anew, an end by the kernel's or a tool's signal is the doing of what struck it.
        let struck = lock(&self.vigil.inner.struck).get(node) == Some(&times);
        let (by, out_of_memory) = match *change {
            Change::Ended {
                code,
                out_of_memory,
            } => (Cause::of_end(code, out_of_memory), out_of_memory),
            _ => return Some(Cause::Outsider),
        };
        let is_hit = lock(&self.vigil.inner.hit).contains(node);
        match by {
            Cause::Outsider if struck => None,
            Cause::Itself if struck && out_of_memory => None,
            Cause::Untold if struck => None,
            Cause::Untold if is_hit => Some(Cause::Itself),
            by => Some(by),
        }
    }

    pub(super) fn tell(&mut self, node: Option<&NodeName>, change: Change, by: Cause) {
        let now = self.ground.emitter.now();
        self.tell_at(node, change, by, (None, now));
    }

    /// Tells it, unless a look and a report tell the same.
    pub(super) fn tell_at(
        &mut self,
        node: Option<&NodeName>,
        change: Change,
        by: Cause,
        (engine_time, now): (Option<String>, Nanos),
    ) {
        if let Some(node) = node {
            let this = (discriminant(&change), now);
            let last = self.last.insert(node.clone(), this);
            if last.is_some_and(|last| last.0 == this.0 && now.since(last.1) < AGAIN) {
                return;
            }
        }
        let one = Unexplained {
            node: node.cloned(),
            change,
            by,
            engine_time,
        };
        let inner = &self.vigil.inner;
        if one.voids() {
            lock(&inner.why).get_or_insert_with(|| one.told());
        }
        let voids = one.voids();
        self.ground.emitter.say(What::Unexplained(one));
        if voids {
            inner.spoiled.cancel();
        }
    }
}

/// Whether the engine did not answer at all.
fn is_away(error: &RuntimeError) -> bool {
    matches!(
        error,
        RuntimeError::Unavailable(_)
            | RuntimeError::Unreached { .. }
            | RuntimeError::Deadline { .. }
    )
}

/// What became of a node that is meant otherwise; none where it is as it is meant to be.
fn change(meant: Meant, state: &NodeState) -> Option<Change> {
    match (meant, state) {
        (
            Meant::Running | Meant::Frozen,
            NodeState::Exited {
                code,
                out_of_memory,
            },
        ) => Some(Change::Ended {
            code: *code,
            out_of_memory: *out_of_memory,
        }),
        (Meant::Running | Meant::Frozen | Meant::Down, NodeState::Missing) => Some(Change::Removed),
        (Meant::Running, NodeState::Paused) => Some(Change::Frozen),
        (Meant::Frozen, NodeState::Running) => Some(Change::Thawed),
        (Meant::Changing, _)
        | (Meant::Running, NodeState::Running)
        | (Meant::Frozen, NodeState::Paused)
        | (Meant::Down, NodeState::Exited { .. } | NodeState::Running | NodeState::Paused) => None,
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}
