//! pgBackRest: what the servers and the node that holds its repository are told.

use std::fmt::Write as _;

use crate::{
    record::MemberKind,
    runtime::{NodeFile, NodeSpec},
    system::{
        backups::SCRIPT_PATH,
        certified::{MUTUAL_AUTHORITY, MUTUAL_CERTIFICATE, MUTUAL_KEY},
        roster::{Roster, Seat},
    },
};

use super::backup;

/// The image of the servers and of the repository: `docker/pgbackrest` built on `postgres:17`.
pub const IMAGE: &str = "drdrill.local/pgbackrest:17";

/// What both kinds of node read.
const ARCHIVED: &str = include_str!("files/archived.sh");
const ARCHIVED_PATH: &str = "/drdrill/archived.sh";

/// What the node that holds the repository reads.
const SCRIPT: &str = concat!(
    include_str!("files/restored.sh"),
    include_str!("files/pgbackrest.sh")
);

const CONFIG_PATH: &str = "/drdrill/pgbackrest.conf";

/// By what is restored there: the restored server is the node's own.
const RESTORED_PATH: &str = "/drdrill/restored.conf";

const REPOSITORY: &str = "/var/lib/pgbackrest";
const DATA: &str = "/var/lib/postgresql/data";
const RESTORED_DATA: &str = "/var/lib/postgresql/restored";

/// Programs that the scripts of both kinds of node need.
pub const PROGRAMS: &[&str] = &[
    "sh",
    "cat",
    "chown",
    "cut",
    "date",
    "du",
    "find",
    "grep",
    "id",
    "mkdir",
    "initdb",
    "postgres",
    "pg_basebackup",
    "pg_ctl",
    "pg_isready",
    "pg_rewind",
    "pgbackrest",
    "psql",
];

/// How many full backups are kept, with the log that they need.
const KEPT: u32 = 2;

/// By what a server pushes a segment.
pub const COMMAND: &str =
    "pgbackrest --config=/drdrill/pgbackrest.conf --stanza=main archive-push \"%p\"";

/// The members that speak with each other by it.
pub fn parties(roster: &Roster) -> impl Iterator<Item = &Seat> {
    roster.data().chain(roster.of(MemberKind::Store))
}

/// Gives a server what it pushes its log by. `known` are the files by which nodes are sure of each other.
pub fn fit_server(spec: &mut NodeSpec, roster: &Roster, store: &Seat, known: &[NodeFile]) {
    let mut config = String::from("[global]\n");
    host(&mut config, "repo1", store);
    config.push_str(&common(&[store]));
    let _ = write!(config, "\n[main]\npg1-path={DATA}\n");
    fit(spec, roster, known, &config);
}

/// Gives the node that holds the repository what it reads the servers by, and what restores.
pub fn fit_store(spec: &mut NodeSpec, roster: &Roster, known: &[NodeFile]) {
    backup::fit(spec, roster);
    let servers: Vec<&Seat> = roster.data().collect();
    let kept = format!("repo1-path={REPOSITORY}\nrepo1-retention-full={KEPT}\n");
    let mut config = format!("[global]\n{kept}start-fast=y\n");
    config.push_str(&common(&servers));
    config.push_str("\n[main]\n");
    for (number, seat) in servers.iter().enumerate() {
        let name = format!("pg{}", number + 1);
        host(&mut config, &name, seat);
        let _ = writeln!(config, "{name}-path={DATA}");
    }
    fit(spec, roster, known, &config);
    let restored =
        format!("[global]\n{kept}log-level-file=off\n\n[main]\npg1-path={RESTORED_DATA}\n");
    spec.files
        .push(NodeFile::text(RESTORED_PATH, 0o644, &restored));
    spec.files.push(NodeFile::text(SCRIPT_PATH, 0o755, SCRIPT));
}

