//! What breaks: faults and the selectors that choose their victims.

use std::{fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{
    Bandwidth, Certificate, ClockDrift, ClockJump, Cpu, Descriptors, Disk, Dns, Dur, FailingDisk,
    HalfOpen, Latency, LimitData, Memory, OutOfMemory, Reboot, Reorder, Reset, Share, Slice,
    SlowClose, SlowDisk, StreamBandwidth, StreamLatency, scalar::ScalarError,
};

/// One fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Ends a node's processes at once, as a power loss would.
    Kill(Victim),
    /// Ends a node in an orderly way (the image's stop signal), as maintenance would.
    Stop(Victim),
    /// Freezes a node: connections stay open, nothing answers.
    Pause(Victim),
    /// Kills a node and starts it again at once.
    Restart(Victim),
    /// Kills a node again and again, as soon as it has run for a while.
    CrashLoop(CrashLoop),
    /// Takes the power from machines at once, and gives it back after a while.
    Reboot(Reboot),
    /// Lets a node's clock jump.
    ClockJump(ClockJump),
    /// Lets a node's clock go at a wrong rate.
    ClockDrift(ClockDrift),
    /// Kills one process inside a node and leaves the others.
    KillProcess(KillProcess),
    /// Deletes a node's files and kills it: it comes back without them.
    Wipe(Stored),
    /// Overwrites a part of a file under a running node.
    Damage(Stored),
    /// Leaves no room on the disk under a node's data.
    DiskFull(Disk),
    /// Lets nothing on the disk under a node's data be changed.
    DiskReadOnly(Disk),
    /// Makes the disk under a node's data slow.
    DiskSlow(SlowDisk),
    /// Lets operations of the disk under a node's data fail.
    DiskErrors(FailingDisk),
    /// Loses what was written and not synced when the node ends.
    LoseUnsynced(Disk),
    /// Gives a node little CPU time.
    Cpu(Cpu),
    /// Gives a node little memory.
    Memory(Memory),
    /// Uses up a node's memory, so that the kernel kills the greatest of its processes.
    OutOfMemory(OutOfMemory),
    /// Leaves a node's processes hardly any more files and connections to open.
    Descriptors(Descriptors),
    /// Lets names come to nothing, to a wrong address, or late.
    Dns(Dns),
    /// Lets a server present a certificate that has expired.
    Certificate(Certificate),
    /// Lets an operator give a command that does harm.
    Mistake(Mistake),
    /// Drops packets between nodes.
    Partition(Partition),
    /// Makes packets late.
    Latency(Latency),
    /// Drops some packets.
    Loss(Share),
    /// Sends some packets twice.
    Duplicate(Share),
    /// Damages some packets.
    Corrupt(Share),
    /// Lets packets overtake each other.
    Reorder(Reorder),
    /// Lets only so many bits a second pass.
    Bandwidth(Bandwidth),
    /// Resets connections that pass a proxy.
    Reset(Reset),
    /// Swallows what is sent through a proxy, and leaves the connections open.
    HalfOpen(HalfOpen),
    /// Closes connections that pass a proxy late.
    SlowClose(SlowClose),
    /// Passes bytes on in small pieces.
    Slice(Slice),
    /// Closes a connection once so many bytes have passed.
    LimitData(LimitData),
    /// Makes the bytes of connections late.
    StreamLatency(StreamLatency),
    /// Lets only so many bits a second of each connection pass.
    StreamBandwidth(StreamBandwidth),
    /// Lets a node of the reference store play an outage by itself, whose true length its log tells.
    Script(Script),
    /// Changes nothing: the control run.
    Noop,
}

/// Whom a process fault hits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Victim {
    /// The node, by role.
    pub node: Selector,
    /// A role that the victim's machine must not hold; the harness moves it away first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless: Option<Condition>,
    /// A role that the victim's machine must hold as well; the harness moves it there first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub and: Option<Condition>,
    /// For `pause`: ends by itself after this time. Without it, it lasts until `heal`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Dur>,
}

/// A second role on the victim's machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// The leader of the etcd cluster that Patroni uses.
    EtcdLeader,
}

/// A node that comes back and dies again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CrashLoop {
    /// The node, by role.
    pub node: Selector,
    /// How long it runs before it is killed again.
    pub every: Dur,
    /// Ends by itself after this time. Without it, it lasts until `heal`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Dur>,
}

/// One process inside a node that ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KillProcess {
    /// The node, by role.
    pub node: Selector,
    /// Its name, as the kernel has it: at most 15 bytes. All processes of that name end.
    pub process: String,
}

/// Data on a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Stored {
    /// The node, by role.
    pub node: Selector,
    /// The folder whose content is deleted, or the file that is damaged: of several that fit a pattern, the greatest.
    pub path: String,
}

