//! Backups of a stack, kept apart from it, and restores beside the running service.

use std::{future::Future, time::Duration};

use async_trait::async_trait;

use crate::{
    id::NodeName,
    record::{Holdings, LogKept},
    runtime::Runtime,
    time::Bracket,
};

use super::{Design, SystemError, wait::until};

/// The setting that asks for them.
pub const BACKUP: &str = "backup";

/// The node that keeps backups, where a design has one.
pub const NODE: &str = "backup1";

/// What the start script reads in that node.
pub const SCRIPT_PATH: &str = "/drdrill/backup.sh";

/// How often is looked up to where the log is kept.
pub const LAG_EVERY: Duration = Duration::from_millis(250);

/// How long a backup, a fetch or a replay may take.
const TOOL_LIMIT: Duration = Duration::from_secs(15 * 60);

/// The longest wait until the log is received.
const RECEIVED_LIMIT: Duration = Duration::from_secs(60);

/// How often is looked whether it is.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What the script puts before its own words.
const SAID: &str = "drdrill: ";

/// Up to where a restore goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// A moment of the servers' clock, nanoseconds since 1970.
    Moment(i64),
    /// The end of the log that is kept.
    Latest,
}

impl Until {
    /// In microseconds since 1970, in as many digits as backups' names have; beyond all of them for the latest.
    pub fn micros(self) -> String {
        let moment = match self {
            Self::Moment(moment) => moment,
            Self::Latest => i64::MAX,
        };
        format!("{:018}", moment / 1_000)
    }
}

/// Backups of a stack. What a tool refuses is `SystemError::Refused`, in its words; the restore has failed then.
#[async_trait]
pub trait Backups: Send + Sync {
    /// The node that keeps them, and on which they are restored.
    fn node(&self) -> &NodeName;

    /// What the tool counts time in: a point is a whole number of these, at least a microsecond.
    fn counts_in(&self) -> Duration {
        Duration::from_micros(1)
    }

    /// By how much the times in the log may be behind the servers' clock: what was written that much after a point may be in it.
    fn told_late(&self) -> Duration {
        Duration::ZERO
    }

    /// Makes a full backup; returns once it is complete, with what was made.
    async fn backup(&self) -> Result<String, SystemError>;

    /// Lays the newest backup out for a server that was complete by then; returns with how much that was.
    async fn fetch(&self, until: Until) -> Result<String, SystemError>;

    /// Starts a server on it that replays the log up to there, and then takes writes; returns once it does, with where it stopped.
    async fn replay(&self, until: Until) -> Result<String, SystemError>;

    /// Reads everything that the run wrote from the restored server.
    async fn restored(&self) -> Result<Holdings, SystemError>;

    /// Has the restored server acknowledge a write of a table of its own.
    async fn write(&self) -> Result<(), SystemError>;
}

/// Whether a design keeps some.
pub fn kept(design: &Design) -> bool {
    design.settings.get(BACKUP).is_some_and(|way| way != "off")
}

/// That a node keeps none, and why.
pub fn refused(node: &NodeName, why: impl std::fmt::Display) -> SystemError {
    SystemError::Refused(format!("`{node}` keeps no backups: {why}"))
}

/// Waits until a node has received the log as far as is asked.
///
/// # Errors
/// When it has not in time, with the last answer.
pub async fn received<T, A>(node: &NodeName, ask: impl FnMut() -> A) -> Result<T, SystemError>
where
    A: Future<Output = Result<T, String>>,
{
    let seen = until(RECEIVED_LIMIT, LOOK_EVERY, ask).await;
    seen.map_err(|why| refused(node, format!("{why} after {RECEIVED_LIMIT:?}")))
}

/// Runs a node's start script with these words, which makes or restores a backup there; returns what it printed last.
///
/// # Errors
/// The script's last words where it failed.
pub async fn tool(
    runtime: &dyn Runtime,
    node: &NodeName,
    script: &str,
    words: &[&str],
) -> Result<String, SystemError> {
    let argv = [&["sh", script], words].concat();
    let done = runtime.exec(node, &argv, TOOL_LIMIT).await?;
    let last = |text: &str| text.trim().lines().last().unwrap_or_default().to_owned();
    if done.code == 0 {
        return Ok(last(&done.stdout));
    }
    let what = words.first().copied().unwrap_or_default();
    let said = last(&done.stderr);
    let said = said.strip_prefix(SAID).unwrap_or(&said);
    Err(SystemError::Refused(format!("{what} failed: {said}")))
}

/// Of several servers that take writes it is that of the clients whose log counts; where that is none of them, nobody can tell.
pub fn of_clients(
    seen: Vec<(Bracket, LogKept)>,
    used: Option<&NodeName>,
) -> Option<(Bracket, LogKept)> {
    let only = seen.len() == 1;
    seen.into_iter()
        .find(|(_, kept)| only || Some(&kept.node) == used)
}
