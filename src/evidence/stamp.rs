//! Time stamps (RFC 3161) of the register's head: an authority's word that its lines existed by then. openssl makes the
//! queries and checks the answers.

use std::{
    fmt::Write as _,
    fs,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use thiserror::Error;

use super::{Audit, Problem, Verified, files};

/// The folder beside the register that holds them; each is named by the head that it stamps.
pub const STAMPS: &str = "timestamps";

/// What the names of their files end with.
const ENDING: &str = ".tsr";

/// How far a run's clock may be ahead of the authority's before its start is called wrong.
const CLOCKS: SignedDuration = SignedDuration::from_mins(1);

/// Why a time stamp shows nothing.
#[derive(Debug, Error)]
pub enum StampError {
    /// openssl is not there, or cannot be started.
    #[error("failed to start `openssl`: {0}")]
    Tool(std::io::Error),
    /// The authority's certificates cannot be read.
    #[error("no certificates in PEM can be read from `{}`: {why}", authority.display())]
    Certificates {
        /// The file that was named.
        authority: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// What openssl was given is not what it must be.
    #[error("{0}")]
    Refused(String),
}

/// What the time stamps beside a register show.
#[derive(Debug, Clone, Default)]
pub struct Stamped {
    /// The register's line that each covers, from 0, and its time.
    stamps: Vec<(usize, Timestamp)>,
    /// What is wrong with them.
    pub problems: Vec<Problem>,
}

impl Stamped {
    /// How many hold.
    pub fn count(&self) -> usize {
        self.stamps.len()
    }

    /// By when a run had been closed: the earliest time stamp of its closing line or of one after it.
    pub fn closed_by(&self, audit: &Audit, verified: &Verified) -> Option<Timestamp> {
        let registered = audit.runs.get(verified.run.as_ref()?)?;
        let (closed, _) = registered.closed.as_ref()?;
        let covering = self.stamps.iter().filter(|(line, _)| line >= closed);
        covering.map(|(_, at)| *at).min()
    }

    /// What is wrong with a run's time: nothing covers it, or its own clock contradicts what does.
    pub fn problem_of(&self, audit: &Audit, verified: &Verified) -> Option<Problem> {
        let place = verified.folder.to_string_lossy();
        let Some(by) = self.closed_by(audit, verified) else {
            let what = "no time stamp covers it: `drdrill timestamp` asks for one";
            return Some(Problem::new(place, what));
        };
        let registered = audit.runs.get(verified.run.as_ref()?)?;
        let (_, opening) = registered.opened.as_ref()?;
        let started: Timestamp = opening.started.parse().ok()?;
        let late = started > by + CLOCKS;
        let what = format!(
            "it says that it started at {started}, and a time stamp shows that it had ended by {by}"
        );
        late.then(|| Problem::new(place, what))
    }
}

/// Where the time stamp of a head lies.
pub fn path(reports: &Path, head: &str) -> PathBuf {
    reports.join(STAMPS).join(format!("{head}{ENDING}"))
}

/// The time stamps beside a register, oldest name first; links and other things in their place are for the audit to name.
pub fn there(register: &Path) -> Vec<PathBuf> {
    let folder = register.parent().unwrap_or(Path::new(".")).join(STAMPS);
    if !files::is_folder(&folder) {
        return Vec::new();
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| head_of(path).is_some()).collect();
    paths.sort();
    paths
}

/// The head that a file is the time stamp of, by its name.
pub(super) fn head_of(path: &Path) -> Option<&str> {
    let head = path.file_name()?.to_str()?.strip_suffix(ENDING)?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (head.len() == 64 && head.bytes().all(is_digit)).then_some(head)
}

/// Checks every time stamp beside a register against the authority's certificate, and its head against the register.
///
/// # Errors
/// When openssl is not there, or the authority's file holds no certificates.
pub fn stamps(register: &Path, audit: &Audit, authority: &Path) -> Result<Stamped, StampError> {
    certificates(authority)?;
    let mut stamped = Stamped::default();
    for path in there(register) {
        let Some(head) = head_of(&path) else { continue };
        let place = path.to_string_lossy();
        let mut problem = |what: &str| stamped.problems.push(Problem::new(&place, what));
        let reply = match files::read(&path, files::KEY_MOST) {
            Ok(reply) => reply,
            Err(error) => {
                problem(&format!("it cannot be read: {error}"));
                continue;
            }
        };
        let at = match verified(&reply, head, authority) {
            Ok(at) => at,
            Err(StampError::Refused(why)) => {
                problem(&why);
                continue;
            }
            Err(error) => return Err(error),
        };
        match audit.line_of(head) {
            Some(line) => stamped.stamps.push((line, at)),
            None => problem(
                "the register does not hold the line that was stamped: its end was cut off, or it was rewritten",
            ),
        }
    }
    Ok(stamped)
}

/// A query for a time stamp of a head.
///
/// # Errors
/// When openssl is not there or refuses.
pub fn query(head: &str) -> Result<Vec<u8>, StampError> {
    // The answer is bound by the digest. One that is played again is older, which is no lie.
    let arguments = ["-query", "-digest", head, "-sha256", "-cert", "-no_nonce"];
    openssl(&arguments, &[])
}

/// The time of an authority's answer, if it is a time stamp of this head that chains to one of these certificates. They
/// must have been valid at that time, not now: time stamps outlast the certificates that signed them.
///
/// # Errors
/// When it is none, or openssl is not there.
pub fn verified(reply: &[u8], head: &str, authority: &Path) -> Result<Timestamp, StampError> {
    // The status beside the token is signed by nobody, so the time is read from the token alone.
    let token = openssl(&["-reply", "-in", "/dev/stdin", "-token_out"], reply)?;
    let text = openssl(
        &["-reply", "-in", "/dev/stdin", "-token_in", "-text"],
        &token,
    )?;
    let at = time(&String::from_utf8_lossy(&text))
        .ok_or_else(|| StampError::Refused("it says no time that can be read".into()))?;
    let authority = std::path::absolute(authority).unwrap_or_else(|_| authority.to_owned());
    let authority = authority.to_string_lossy();
    let moment = at.as_second().to_string();
    let checks = ["-verify", "-digest", head, "-in", "/dev/stdin", "-CAfile"];
    openssl(
        &[&checks[..], &[&authority, "-attime", &moment]].concat(),
        reply,
    )?;
    Ok(at)
}

/// Makes sure that a file holds certificates: without this check a wrong name would look like wrong evidence.
///
/// # Errors
/// When it holds none or cannot be read.
pub fn certificates(authority: &Path) -> Result<(), StampError> {
    let text = files::text_named(authority, files::KEY_MOST);
    let why = match text {
        Ok(text) if text.contains("-----BEGIN CERTIFICATE-----") => return Ok(()),
        Ok(_) => "it holds none".to_owned(),
        Err(error) => error.to_string(),
    };
    let authority = authority.to_owned();
    Err(StampError::Certificates { authority, why })
}

/// The time in openssl's text of a token, such as `Time stamp: Nov  5 15:22:25.5 2026 GMT`.
fn time(text: &str) -> Option<Timestamp> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Time stamp: "))?;
    let mut plain = String::new();
    for word in line.split_whitespace() {
        write!(plain, "{word} ").ok()?;
    }
    let civil = DateTime::strptime("%b %d %H:%M:%S%.f %Y GMT", plain.trim()).ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Runs `openssl ts` and returns its output.
fn openssl(arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, StampError> {
    let mut child = Command::new("openssl")
        .arg("ts")
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(StampError::Tool)?;
    if let Some(mut stdin) = child.stdin.take() {
        match stdin.write_all(input) {
            // It need not read what it refuses.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                return Err(StampError::Tool(error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    let output = child.wait_with_output().map_err(StampError::Tool)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(StampError::Refused(format!(
        "it is no time stamp of this head by that authority: {}",
        reason(&said)
    )))
}

/// Why openssl refused, from the last of its errors: `thread:error:code:library:function:reason:file:line:more`.
fn reason(said: &str) -> &str {
    let last = said.lines().rfind(|line| line.contains(":error:"));
    let Some(last) = last.or(said.lines().last()) else {
        return "openssl does not say why";
    };
    let parts: Vec<&str> = last.splitn(9, ':').collect();
    match parts.get(8).map(|more| more.trim()) {
        Some("") | None => parts.get(5).copied().unwrap_or(last),
        Some(more) => more,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tokens_time_is_read_with_one_or_two_digits_of_the_day_and_with_parts_of_a_second() {
        let read = |text: &str| time(text).map(|at| at.to_string());
        assert_eq!(
            read("Version: 1\nTime stamp: Nov 25 15:22:25 2026 GMT\nAccuracy: unspecified"),
            Some("2026-11-25T15:22:25Z".into())
        );
        assert_eq!(
            read("Time stamp: Nov  5 15:22:25.5 2026 GMT"),
            Some("2026-11-05T15:22:25.5Z".into())
        );
        assert_eq!(read("Nonce: Time stamp: Nov 25 15:22:25 2026 GMT"), None);
        assert_eq!(read("Time stamp: unspecified"), None);
    }

    #[test]
    fn the_reason_is_the_last_error_that_openssl_names() {
        let verify = "Using configuration from x.cnf\n40D7:error:17800064:time stamp routines:ts_verify_cert:certificate verify error:../ts.c:188:Verify error:certificate is not yet valid\n";
        assert_eq!(reason(verify), "Verify error:certificate is not yet valid");
        let imprint = "40D7:error:17800067:time stamp routines:ts_check_imprints:message imprint mismatch:../ts.c:566:\n";
        assert_eq!(reason(imprint), "message imprint mismatch");
        assert_eq!(reason("Could not open file"), "Could not open file");
        assert_eq!(reason(""), "openssl does not say why");
    }

    #[test]
    fn only_names_of_heads_are_time_stamps() {
        let head = "0a".repeat(32);
        let named = |name: String| head_of(Path::new(&name)).map(str::to_owned);
        assert_eq!(named(format!("x/{head}.tsr")), Some(head.clone()));
        for other in [
            head.clone(),
            format!("{head}.tsr.old"),
            format!("{}.tsr", head.to_uppercase()),
            format!("{}.tsr", &head[1..]),
        ] {
            assert_eq!(named(other), None);
        }
    }
}
