//! `drdrill timestamp`: has an authority stamp the register's head.

use std::{fs, io, path::Path, time::Duration};

use drdrill::{
    evidence::{Register, StampError, audit, files, stamp},
    shown::shown_path,
};

use super::{
    arguments::TimestampArguments,
    exit::{Exit, Failure},
    notify::host,
    output,
};

/// The time for all of it: name, connection, answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The most bytes of an answer.
const MOST: u64 = 1 << 20;

/// Asks for a time stamp of the register's head, checks it, and keeps it beside the register.
///
/// # Errors
/// When there is no register or it does not hold, the authority does not answer, or its answer is no time stamp.
pub fn timestamp(arguments: &TimestampArguments) -> Result<Exit, Failure> {
    let (reports, authority) = (&arguments.reports, &arguments.tsa_ca);
    let head = head(reports)?;
    let path = stamp::path(reports, &head);
    stamp::certificates(authority).map_err(|error| refused(&error))?;
    if path.exists() {
        return before(&path, &head, authority);
    }
    let query = stamp::query(&head).map_err(|error| refused(&error))?;
    let reply = ask(&arguments.tsa, &query).map_err(|error| {
        Failure::new(
            Exit::EnvironmentUnfit,
            format!("{} did not stamp it: {error}", host(&arguments.tsa)),
            "ask again later; docs/evidence.md says how to ask from another machine",
        )
    })?;
    let at = stamp::verified(&reply, &head, authority).map_err(|error| refused(&error))?;
    keep(&path, &reply).map_err(|error| {
        Failure::new(
            Exit::EnvironmentUnfit,
            format!("failed to write `{}`: {error}", path.display()),
            "make room, or give the folder to this user",
        )
    })?;
    output::result(&format!(
        "stamped: the register up to {head} existed by {at}\n{}\n",
        shown_path(&path)
    ));
    Ok(Exit::Pass)
}

/// Says what the time stamp shows that is there already.
///
/// # Errors
/// When it cannot be read or shows nothing.
fn before(path: &Path, head: &str, authority: &Path) -> Result<Exit, Failure> {
    let place = path.display().to_string();
    let unread = |why: String| {
        let help = "remove the file, and ask again";
        Failure::new(Exit::EvidenceUnverified, format!("`{place}`: {why}"), help)
    };
    let reply = files::read(path, MOST).map_err(|error| unread(error.to_string()))?;
    let at = match stamp::verified(&reply, head, authority) {
        Err(StampError::Refused(why)) => return Err(unread(why)),
        other => other.map_err(|error| refused(&error))?,
    };
    output::result(&format!(
        "stamped before: the register up to {head} existed by {at}\n{}\n",
        shown_path(path)
    ));
    Ok(Exit::Pass)
}

/// The head of a register that holds.
fn head(reports: &Path) -> Result<String, Failure> {
    let register = Register::of(reports);
    if !register.path().is_file() {
        return Err(Failure::new(
            Exit::Usage,
            format!("there is no register in `{}`", reports.display()),
            "name the folder that `drdrill run --out` wrote to",
        ));
    }
    let audit = audit(register.path(), None, true, None);
    if let Some(problem) = audit.problems.first() {
        return Err(Failure::new(
            Exit::EvidenceUnverified,
            problem.to_string(),
            "`drdrill verify` names everything that is wrong; what does not hold is not stamped",
        ));
    }
    audit.head.ok_or_else(|| {
        let help = "run a drill first";
        Failure::new(Exit::Usage, "the register holds no line", help)
    })
}

fn ask(url: &str, query: &[u8]) -> Result<Vec<u8>, ureq::Error> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .build()
        .into();
    let mut answer = agent
        .post(url)
        .header("content-type", "application/timestamp-query")
        .send(query)?;
    answer.body_mut().with_config().limit(MOST).read_to_vec()
}

/// Writes it whole or not at all.
fn keep(path: &Path, reply: &[u8]) -> io::Result<()> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    fs::create_dir_all(folder)?;
    // Beside the register, where a file that was left half-written is told and no more.
    let partly = folder.with_extension("part");
    fs::write(&partly, reply)?;
    fs::rename(&partly, path)
}

/// How a time stamp that shows nothing ends a command.
pub fn refused(error: &StampError) -> Failure {
    match error {
        StampError::Tool(_) => Failure::new(
            Exit::EnvironmentUnfit,
            error.to_string(),
            "install the package openssl",
        ),
        StampError::Certificates { .. } => Failure::new(
            Exit::Usage,
            error.to_string(),
            "--tsa-ca is a file with the certificates that the authority publishes",
        ),
        StampError::Refused(_) => Failure::new(
            Exit::EvidenceUnverified,
            error.to_string(),
            "name the certificates of the authority that was asked with --tsa-ca",
        ),
    }
}
