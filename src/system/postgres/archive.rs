//! A plain `archive_command`: what the servers that push their log by it, and the node that takes it, are told.

use crate::{
    runtime::{NodeFile, NodeSpec},
    system::{
        backups::SCRIPT_PATH,
        roster::{Roster, Seat},
    },
};

use super::backup;

/// By what a server pushes a segment: the node that takes it stands in its environment.
pub const COMMAND: &str = "perl /drdrill/segments.pl push $DRDRILL_ARCHIVE \"%p\" \"%f\"";

/// What both ends of it are.
const SEGMENTS: &str = include_str!("files/segments.pl");
const SEGMENTS_PATH: &str = "/drdrill/segments.pl";

/// Where that node listens.
const PORT: u16 = 8431;

const SCRIPT: &str = concat!(
    include_str!("files/restored.sh"),
    include_str!("files/base.sh"),
    include_str!("files/archive.sh")
);

/// Programs that the scripts of both kinds of node need.
pub const PROGRAMS: &[&str] = &[
    "sh",
    "cat",
    "chown",
    "cp",
    "date",
    "du",
    "find",
    "grep",
    "id",
    "mkdir",
    "perl",
    "initdb",
    "postgres",
    "pg_basebackup",
    "pg_ctl",
    "pg_isready",
    "pg_rewind",
    "pg_verifybackup",
    "psql",
];

/// Gives a server what it pushes its log by.
pub fn fit_server(spec: &mut NodeSpec, store: &Seat) {
    let there = format!("{} {PORT}", store.address.ip());
    spec.env.push(("DRDRILL_ARCHIVE".into(), there));
    fit(spec);
}

/// Gives the node that keeps backups what it takes the log by, and what restores.
pub fn fit_store(spec: &mut NodeSpec, roster: &Roster) {
    backup::fit(spec, roster);
    spec.env.push(("DRDRILL_PORT".into(), PORT.to_string()));
    spec.files.push(NodeFile::text(SCRIPT_PATH, 0o755, SCRIPT));
    fit(spec);
}

fn fit(spec: &mut NodeSpec) {
    spec.files
        .push(NodeFile::text(SEGMENTS_PATH, 0o755, SEGMENTS));
}
