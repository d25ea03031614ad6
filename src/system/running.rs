//! A stack that stands: its clients, its observers, its roles, and what it can be asked to do.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{
    history::Lane,
    id::{NodeName, RunId},
    record::{Emitter, Holdings, Source, Stack, View},
    runtime::RuntimeError,
    scenario::{AppClients, Play},
};

use super::{Backups, Client, Consumers, certified::Certified, proxied::Proxied};

/// Why a system could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SystemError {
    /// The machines failed.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// The stack did not come up: the node, the last thing waited for, the tail of its log.
    #[error("`{node}` did not come up: {waited}\n{log}")]
    NotReady {
        /// The node.
        node: NodeName,
        /// What was waited for, and how long.
        waited: String,
        /// The tail of the node's log.
        log: String,
    },
    /// The system refused or failed.
    #[error("{0}")]
    Refused(String),
}

/// Whether every member is present, in sync and eligible for failover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redundancy {
    /// Whether it is so.
    pub whole: bool,
    /// What was seen of each member, one sentence each; what is missing first.
    pub evidence: Vec<String>,
}

/// A time of day that a server told, nanoseconds since 1970: between these when it answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// At the earliest.
    pub low: i64,
    /// At the latest.
    pub high: i64,
}

impl Told {
    /// From a server that counts in so many nanoseconds, rounded down.
    pub fn counted(count: i64, unit: i64) -> Self {
        let low = count.saturating_mul(unit);
        Self {
            low,
            high: low.saturating_add(unit),
        }
    }
}

/// A task that watches the stack until it is told to stop.
pub type Observer = tokio::task::JoinHandle<()>;

/// A stack that stands.
#[async_trait]
pub trait Running: Send + Sync {
    /// What stands, with settings read back and the bounds that follow from them.
    fn stack(&self) -> &Stack;

    /// Creates what the workload writes to, for the given lanes.
    async fn prepare(&self, run: &RunId, lanes: &[Lane]) -> Result<(), SystemError>;

    /// A client for a service or pinned lane; it connects when first used.
    fn client(&self, lane: &Lane) -> Box<dyn Client>;

    /// A client for an app lane on a shared pool with the driver's own timeouts and retries. The pool is
    /// made at the first call and shared by all later ones.
    fn app_client(&self, lane: &Lane, app: &AppClients) -> Box<dyn Client>;

    /// Starts the observers: each node's own view on every change and at least once a second, and the
    /// control plane's events. They end when told to, and the caller joins them.
    fn observe(&self, emitter: &Emitter, stop: CancellationToken) -> Vec<Observer>;

    /// The node's own view, asked now, within a second.
    async fn view(&self, node: &NodeName) -> View;

    /// The time of day that a member tells (`System::tell_time`), asked now, within a second.
    ///
    /// # Errors
    /// When it does not answer, or servers of its kind are not asked.
    async fn time_of(&self, _node: &NodeName) -> Result<Told, SystemError> {
        let words = "servers of this system are not asked for their time";
        Err(SystemError::Refused(words.into()))
    }

    /// The node that is primary now.
    ///
    /// # Errors
    /// When there is none or more than one: always where there are shards.
    async fn primary(&self) -> Result<NodeName, SystemError>;

    /// The nodes that are primary now: the only one, or where there are shards that of each, in their order.
    ///
    /// # Errors
    /// When there is none or more than one, of any shard.
    async fn primaries(&self) -> Result<Vec<NodeName>, SystemError> {
        Ok(vec![self.primary().await?])
    }

    /// Whether the stack is whole now.
    async fn redundancy(&self) -> Redundancy;

    /// Whether replay is finished and positions are equal now, with proof.
    async fn converged(&self) -> Redundancy;

    /// Reads everything that the run wrote, from the authoritative side or one member.
    async fn final_read(&self, source: &Source) -> Result<Holdings, SystemError>;

    /// Prepares a node that was killed or stopped so that it comes back as a follower, and starts it.
    /// Where the system rejoins by itself this only starts the node.
    async fn bring_back(&self, node: &NodeName) -> Result<(), SystemError>;

    /// Moving the primary in the planned way, if the topology can.
    fn planned_move(&self) -> Option<&dyn PlannedMove> {
        None
    }

