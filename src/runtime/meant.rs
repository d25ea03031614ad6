//! What the drill last meant a node to do: what it does otherwise, nobody here did.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    id::NodeName,
    time::{Clock, Nanos},
};

/// What a node is meant to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meant {
    /// It is being started or unfrozen: either state is right.
    Changing,
    /// It was started, or let go on.
    Running,
    /// It was frozen.
    Frozen,
    /// It was ended.
    Down,
}

/// What is meant of each node, and how often that was said; said before the deed, but for what makes it run.
#[derive(Debug)]
pub struct Intents {
    clock: Clock,
    all: Mutex<BTreeMap<NodeName, Intent>>,
}

impl Default for Intents {
    fn default() -> Self {
        Self {
            clock: Clock::start(),
            all: Mutex::default(),
        }
    }
}

/// How long after it an intent still explains what an engine reports.
const LATELY: Duration = Duration::from_secs(2);

#[derive(Debug)]
struct Intent {
    meant: Meant,
    times: u64,
    /// What was meant before, each with when it no longer was.
    before: Vec<(Meant, Nanos)>,
}

impl Intents {
    /// Says what a node is meant to do from now on.
    pub fn mean(&self, node: &NodeName, meant: Meant) {
        let mut all = self.lock();
        let Some(one) = all.get_mut(node) else {
            let first = Intent {
                meant,
                times: 1,
                before: Vec::new(),
            };
            all.insert(node.clone(), first);
            return;
        };
        let now = self.clock.now();
        one.before.retain(|(_, until)| now.since(*until) < LATELY);
        one.before.push((one.meant, now));
        one.meant = meant;
        one.times += 1;
    }

    /// What a node is meant to do, with how often that was said; none if it was never started.
    pub fn of(&self, node: &NodeName) -> Option<(Meant, u64)> {
        self.lock().get(node).map(|one| (one.meant, one.times))
    }

    /// What is meant of a node, and what was meant until a moment ago.
    pub fn lately(&self, node: &NodeName) -> Vec<Meant> {
        let now = self.clock.now();
        let all = self.lock();
        let Some(one) = all.get(node) else {
            return Vec::new();
        };
        let fresh = one
            .before
            .iter()
            .filter(|(_, until)| now.since(*until) < LATELY);
        fresh.map(|(meant, _)| *meant).chain([one.meant]).collect()
    }

    /// The nodes of which that was said.
    pub fn nodes(&self) -> Vec<NodeName> {
        self.lock().keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<NodeName, Intent>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
