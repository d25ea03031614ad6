//! What the drill last meant a node to do: what it does otherwise, nobody here did.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::id::NodeName;

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
#[derive(Debug, Default)]
pub struct Intents(Mutex<BTreeMap<NodeName, (Meant, u64)>>);

impl Intents {
    /// Says what a node is meant to do from now on.
    pub fn mean(&self, node: &NodeName, meant: Meant) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let one = all.entry(node.clone()).or_insert((meant, 0));
        *one = (meant, one.1 + 1);
    }

    /// What a node is meant to do, with how often that was said; none if it was never started.
    pub fn of(&self, node: &NodeName) -> Option<(Meant, u64)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(node).copied()
    }

    /// The nodes of which that was said.
    pub fn nodes(&self) -> Vec<NodeName> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.keys().cloned().collect()
    }
}
