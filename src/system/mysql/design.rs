//! What MySQL and MariaDB offer, and what a scenario makes of it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    id::NodeName,
    record::{Member, MemberKind},
    runtime::RuntimeKind,
    scenario::SystemSpec,
    system::{
        Deploy, Description, Design, Exporter, Issue, Running, SettingKind, SettingSpec, System,
        SystemError, TopologySpec, backups,
        route::{self, keepalived},
        rows::{self, Isolation},
        settings::{Values, filled, issue},
    },
};

use super::{deploy, exporter, kind::Kind, tools};

/// MySQL, or MariaDB, which shares most of its language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MySql {
    /// MySQL.
    MySql,
    /// MariaDB.
    MariaDb,
}

/// How many connections drdrill itself and replication need besides the clients'.
const CONNECTIONS_MIN: u64 = 50;

const COMMON: &[SettingSpec] = &[
    SettingSpec {
        name: "max-connections",
        kind: SettingKind::Count,
        default: "1000",
        help: "connections that a server takes at most; the servers' default of 151 is little for clients that connect \
               again and again while their writes hang",
    },
    SettingSpec {
        name: "isolation",
        kind: SettingKind::OneOf(Isolation::WORDS),
        default: "repeatable-read",
        help: "isolation of the transactions of transfers and of list-append, said by each of them; the default is InnoDB\'s own",
    },
    SettingSpec {
        name: "fsync",
        kind: SettingKind::Flag,
        default: "true",
        help: "force both logs to disk at each commit (`sync_binlog` and `innodb_flush_log_at_trx_commit` 1, MySQL's \
               defaults); `false` hands them to the kernel only (0 and 2), which makes drills faster and a power loss \
               fatal",
    },
];

const SEMI_SYNC: SettingSpec = SettingSpec {
    name: "semi-sync",
    kind: SettingKind::Flag,
    default: "false",
    help: "a write is acknowledged only after one replica has received it (wait point AFTER_SYNC); off is the \
           servers' default",
};

const SEMI_SYNC_TIMEOUT: SettingSpec = SettingSpec {
    name: "semi-sync-timeout",
    kind: SettingKind::Duration,
    default: "10s",
    help: "how long a write waits for a replica before the source goes on without: from then on acknowledged writes \
           may be lost; the servers' default",
};

const MYSQL_REPLICATION: &[SettingSpec] = &[SEMI_SYNC, SEMI_SYNC_TIMEOUT, tools::DUMPED];

const MARIADB_REPLICATION: &[SettingSpec] = &[SEMI_SYNC, SEMI_SYNC_TIMEOUT, tools::COPIED];

const GROUP: &[SettingSpec] = &[SettingSpec {
    name: "expel-timeout",
    kind: SettingKind::Duration,
    default: "5s",
    help: "how long a member that is suspected, which takes 5 s, is waited for before it is expelled; MySQL's default",
}];

const GALERA: &[SettingSpec] = &[
    SettingSpec {
        name: "suspect-timeout",
        kind: SettingKind::Duration,
        default: "5s",
        help: "silence after which a node is suspected, and dropped once all agree (`evs.suspect_timeout`); Galera's \
               default",
    },
    SettingSpec {
        name: "inactive-timeout",
        kind: SettingKind::Duration,
        default: "15s",
        help: "silence after which a node is dropped without agreement (`evs.inactive_timeout`); Galera's default",
    },
];

