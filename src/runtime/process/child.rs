//! One child process: spawned, signalled, watched.

use std::{
    env,
    fs::File,
    io,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

use crate::runtime::{NodeSpec, NodeState};

use super::spawner;

/// The only variables that a node has from drdrill's own environment, which may hold secrets.
const PASSED_ON: [&str; 4] = ["PATH", "LANG", "TZ", "TMPDIR"];

/// Names a process beyond doubt: numbers are used again, start times are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    /// The process number.
    pub pid: u32,
    /// Its start, in clock ticks since boot, as `/proc/<pid>/stat` says.
    pub started: u64,
}

impl ProcessId {
    /// The process with this number now, if there is one.
    pub fn of(pid: u32) -> Option<Self> {
        Some(Self {
            pid,
            started: stat_field(pid, 22)?.parse().ok()?,
        })
    }

    /// Whether this very process still lives (a zombie does not).
    pub fn lives(self) -> bool {
        Self::of(self.pid) == Some(self)
            && stat_field(self.pid, 3).is_some_and(|state| state != "Z")
    }
}

/// A field of `/proc/<pid>/stat`, counted from 1 as in proc(5); only those after the command's name.
fn stat_field(pid: u32, field: usize) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after_name = &text[text.rfind(')')? + 1..];
    after_name
        .split_whitespace()
        .nth(field - 3)
        .map(str::to_owned)
}

/// A child process. Dropping it ends it.
pub struct Child {
    process: std::process::Child,
    id: ProcessId,
}

impl Child {
    /// Starts the program of a specification with its output in `folder/log`, and `folder` as its own.
    pub fn spawn(spec: &NodeSpec, folder: &Path) -> io::Result<Self> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(folder.join("log"))?;
        let mut command = Command::new(&spec.image);
        command
            .args(&spec.entrypoint)
            .args(&spec.command)
            .env_clear()
            .envs(
                PASSED_ON
                    .iter()
                    .filter_map(|name| Some((name, env::var_os(name)?))),
            )
            .envs(spec.env.iter().cloned())
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let process = spawner::spawn(command)?;
        let pid = process.id();
        let id = ProcessId::of(pid).ok_or_else(|| io::Error::other("it ended at once"))?;
        Ok(Self { process, id })
    }

    /// Who it is.
    pub fn id(&self) -> ProcessId {
        self.id
    }

    /// Sends a signal to it. As its parent has not waited for it, the number is still its own.
    pub fn signal(&self, signal: Signal) -> nix::Result<()> {
        let pid = i32::try_from(self.id.pid).expect("process numbers fit");
        kill(Pid::from_raw(pid), signal)
    }

    /// What it does at the moment.
    pub fn state(&mut self) -> NodeState {
        match self.process.try_wait() {
            Ok(Some(status)) => {
                let signal = status.signal().map(|signal| 128 + i64::from(signal));
                NodeState::Exited {
                    code: signal.or(status.code().map(i64::from)).unwrap_or(-1),
                    out_of_memory: false,
                }
            }
            Ok(None) if stat_field(self.id.pid, 3).as_deref() == Some("T") => NodeState::Paused,
            Ok(None) => NodeState::Running,
            Err(_) => NodeState::Missing,
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Only reached with a living process when teardown was not: a signal neither blocks nor waits.
        if !matches!(self.state(), NodeState::Exited { .. }) {
            let _ = self.signal(Signal::SIGKILL);
            let _ = self.process.wait();
        }
    }
}
