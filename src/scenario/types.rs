//! The scenario as resolved: every default filled in. It serialises to the shape of the file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Abort, Alerting, Attach, BackupTime, ConsistencyClients, ConsumerClients, ConsumerEnd, Dur,
    Fault, MustFail, Percent, Rate, Restore, RunbookStep, Selector, Steps, Targets,
};

/// A drill: what stands, who uses it, what breaks, what is done about it, and what must hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scenario {
    /// The version of this language: 1.
    pub schema: u32,
    /// Its name: lower-case letters, digits and dashes; names the report folder.
    pub name: String,
    /// One sentence on what the drill shows.
    pub summary: String,
    /// Words to choose scenarios by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What stands: the key names the system.
    pub stack: BTreeMap<String, SystemSpec>,
    /// Who uses it.
    #[serde(default)]
    pub clients: Clients,
    /// What must hold.
    #[serde(default)]
    pub targets: Targets,
    /// Prometheus and Alertmanager beside the stack, and which alerts the fault must raise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerting: Option<Alerting>,
    /// When it stops by itself before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort: Option<Abort>,
    /// The step that `rto` and `rpo` speak of, counted from 0; the first fault, switchover or
    /// noop unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headline: Option<usize>,
    /// What happens, in order.
    pub drill: Steps,
    /// How often.
    #[serde(default = "once")]
    pub repeat: u32,
    /// Whether each repeat brings up a stack of its own. Else one stack is made ready again for the next repeat where the
    /// system can do so: sooner, and less independent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh_stacks: bool,
    /// Changes of the stack or the drill, each of which must make it fail: `drdrill prove` runs them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub must_fail: Vec<MustFail>,
}

fn once() -> u32 {
    1
}

/// One system of the stack.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SystemSpec {
    /// How its members stand to each other; the system's default unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topology: Option<String>,
    /// How many members hold data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<u32>,
    /// The container image of the members that hold data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// CPU time of each member that holds data, as a share of one core; all of the machine's unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Percent>,
    /// Parameters of the system; `drdrill list` shows which there are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// Which nodes lie in which region; what shares a machine with a node lies there too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub regions: BTreeMap<String, Vec<String>>,
    /// Containers that run already, in the place of ones that drdrill creates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attach: Option<Attach>,
}

/// Who uses the stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Clients {
    /// How clients find the primary, for instance `direct`, `sentinel` or `haproxy`; the topology's own unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Lanes that measure the system.
    #[serde(default)]
    pub service: ServiceClients,
    /// Lanes that measure the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppClients>,
    /// Lanes whose answers are judged together, by a consistency model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<ConsistencyClients>,
    /// Consumers in one group, whose rebalances are measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumers: Option<ConsumerClients>,
    /// What service and app lanes do: `appends`.
    #[serde(default = "appends")]
    pub workload: String,
}

impl Default for Clients {
    /// Service lanes on the topology's own route, and no application.
    fn default() -> Self {
        Self {
            route: None,
            service: ServiceClients::default(),
            app: None,
            consistency: None,
            consumers: None,
            workload: appends(),
        }
    }
}

fn appends() -> String {
    "appends".into()
}

/// Lanes that measure the system: own connection each, no pool, no retry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ServiceClients {
    /// Write lanes; as many read lanes as half of it (at least one) and one lane that connects afresh are added.
    pub lanes: u16,
    /// Whether there are read lanes.
    #[serde(skip_serializing_if = "Reads::is_default")]
    pub reads: Reads,
    /// Rate of all write lanes together; read lanes run at the same rate each.
    pub rate: Rate,
    /// After which an attempt is given up; at most 1 s.
    pub timeout: Dur,
    /// The probes that watch each node by itself.
    pub pinned: Pinned,
}

impl Default for ServiceClients {
    /// 4 write lanes at 25/s each: a probe each 40 ms resolves an RTO target of 1 s to 4 %.
    fn default() -> Self {
        Self {
            lanes: 4,
            reads: Reads::Beside,
            rate: Rate(100.0),
            timeout: Dur(std::time::Duration::from_millis(500)),
            pinned: Pinned::default(),
        }
    }
}

impl ServiceClients {
    /// How many read lanes there are in a stack of so many shards: half as many as write lanes, and one for each shard.
    pub fn readers(&self, shards: u16) -> u16 {
        let writers = self.lanes.max(1);
        match self.reads {
            Reads::Beside => writers.div_ceil(2).max(shards.min(writers)),
            Reads::None => 0,
        }
    }
}

