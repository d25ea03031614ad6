//! The tools that keep backups of MySQL and of MariaDB, and what nodes are given for them.

use crate::{
    record::MemberKind,
    runtime::{NodeFile, NodeSpec},
    system::{
        SettingKind, SettingSpec,
        backups::{BACKUP, SCRIPT_PATH},
        roster::Roster,
    },
};

use super::kind::Kind;

/// Whether the log and dumps of MySQL are kept.
pub const DUMPED: SettingSpec = SettingSpec {
    name: BACKUP,
    kind: SettingKind::OneOf(&["off", "stream"]),
    default: "off",
    help: "keeps backups on a node of their own, `backup1`: dumps by mysqldump, and the binary log by mysqlbinlog as the source \
           writes it",
};

/// Whether the log and copies of MariaDB are kept.
pub const COPIED: SettingSpec = SettingSpec {
    help: "keeps backups on a node of their own, `backup1`: copies of the data directory by mariadb-backup, which the source \
           streams there, and the binary log by mariadb-binlog as the source writes it",
    ..DUMPED
};

/// The image of the node that keeps dumps: the official one lacks mysqlbinlog.
pub const IMAGE: &str = "drdrill.local/mysql:9";

/// What the start script reads in that node.
const DUMPED_SCRIPT: &str = concat!(
    include_str!("files/dumped.sh"),
    include_str!("files/backup.sh")
);
const COPIED_SCRIPT: &str = concat!(
    include_str!("files/copied.sh"),
    include_str!("files/backup.sh")
);

/// What sends a copy from a server of MariaDB.
const SEND: &str = include_str!("files/send.sh");

/// Its place there.
pub const SEND_PATH: &str = "/drdrill/send.sh";

/// The arguments of the server that is restored, one a line.
const ARGUMENTS_PATH: &str = "/drdrill/arguments";

/// Programs that the scripts of the node that keeps dumps need.
pub const DUMPED_PROGRAMS: &[&str] = &[
    "sh",
    "awk",
    "chown",
    "cut",
    "date",
    "du",
    "find",
    "grep",
    "id",
    "mkdir",
    "mysql",
    "mysqlbinlog",
    "mysqld",
    "mysqldump",
    "sha256sum",
    "sort",
    "stat",
    "touch",
];

/// Programs that the scripts of a server of MariaDB and of the node that keeps copies of it need.
pub const COPIED_PROGRAMS: &[&str] = &[
    "sh",
    "awk",
    "chown",
    "cut",
    "date",
    "du",
    "find",
    "grep",
    "id",
    "mariadb",
    "mariadb-backup",
    "mariadb-binlog",
    "mariadb-install-db",
    "mariadbd",
    "mbstream",
    "mkdir",
    "sha256sum",
    "socat",
    "sort",
    "stat",
    "touch",
];

/// Makes a node the one that keeps backups.
pub fn fit_store(spec: &mut NodeSpec, roster: &Roster, kind: Kind) {
    let servers: Vec<String> = roster
        .data()
        .map(|seat| seat.address.ip().to_string())
        .collect();
    let servers = servers.join(" ");
    spec.env.push(("DRDRILL_SERVERS".into(), servers));
    let arguments = std::mem::take(&mut spec.command).join("\n");
    let script = if kind.maria() {
        COPIED_SCRIPT
    } else {
        DUMPED_SCRIPT
    };
    spec.files.extend([
        NodeFile::text(SCRIPT_PATH, 0o755, script),
        NodeFile::text(ARGUMENTS_PATH, 0o644, &arguments),
    ]);
}

/// Gives a server what sends a copy of its data, where its stack keeps such.
pub fn fit_server(spec: &mut NodeSpec, roster: &Roster, kind: Kind) {
    if kind.maria() && roster.of(MemberKind::Store).next().is_some() {
        spec.files.push(NodeFile::text(SEND_PATH, 0o755, SEND));
    }
}

/// The question for whose log a server writes, as `server`, and whether it refuses writes, as `shut`.
pub fn source(kind: Kind) -> &'static str {
    if kind.maria() {
        "SELECT @@server_id AS server, @@read_only AS shut"
    } else {
        "SELECT @@server_uuid AS server, CAST(@@super_read_only AS CHAR) AS shut"
    }
}
