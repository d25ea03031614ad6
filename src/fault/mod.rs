//! Break, verify the effect, un-break: one fault a file, and what several share.

mod active;
mod clock;
mod consumer;
mod described;
mod disk;
mod ended;
mod late;
mod packets;
mod permit;
mod ports;
mod select;
mod stored;
mod stream_effect;
mod streams;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use crate::{
    id::NodeName,
    net::{Links, Shaping, ToxiproxyError},
    record::{Disruption, DisruptionKind, Emitter, Member},
    runtime::{
        Runtime, RuntimeError,
        journal::{self, Journal},
    },
    scenario::{Fault, for_each_fault},
    system::{SharedGroup, SharedRunning, SystemError},
    time::Bracket,
};

pub use active::{ActiveEffect, ActiveFault, Undone};
pub use consumer::{end_consumer, verify_consumer};
pub use described::Seen;
pub use permit::Permit;
pub use select::{expand_hosts, select};

/// How a fault of a kind is made.
#[async_trait]
trait Action: Send + Sync {
    /// Makes it. Its undo is on disk before its effect; `step` is the one that asks for it.
    async fn inject(&self, step: usize, context: &FaultContext) -> Result<Injected, FaultError>;

    /// Finds out, before any client starts, whether it can be made and looked at.
    async fn rehearse(&self, _context: &FaultContext) -> Result<(), FaultError> {
        Ok(())
    }

    /// What it does to packets, if it does that.
    fn shaping(&self) -> Option<Shaping> {
        None
    }
}

macro_rules! act {
    ($($module:ident: $Kind:ident,)*) => {
        $(mod $module;)*

        fn action(fault: &Fault) -> &dyn Action {
            match fault {
                $(Fault::$Kind(kind) => kind,)*
            }
        }
    };
}

for_each_fault!(act);

/// What faults act on.
#[derive(Clone)]
pub struct FaultContext {
    /// The machines.
    pub runtime: Arc<dyn Runtime>,
    /// Their links, where they can be cut.
    pub links: Option<Arc<dyn Links>>,
    /// The stack.
    pub system: SharedRunning,
    /// The consumer group beside the clients, if there is one.
    pub group: Option<SharedGroup>,
    /// Where what happens is said.
    pub emitter: Emitter,
    /// The write-ahead undo.
    pub journal: Journal,
    /// The primary when the drill's first disruptive step started.
    pub first_primary: NodeName,
    /// Which nodes lie in which region.
    pub regions: Arc<BTreeMap<String, Vec<NodeName>>>,
    /// The nodes whose clocks may be changed.
    pub clocked: Arc<BTreeSet<NodeName>>,
    /// How many nodes may be out of service at a time, where that is limited.
    pub permit: Option<Permit>,
}

impl FaultContext {
    /// The stack's members.
    pub fn members(&self) -> &[Member] {
        &self.system.stack().members
    }

    /// Puts the undo of an effect at each of these nodes on disk, before the effect.
    async fn write_ahead(
        &self,
        nodes: &[NodeName],
        effect: fn(NodeName) -> journal::Effect,
    ) -> Result<(), FaultError> {
        for node in nodes {
            let written = self.journal.ensure(effect(node.clone())).await;
            written.map_err(|error| FaultError::Journal(error.to_string()))?;
        }
        Ok(())
    }

    /// Undoes an effect at each of these nodes, and takes it out of the journal where that went well; the first error.
    async fn undo_each(
        &self,
        nodes: &[NodeName],
        effect: fn(NodeName) -> journal::Effect,
        undo: for<'a> fn(&'a Self, &'a NodeName) -> BoxFuture<'a, Result<(), RuntimeError>>,
    ) -> Result<(), FaultError> {
        let mut first = Ok(());
        for node in nodes {
            let result = undo(self, node).await;
            if result.is_ok() {
                let _ = self.journal.undone(effect(node.clone())).await;
            }
            first = first.and(result.map_err(FaultError::from));
        }
        first
    }
}

