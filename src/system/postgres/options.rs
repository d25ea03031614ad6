//! The settings that PostgreSQL's topologies have.

use crate::system::{SettingKind, SettingSpec, proxied, rows::Isolation};

use super::{backup, barman, pgbackrest, pushed};

/// The setting by which replicas look their primary up by name.
pub const NAMES: &str = "names";

/// The setting by which servers present certificates, and clients and replicas verify them.
pub const TLS: &str = "tls";

/// Settings of every topology.
pub const COMMON: &[SettingSpec] = &[
    SettingSpec {
        name: "synchronous",
        kind: SettingKind::OneOf(&["off", "on", "remote-apply"]),
        default: "off",
        help: "what an acknowledged write has reached besides the primary: nothing (PostgreSQL's default), the disk \
               of any one replica, or its readers; with Patroni `synchronous_mode`, which falls back to nothing \
               when no replica is left (not strict, Patroni's default)",
    },
    SettingSpec {
        name: proxied::SETTING,
        kind: SettingKind::OneOf(&["direct", proxied::ROUTE]),
        default: "direct",
        help: "how a replica streams from its primary: from its own address, as usual, or through Toxiproxy, so that \
               faults of streams can meet it (not with Patroni, which leads replicas to nodes' own addresses); \
               copies and rewinds go straight to the primary",
    },
    SettingSpec {
        name: NAMES,
        kind: SettingKind::Flag,
        default: "false",
        help: "a replica looks its primary up by name each time it connects to stream, as in most installations, \
               instead of being told an address; not with Patroni, nor through Toxiproxy",
    },
    SettingSpec {
        name: TLS,
        kind: SettingKind::Flag,
        default: "false",
        help: "servers present certificates of an authority of the run's own; clients and replicas encrypt and verify \
               them (verify-ca); drdrill's own questions stay plain and see what clients cannot; not with Patroni, nor \
               through Toxiproxy",
    },
    SettingSpec {
        name: "max-connections",
        kind: SettingKind::Count,
        default: "500",
        help: "connections that a server takes at most; PostgreSQL's default of 100 is little for clients that \
               connect again and again during an outage",
    },
    SettingSpec {
        name: "isolation",
        kind: SettingKind::OneOf(Isolation::WORDS),
        default: "read-committed",
        help: "isolation of the transactions of transfers and of list-append, said by each of them; the default is PostgreSQL\'s own",
    },
    SettingSpec {
        name: "fsync",
        kind: SettingKind::Flag,
        default: "true",
        help: "force the log to disk, PostgreSQL's default; `false` makes drills faster and a power loss fatal",
    },
    backup::SETTING,
    pushed::ARCHIVE_TIMEOUT,
    pgbackrest::REPOSITORY,
    barman::CRON,
];

/// The setting that says where etcd stands under Patroni.
pub const ETCD: &str = "etcd";

/// Its value for machines of their own.
pub const APART: &str = "apart";

/// Settings of Patroni and of the proxy before it.
pub const PATRONI: &[SettingSpec] = &[
    SettingSpec {
        name: ETCD,
        kind: SettingKind::OneOf(&["beside", APART]),
        default: "beside",
        help: "where the members of etcd stand: beside a server each, on its machine, with which they die, or apart, on machines of their own",
    },
    SettingSpec {
        name: "ttl",
        kind: SettingKind::Duration,
        default: "20s",
        help: "how long the leader's key lives without being renewed; 20 s is the least that Patroni takes, its \
               default is 30 s",
    },
    SettingSpec {
        name: "loop-wait",
        kind: SettingKind::Duration,
        default: "5s",
        help: "how often Patroni looks and renews the key; its default is 10 s, and ttl must be at least \
               loop-wait + 2 x retry-timeout",
    },
    SettingSpec {
        name: "retry-timeout",
        kind: SettingKind::Duration,
        default: "5s",
        help: "how long Patroni retries PostgreSQL and etcd before the leader steps down; its default is 10 s",
    },
    SettingSpec {
        name: "maximum-lag-on-failover",
        kind: SettingKind::Count,
        default: "1048576",
        help: "bytes that a replica may be behind to become leader; Patroni's default",
    },
    SettingSpec {
        name: "agent-restarts",
        kind: SettingKind::Flag,
        default: "true",
        help: "whether an agent of Patroni that was killed is started again, as by `Restart=on-failure` of its systemd unit; \
               its server goes on without it either way (`KillMode=process`)",
    },
    SettingSpec {
        name: "haproxy-inter",
        kind: SettingKind::Duration,
        default: "1s",
        help: "how often HAProxy checks a node; Patroni's template says 3 s",
    },
    SettingSpec {
        name: "haproxy-fall",
        kind: SettingKind::Count,
        default: "3",
        help: "failed checks after which a node is down; from Patroni's template",
    },
    SettingSpec {
        name: "haproxy-rise",
        kind: SettingKind::Count,
        default: "1",
        help: "good checks after which a node is up; Patroni's template says 2, which adds one check to an outage",
    },
];