/// Whether there are read lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reads {
    /// Beside the write lanes.
    #[default]
    Beside,
    /// None: of a queue nothing is read without being taken from it.
    None,
}

impl Reads {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The probes that watch each node by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Pinned {
    /// Their interval.
    pub every: Dur,
    /// What they ask of each node.
    pub ask: PinnedAsk,
}

impl Default for Pinned {
    /// A write to each node ten times a second.
    fn default() -> Self {
        Self {
            every: Dur(std::time::Duration::from_millis(100)),
            ask: PinnedAsk::Write,
        }
    }
}

/// What a pinned probe asks of its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PinnedAsk {
    /// To take a write, and to show the newest: fencing and two primaries are seen.
    #[default]
    Write,
    /// Only to show the newest write: an old primary does not diverge by the probe itself.
    Role,
}

/// Lanes that measure the application: its driver, pool, timeouts and retries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct AppClients {
    /// Lanes.
    pub lanes: u16,
    /// Rate of all lanes together.
    pub rate: Rate,
    /// The application's own timeout.
    pub timeout: Dur,
    /// Connections in its pool.
    pub pool: u32,
    /// The latency from the intended time within which an operation counts as ok.
    pub slo: Dur,
}

impl Default for AppClients {
    /// Two lanes at 20/s with a pool of 5, a timeout of 5 s and an objective of 1 s.
    fn default() -> Self {
        Self {
            lanes: 2,
            rate: Rate(20.0),
            timeout: Dur(std::time::Duration::from_secs(5)),
            pool: 5,
            slo: Dur(std::time::Duration::from_secs(1)),
        }
    }
}

/// One step of the drill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Runs the clients undisturbed for this long: the baseline.
    Steady(Dur),
    /// Leaves things as they are for this long.
    Hold(Dur),
    /// Measures for this long what the stack can take, by clients that write as soon as they are answered.
    Capacity(Dur),
    /// Breaks something.
    Fault(Fault),
    /// Lets a member of the consumer group go away.
    Consumer(ConsumerEnd),
    /// Moves the primary in the planned way; without `to` the system chooses.
    Switchover(Move),
    /// Runs a runbook: one of the system, for instance `promote-replica`, or one of the user's own.
    Runbook(RunbookStep),
    /// Waits until a condition holds, at most as long as said.
    Expect(Expect),
    /// Undoes faults: `all`, or those of one kind.
    Heal(String),
    /// Moves the primary back to the node that held it first, in the planned way.
    Failback(Move),
    /// Makes a backup, and waits until it is complete.
    Backup(BackupTime),
    /// Restores the newest backup beside the running service, and looks up every write in it.
    Restore(Restore),
}

impl Step {
    /// Whether the main figures may speak of it: a fault, a consumer's end, a planned move that is no failback.
    pub fn may_be_headline(&self) -> bool {
        matches!(
            self,
            Self::Fault(_) | Self::Consumer(_) | Self::Switchover(_)
        )
    }

    /// Whether it breaks or moves something: a `noop` does not.
    pub fn disrupts(&self) -> bool {
        match self {
            Self::Fault(fault) => !fault.is_control(),
            Self::Runbook(called) => !called.refuses(),
            Self::Consumer(_) | Self::Switchover(_) | Self::Failback(_) => true,
            Self::Steady(_)
            | Self::Hold(_)
            | Self::Capacity(_)
            | Self::Expect(_)
            | Self::Heal(_)
            | Self::Backup(_)
            | Self::Restore(_) => false,
        }
    }
}

/// Where a planned move of the primary goes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Move {
    /// The node that is to become primary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Selector>,
}

/// A condition with its deadline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    /// Every service lane has recovered and stays so over the sustain window.
    Recovered(Within),
    /// Every member is present, in sync and eligible for failover.
    Redundant(Within),
    /// Every partition is consumed and stays so over the sustain window.
    Consumed(Within),
    /// Every expected alert was delivered after the last disruption.
    Alerted(Within),
    /// No alert is active any more but those that may fire, and each that was delivered was told to be resolved.
    Resolved(Within),
}

/// A deadline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Within {
    /// The longest time to wait.
    pub within: Dur,
}
