//! Break, verify the effect, un-break: one family per file.

mod active;
mod certificate;
mod clock;
mod consumer;
mod crash_loop;
mod descriptors;
mod disk;
mod inside;
mod late;
mod limits;
mod little_memory;
mod memory;
mod names;
mod noop;
mod packets;
mod partition;
mod person;
mod ports;
mod process;
mod reboot;
mod script;
mod select;
mod storage;
mod stream_effect;
mod streams;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};

use futures_util::future::BoxFuture;

use crate::{
    id::NodeName,
    net::{Links, ToxiproxyError},
    record::{Disruption, Effect, Emitter, Member},
    runtime::{
        Runtime, RuntimeError,
        journal::{self, Journal},
    },
    scenario::{Fault, Play},
    system::{SharedGroup, SharedRunning, SystemError},
    time::Bracket,
};

pub use active::{ActiveFault, Undo};
pub use certificate::Presenting;
pub use clock::{Skewed, rehearse as rehearse_clocks};
pub use consumer::{end_consumer, verify_consumer};
pub use crash_loop::Looping;
pub use descriptors::{Exhausted, rehearse as rehearse_limits};
pub use disk::Spoiled;
pub use inside::Target;
pub use limits::Throttled;
pub use little_memory::Narrow;
pub use memory::Starved;
pub use names::{Looked, rehearse as rehearse_names};
pub use packets::{Shaped, shaping};
pub use person::Shown;
pub use ports::PortCut;
pub use reboot::{Rebooted, Rebooting};
pub use select::{expand_hosts, select};
pub use storage::Gone;
pub use streams::Disturbed;

/// What faults act on.
#[derive(Clone)]
pub struct Ground {
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
}