/// Why a fault could not be injected or undone.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FaultError {
    /// The machines failed.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The system failed.
    #[error(transparent)]
    System(#[from] SystemError),
    /// The proxies failed.
    #[error(transparent)]
    Toxiproxy(#[from] ToxiproxyError),
    /// Streams through a proxy do not work before the fault.
    #[error("proxy `{0}` does not pass bytes before the fault: {1}")]
    Stream(String, String),
    /// The selector chose nobody.
    #[error("`{0}` chooses no node of this stack")]
    NoVictim(String),
    /// More nodes would be out of service than may be.
    #[error(
        "{0} would be out of service together, and `max-targets` is {1}: raise it where they may be, or heal before"
    )]
    TooMany(String, usize),
    /// Those that decide by majority could not any more.
    #[error(
        "without {0} those that decide, {1} in all, have no majority left: this is not done to a stack that drdrill did not create"
    )]
    Quorum(String, usize),
    /// Nothing of that name runs there.
    #[error("there is no process `{0}` on `{1}`")]
    NoProcess(String, NodeName),
    /// What is to show the harm shows it already.
    #[error("`{0}` on `{1}` says already what it is to say once the harm is done")]
    ShownBefore(String, NodeName),
    /// A disk goes wrong before it is to, or after.
    #[error("the disk of `{0}` is not sound while no fault is in force: {1}")]
    Disk(NodeName, String),
    /// New connections are still too few once no limit is in force.
    #[error("of {2} new connections to `{0}` only {1} pass bytes while no limit is in force")]
    Limited(NodeName, u32, u32),
    /// No port that is to be closed is open.
    #[error("no node can reach another one on any of these ports: {0}")]
    NoPort(String),
    /// A node's clock cannot be changed, or was not.
    #[error("{0}")]
    Clock(String),
    /// A server's certificate is not accepted while no fault is in force.
    #[error("the certificate of `{0}` is not accepted while no fault is in force: {1}")]
    Certificate(NodeName, String),
    /// The undo could not be written, so the effect was not made.
    #[error("failed to write the undo ahead of the effect: {0}")]
    Journal(String),
}

/// A fault that was made.
struct Injected {
    /// The nodes that it struck.
    victims: Vec<NodeName>,
    /// Whether a primary is one of them.
    primary_hit: bool,
    /// By what means.
    means: String,
    /// `[t-, t+]`.
    at: Bracket,
    /// What it has done.
    effect: Arc<dyn ActiveEffect>,
}

/// Injects a fault: what was done, when, and what is in force now. The effect's undo is on disk before the effect.
///
/// # Errors
/// When it has no victim, or the means failed; what was done until then has been journalled.
pub async fn inject(
    fault: &Fault,
    step: usize,
    context: &FaultContext,
) -> Result<(Disruption, Bracket, ActiveFault), FaultError> {
    let injected = action(fault).inject(step, context).await?;
    // What is over by now leaves nobody out of service.
    let lasts = fault.lasts() || fault.lasting().is_some();
    if let Some(permit) = context.permit.as_ref().filter(|_| lasts) {
        permit.struck(step, &injected.victims);
    }
    let disruption = Disruption {
        step,
        kind: match fault.is_control() {
            true => DisruptionKind::Control,
            false => DisruptionKind::Fault,
        },
        name: fault.name().into(),
        victims: injected.victims,
        primary_hit: injected.primary_hit,
        means: injected.means,
    };
    let active = ActiveFault {
        step,
        name: fault.name(),
        control: fault.is_control(),
        effect: injected.effect,
    };
    Ok((disruption, injected.at, active))
}

/// Finds out, before any client starts, whether faults can be made and looked at: each kind once.
///
/// # Errors
/// When one cannot.
pub async fn rehearse(faults: &[Fault], context: &FaultContext) -> Result<(), FaultError> {
    let mut rehearsed = BTreeSet::new();
    for fault in faults {
        if rehearsed.insert(fault.name()) {
            action(fault).rehearse(context).await?;
        }
    }
    Ok(())
}

/// What a fault does to packets, if it does that.
pub fn shaping(fault: &Fault) -> Option<Shaping> {
    action(fault).shaping()
}