fn fit(spec: &mut NodeSpec, roster: &Roster, known: &[NodeFile], config: &str) {
    let hosts: Vec<String> = parties(roster)
        .map(|seat| format!("{} {}", seat.address.ip(), seat.name))
        .collect();
    spec.env.push(("DRDRILL_HOSTS".into(), hosts.join("\n")));
    spec.files.extend(known.iter().cloned());
    spec.files.push(NodeFile::text(CONFIG_PATH, 0o644, config));
    spec.files
        .push(NodeFile::text(ARCHIVED_PATH, 0o755, ARCHIVED));
}

/// How another node is reached, as `repo1` or `pg1`.
fn host(config: &mut String, name: &str, seat: &Seat) {
    let _ = writeln!(
        config,
        "{name}-host={}\n{name}-host-type=tls\n{name}-host-config={CONFIG_PATH}\n{name}-host-ca-file={MUTUAL_AUTHORITY}\n\
         {name}-host-cert-file={MUTUAL_CERTIFICATE}\n{name}-host-key-file={MUTUAL_KEY}",
        seat.name
    );
}

/// What is the same everywhere: how these others are answered, and where words go.
fn common(others: &[&Seat]) -> String {
    let mut text = format!(
        "tls-server-address=*\ntls-server-ca-file={MUTUAL_AUTHORITY}\ntls-server-cert-file={MUTUAL_CERTIFICATE}\n\
         tls-server-key-file={MUTUAL_KEY}\nlog-level-file=off\n"
    );
    for seat in others {
        let _ = writeln!(text, "tls-server-auth={}=main", seat.name);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::NodeName, record::Member};

    fn roster() -> Roster {
        let member = |name: &str, kind, last: u8| Member {
            name: NodeName::new(name),
            kind,
            address: format!("10.0.0.{last}:5432"),
            host: name.into(),
            image: String::new(),
        };
        let members = [
            member("pg1", MemberKind::Data, 1),
            member("pg2", MemberKind::Data, 2),
            member("backup1", MemberKind::Store, 3),
        ];
        Roster::new(&members).expect("addresses")
    }

    fn spec() -> NodeSpec {
        NodeSpec {
            name: NodeName::new("any"),
            image: String::new(),
            entrypoint: Vec::new(),
            command: Vec::new(),
            env: Vec::new(),
            files: Vec::new(),
            memory_mib: 0,
            sidecar: false,
            beside: None,
        }
    }

    fn file(spec: &NodeSpec, path: &str) -> String {
        let found = spec.files.iter().find(|file| file.path.as_os_str() == path);
        String::from_utf8(found.expect("it is there").bytes.clone()).expect("text")
    }

    #[test]
    fn a_server_pushes_to_the_repository_and_lets_nobody_else_read_it() {
        let (roster, mut spec) = (roster(), spec());
        let store = roster.of(MemberKind::Store).next().expect("a store");
        fit_server(&mut spec, &roster, store, &[]);
        let config = file(&spec, CONFIG_PATH);
        assert!(
            config.contains("repo1-host=backup1\nrepo1-host-type=tls\n"),
            "{config}"
        );
        let answered = config
            .lines()
            .filter(|line| line.starts_with("tls-server-auth="));
        assert_eq!(
            answered.collect::<Vec<_>>(),
            ["tls-server-auth=backup1=main"]
        );
        assert!(!config.contains("repo1-path"), "{config}");
    }

    #[test]
    fn the_repository_reads_every_server_and_restores_into_a_place_of_its_own() {
        let (roster, mut spec) = (roster(), spec());
        fit_store(&mut spec, &roster, &[]);
        let config = file(&spec, CONFIG_PATH);
        for line in [
            "pg1-host=pg1",
            "pg2-host=pg2",
            "pg2-path=/var/lib/postgresql/data",
        ] {
            assert!(config.lines().any(|it| it == line), "{line}: {config}");
        }
        assert!(file(&spec, RESTORED_PATH).contains("pg1-path=/var/lib/postgresql/restored"));
        let hosts = spec.env.iter().find(|(name, _)| name == "DRDRILL_HOSTS");
        let hosts = hosts.map(|(_, lines)| lines.as_str());
        assert_eq!(hosts, Some("10.0.0.1 pg1\n10.0.0.2 pg2\n10.0.0.3 backup1"));
    }
}