impl Ground {
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
    /// Nothing of that name runs there.
    #[error("there is no process `{0}` on `{1}`")]
    NoProcess(String, NodeName),
    /// What is to show the harm shows it already.
    #[error("`{0}` on `{1}` says already what it is to say once the harm is done")]
    ShownBefore(String, NodeName),
    /// A disk goes wrong before it is to, or after.
    #[error("the disk of `{0}` is not sound while no fault is in force: {1}")]
    Disk(NodeName, String),
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

/// A fault that was injected: what it was, when, whether its effect was seen, and its undo.
pub struct Injected {
    /// What it was.
    pub disruption: Disruption,
    /// `[t-, t+]`.
    pub at: Bracket,
    /// Its undo.
    pub active: ActiveFault,
    /// What is to be verified.
    pub expected: Expected,
}

/// What a fault's effect should look like.
#[derive(Debug)]
pub enum Expected {
    /// These nodes' processes have ended.
    Ended(Vec<NodeName>),
    /// These nodes ended, and run again.
    Restarted(Vec<NodeName>),
    /// These nodes are frozen.
    Frozen(Vec<NodeName>),
    /// These pairs are cut, and no others; without a second node the harness is meant.
    Cut(Vec<(NodeName, Option<NodeName>)>),
    /// These nodes die again and again, as counted.
    Looping {
        /// The nodes.
        nodes: Vec<NodeName>,
        /// How often they were seen dead and started again.
        deaths: Arc<AtomicU32>,
        /// How long they run in between.
        every: Duration,
    },
    /// These machines were without power, and came back by themselves.
    Rebooted(Rebooted),
    /// These nodes tell a wrong time of day.
    Skewed(Skewed),
    /// The processes of this name that ran on these nodes.
    Gone(String, Vec<Target>),
    /// Data went like this.
    DataGone(Vec<Gone>),
    /// The kernel killed a process of each of these nodes for want of memory.
    Starved(Vec<Starved>),
    /// The disks of these nodes are as bad as asked.
    Spoiled(Spoiled),
    /// These nodes have little CPU time.
    Throttled(Throttled),
    /// These nodes have little memory.
    Narrow(Narrow),
    /// The processes of these nodes can open hardly anything more.
    Exhausted(Exhausted),
    /// Names come to what was asked for.
    Looked(Looked),
    /// Servers present certificates that have expired.
    Presenting(Presenting),
    /// A mistake shows.
    Mistaken(Shown),
    /// New connections to ports end as they should.
    CutPorts(PortCut),
    /// Datagrams on paths fare as they should.
    Shaped(Shaped),
    /// Streams through proxies fare as they should.
    Disturbed(Disturbed),
    /// This node says that it plays this script.
    Playing(NodeName, Play),
    /// Nothing has changed, and these nodes are primary as before.
    Unchanged(Vec<NodeName>),
}

/// Injects a fault. The effect's undo is on disk before the effect.
///
/// # Errors
/// When it has no victim, or the means failed; what was done until then has been journalled.
pub async fn inject(fault: &Fault, step: usize, ground: &Ground) -> Result<Injected, FaultError> {
    match fault {
        Fault::Kill(victim) => process::kill(victim, step, ground).await,
        Fault::Stop(victim) => process::stop(victim, step, ground).await,
        Fault::Pause(victim) => process::pause(victim, step, ground).await,
        Fault::Restart(victim) => process::restart(victim, step, ground).await,
        Fault::CrashLoop(crash) => crash_loop::start(crash, step, ground).await,
        Fault::Reboot(reboot) => reboot::reboot(reboot, step, ground).await,
        Fault::ClockJump(jump) => clock::jump(jump, step, ground).await,
        Fault::ClockDrift(drift) => clock::drift(drift, step, ground).await,
        Fault::KillProcess(kill) => inside::kill(kill, step, ground).await,
        Fault::Wipe(wiped) => storage::wipe(wiped, step, ground).await,
        Fault::Damage(bad) => storage::damage(bad, step, ground).await,
        Fault::DiskFull(_)
        | Fault::DiskReadOnly(_)
        | Fault::DiskSlow(_)
        | Fault::DiskErrors(_)
        | Fault::LoseUnsynced(_) => disk::spoil(fault, step, ground).await,
        Fault::Cpu(cpu) => limits::cpu(cpu, step, ground).await,
        Fault::Memory(little) => little_memory::narrow(little, step, ground).await,
        Fault::OutOfMemory(starved) => memory::exhaust(starved, step, ground).await,
        Fault::Descriptors(few) => descriptors::exhaust(few, step, ground).await,
        Fault::Dns(dns) => names::misname(dns, step, ground).await,
        Fault::Certificate(expired) => certificate::expire(expired, step, ground).await,
        Fault::Mistake(mistake) => person::err(mistake, step, ground).await,
        Fault::Partition(partition) => partition::cut(partition, step, ground).await,
        Fault::Latency(_)
        | Fault::Loss(_)
        | Fault::Duplicate(_)
        | Fault::Corrupt(_)
        | Fault::Reorder(_)
        | Fault::Bandwidth(_) => packets::shape(fault, step, ground).await,
        Fault::Reset(_)
        | Fault::HalfOpen(_)
        | Fault::SlowClose(_)
        | Fault::Slice(_)
        | Fault::LimitData(_)
        | Fault::StreamLatency(_)
        | Fault::StreamBandwidth(_) => streams::disturb(fault, step, ground).await,
        Fault::Script(script) => script::play(script, step, ground).await,
        Fault::Noop => noop::noop(step, ground).await,
    }
}

/// Looks whether the effect is there, from the machines and by application bytes.
pub async fn verify(step: usize, expected: &Expected, ground: &Ground) -> Effect {
    match expected {
        Expected::Ended(nodes) => process::verify_ended(step, nodes, ground).await,
        Expected::Restarted(nodes) => process::verify_restarted(step, nodes, ground).await,
        Expected::Frozen(nodes) => process::verify_frozen(step, nodes, ground).await,
        Expected::Cut(pairs) => partition::verify(step, pairs, ground).await,
        Expected::Looping {
            nodes,
            deaths,
            every,
        } => crash_loop::verify(step, nodes, deaths, *every, ground).await,
        Expected::Rebooted(rebooted) => reboot::verify(step, rebooted, ground).await,
        Expected::Skewed(skewed) => clock::verify(step, skewed, ground).await,
        Expected::Gone(name, targets) => inside::verify(step, name, targets, ground).await,
        Expected::DataGone(gone) => storage::verify(step, gone, ground).await,
        Expected::Starved(starved) => memory::verify(step, starved, ground).await,
        Expected::Spoiled(spoiled) => disk::verify(step, spoiled, ground).await,
        Expected::Throttled(throttled) => limits::verify(step, throttled, ground).await,
        Expected::Narrow(narrow) => little_memory::verify(step, narrow, ground).await,
        Expected::Exhausted(exhausted) => descriptors::verify(step, exhausted, ground).await,
        Expected::Looked(looked) => names::verify(step, looked, ground).await,
        Expected::Presenting(presenting) => certificate::verify(step, presenting, ground).await,
        Expected::Mistaken(shown) => person::verify(step, shown, ground).await,
        Expected::CutPorts(cut) => ports::verify(step, cut, ground).await,
        Expected::Shaped(shaped) => packets::verify(step, shaped, ground).await,
        Expected::Disturbed(disturbed) => streams::verify(step, disturbed).await,
        Expected::Playing(node, play) => script::verify(step, node, *play, ground).await,
        Expected::Unchanged(primaries) => noop::verify(step, primaries, ground).await,
    }
}