/// A command that an operator should not have given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Mistake {
    /// The node where it is given, by role.
    pub node: Selector,
    /// The command, for the node's shell.
    pub run: String,
    /// A command that shows the harm.
    pub shows: String,
    /// What that command says once the harm is done, and does not say before.
    pub expect: String,
}

/// Packets dropped between groups of nodes, established connections included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Partition {
    /// Cuts these nodes off from all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolate: Option<Selector>,
    /// Cuts two groups off from each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<(Selector, Selector)>,
    /// Which packets are dropped, seen from the first group.
    #[serde(default)]
    pub direction: Direction,
    /// On which side the clients stand.
    #[serde(default)]
    pub clients: ClientPlace,
    /// Only packets from or to these TCP and UDP ports; all if missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<u16>,
    /// What the sender hears of it.
    #[serde(default, skip_serializing_if = "Refuse::is_silent")]
    pub how: Refuse,
    /// Ends by itself after this time. Without it, it lasts until `heal`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Dur>,
}

/// What the sender hears of packets that a partition does not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Refuse {
    /// Nothing.
    #[default]
    Drop,
    /// TCP connections are reset.
    Reject,
}

impl Refuse {
    /// Whether it hears nothing: the default.
    pub fn is_silent(&self) -> bool {
        *self == Self::Drop
    }
}

/// Which packets a partition drops, seen from its first group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Both ways.
    #[default]
    Both,
    /// Those that come in.
    In,
    /// Those that go out.
    Out,
}

/// On which side of a partition the clients stand. All groups share it: they come from one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientPlace {
    /// They lose the first group, as if they stood with the second.
    #[default]
    Cut,
    /// They keep reaching everyone.
    Keep,
    /// They stand with the first group, and what leads them to the primary does too: they lose the others.
    Isolated,
}

/// An outage that a node of the reference store plays by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Script {
    /// The node, by role.
    pub node: Selector,
    /// What it plays.
    pub how: Play,
    /// How long it plays.
    #[serde(rename = "for")]
    pub lasting: Dur,
}

/// What a node of the reference store can play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Play {
    /// Connections are closed and new ones refused.
    Refuse,
    /// Connections are reset, new ones at their first request.
    Reset,
    /// Connections are taken, requests read and not answered before the end.
    Hang,
    /// Requests are carried out and answered a second late.
    Slow,
    /// Connections of before are dead for good without a word; new ones are refused.
    HalfOpen,
    /// The node knows no other node; clients reach it.
    Isolate,
}

impl Play {
    /// Every play by its name in a file.
    pub const ALL: [(&'static str, Self); 6] = [
        ("refuse", Self::Refuse),
        ("reset", Self::Reset),
        ("hang", Self::Hang),
        ("slow", Self::Slow),
        ("half-open", Self::HalfOpen),
        ("isolate", Self::Isolate),
    ];
}

impl fmt::Display for Play {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = Self::ALL.iter().find(|(_, play)| play == self);
        f.write_str(own.map_or("script", |(name, _)| name))
    }
}

impl FromStr for Play {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text);
        found
            .map(|(_, play)| *play)
            .ok_or_else(|| ScalarError(format!("there is no script `{text}`")))
    }
}

/// Chooses nodes by role.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Selector {
    /// The node that is primary when the step starts.
    Primary,
    /// The nth replica (from 0) when the step starts; without index all replicas.
    Replica(Option<usize>),
    /// The node whose controller is the active one when the step starts, or the primary of config servers, where there are any.
    Controller,
    /// The node that coordinates the consumer group when the step starts, where there is one.
    Coordinator,
    /// Every member that holds data.
    All,
    /// The node that was primary when the drill's first fault struck.
    OldPrimary,
    /// In a sharded stack: the primary of that shard (from 1) when the step starts.
    PrimaryOf(u16),
    /// In a sharded stack: all replicas of that shard when the step starts.
    ReplicasOf(u16),
    /// In a sharded stack: every member of that shard.
    Shard(u16),
    /// In a sharded stack: primaries when the step starts, of the first shards in order.
    Primaries(Part),
    /// The nodes of a region, as `stack` names them.
    Region(String),
    /// One node by name.
    Named(String),
}

/// How many of a sharded stack's primaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// As many as can be lost while the others are more than half of all.
    Minority,
    /// The fewest that are more than half of all.
    Majority,
    /// All of them.
    All,
}

impl Part {
    /// How many of `all` primaries these are.
    pub fn of(self, all: usize) -> usize {
        match self {
            Self::Minority => all.saturating_sub(1) / 2,
            Self::Majority => all / 2 + 1,
            Self::All => all,
        }
    }
}