impl MySql {
    /// Its name in a scenario, in the file of start arguments and in the start script.
    pub fn name(self) -> &'static str {
        match self {
            Self::MySql => "mysql",
            Self::MariaDb => "mariadb",
        }
    }

    fn image(self) -> &'static str {
        match self {
            Self::MySql => "mysql:9",
            Self::MariaDb => "mariadb:11",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::MySql => "my",
            Self::MariaDb => "ma",
        }
    }

    fn kind(self, spec: &SystemSpec) -> Kind {
        match (self, spec.topology.as_deref()) {
            (Self::MySql, Some("group-replication")) => Kind::Group,
            (Self::MySql, _) => Kind::MySqlReplication,
            (Self::MariaDb, Some("galera")) => Kind::Galera,
            (Self::MariaDb, _) => Kind::MariaDbReplication,
        }
    }

    /// The settings that only one of its topologies has, by the topology's name.
    fn of_topologies(self) -> [(&'static str, &'static [SettingSpec]); 2] {
        match self {
            Self::MySql => [
                ("replication", MYSQL_REPLICATION),
                ("group-replication", GROUP),
            ],
            Self::MariaDb => [("replication", MARIADB_REPLICATION), ("galera", GALERA)],
        }
    }
}

#[async_trait]
impl System for MySql {
    fn tell_time(&self) -> &'static [MemberKind] {
        &[MemberKind::Data]
    }

    fn exporter(&self) -> Option<Exporter> {
        Some(exporter::EXPORTER)
    }

    fn keeps_backups(&self, design: &Design) -> bool {
        backups::kept(design)
    }

    fn programs(&self, design: &Design, reference: &str) -> &'static [&'static str] {
        let store = (design.members.iter()).find(|member| member.kind == MemberKind::Store);
        if store.is_some_and(|store| store.image == reference) {
            return match self {
                Self::MySql => tools::DUMPED_PROGRAMS,
                Self::MariaDb => tools::COPIED_PROGRAMS,
            };
        }
        if route::Kind::is_image(reference) {
            return &[];
        }
        match (self, design.topology) {
            (Self::MySql, _) => &["sh", "chown", "find", "id", "mkdir", "touch", "mysqld"],
            (Self::MariaDb, "galera") => &[
                "sh",
                "chown",
                "find",
                "id",
                "mkdir",
                "sed",
                "touch",
                "mariadbd",
                "mariadb-install-db",
                "rsync",
                "wsrep_sst_rsync",
            ],
            (Self::MariaDb, _) => &[
                "sh",
                "chown",
                "find",
                "id",
                "mkdir",
                "touch",
                "mariadbd",
                "mariadb-install-db",
            ],
        }
    }

    fn describe(&self) -> Description {
        let replication = TopologySpec {
            name: "replication",
            summary: "a source and its replicas by GTID, asynchronous or semi-synchronous; an operator fails over",
            routes: &["direct", keepalived::ROUTE],
            nodes: (2, 3, 5),
            runbooks: &["promote-replica"],
            planned_moves: true,
            etcd: false,
            controllers: false,
            scripts: false,
            shard_size: 0,
            consistency: rows::CONSISTENCY,
            consumers: false,
        };
        let group = match self {
            Self::MySql => TopologySpec {
                name: "group-replication",
                summary: "Group Replication with a single primary, elected by the group; clients ask the members",
                runbooks: &["force-members"],
                routes: &["members"],
                nodes: (3, 3, 5),
                ..replication.clone()
            },
            Self::MariaDb => TopologySpec {
                name: "galera",
                summary: "Galera: every node takes writes; clients use one, and ask the members for another one",
                runbooks: &[],
                routes: &["members"],
                nodes: (3, 3, 5),
                ..replication.clone()
            },
        };
        let special = self.of_topologies().into_iter().flat_map(|(_, list)| list);
        Description {
            name: self.name(),
            summary: match self {
                Self::MySql => {
                    "MySQL with GTID replication failed over by runbook, or Group Replication"
                }
                Self::MariaDb => "MariaDB with GTID replication failed over by runbook, or Galera",
            },
            topologies: vec![replication, group],
            image: self.image(),
            settings: (COMMON.iter().chain(special).cloned())
                .chain(route::Kind::all_settings())
                .collect(),
            runtime: RuntimeKind::Docker,
            disk: Some("/var/lib/mysql"),
        }
    }

    fn design(&self, spec: &SystemSpec, asked: Option<&str>) -> Result<Design, Vec<Issue>> {
        let (topology, route) = match self.kind(spec) {
            Kind::MySqlReplication | Kind::MariaDbReplication => ("replication", "direct"),
            Kind::Group => ("group-replication", "members"),
            Kind::Galera => ("galera", "members"),
        };
        let own = self.of_topologies().into_iter();
        let own = own.filter(|(name, _)| *name == topology);
        let own = own.flat_map(|(_, list)| list);
        let way = (asked.filter(|_| route == "direct")).and_then(route::Kind::of);
        let of_way = way.map(route::Kind::settings).unwrap_or_default();
        let image = spec.image.as_deref().unwrap_or(self.image());
        let member = |n| Member {
            name: NodeName::new(format!("{}{n}", self.prefix())),
            kind: MemberKind::Data,
            address: String::new(),
            host: format!("h{n}"),
            image: image.to_owned(),
        };
        let mut design = Design {
            topology,
            route,
            members: (1..=spec.nodes.unwrap_or(3)).map(member).collect(),
            settings: filled(COMMON.iter().chain(own).chain(&of_way), spec),
            images: vec![image.to_owned()],
        };
        if backups::kept(&design) {
            let own = match self {
                Self::MySql => tools::IMAGE,
                Self::MariaDb => self.image(),
            };
            let image = spec.image.as_deref().unwrap_or(own).to_owned();
            design.members.push(Member {
                name: NodeName::new(backups::NODE),
                kind: MemberKind::Store,
                address: String::new(),
                host: backups::NODE.into(),
                image: image.clone(),
            });
            if !design.images.contains(&image) {
                design.images.push(image);
            }
        }
        if let Some(way) = way {
            way.join(&mut design);
        }
        let mut issues = self.issues(spec, &design);
        issues.extend(route::issues(&spec.settings, way, &design));
        if issues.is_empty() {
            Ok(design)
        } else {
            Err(issues)
        }
    }

    fn needs_operator(&self, topology: &str) -> bool {
        topology == "replication"
    }

    fn memory_mib(&self, _kind: MemberKind) -> u32 {
        deploy::MEMORY_MIB
    }

    async fn deploy(
        &self,
        design: &Design,
        deploy: Deploy,
    ) -> Result<Arc<dyn Running>, SystemError> {
        Ok(Arc::new(deploy::deploy(*self, design, deploy).await?))
    }
}

