//! What stands: its members, images, effective settings and the failover bounds that follow from them.

use serde::{Deserialize, Serialize};

use crate::id::NodeName;

use super::Bound;

/// What the drill runs on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Environment {
    /// drdrill's version.
    pub drdrill: String,
    /// Facts by name: kernel, engine, cores, memory, operating system.
    pub facts: Vec<(String, String)>,
}

/// The program that runs a drill, and the machine whose clock it uses.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Harness {
    /// drdrill's version.
    pub drdrill: String,
    /// SHA-256 of its executable, hexadecimal; empty where it could not be read.
    pub program_sha256: String,
    /// Facts by name: kernel, clock source, processor.
    pub facts: Vec<(String, String)>,
}

/// An image as used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageFact {
    /// The reference that was asked for, for instance `redis:8`.
    pub reference: String,
    /// The reference that was used; another one where it was built by our recipe.
    pub used: String,
    /// The image's content digest.
    pub digest: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Where an image came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// It was there.
    Present,
    /// It was pulled for this run.
    Pulled,
    /// It was built by drdrill's recipe, which stands in for the reference.
    Built,
    /// No image: a program on this machine.
    Program,
}

/// The stack as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stack {
    /// The system, for instance `redis`.
    pub system: String,
    /// Its topology, for instance `sentinel`.
    pub topology: String,
    /// How clients find the primary.
    pub route: String,
    /// The server's version as it reports it.
    pub server: String,
    /// All members, in a fixed order: `Op::node` indexes this list.
    pub members: Vec<Member>,
    /// The node that was primary when the stack was ready; that of the first shard where there are shards.
    pub primary: NodeName,
    /// Settings as read back from the running stack.
    pub effective: Vec<Setting>,
    /// What the settings let the failover take, per fault.
    pub bounds: Vec<Bound>,
    /// Connections that the server takes at most, as read back.
    pub connection_limit: Option<u32>,
    /// The lease or heartbeat period that the wait before a fault is drawn from, nanoseconds; 0 if none.
    pub phase_ns: u64,
    /// Whether repeating an append leaves one element: then a duplicate is a fault of the data.
    pub idempotent: bool,
    /// Whether only the primary of the data takes writes, so that whoever answers one took it itself. Not where members
    /// forward writes, or where several take some by design; runs of before did not say.
    #[serde(default)]
    pub one_writer: bool,
    /// Payload bytes of one element of the workload: the factor from `rpo_count` to `rpo_bytes`.
    pub element_bytes: u32,
    /// The shards, in order, where each holds a part of the data; none where every member holds everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shards: Vec<Shard>,
    /// How the stack proved that replication flows, one sentence each.
    pub ready: Vec<String>,
}

/// A part of the data with members of its own. It keeps its number whoever is its primary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Its number, from 1.
    pub number: u16,
    /// What lies in it, for instance `slots 0 to 5460`.
    pub holds: String,
    /// Its members; the first was its primary when the stack was ready.
    pub members: Vec<NodeName>,
}

impl Stack {
    /// The shard that a member holds data of, where there are shards.
    pub fn shard_of(&self, node: &NodeName) -> Option<u16> {
        let own = self
            .shards
            .iter()
            .find(|shard| shard.members.contains(node));
        own.map(|shard| shard.number)
    }
}

/// One member of the stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub name: NodeName,
    /// What it does.
    pub kind: MemberKind,
    /// Where clients reach it: `address:port`.
    pub address: String,
    /// The machine that it stands for: members with the same host die together.
    pub host: String,
    /// The reference of its image.
    pub image: String,
}

impl Member {
    /// A member of a design on a machine of its own, whose address is not known yet.
    pub fn alone(name: &str, kind: MemberKind, image: &str) -> Self {
        Self {
            name: NodeName::new(name),
            kind,
            address: String::new(),
            host: name.into(),
            image: image.into(),
        }
    }

    /// Whether it stands in the network of another of these members and has none of its own: then it has that one's address.
    pub fn is_beside(&self, members: &[Self]) -> bool {
        let ip = |member: &Self| member.address.rsplit_once(':').map(|(ip, _)| ip.to_owned());
        let mut others = members
            .iter()
            .filter(|other| other.kind == MemberKind::Data);
        self.kind == MemberKind::Route
            && others.any(|other| other.host == self.host && ip(other) == ip(self))
    }
}

/// What a member does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberKind {
    /// Holds data.
    Data,
    /// Watches and decides: Sentinel, etcd.
    Control,
    /// Leads clients to the primary: HAProxy.
    Route,
    /// Keeps backups apart from those that hold data, and has the service restored on it.
    Store,
}

/// One setting as read back from the running stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The engine's own name for it.
    pub name: String,
    /// Its value with unit.
    pub value: String,
    /// Who said so, for instance `sentinel1: SENTINEL MASTER`.
    pub source: String,
}