/// A region's name: lower-case letters, digits and dashes.
///
/// # Errors
/// When it is none.
pub fn region_name(text: &str) -> Result<String, ScalarError> {
    let text = text.trim();
    let fits = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.len() <= 32
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    fits.then(|| text.to_owned()).ok_or_else(|| {
        ScalarError("expected a region's name of lower-case letters, digits and dashes, such as `a` or `eu-west`".into())
    })
}

/// `primary of shard 1`, `replicas of shard 1`, `shard 1`.
fn of_shard(text: &str) -> Option<Selector> {
    let (role, number) = match text.split_once(" of shard ") {
        Some((role, number)) => (Some(role), number),
        None => (None, text.strip_prefix("shard ")?),
    };
    let number = number.trim().parse().ok().filter(|number| *number > 0)?;
    match role {
        None => Some(Selector::Shard(number)),
        Some("primary") => Some(Selector::PrimaryOf(number)),
        Some("replicas") => Some(Selector::ReplicasOf(number)),
        Some(_) => None,
    }
}

impl FromStr for Selector {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let text = text.trim();
        Ok(match text {
            "primary" => Self::Primary,
            "replica" => Self::Replica(Some(0)),
            "replicas" => Self::Replica(None),
            "all" => Self::All,
            "controller" => Self::Controller,
            "coordinator" => Self::Coordinator,
            "old-primary" => Self::OldPrimary,
            "primaries" => Self::Primaries(Part::All),
            "minority of primaries" => Self::Primaries(Part::Minority),
            "majority of primaries" => Self::Primaries(Part::Majority),
            _ => {
                if let Some(part) = of_shard(text) {
                    return Ok(part);
                }
                if let Some(region) = text.strip_prefix("region ") {
                    return region_name(region).map(Self::Region);
                }
                if let Some(index) = text
                    .strip_prefix("replica[")
                    .and_then(|t| t.strip_suffix(']'))
                {
                    let index = index.parse().map_err(|_| {
                        ScalarError(
                            "expected a number between the brackets, such as `replica[0]`".into(),
                        )
                    })?;
                    return Ok(Self::Replica(Some(index)));
                }
                let named = text.starts_with(|c: char| c.is_ascii_lowercase())
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
                if !named {
                    return Err(ScalarError(
                        "expected `primary`, `replica`, `replica[0]`, `replicas`, `old-primary`, `controller`, `coordinator`, `all`, `region a` or a node's name; of shards `primary of shard 1`, `replicas of shard 1`, `shard 1`, `primaries`, `minority of primaries` or `majority of primaries`".into(),
                    ));
                }
                Self::Named(text.to_owned())
            }
        })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Primary => f.write_str("primary"),
            Self::Replica(None) => f.write_str("replicas"),
            Self::Replica(Some(index)) => write!(f, "replica[{index}]"),
            Self::All => f.write_str("all"),
            Self::Controller => f.write_str("controller"),
            Self::Coordinator => f.write_str("coordinator"),
            Self::OldPrimary => f.write_str("old-primary"),
            Self::PrimaryOf(shard) => write!(f, "primary of shard {shard}"),
            Self::ReplicasOf(shard) => write!(f, "replicas of shard {shard}"),
            Self::Shard(shard) => write!(f, "shard {shard}"),
            Self::Primaries(Part::Minority) => f.write_str("minority of primaries"),
            Self::Primaries(Part::Majority) => f.write_str("majority of primaries"),
            Self::Primaries(Part::All) => f.write_str("primaries"),
            Self::Region(name) => write!(f, "region {name}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

impl Serialize for Selector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl JsonSchema for Selector {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Selector".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["primary", "replica", "replica[0]", "replicas", "old-primary", "controller", "coordinator", "all", "primary of shard 1", "majority of primaries", "region a"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_print_as_they_are_read() {
        for text in [
            "primary",
            "replica[1]",
            "replicas",
            "all",
            "old-primary",
            "controller",
            "coordinator",
            "pg2",
            "primary of shard 2",
            "replicas of shard 1",
            "shard 3",
            "primaries",
            "minority of primaries",
            "majority of primaries",
            "region eu-west-1",
        ] {
            assert_eq!(
                text.parse::<Selector>().map(|s| s.to_string()),
                Ok(text.to_owned())
            );
        }
        assert!("replica[x]".parse::<Selector>().is_err());
        assert!("Primary!".parse::<Selector>().is_err());
        assert!("primary of shard 0".parse::<Selector>().is_err());
        assert!("region A".parse::<Selector>().is_err());
        assert!("leader of shard 1".parse::<Selector>().is_err());
    }

    #[test]
    fn a_minority_leaves_more_than_half_and_a_majority_is_more_than_half() {
        let of = |part: Part| [3, 4, 5].map(|all| part.of(all));
        assert_eq!(of(Part::Minority), [1, 1, 2]);
        assert_eq!(of(Part::Majority), [2, 3, 3]);
        assert_eq!(of(Part::All), [3, 4, 5]);
    }
}
