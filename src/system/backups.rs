//! Backups of a stack, kept apart from it, and restores beside the running service.

use async_trait::async_trait;

use crate::{id::NodeName, record::Holdings};

use super::SystemError;

/// Backups of a stack. What a tool refuses is `SystemError::Refused`, in its words; the restore has failed then.
#[async_trait]
pub trait Backups: Send + Sync {
    /// The node that keeps them, and on which they are restored.
    fn node(&self) -> &NodeName;

    /// Makes a full backup; returns once it is complete, with what was made.
    async fn backup(&self) -> Result<String, SystemError>;

    /// Lays the newest backup out for a server that was complete by a moment of the servers' clock, nanoseconds since 1970; returns
    /// with how much that was.
    async fn fetch(&self, by: i64) -> Result<String, SystemError>;

    /// Starts a server on it that replays the log up to a moment of the servers' clock, nanoseconds since 1970, and then takes
    /// writes; returns once it does, with where it stopped.
    async fn replay(&self, to: i64) -> Result<String, SystemError>;

    /// Reads everything that the run wrote from the restored server.
    async fn restored(&self) -> Result<Holdings, SystemError>;

    /// Has the restored server acknowledge a write of a table of its own.
    async fn write(&self) -> Result<(), SystemError>;
}
