//! The mark of a run in the environment of its processes, and the processes that carry it.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};

use rustix::process::geteuid;

use crate::{id::RunId, time::Clock};

use super::{Owner, start_time};

const RUN: &str = "DRDRILL_RUN";
const OWNER: &str = "DRDRILL_OWNER";
const STATE: &str = "DRDRILL_STATE";

/// How long a program that is only just starting is waited for.
const STARTING: Duration = Duration::from_millis(500);
/// How often it is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(1);

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
        // A thread of the kernel, and what has ended, have none.
        fs::read_link(format!("/proc/{pid}/exe")).ok()?;
        let clock = Clock::start();
        let mut started = false;
        loop {
            let looked = has_arguments(pid);
            let environment = fs::read(&path).ok()?;
            if !environment.is_empty() || started || clock.now().since_start() > STARTING {
                return Self::read(&environment);
            }
            started = looked;
            sleep(LOOK_EVERY);
        }
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

/// Whether the process shows its arguments. One that has just been given its program shows neither them nor its
/// environment, for a moment: the kernel lets the parent go on (`exec_mmap`) before it has set where they are, the
/// arguments first.
fn has_arguments(pid: u32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|it| !it.is_empty())
}

/// A path with its links resolved, as far as it is there.
fn resolved(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

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

    #[test]
    fn a_program_that_is_only_just_starting_is_known_by_its_marker() {
        let busy = AtomicBool::new(true);
        let (run, state) = (RunId::new("20261121t081500", 9), Path::new("/"));
        let marker = Marker::of(&run, state);
        let unseen = std::thread::scope(|scope| {
            // A child that waits for a processor stays longer in that moment.
            for _ in 0..4 {
                scope.spawn(|| {
                    while busy.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            let unseen = (0..100).filter(|_| {
                let mut program = std::process::Command::new("sleep");
                let mut child = program.arg("60").envs(marker.variables()).spawn().unwrap();
                let carried = Marker::carried_by(child.id());
                child.kill().unwrap();
                child.wait().unwrap();
                carried.as_ref() != Some(&marker)
            });
            let unseen = unseen.count();
            busy.store(false, Ordering::Relaxed);
            unseen
        });
        assert_eq!(unseen, 0);
    }
}
