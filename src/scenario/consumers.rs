//! Consumers that share a topic's partitions as one group, and how a member of it goes away.

use std::{fmt, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Dur;

/// Consumers in one group beside the other clients, with the driver's own group protocol, polls and commits. They consume
/// the topic that the service lanes write to, which gets so many partitions; into each of them goes a beat every 50 ms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ConsumerClients {
    /// Members of the group.
    pub members: u16,
    /// Partitions of the topic, each led by another broker in turn.
    pub partitions: u16,
    /// Silence after which the group takes a member for gone (session.timeout.ms).
    pub session: Dur,
    /// How often a member reports to the group's coordinator (heartbeat.interval.ms).
    pub heartbeat: Dur,
    /// How partitions are shared out (partition.assignment.strategy).
    pub assignor: Assignor,
}

impl Default for ConsumerClients {
    /// Three members with a partition each; the timeouts of Kafka's own consumer
    /// (`ConsumerConfig`: session.timeout.ms 45000, heartbeat.interval.ms 3000), and the first of its assignors.
    fn default() -> Self {
        Self {
            members: 3,
            partitions: 3,
            session: Dur(Duration::from_secs(45)),
            heartbeat: Dur(Duration::from_secs(3)),
            assignor: Assignor::Range,
        }
    }
}

/// How partitions are shared out among the members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Assignor {
    /// Ranges of neighbours; everyone gives back everything first.
    Range,
    /// In turn; everyone gives back everything first.
    Roundrobin,
    /// Whoever holds a partition keeps it where that is fair, and only what moves is given back.
    CooperativeSticky,
}

impl Assignor {
    /// Every assignor by its name in a file, which is Kafka's.
    pub const ALL: [(&'static str, Self); 3] = [
        ("range", Self::Range),
        ("roundrobin", Self::Roundrobin),
        ("cooperative-sticky", Self::CooperativeSticky),
    ];
}

impl fmt::Display for Assignor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::ALL.iter().find(|(_, assignor)| assignor == self);
        f.write_str(named.map_or("", |(name, _)| name))
    }
}

/// How a member of the group, counted from 1, goes away. It does not come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConsumerEnd {
    /// It stops without a word: the group finds out by its silence.
    Crash(u16),
    /// It leaves the group and stops.
    Leave(u16),
}

impl ConsumerEnd {
    /// The event's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crash(_) => "consumer-crash",
            Self::Leave(_) => "consumer-leave",
        }
    }

    /// Which member, from 1.
    pub fn member(self) -> u16 {
        match self {
            Self::Crash(member) | Self::Leave(member) => member,
        }
    }

    /// What happens, in a few words.
    pub fn title(self) -> String {
        match self {
            Self::Crash(member) => format!("consumer {member} stops without leaving its group"),
            Self::Leave(member) => format!("consumer {member} leaves its group"),
        }
    }
}
