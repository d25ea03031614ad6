//! The seam to an engine's images: find, pull, build, and run a command in one.

use std::time::Duration;

use async_trait::async_trait;

use crate::id::RunId;

use super::{ExecOutput, NodeFile, RuntimeError};

/// An image that an engine holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageInfo {
    /// The engine's id of it, `sha256:...`.
    pub id: String,
    /// The digest under which a registry knows it, if it came from one.
    pub repo_digest: Option<String>,
    /// Bytes on disk.
    pub size: u64,
    /// Its labels.
    pub labels: Vec<(String, String)>,
}

/// An image to build.
#[derive(Debug, Clone)]
pub struct BuildSpec {
    /// The reference that it gets.
    pub tag: String,
    /// The build context; one of the files is `Dockerfile`.
    pub context: Vec<NodeFile>,
    /// Build arguments.
    pub arguments: Vec<(String, String)>,
    /// Labels.
    pub labels: Vec<(String, String)>,
}

/// The images of an engine.
#[async_trait]
pub trait ImageStore: Send + Sync {
    /// Looks an image up; none when the engine does not hold it.
    async fn find(&self, reference: &str) -> Result<Option<ImageInfo>, RuntimeError>;

    /// Pulls an image. Gives up early when the registry sends nothing at all for `first`.
    async fn pull(
        &self,
        reference: &str,
        first: Duration,
        limit: Duration,
    ) -> Result<(), RuntimeError>;

    /// Builds an image.
    async fn build(&self, spec: &BuildSpec, limit: Duration) -> Result<(), RuntimeError>;

    /// Runs a program in a throw-away container of an image, with the run's label, network off and
    /// `NET_ADMIN` in it; exit code 126 or 127 when the image has no such program.
    async fn run_once(
        &self,
        run: &RunId,
        image: &str,
        argv: &[&str],
        limit: Duration,
    ) -> Result<ExecOutput, RuntimeError>;
}
