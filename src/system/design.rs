//! Planning a stack: what a system offers, and what a scenario makes of it before anything is created.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use async_trait::async_trait;

use crate::{
    id::NodeName,
    record::{Emitter, Member},
    runtime::{Runtime, RuntimeKind},
    scenario::{Attach, ConsistencyKind, SystemSpec},
};

use super::{Exporter, Machinery, Running, SystemError};

/// What a system offers; `list`, planning and the scenario reference read it.
#[derive(Debug, Clone)]
pub struct Description {
    /// The key under `stack`, for instance `redis`.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Its topologies, the default first.
    pub topologies: Vec<TopologySpec>,
    /// The image of the members that hold data, by default.
    pub image: &'static str,
    /// Its settings.
    pub settings: Vec<SettingSpec>,
    /// What its nodes are.
    pub runtime: RuntimeKind,
    /// The folder of the data in a member that holds some, under which a disk that goes wrong can lie; none where its
    /// members are started without a script, which would wait for the disk, or have no disk of their own.
    pub disk: Option<&'static str>,
}

/// One topology of a system.
#[derive(Debug, Clone)]
pub struct TopologySpec {
    /// Its name in the file.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// How clients may find the primary, the default first.
    pub routes: &'static [&'static str],
    /// Fewest, usual and most members that hold data.
    pub nodes: (u32, u32, u32),
    /// Its runbooks, for instance `promote-replica`.
    pub runbooks: &'static [&'static str],
    /// Whether it can move the primary in the planned way (`switchover`, `failback`).
    pub planned_moves: bool,
    /// Whether its machines also hold etcd members, so that `etcd-leader` conditions apply.
    pub etcd: bool,
    /// Whether some of its nodes are controllers, one of which leads, so that steps may choose `controller`.
    pub controllers: bool,
    /// Whether its nodes can play scripted outages.
    pub scripts: bool,
    /// How many of the members that hold data each shard has, where its data lies in shards; 0 where every member holds everything.
    pub shard_size: u32,
    /// What consistency clients it has.
    pub consistency: &'static [ConsistencyKind],
    /// Whether it has consumers that share partitions as a group.
    pub consumers: bool,
}

/// One setting of a system.
#[derive(Debug, Clone)]
pub struct SettingSpec {
    /// Its name in the file, kebab-case.
    pub name: &'static str,
    /// What values it takes.
    pub kind: SettingKind,
    /// Its default as text.
    pub default: &'static str,
    /// One sentence with the source of the default.
    pub help: &'static str,
}

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKind {
    /// A duration with its unit.
    Duration,
    /// A whole number from 0.
    Count,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// Why a scenario cannot be planned on this system, and where in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Keys from `stack.<system>` downwards, for instance `["settings", "down-after"]`.
    pub path: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// A stack as it will be built; nothing has been created.
#[derive(Debug, Clone)]
pub struct Design {
    /// The topology.
    pub topology: &'static str,
    /// The route.
    pub route: &'static str,
    /// All members in their fixed order; addresses are empty until the runtime has reserved them.
    pub members: Vec<Member>,
    /// Every setting with its value, defaults filled in.
    pub settings: BTreeMap<&'static str, String>,
    /// Image references to resolve, in the order of first use.
    pub images: Vec<String>,
}

impl Design {
    /// Names of the members of one kind, in order.
    pub fn names(&self, kind: crate::record::MemberKind) -> Vec<NodeName> {
        self.members
            .iter()
            .filter(|m| m.kind == kind)
            .map(|m| m.name.clone())
            .collect()
    }
}

/// What a drill gets in with where somebody else set the servers up: a password, or `user:password`.
#[derive(Clone, Default)]
pub struct Logins {
    /// At members that hold data.
    pub data: Option<String>,
    /// At members that watch and decide.
    pub control: Option<String>,
}

impl std::fmt::Debug for Logins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Logins")
    }
}

/// What a system needs to bring its stack up.
#[derive(Clone)]
pub struct Deploy {
    /// The machines.
    pub runtime: Arc<dyn Runtime>,
    /// Image references of the design and what to use for each.
    pub images: BTreeMap<String, String>,
    /// drdrill's own executable, for systems that are part of it.
    pub program: PathBuf,
    /// Machines that run already, set up by somebody else: nothing is created or set.
    pub attach: Option<Attach>,
    /// The folder of the scenario's file.
    pub folder: PathBuf,
    /// What lets clients in there.
    pub logins: Logins,
    /// Where it says what happens.
    pub emitter: Emitter,
}

/// A kind of system.
#[async_trait]
pub trait System: Send + Sync {
    /// What it offers.
    fn describe(&self) -> Description;

    /// Plans a stack; settings that are missing get their defaults.
    ///
    /// # Errors
    /// Every problem of the specification at once. Unknown topologies, routes, settings and values
    /// out of kind have been refused before, from the description.
    fn design(&self, spec: &SystemSpec, route: Option<&str>) -> Result<Design, Vec<Issue>>;

    /// Programs that the start scripts need in an image of the design, by its reference; nothing for one
    /// that is started without a script. An image that lacks one is refused before a node is created.
    fn programs(&self, _design: &Design, _reference: &str) -> &'static [&'static str] {
        &[]
    }

    /// Which kinds of its members can be asked for their time of day (`Running::time_of`).
    fn tell_time(&self) -> &'static [crate::record::MemberKind] {
        &[]
    }

    /// Whether members of this design find each other by name, so that names can go wrong.
    fn resolves_names(&self, _design: &Design) -> bool {
        false
    }

    /// Whether this design keeps backups, so that steps may make and restore some.
    fn keeps_backups(&self, _design: &Design) -> bool {
        false
    }

    /// Whether this design's log is kept apart from it as it is written, so that what is not yet kept has an age.
    fn keeps_log(&self, design: &Design) -> bool {
        self.keeps_backups(design)
    }

    /// Whether servers of this design present certificates, so that these can expire.
    fn presents_certificates(&self, _design: &Design) -> bool {
        false
    }

    /// How Prometheus sees its members that hold data, and the rules shipped for it; without, there is no alerting.
    fn exporter(&self) -> Option<Exporter> {
        None
    }

    /// The parts of a design's failover machinery that Prometheus asks, with the rules shipped for them.
    fn machinery(&self, _design: &Design) -> Vec<Machinery> {
        Vec::new()
    }

    /// Why the rules shipped for its exporter do not fit a topology; nothing where they do.
    fn rules_misfit(&self, _topology: &str) -> Option<&'static str> {
        None
    }

    /// The memory that a member of this kind may take, in MiB; 0 where no limit is set.
    fn memory_mib(&self, _kind: crate::record::MemberKind) -> u32 {
        0
    }

    /// Whether it can take containers that run already for the members of a topology.
    fn attaches(&self, _topology: &str) -> bool {
        false
    }

    /// Whether it can do nothing else.
    fn only_attaches(&self) -> bool {
        false
    }

    /// Whether an operator must replace a dead primary of a topology: no member of it does so.
    fn needs_operator(&self, _topology: &str) -> bool {
        false
    }

    /// Brings the stack up, its nodes in parallel, and returns once replication is proven flowing.
    ///
    /// # Errors
    /// When a deadline passes or a node ends; the error carries the tail of the node's log.
    async fn deploy(
        &self,
        design: &Design,
        deploy: Deploy,
    ) -> Result<Arc<dyn Running>, SystemError>;
}
