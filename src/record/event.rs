//! The events of a run, in the order in which they were written to `events.jsonl`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    history::Lane,
    id::{NodeName, RunId},
    scenario::Scenario,
    seed::Seed,
    time::Bracket,
};

use super::{
    AlertEvent, Alerting, BackedUp, Consumed, ConsumerGroup, ControlEvent, Environment, FinalRead,
    Harness, ImageFact, LogKept, Rebalanced, Restored, Stack, Unexplained, View, Watched,
};

/// One thing that happened, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Just before and just after it, on the run's clock.
    pub at: Bracket,
    /// What it was.
    pub what: What,
}

/// What can happen in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The run was opened; always the first event, written before anything is created.
    Opened(Box<Opened>),
    /// What the drill runs on.
    Environment(Environment),
    /// An image was resolved.
    Image(ImageFact),
    /// Progress worth telling a person; nothing is judged by it.
    Note(String),
    /// The stack stands and replication is proven flowing.
    Stack(Box<Stack>),
    /// The stack is the one of an earlier repeat, made ready again.
    Rearmed(Rearmed),
    /// What the stack took from closed-loop clients before the first disruption.
    Capacity(Capacity),
    /// Prometheus and Alertmanager stand beside the stack, proven to work or not; before the clients start.
    Alerting(Box<Alerting>),
    /// Something became of an alert: of Prometheus' view between two looks, or as a notification arrived.
    Alert(AlertEvent),
    /// For the time of the bracket Prometheus did not answer, or its watchdog did not fire, and why.
    AlertsUnseen { why: String },
    /// A consumer group stands; before the other clients start.
    ConsumerGroup(Box<ConsumerGroup>),
    /// A member of it was given partitions, or they were taken from it.
    Rebalanced(Rebalanced),
    /// What a member consumed of a partition.
    Consumed(Consumed),
    /// The clients start: their lanes.
    Clients(Vec<Lane>),
    /// A step of the scenario starts.
    StepStarted { step: usize, title: String },
    /// A step has ended.
    StepEnded { step: usize, result: StepResult },
    /// A disruptive step acted; the bracket is `[t-, t+]`.
    Disrupted(Disruption),
    /// Whether a disruption's effect was seen.
    Effect(Effect),
    /// A fault was undone: the step that injected it. Whatever recovers later may owe it to this.
    Healed { step: usize },
    /// An operator's action of a runbook, and the node it acted on.
    Action(Deed),
    /// A backup was made, or not.
    BackedUp(BackedUp),
    /// Up to where the log was kept apart from the stack.
    LogKept(LogKept),
    /// A backup was restored beside the running service, or not.
    Restored(Box<Restored>),
    /// A node's own view of itself, or that it could not be asked.
    View(View),
    /// What the control plane said.
    Control(ControlEvent),
    /// The harness itself was held up for this long: its pacer woke late.
    Stalled { by: Duration },
    /// So many packets the machine's connection tracking dropped while clients were on.
    Dropped { packets: u64 },
    /// Something became of a node that no step caused.
    Unexplained(Unexplained),
    /// The nodes were watched for that up to here.
    Watched(Watched),
    /// A node that a fault took away was started again or reached again.
    Returned { node: NodeName },
    /// Every member is present, in sync, eligible for failover, its lag under the limit.
    Redundant { evidence: Vec<String> },
    /// Replay is finished and positions are equal (`true`), or the deadline passed before.
    Converged {
        reached: bool,
        evidence: Vec<String>,
    },
    /// The clients have stopped: from when they were told to, until no operation was in flight.
    ClientsStopped,
    /// How many operations of each lane were due until then, by the pacer's own count: so many must be in the history.
    Due { operations: Vec<u64> },
    /// A final read of one source.
    Final(FinalRead),
    /// The run's work is over; judging starts.
    Closed(Status),
    /// What teardown left behind; empty means nothing.
    Residue(Residue),
    /// Every fault is undone and the stack stays for the next repeat, which removes it or hands it on.
    HandedOn,
}

