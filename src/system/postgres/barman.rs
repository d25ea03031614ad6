//! Barman: what the node that keeps backups by it is told.

use std::time::Duration;

use crate::{
    runtime::{NodeFile, NodeSpec},
    system::{SettingKind, SettingSpec, backups::SCRIPT_PATH, roster::Roster},
};

use super::backup;

/// The image of that node: `docker/barman` built on `postgres:17`.
pub const IMAGE: &str = "drdrill.local/barman:17";

/// How often Barman looks after its receiver.
pub const CRON: SettingSpec = SettingSpec {
    name: "barman-cron",
    kind: SettingKind::Duration,
    default: "60s",
    help: "with `backup: barman`: how often `barman cron` runs, which starts the receiver of the log again where it ended, as it does at \
           each failover, in whole seconds; the package's own is a minute",
};

/// The name under which a primary sees Barman receive its log.
pub const RECEIVER: &str = "barman_receive_wal";

/// Programs that the node's scripts need.
pub const PROGRAMS: &[&str] = &[
    "sh",
    "cat",
    "chown",
    "cut",
    "du",
    "find",
    "grep",
    "id",
    "mkdir",
    "rsync",
    "sleep",
    "barman",
    "initdb",
    "postgres",
    "pg_basebackup",
    "pg_ctl",
    "pg_isready",
    "pg_receivewal",
    "psql",
];

const SCRIPT: &str = concat!(
    include_str!("files/restored.sh"),
    include_str!("files/barman.sh")
);

const CONFIG_PATH: &str = "/drdrill/barman.conf";

/// Gives the node what it keeps backups by.
pub fn fit(spec: &mut NodeSpec, roster: &Roster, cron: Duration) {
    backup::fit(spec, roster);
    let seconds = cron.as_secs_f64().ceil().max(1.0);
    spec.env
        .push(("DRDRILL_CRON_SECONDS".into(), seconds.to_string()));
    spec.files.push(NodeFile::text(SCRIPT_PATH, 0o755, SCRIPT));
    spec.files
        .push(NodeFile::text(CONFIG_PATH, 0o644, &config(roster)));
}

/// Whoever of the servers takes writes is backed up, and its log received as it is written.
fn config(roster: &Roster) -> String {
    let hosts: Vec<String> = roster
        .data()
        .map(|seat| seat.address.ip().to_string())
        .collect();
    let hosts = hosts.join(",");
    let reach = |user: &str| {
        format!(
            "host={hosts} port=5432 user={user} dbname=postgres target_session_attrs=read-write connect_timeout=3"
        )
    };
    format!(
        "[barman]\nbarman_user = postgres\nbarman_home = /var/lib/barman\nbarman_lock_directory = /tmp/barman\n\n\
         [main]\ndescription = the servers of this stack\nconninfo = {}\nstreaming_conninfo = {}\n\
         backup_method = postgres\nstreaming_archiver = on\nslot_name = drdrill_backup\ncreate_slot = auto\n",
        reach("postgres"),
        reach("replicator")
    )
}
