//! Signals sent to the container's process itself where it is visible here, so that the bracket is a few milliseconds wide.

use std::fs;

use bollard::query_parameters::KillContainerOptionsBuilder;

use crate::runtime::{RuntimeError, Signal, pidfd::Held, start_time};

use super::engine::{ACT, Engine, within};

/// A container's main process as seen from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Visible {
    pid: u32,
    started: u64,
}

impl Visible {
    /// The process, if it is on this machine, in sight, and in that container.
    pub fn find(pid: i64, container: &str) -> Option<Self> {
        let pid = u32::try_from(pid).ok().filter(|pid| *pid > 1)?;
        let visible = Self {
            pid,
            started: start_time(pid)?,
        };
        // Read after the start time: a process that took the number over in between is in no such group.
        belongs(
            &fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?,
            container,
        )
        .then_some(visible)
    }

    /// Whether that very process still runs.
    pub fn runs(self) -> bool {
        start_time(self.pid) == Some(self.started)
    }

    /// Whether that very process is stopped by a signal.
    pub fn stopped(self) -> bool {
        is_stopped(self.pid) && self.runs()
    }

    /// Whether the server below it is stopped by a signal: a container's main process is an init, whose child is the server, or what
    /// started it. The look ends where processes stand side by side, as a server's own do.
    pub fn holds_stopped(self) -> bool {
        let mut below = children(self.pid);
        while let [single] = below.as_slice() {
            if is_stopped(*single) {
                return self.runs();
            }
            below = children(*single);
        }
        false
    }

    /// Sends a signal to that very process, and sees it killed; false when it is gone or may not be signalled.
    pub async fn signal(self, signal: Signal) -> bool {
        match Held::open(self.pid) {
            // Looked at while it is held: the number cannot pass to another process in between.
            Ok(held) if self.runs() => held.signal(signal).await.is_ok(),
            _ => false,
        }
    }
}

/// Whether a process is stopped by a signal.
fn is_stopped(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = stat.rfind(')').map(|end| &stat[end + 1..]);
    after_name.is_some_and(|rest| rest.trim_start().starts_with('T'))
}

/// The children of a process's main thread, which starts servers; none where the kernel does not tell them.
fn children(of: u32) -> Vec<u32> {
    let listed = fs::read_to_string(format!("/proc/{of}/task/{of}/children")).unwrap_or_default();
    let pids = listed.split_whitespace();
    pids.filter_map(|pid| pid.parse().ok()).collect()
}

fn belongs(cgroup: &str, container: &str) -> bool {
    container.len() >= 12 && cgroup.lines().any(|line| line.contains(container))
}

fn name(signal: Signal) -> &'static str {
    match signal {
        Signal::Kill => "SIGKILL",
        Signal::Term => "SIGTERM",
    }
}

/// Sends a signal to a container's main process, directly if it is visible, else by the engine.
pub(super) async fn send(
    engine: &Engine,
    container: &str,
    visible: Option<Visible>,
    signal: Signal,
) -> Result<(), RuntimeError> {
    if let Some(process) = visible
        && process.signal(signal).await
    {
        return Ok(());
    }
    // The engine too answers a SIGKILL only when the container has ended.
    let options = KillContainerOptionsBuilder::new()
        .signal(name(signal))
        .build();
    let call = engine.docker.kill_container(container, Some(options));
    within("signal", container, ACT, call).await
}

#[cfg(test)]
mod tests {
    use std::{
        process::Command,
        thread,
        time::{Duration, Instant},
    };

    use super::*;

    #[test]
    fn a_process_that_is_stopped_below_another_is_seen() {
        let held = "sleep 60 & kill -STOP $!; wait";
        let mut above = Command::new("sh").args(["-c", held]).spawn().unwrap();
        let visible = Visible {
            pid: above.id(),
            started: start_time(above.id()).unwrap(),
        };
        let end = Instant::now() + Duration::from_secs(5);
        while !visible.holds_stopped() && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
        let below = children(above.id());
        assert!(visible.holds_stopped(), "{below:?}");
        assert_eq!(below.len(), 1);
        for pid in below {
            let own = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
            nix::sys::signal::kill(own, nix::sys::signal::Signal::SIGCONT).unwrap();
            assert!(!visible.holds_stopped());
            nix::sys::signal::kill(own, nix::sys::signal::Signal::SIGKILL).unwrap();
        }
        above.wait().unwrap();
        assert!(!visible.holds_stopped());
    }

    #[test]
    fn only_processes_of_the_container_are_found() {
        let id = "0123456789abcdef";
        assert!(belongs("4:memory:/docker/0123456789abcdef\n", id));
        assert!(belongs(
            "0::/system.slice/docker-0123456789abcdef.scope\n",
            id
        ));
        assert!(!belongs("0::/user.slice\n", id));
        assert!(!belongs("0::/user.slice\n", ""));
        assert_eq!(Visible::find(i64::from(std::process::id()), id), None);
        assert_eq!(Visible::find(0, id), None);
    }
}
