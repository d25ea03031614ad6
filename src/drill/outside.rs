//! What the engine reports of a run's machines, held against what the drill meant.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    id::NodeName,
    record::{Cause, Change},
    runtime::{Deed, Happening, Meant, NodeState, Report, Surroundings},
    time::Nanos,
};

use super::vigil::{HOLDS, Watch};

/// What was heard and seen beside the nodes' own states.
#[derive(Default)]
pub(super) struct Outside {
    /// What no step explains, with when it was heard and how often the drill had acted on the node by then.
    pending: Vec<(Happening, u64, Nanos)>,
    /// What was seen amiss at running nodes: since when, and how often the drill had acted on the node by then.
    amiss: BTreeMap<(NodeName, String), (Nanos, u64)>,
    /// Helpers and strangers that were told.
    told: BTreeSet<(String, String)>,
}

impl Watch {
    /// Takes a report: the engine's own at once, a container's where no step explains it.
    pub(super) fn hear(&mut self, report: Report) {
        match report {
            Report::Resumed { refused, other } => {
                if (refused || other) && self.vigil.why().is_none() {
                    self.tell(None, Change::EngineAnew { other }, Cause::Outsider);
                }
            }
            Report::Happened(one) => {
                let lately = self.ground.runtime.meant_lately(&one.node);
                let Some((_, times)) = self.ground.runtime.meant(&one.node) else {
                    return;
                };
                if !explained(&one, &lately) {
                    let now = self.ground.emitter.now();
                    self.outside.pending.push((one, times, now));
                }
                self.weigh();
            }
        }
    }

    /// Tells what was heard and no step explains, once no step acts any more.
    pub(super) fn weigh(&mut self) {
        if self.vigil.is_acting() {
            return;
        }
        let now = self.ground.emitter.now();
        for (one, times, since) in std::mem::take(&mut self.outside.pending) {
            match &one.helper {
                None => self.weigh_node(one, times, now),
                // It may have ended with its node, whose end is told.
                Some(_) if now.since(since) < HOLDS => {
                    self.outside.pending.push((one, times, since));
                }
                Some(_) => self.weigh_helper(&one, times),
            }
        }
    }

    fn weigh_node(&mut self, one: Happening, times: u64, now: Nanos) {
        let (change, state) = match one.deed {
            Deed::Ended {
                code,
                out_of_memory,
            } => {
                let state = NodeState::Exited {
                    code,
                    out_of_memory,
                };
                let change = Change::Ended {
                    code,
                    out_of_memory,
                };
                (change, Some(state))
            }
            Deed::Frozen => (Change::Frozen, Some(NodeState::Paused)),
            Deed::Thawed => (Change::Thawed, Some(NodeState::Running)),
            Deed::Started => (Change::Started, None),
            Deed::Removed => (Change::Removed, Some(NodeState::Missing)),
            Deed::Signalled(signal) => (Change::Signalled { signal }, None),
        };
        let Some(by) = self.blame(&one.node, times, &change) else {
            return;
        };
        if let Some(state) = state {
            self.told.insert(one.node.clone(), (state, times));
        }
        self.tell_at(Some(&one.node), change, by, (Some(one.at), now));
    }

    fn weigh_helper(&mut self, one: &Happening, times: u64) {
        let Deed::Ended { code, .. } = one.deed else {
            return;
        };
        let name = one.helper.clone().unwrap_or_default();
        self.helper_ended(&one.node, name, Some(code), times);
    }

    /// A helper ended while its node went on and no step acted on that.
    fn helper_ended(&mut self, node: &NodeName, helper: String, code: Option<i64>, times: u64) {
        let change = Change::HelperEnded { helper, code };
        self.amiss(node, "helper", change, times);
    }

    /// Something is amiss beside a node that goes on; told once a node and kind, whether it was heard or seen.
    fn amiss(&mut self, node: &NodeName, kind: &str, change: Change, times: u64) {
        let is_on = self.ground.runtime.meant(node) == Some((Meant::Running, times))
            && self.last_seen(node) == Some(&NodeState::Running);
        let key = (kind.to_owned(), node.to_string());
        if is_on && self.outside.told.insert(key) {
            self.tell(Some(node), change, Cause::Outsider);
        }
    }

    /// Holds what stands beside the nodes against what should.
    pub(super) fn look_around(&mut self, found: Surroundings, now: Nanos) {
        for (name, address) in found.strangers {
            if !self.outside.told.insert((name.clone(), address.clone())) {
                continue;
            }
            let taken = found.addresses.iter().find(|(_, own)| *own == address);
            let node = taken.map(|(node, _)| node.clone());
            let change = Change::Joined { name, address };
            self.tell(node.as_ref(), change, Cause::Outsider);
        }
        let ended = found.ended.into_iter().map(|(node, helper, code)| {
            let change = Change::HelperEnded { helper, code };
            (node, "helper", change)
        });
        let detached = found.detached.into_iter();
        let detached = detached.map(|node| (node, "network", Change::Detached));
        let mut still = BTreeMap::new();
        for (node, kind, change) in ended.chain(detached) {
            let Some((_, times)) = self.ground.runtime.meant(&node) else {
                continue;
            };
            let key = (node.clone(), kind.to_owned());
            let before = self.outside.amiss.get(&key).copied();
            let since = before.filter(|(_, then)| *then == times);
            let since = since.unwrap_or((now, times));
            if now.since(since.0) >= HOLDS && !self.vigil.is_acting() {
                self.amiss(&node, kind, change, times);
            }
            still.insert(key, since);
        }
        self.outside.amiss = still;
    }
}

/// Whether what the drill meant of the node lately explains it.
fn explained(one: &Happening, lately: &[Meant]) -> bool {
    let meant = |any: &[Meant]| lately.iter().any(|one| any.contains(one));
    let restarts = meant(&[Meant::Down, Meant::Changing]);
    match &one.deed {
        // Helpers are started again with their node.
        Deed::Ended { .. } => restarts,
        Deed::Removed => false,
        _ if one.helper.is_some() => true,
        // A SIGKILL is told by the end that follows it at once.
        Deed::Signalled(signal) => restarts || signal == "9" || signal == "SIGKILL",
        Deed::Frozen => meant(&[Meant::Frozen]),
        // What somebody else froze and lets go on was told as it froze.
        Deed::Thawed => restarts || !meant(&[Meant::Frozen]),
        Deed::Started => meant(&[Meant::Changing]),
    }
}