    /// Promoting by hand, if the topology has a runbook for it.
    fn promote(&self) -> Option<&dyn Promote> {
        None
    }

    /// The cluster that decides (etcd, Kafka's controllers, MongoDB's config servers), if a step may choose its leader.
    fn control_plane(&self) -> Option<&dyn ControlPlane> {
        None
    }

    /// Making it ready for another drill, if the system can; else each drill needs a fresh stack.
    fn rearm(&self) -> Option<&dyn Rearm> {
        None
    }

    /// The proxies through which clients or followers reach its nodes, if there are some.
    fn proxied(&self) -> Option<&Proxied> {
        None
    }

    /// The certificates of its servers, if they present some.
    fn certified(&self) -> Option<&Certified> {
        None
    }

    /// Consumers that share partitions as a group, if its clients can.
    fn consumers(&self) -> Option<&dyn Consumers> {
        None
    }

    /// Backups that are kept apart from it, if there are some.
    fn backups(&self) -> Option<&dyn Backups> {
        None
    }

    /// Playing outages of known length, if its nodes can.
    fn scripted(&self) -> Option<&dyn Scripted> {
        None
    }

    /// What nodes keep besides their logs that belongs to the evidence, for instance what they rolled back; each under a
    /// name for its file.
    async fn keepsakes(&self) -> Vec<(NodeName, String)> {
        Vec::new()
    }

    /// Why nothing more can be learnt through it, where that is so: what acts for the clients is gone.
    fn lost(&self) -> Option<String> {
        None
    }

    /// Removes what the run wrote, where the stack outlives it.
    async fn remove_data(&self) -> Result<(), SystemError> {
        Ok(())
    }

    /// Closes what it holds open and lets go of the run's emitter, which else would keep the run's event log open. The
    /// machines are removed by the runtime afterwards, or stay for another drill.
    async fn close(&self);
}

/// Moving the primary in the planned way.
#[async_trait]
pub trait PlannedMove: Send + Sync {
    /// Moves it, to `to` or wherever the system chooses; returns when the system says that it is done.
    async fn switchover(&self, to: Option<&NodeName>) -> Result<NodeName, SystemError>;
}

/// Promoting a follower by hand after the primary is gone, step by step.
#[async_trait]
pub trait Promote: Send + Sync {
    /// The follower that lost least.
    async fn best_candidate(&self) -> Result<NodeName, SystemError>;

    /// Makes it primary; returns when it accepts writes.
    async fn promote(&self, node: &NodeName) -> Result<(), SystemError>;

    /// Makes the other reachable followers follow it.
    async fn refollow(&self, primary: &NodeName) -> Result<(), SystemError>;

    /// Makes the clients' endpoint lead to it.
    async fn repoint(&self, primary: &NodeName) -> Result<(), SystemError>;
}

/// The cluster that decides who is primary.
#[async_trait]
pub trait ControlPlane: Send + Sync {
    /// The machine (`Member::host`) whose member leads it.
    async fn leader_host(&self) -> Result<String, SystemError>;

    /// Moves its leadership to a member on that machine.
    ///
    /// # Errors
    /// When it did not move, or nothing can move it.
    async fn move_leader(&self, host: &str) -> Result<(), SystemError>;
}

/// Making a stack ready for another drill.
#[async_trait]
pub trait Rearm: Send + Sync {
    /// Waits out what holds the next failover back, proves again that replication flows and that the control plane could
    /// fail over, and reads the settings back. Returns the stack for the new run, whose workload is apart from that of
    /// every run before, and why nothing holds the next failover back, one sentence each.
    ///
    /// # Errors
    /// When the stack is not as good as a fresh one, or would be later than a fresh one is.
    async fn rearm(
        &self,
        run: &RunId,
        emitter: &Emitter,
    ) -> Result<(SharedRunning, Vec<String>), SystemError>;
}

/// Nodes that play outages by themselves and log when they began and ended.
#[async_trait]
pub trait Scripted: Send + Sync {
    /// Lets a node begin; returns once it has begun. It ends by itself.
    async fn play(&self, node: &NodeName, play: Play, lasting: Duration)
    -> Result<(), SystemError>;
}

/// A stack shared by everything that acts on it.
pub type SharedRunning = Arc<dyn Running>;