/// What is fixed before the fault: written first so that targets cannot be changed afterwards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// The version of the run folder's formats.
    pub format: u32,
    /// The run.
    pub run: RunId,
    /// Wall-clock start, RFC 3339, for labels only.
    pub started: String,
    /// Which repeat this is, from 1.
    pub attempt: u32,
    /// Out of how many.
    pub attempts: u32,
    /// The seed of all random choices.
    pub seed: Seed,
    /// The program that runs it, and the machine whose clock it uses.
    pub harness: Harness,
    /// The scenario file's name as it was given.
    pub file: String,
    /// SHA-256 of the scenario file as the run folder holds it, hexadecimal.
    pub scenario_sha256: String,
    /// What replaced values of the file, in the order in which it was applied.
    pub overrides: Vec<(String, String)>,
    /// The scenario as resolved: overrides applied, defaults filled in.
    pub scenario: Scenario,
    /// The last completed run of the scenario in the same reports folder, to be compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Last>,
}

/// Where a stack that was not brought up for this run comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rearmed {
    /// The run that it was brought up for; its machines carry that run's label.
    pub stack_of: RunId,
    /// The run that was on it last.
    pub after: RunId,
    /// Which run on this stack this is; the first one brought it up.
    pub nth: u32,
    /// What the run before lends to this one's baseline: its operations of service lanes that were acknowledged after
    /// the last failure of their lane, up to its end; 0 if that was not enough to lend.
    pub lent: u64,
    /// How the stack proved that it is ready again, and that nothing holds the next failover back.
    pub evidence: Vec<String>,
}

/// An earlier run, as its result said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// The run.
    pub run: RunId,
    /// The digest of its manifest.
    pub manifest_sha256: String,
    /// Its verdict in a word.
    pub verdict: String,
    /// Its target lines.
    pub lines: Vec<LastLine>,
}

/// A target line of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastLine {
    /// The figure's name.
    pub figure: String,
    /// The measured value with its unit.
    pub measured: String,
    /// How it came out, in a word.
    pub state: String,
}

/// What closed-loop clients got done beside the drill's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// Writes acknowledged to them.
    pub writes: u64,
    /// In this time.
    pub took: Duration,
}

impl Capacity {
    /// Writes a second.
    pub fn per_second(&self) -> f64 {
        self.writes as f64 / self.took.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepResult {
    /// As intended.
    Done,
    /// A condition did not hold by its deadline.
    Unmet(String),
    /// It could not be done.
    Failed(String),
}

/// What an operator did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// The step of the scenario that runs the runbook.
    pub step: usize,
    /// What was done.
    pub text: String,
    /// The node that it was done to.
    pub node: Option<NodeName>,
    /// The time that it takes a person, where the drill did not wait for one: it is not in the event's own bracket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<Duration>,
}

/// A step that may interrupt the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Disruption {
    /// The step's index in the scenario.
    pub step: usize,
    /// What kind of event it opens.
    pub kind: DisruptionKind,
    /// The fault or move in a word, for instance `kill`.
    pub name: String,
    /// The nodes it hits.
    pub victims: Vec<NodeName>,
    /// Whether a victim was the primary.
    pub primary_hit: bool,
    /// By which means, for instance `SIGKILL by the engine` or `nftables in the sidecar`.
    pub means: String,
}

/// What kind of event a disruption opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DisruptionKind {
    /// Something was broken.
    Fault,
    /// Nothing was done: the control.
    Control,
    /// The primary was moved in the planned way.
    Switchover,
    /// The primary was moved back.
    Failback,
}

/// Whether a disruption's effect was seen, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// The step that disrupted.
    pub step: usize,
    /// What was seen.
    pub state: EffectState,
    /// The observations, one sentence each.
    pub evidence: Vec<String>,
}

/// What was seen of a disruption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectState {
    /// Exactly what was intended.
    Verified,
    /// Not what was intended.
    NotVerified,
    /// Nothing changed, as intended of a control.
    Unchanged,
}

/// How the run ended. Apart from the verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Every step was taken.
    Completed,
    /// A person stopped it.
    Interrupted,
    /// It could not go on, and why.
    Aborted(String),
    /// It was stopped before its end by a condition of its own or from outside, as asked for; by which.
    Halted(String),
}

/// What teardown left behind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Residue {
    /// Things that are still there, for instance `container drdrill-ab12cd-pg1`.
    pub left: Vec<String>,
    /// Undo steps that failed, and why.
    pub failed: Vec<String>,
    /// How many containers, networks, volumes and processes were removed.
    pub removed: u32,
}

impl Residue {
    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.left.extend(other.left);
        self.failed.extend(other.failed);
        self.removed += other.removed;
        self
    }
}
