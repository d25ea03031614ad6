//! Backups that a drill made, and what its restores brought back.

use serde::{Deserialize, Serialize};

use crate::{
    id::NodeName,
    scenario::Point,
    time::{Bracket, Nanos},
};

use super::Holdings;

/// A backup that was made, or why it was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackedUp {
    /// The step that made it.
    pub step: usize,
    /// The node that keeps it.
    pub node: NodeName,
    /// What was made, or the tool's words.
    pub made: Result<String, String>,
}

/// How far the log was kept apart from the stack, as its primary saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogKept {
    /// The primary.
    pub node: NodeName,
    /// Up to where it had written its log: a position that only grows, in the system's own count.
    pub written: u64,
    /// Up to where that was kept; none while nobody received it.
    pub kept: Option<u64>,
}

/// A restore beside the running service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// The step that restored.
    pub step: usize,
    /// The point that was asked for.
    pub to: Point,
    /// The node on which the service was restored.
    pub node: NodeName,
    /// The point on the servers' clock that the tool was given, nanoseconds since 1970.
    pub point_ns: i64,
    /// The same on the run's clock: as far apart as the two clocks could not be told from each other.
    pub point: Bracket,
    /// When the restore was decided on.
    pub begun: Nanos,
    /// The stages that it came through, in order.
    pub stages: Vec<RestoreStage>,
    /// What shows a mistake's harm, asked of the restored service; none where no mistake was made.
    pub harm: Option<HarmSeen>,
    /// Everything that the run wrote and the restored service holds, or why there is none.
    pub held: Result<Holdings, String>,
    /// Whether there is none because the tool refused it, and not because of what the drill runs on.
    #[serde(default)]
    pub refused: bool,
}

/// A stage that a restore came through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreStage {
    /// Which.
    pub name: StageName,
    /// When it was over: for the first write when it was sent and acknowledged.
    pub at: Bracket,
    /// What the tool said.
    pub said: String,
}

/// The stages of a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StageName {
    /// The backup lies where the server expects it.
    Fetched,
    /// The log is replayed up to the point, and the server has opened.
    Replayed,
    /// The first of the writes in a row that were acknowledged.
    Writes,
}

impl StageName {
    /// In a few words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Fetched => "backup fetched",
            Self::Replayed => "log replayed",
            Self::Writes => "first write",
        }
    }
}

/// What the command said that shows a mistake's harm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HarmSeen {
    /// The command.
    pub shows: String,
    /// What it says where the harm is.
    pub expect: String,
    /// What it said of the restored service, or why it could not be asked.
    pub said: Result<String, String>,
}
