//! A fault in force, and undoing it.

use futures_util::future::join_all;

use crate::{
    id::NodeName,
    net::Dose,
    record::What,
    runtime::{NodeState, journal},
};

use super::{
    FaultError, Ground,
    certificate::{self, Replaced},
    clock,
    crash_loop::Looping,
    descriptors::{self, Few},
    disk, little_memory,
    names::{self, Misnamed},
    reboot::Rebooting,
    streams,
};

/// A fault in force. It must be healed, once; the journal heals it when this process cannot.
#[must_use = "a fault that is not healed stays in force until the next sweep"]
#[derive(Debug)]
pub struct ActiveFault {
    /// The step that injected it.
    pub step: usize,
    /// Its kind, as a file names it.
    pub name: &'static str,
    /// What undoes it.
    pub undo: Undo,
}

/// What undoes a fault.
#[derive(Debug)]
pub enum Undo {
    /// Nothing is to be undone.
    Nothing,
    /// These nodes come back as the system brings nodes back.
    BringBack(Vec<NodeName>),
    /// These nodes go on.
    Unpause(Vec<NodeName>),
    /// Packets pass again as they did before the fault.
    Links(Vec<NodeName>),
    /// Streams to these nodes pass again as they did before the fault.
    Streams(Vec<NodeName>, Vec<Dose>),
    /// These nodes have all their CPU time again.
    Unlimit(Vec<NodeName>),
    /// These nodes have all their memory again, and those that have ended come back.
    Memory(Vec<NodeName>),
    /// The processes of these nodes may open as much as before, and those nodes that have ended come back.
    Descriptors(Vec<Few>),
    /// These nodes resolve names as before.
    Names(Vec<Misnamed>),
    /// These nodes present the certificates that they had.
    Certificates(Vec<Replaced>),
    /// The disks of these nodes are sound again, and those that have ended come back.
    Disk(Vec<NodeName>),
    /// This goes on no more; then its nodes come back as the system brings nodes back.
    Loop(Looping),
    /// These nodes tell the right time of day again.
    Clocks(Vec<NodeName>),
    /// These machines come back at once, if they are not back yet.
    Reboot(Rebooting),
}

impl ActiveFault {
    /// Undoes it. Everything is tried; the first failure is returned.
    ///
    /// # Errors
    /// When a node could not be brought back or reached.
    pub async fn heal(self, ground: &Ground) -> Result<(), FaultError> {
        let low = ground.emitter.now();
        let result = match &self.undo {
            Undo::Nothing => return Ok(()),
            Undo::Reboot(rebooting) if rebooting.end().await => return Ok(()),
            Undo::BringBack(nodes) => bring_back(nodes, ground).await,
            Undo::Unpause(nodes) => unpause(nodes, ground).await,
            Undo::Links(_) => reconnect(self.step, ground).await,
            Undo::Clocks(nodes) => clock::set_right(nodes, ground).await,
            Undo::Unlimit(nodes) => unlimit(nodes, ground).await,
            Undo::Memory(nodes) => little_memory::widen(nodes, ground).await,
            Undo::Descriptors(nodes) => descriptors::lift(nodes, ground).await,
            Undo::Names(misnamed) => names::mend(misnamed, ground).await,
            Undo::Certificates(replaced) => certificate::renew(replaced, ground).await,
            Undo::Disk(nodes) => disk::mend(self.step, nodes, ground).await,
            Undo::Streams(_, doses) => streams::calm(doses, ground).await,
            Undo::Reboot(rebooting) => bring_back(rebooting.nodes(), ground).await,
            Undo::Loop(looping) => {
                looping.end().await;
                let back = bring_back(looping.nodes(), ground).await;
                back.and(arm(looping.nodes(), ground).await)
            }
        };
        let at = crate::time::Bracket {
            low,
            high: ground.emitter.now(),
        };
        ground.emitter.say_at(at, What::Healed { step: self.step });
        for node in self.undo.nodes() {
            ground.emitter.say_at(at, What::Returned { node });
        }
        result
    }
}

impl Undo {
    fn nodes(&self) -> Vec<NodeName> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Certificates(replaced) => replaced.iter().map(|one| one.node().clone()).collect(),
            Self::Names(misnamed) => misnamed.iter().map(|one| one.node().clone()).collect(),
            Self::Descriptors(nodes) => nodes.iter().map(|few| few.node().clone()).collect(),
            Self::BringBack(nodes)
            | Self::Unpause(nodes)
            | Self::Unlimit(nodes)
            | Self::Memory(nodes)
            | Self::Clocks(nodes)
            | Self::Links(nodes)
            | Self::Disk(nodes)
            | Self::Streams(nodes, _) => nodes.clone(),
            Self::Loop(looping) => looping.nodes().to_vec(),
            Self::Reboot(rebooting) => rebooting.nodes().to_vec(),
        }
    }
}

/// Brings all nodes back together, and only then arms their links: a node's probes reach for all others.
pub(super) async fn bring_back(nodes: &[NodeName], ground: &Ground) -> Result<(), FaultError> {
    let mut gone = Vec::new();
    for node in nodes {
        // A node that came back by itself is left alone.
        if ground.runtime.state(node).await != Ok(NodeState::Running) {
            gone.push(node.clone());
        }
    }
    let back = join_all(gone.iter().map(|node| ground.system.bring_back(node))).await;
    let mut first = back
        .into_iter()
        .collect::<Result<Vec<()>, _>>()
        .map(drop)
        .map_err(FaultError::from);
    first = first.and(arm(&gone, ground).await);
    first
}

/// A node that was started again has new links, which are probed from now on.
async fn arm(nodes: &[NodeName], ground: &Ground) -> Result<(), FaultError> {
    match &ground.links {
        Some(links) if !nodes.is_empty() => links.arm(nodes).await.map_err(FaultError::from),
        _ => Ok(()),
    }
}

async fn unpause(nodes: &[NodeName], ground: &Ground) -> Result<(), FaultError> {
    let paused = |node| journal::Effect::Paused { node };
    ground
        .undo_each(nodes, paused, |ground, node| ground.runtime.unpause(node))
        .await
}

async fn unlimit(nodes: &[NodeName], ground: &Ground) -> Result<(), FaultError> {
    let limited = |node| journal::Effect::Limited { node };
    ground
        .undo_each(nodes, limited, |ground, node| {
            ground.runtime.limit_cpu(node, None)
        })
        .await
}

async fn reconnect(fault: usize, ground: &Ground) -> Result<(), FaultError> {
    if let Some(links) = &ground.links {
        for node in links.heal(fault).await? {
            let _ = ground.journal.undone(journal::Effect::Cut { node }).await;
        }
    }
    Ok(())
}