impl MySql {
    /// The kind that a design stands for.
    pub fn kind_of(self, design: &Design) -> Kind {
        self.kind(&SystemSpec {
            topology: Some(design.topology.to_owned()),
            ..SystemSpec::default()
        })
    }

    fn issues(self, spec: &SystemSpec, design: &Design) -> Vec<Issue> {
        let values = Values::of(design);
        let mut issues = Vec::new();
        if values
            .count("max-connections")
            .is_ok_and(|count| count < CONNECTIONS_MIN)
        {
            let help = format!("give at least {CONNECTIONS_MIN}");
            issues.push(issue(
                "max-connections",
                "too few for clients and probes",
                help,
            ));
        }
        for (topology, list) in self.of_topologies() {
            let foreign = list.iter().filter(|_| topology != design.topology);
            for setting in foreign.filter(|setting| spec.settings.contains_key(setting.name)) {
                let message = format!("it has no meaning with `{}`", design.topology);
                let help = format!("remove it, or say `topology: {topology}`");
                issues.push(issue(setting.name, message, help));
            }
        }
        let whole = |time: Duration| time.subsec_nanos() == 0;
        if values
            .duration("expel-timeout")
            .is_ok_and(|time| !whole(time))
        {
            issues.push(issue(
                "expel-timeout",
                "MySQL counts whole seconds",
                "for instance `5s`",
            ));
        }
        let (suspect, inactive) = ("suspect-timeout", "inactive-timeout");
        if let (Ok(suspect), Ok(inactive)) = (values.duration(suspect), values.duration(inactive)) {
            if suspect < Duration::from_millis(100) {
                issues.push(issue(
                    "suspect-timeout",
                    "Galera takes at least 0.1 s",
                    "give `100ms` or more",
                ));
            }
            if inactive < suspect {
                let help = format!("give at least `{}ms`", suspect.as_millis());
                issues.push(issue(
                    "inactive-timeout",
                    "it is shorter than suspect-timeout",
                    help,
                ));
            }
        }
        issues
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(topology: &str, settings: &[(&str, &str)]) -> SystemSpec {
        SystemSpec {
            topology: Some(topology.into()),
            settings: settings
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            ..SystemSpec::default()
        }
    }

    #[test]
    fn each_flavour_has_its_stacks() {
        let cases = [
            (MySql::MySql, "replication", Kind::MySqlReplication, "my1"),
            (MySql::MySql, "group-replication", Kind::Group, "my1"),
            (
                MySql::MariaDb,
                "replication",
                Kind::MariaDbReplication,
                "ma1",
            ),
            (MySql::MariaDb, "galera", Kind::Galera, "ma1"),
        ];
        for (flavour, topology, kind, first) in cases {
            let design = flavour
                .design(&spec(topology, &[]), None)
                .expect("a design");
            assert_eq!((design.topology, design.members.len()), (topology, 3));
            assert_eq!(flavour.kind_of(&design), kind);
            assert_eq!(design.members[0].name.as_str(), first);
        }
    }

    #[test]
    fn backups_are_kept_on_a_node_of_their_own_that_has_the_tools() {
        let design = |settings| MySql::MySql.design(&spec("replication", settings), None);
        let kept = design(&[("backup", "stream")]).expect("a design");
        let store = kept.members.last().expect("a member");
        assert_eq!(
            (store.name.as_str(), store.kind),
            ("backup1", MemberKind::Store)
        );
        assert!(kept.images.contains(&store.image), "{:?}", kept.images);
        let programs = |image: &str| MySql::MySql.programs(&kept, image);
        assert!(programs(&store.image).contains(&"mysqlbinlog"));
        assert!(!programs(&kept.members[0].image).contains(&"mysqlbinlog"));
        let maria = spec("replication", &[("backup", "stream")]);
        let maria = MySql::MariaDb.design(&maria, None).expect("a design");
        let server = maria.members[0].image.as_str();
        assert_eq!(maria.images, [server]);
        for tool in ["mariadb-backup", "mariadb-binlog", "socat"] {
            assert!(
                MySql::MariaDb.programs(&maria, server).contains(&tool),
                "{tool}"
            );
        }
        let none = design(&[]).expect("a design");
        assert!(none.members.iter().all(|one| one.kind == MemberKind::Data));
    }

    #[test]
    fn settings_without_a_meaning_are_refused() {
        let problems = |flavour: MySql, topology: &str, settings: &[(&str, &str)]| -> Vec<String> {
            let issues = flavour.design(&spec(topology, settings), None).err();
            let issues = issues.unwrap_or_default();
            issues.iter().map(|issue| issue.path[1].clone()).collect()
        };
        let none: [&str; 0] = [];
        let (mysql, mariadb) = (MySql::MySql, MySql::MariaDb);
        assert_eq!(
            problems(mysql, "replication", &[("semi-sync", "true")]),
            none
        );
        assert_eq!(
            problems(mysql, "group-replication", &[("semi-sync", "true")]),
            ["semi-sync"]
        );
        assert_eq!(
            problems(mysql, "group-replication", &[("backup", "stream")]),
            ["backup"]
        );
        assert_eq!(
            problems(mysql, "group-replication", &[("expel-timeout", "1500ms")]),
            ["expel-timeout"]
        );
        assert_eq!(
            problems(mariadb, "galera", &[("backup", "stream")]),
            ["backup"]
        );
        assert_eq!(
            problems(mariadb, "galera", &[("inactive-timeout", "4s")]),
            ["inactive-timeout"]
        );
        assert_eq!(
            problems(mariadb, "galera", &[("suspect-timeout", "10ms")]),
            ["suspect-timeout"]
        );
        assert_eq!(
            problems(mariadb, "replication", &[("max-connections", "9")]),
            ["max-connections"]
        );
    }
}
