//! pgBackRest: what the servers and the node that holds its repository are told.

use std::fmt::Write as _;

use crate::{
    record::MemberKind,
    runtime::{NodeFile, NodeSpec},
    system::{
        SettingKind, SettingSpec,
        backups::SCRIPT_PATH,
        certified::{MUTUAL_AUTHORITY, MUTUAL_CERTIFICATE, MUTUAL_KEY},
        object_store::{BUCKET, KEY, NODE, PORT, REGION, SECRET},
        roster::{Roster, Seat},
        settings::Values,
    },
};

use super::backup;

/// The image of the servers and of the repository: `docker/pgbackrest` built on `postgres:17`.
pub const IMAGE: &str = "drdrill.local/pgbackrest:17";

/// Where its repository is.
pub const REPOSITORY: SettingSpec = SettingSpec {
    name: "repository",
    kind: SettingKind::OneOf(&["files", S3]),
    default: "files",
    help: "with `backup: pgbackrest`: where its repository is: files on `backup1`, which the servers reach by TLS, or a bucket of an \
           object store, MinIO on a node of its own, `store1`, which servers and `backup1` reach as S3 by TLS (`s3`)",
};

const S3: &str = "s3";

/// Where the repository is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repository {
    /// Files of the node that makes and restores backups.
    Files,
    /// A bucket of the stack's object store.
    S3,
}

impl Repository {
    /// That of a design.
    pub fn of(values: Values<'_>) -> Self {
        match values.word(REPOSITORY.name) {
            S3 => Self::S3,
            _ => Self::Files,
        }
    }

    /// How the node that makes and restores backups finds it, and how much is kept.
    fn own(self) -> String {
        let place = match self {
            Self::Files => format!("repo1-path={FOLDER}\n"),
            Self::S3 => bucket(),
        };
        format!("{place}repo1-retention-full={KEPT}\n")
    }
}

/// How a bucket is found, by anybody.
fn bucket() -> String {
    format!(
        "repo1-type=s3\nrepo1-path=/pgbackrest\nrepo1-s3-bucket={BUCKET}\nrepo1-s3-endpoint={NODE}\nrepo1-s3-region={REGION}\n\
         repo1-s3-uri-style=path\nrepo1-s3-key={KEY}\nrepo1-s3-key-secret={SECRET}\nrepo1-storage-host={NODE}\n\
         repo1-storage-port={PORT}\nrepo1-storage-ca-file={MUTUAL_AUTHORITY}\n"
    )
}

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

const FOLDER: &str = "/var/lib/pgbackrest";
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
pub fn fit_server(
    spec: &mut NodeSpec,
    roster: &Roster,
    store: &Seat,
    repository: Repository,
    known: &[NodeFile],
) {
    let mut config = String::from("[global]\n");
    match repository {
        Repository::Files => host(&mut config, "repo1", store),
        Repository::S3 => config.push_str(&bucket()),
    }
    config.push_str(&common(&[store]));
    let _ = write!(config, "\n[main]\npg1-path={DATA}\n");
    fit(spec, roster, known, &config);
}

/// Gives the node that makes and restores backups what it reads the servers and its repository by.
pub fn fit_store(spec: &mut NodeSpec, roster: &Roster, repository: Repository, known: &[NodeFile]) {
    backup::fit(spec, roster);
    let servers: Vec<&Seat> = roster.data().collect();
    let kept = repository.own();
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
        fit_server(&mut spec, &roster, store, Repository::Files, &[]);
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
    fn an_object_store_is_reached_by_every_node_itself() {
        let roster = roster();
        let store = roster.of(MemberKind::Store).next().expect("a store");
        let (mut server, mut keeper) = (spec(), spec());
        fit_server(&mut server, &roster, store, Repository::S3, &[]);
        fit_store(&mut keeper, &roster, Repository::S3, &[]);
        for config in [
            file(&server, CONFIG_PATH),
            file(&keeper, CONFIG_PATH),
            file(&keeper, RESTORED_PATH),
        ] {
            assert!(config.contains("repo1-type=s3\n"), "{config}");
            assert!(!config.contains("repo1-host="), "{config}");
            assert!(!config.contains(FOLDER), "{config}");
        }
        // Its data is read through the server's node all the same.
        let answers = "tls-server-auth=backup1=main";
        assert!(file(&server, CONFIG_PATH).contains(answers));
    }

    #[test]
    fn the_repository_reads_every_server_and_restores_into_a_place_of_its_own() {
        let (roster, mut spec) = (roster(), spec());
        fit_store(&mut spec, &roster, Repository::Files, &[]);
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
