//! Consumers that share a topic's partitions as one group.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    id::NodeName,
    record::{ConsumerGroup, Emitter},
    scenario::{ConsumerClients, ConsumerEnd},
    time::Nanos,
};

use super::SystemError;

/// A system whose clients can consume as a group.
#[async_trait]
pub trait Consumers: Send + Sync {
    /// Lets consumers join one group, and begins to send beats; returns once every partition is consumed.
    ///
    /// # Errors
    /// When that is not so by a deadline.
    async fn join(
        &self,
        spec: &ConsumerClients,
        emitter: &Emitter,
    ) -> Result<SharedGroup, SystemError>;
}

/// A group at work. What its members are given, give back and consume goes to the run's event log.
#[async_trait]
pub trait Group: Send + Sync {
    /// As it stood when every partition was consumed.
    fn facts(&self) -> &ConsumerGroup;

    /// The node that coordinates it now.
    ///
    /// # Errors
    /// When no node says so.
    async fn coordinator(&self) -> Result<NodeName, SystemError>;

    /// Lets a member go away; returns once it is gone.
    ///
    /// # Errors
    /// When there is no such member.
    async fn end(&self, end: ConsumerEnd) -> Result<(), SystemError>;

    /// The members that the coordinator counts now.
    ///
    /// # Errors
    /// When it does not say.
    async fn counted(&self) -> Result<Vec<NodeName>, SystemError>;

    /// Since when every partition has been consumed in time; none while one is not.
    fn in_time_since(&self) -> Option<Nanos>;

    /// Ends the beats, lets the members that are left leave, and waits for them.
    async fn close(&self);
}

/// A group shared by everything that acts on it.
pub type SharedGroup = Arc<dyn Group>;
