//! The mark of a run in the environment of its processes, and the processes that carry it.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::process::geteuid;

use crate::id::RunId;

use super::{Owner, start_time};

const RUN: &str = "DRDRILL_RUN";
const OWNER: &str = "DRDRILL_OWNER";
const STATE: &str = "DRDRILL_STATE";

/// Whose a process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// The run.
    pub run: RunId,
    /// The drdrill that runs it.
    pub owner: Owner,
    /// The state folder of that drdrill, with its links resolved.
    pub state: PathBuf,
}

/// A process that carries a marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// Its process id.
    pub pid: u32,
    /// Its start time in clock ticks since boot.
    pub started: u64,
    /// What it carries.
    pub marker: Marker,
}

impl Marker {
    /// The marker of a run of this process.
    pub fn of(run: &RunId, state: &Path) -> Self {
        Self {
            run: run.clone(),
            owner: Owner::current(),
            state: resolved(state),
        }
    }

    /// The variables that say it.
    pub fn variables(&self) -> Vec<(String, String)> {
        let state = self.state.display().to_string();
        let (run, owner) = (self.run.to_string(), self.owner.to_string());
        [(RUN, run), (OWNER, owner), (STATE, state)]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }

    /// The marker of a process; none where it has none, is another user's, or has ended.
    pub fn carried_by(pid: u32) -> Option<Self> {
        let path = format!("/proc/{pid}/environ");
        if fs::metadata(&path).ok()?.uid() != geteuid().as_raw() {
            return None;
        }
        Self::read(&fs::read(path).ok()?)
    }

    fn read(environment: &[u8]) -> Option<Self> {
        let value = |wanted: &str| {
            environment.split(|byte| *byte == 0).find_map(|pair| {
                let (name, value) = std::str::from_utf8(pair).ok()?.split_once('=')?;
                (name == wanted).then(|| value.to_owned())
            })
        };
        Some(Self {
            run: RunId::parse(&value(RUN)?)?,
            owner: Owner::parse(&value(OWNER)?)?,
            state: value(STATE)?.into(),
        })
    }
}

/// Every process of this user that carries a marker of this state folder.
///
/// # Errors
/// When `/proc` cannot be listed.
pub fn marked(state: &Path) -> io::Result<Vec<Marked>> {
    let state = resolved(state);
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // The start time is read before the marker and again before a kill: a number that was used again is another process.
        if let Some(started) = start_time(pid)
            && let Some(marker) = Marker::carried_by(pid)
            && marker.state == state
        {
            found.push(Marked {
                pid,
                started,
                marker,
            });
        }
    }
    Ok(found)
}

/// A path with its links resolved, as far as it is there.
fn resolved(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_survives_an_environment_and_half_a_marker_is_none() {
        let marker = Marker::of(&RunId::new("20261121t081500", 9), Path::new("/"));
        let mut environment = Vec::new();
        for (name, value) in marker.variables() {
            assert_eq!(Marker::read(&environment), None);
            environment.extend(format!("{name}={value}\0").bytes());
        }
        assert_eq!(Marker::read(&environment), Some(marker));
    }
}
