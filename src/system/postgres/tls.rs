//! Servers with certificates: what they and the programs in their nodes are told, and that all who stream use them.

use sqlx::Row;

use crate::{
    id::NodeName,
    record::MemberKind,
    system::{
        SystemError,
        certified::{AUTHORITY_PATH, CERTIFICATE_PATH, Certified, KEY_PATH},
        roster::{Roster, Seat},
    },
};

use super::{frontend::Frontend, running::PostgresStack, shape::Shape, sql, status::ASK_LIMIT};

/// What makes a server read its certificate again, as `pg_ctl reload` does. One that is not up yet reads it when it starts.
const RELOAD: &[&str] = &[
    "sh",
    "-c",
    "if read -r pid <\"${PGDATA:-/var/lib/postgresql/data}/postmaster.pid\"; then kill -HUP \"$pid\"; fi",
];

/// Where a client's certificate would be.
const NO_CERTIFICATE: &str = "/drdrill/tls/client.crt";

/// Who streams from a primary, and by which version of TLS.
const STREAMS: &str = "\
SELECT application_name AS name, version FROM pg_stat_replication JOIN pg_stat_ssl USING (pid) \
WHERE ssl AND state = 'streaming'";

/// The certificates of a stack of this shape, if its servers present some.
///
/// # Errors
/// When they cannot be made.
pub fn certificates(roster: &Roster, shape: Shape) -> Result<Option<Certified>, SystemError> {
    let made = shape.tls.then(|| Certified::new(roster, &Frontend, RELOAD));
    made.transpose()
}

/// Lines for `postgresql.conf`.
pub fn settings() -> [String; 3] {
    [
        "ssl = on".into(),
        format!("ssl_cert_file = '{CERTIFICATE_PATH}'"),
        format!("ssl_key_file = '{KEY_PATH}'"),
    ]
}

/// By what the programs of a node verify other servers' certificates: those that stream, copy and rewind. They present none: the
/// file is not there. Not said, it would be looked for in a home folder that the server's account may not be allowed to enter.
pub fn env() -> [(String, String); 3] {
    [
        ("PGSSLMODE", "verify-ca"),
        ("PGSSLROOTCERT", AUTHORITY_PATH),
        ("PGSSLCERT", NO_CERTIFICATE),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// Each server's certificate is accepted, and each replica streams encrypted; what was seen. Nothing for a stack without.
///
/// # Errors
/// When not.
pub async fn prove(stack: &PostgresStack, primary: &Seat) -> Result<Vec<String>, SystemError> {
    let Some(certified) = &stack.certified else {
        return Ok(Vec::new());
    };
    let mut evidence = Vec::new();
    for seat in stack.roster.of(MemberKind::Data) {
        let shaken = certified.shake(&seat.name).await;
        let refused = |words: String| {
            SystemError::Refused(format!(
                "the certificate of `{}` is not accepted: {words}",
                seat.name
            ))
        };
        let shaken = shaken.map_err(|error| refused(error.to_string()))?;
        shaken.session.map_err(|(_, words)| refused(words))?;
        let ends = shaken
            .ends
            .map_or_else(String::new, |ends| ends.to_string());
        evidence.push(format!(
            "{}: its certificate is accepted, and valid until {ends}",
            seat.name
        ));
    }
    let encrypted = encrypted(primary).await?;
    for seat in stack.roster.data().filter(|seat| *seat != primary) {
        let found = encrypted.iter().find(|(name, _)| *name == seat.name);
        let none = || SystemError::Refused(format!("`{}` does not stream encrypted", seat.name));
        let (name, version) = found.ok_or_else(none)?;
        evidence.push(format!("{name}: it streams by {version}"));
    }
    Ok(evidence)
}

async fn encrypted(primary: &Seat) -> Result<Vec<(NodeName, String)>, SystemError> {
    let rows = sql::ask(primary.address, ASK_LIMIT, STREAMS).await;
    let rows = rows.map_err(SystemError::Refused)?;
    let read = |row: &sqlx::postgres::PgRow| {
        let (name, version): (String, String) = (row.try_get("name")?, row.try_get("version")?);
        Ok((NodeName::new(name), version))
    };
    let read: sqlx::Result<Vec<_>> = rows.iter().map(read).collect();
    read.map_err(|error| SystemError::Refused(error.to_string()))
}
