//! A process held by a descriptor: signalled without mistaking it for another, and waited for until all of it is gone.

use std::{io, os::fd::OwnedFd, time::Duration};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal as UnixSignal, pidfd_open, pidfd_send_signal},
};

use super::Signal;

/// The longest wait for a killed process to be gone. What still runs then shows when the effect is verified.
const GONE_LIMIT: Duration = Duration::from_secs(5);

/// A process that was alive when it was taken hold of.
pub struct Held(OwnedFd);

impl Held {
    /// Takes hold of the process with this number.
    ///
    /// # Errors
    /// There is none, it may not be seen from here, or the kernel has no such descriptors (Linux before 5.3).
    pub fn open(pid: u32) -> io::Result<Self> {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self(pidfd_open(pid, PidfdFlags::empty())?))
    }

    /// Sends a signal to it. After SIGKILL, returns when the kernel has reported the end of all its threads and, where it
    /// is the first of a container, of every other process in there: until then any of them may answer a client.
    ///
    /// # Errors
    /// It has ended before, or may not be signalled.
    pub async fn signal(self, signal: Signal) -> io::Result<()> {
        let unix = match signal {
            Signal::Kill => UnixSignal::KILL,
            Signal::Term => UnixSignal::TERM,
        };
        pidfd_send_signal(&self.0, unix)?;
        if signal == Signal::Kill {
            tokio::task::spawn_blocking(move || gone(&self.0)).await??;
        }
        Ok(())
    }
}

/// Waits until a process is gone, at most `GONE_LIMIT`.
fn gone(process: &OwnedFd) -> io::Result<()> {
    let limit = Timespec::try_from(GONE_LIMIT).map_err(io::Error::other)?;
    let mut waited = [PollFd::new(process, PollFlags::IN)];
    poll(&mut waited, Some(&limit))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[tokio::test]
    async fn a_kill_returns_when_the_process_is_gone_and_a_term_at_once() {
        let ignores = "trap '' TERM; echo ready; while :; do sleep 0.01; done";
        let mut child = Command::new("sh")
            .args(["-c", ignores])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 6];
        io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
        let hold = || Held::open(child.id()).unwrap();
        let (first, second, third) = (hold(), hold(), hold());
        first.signal(Signal::Term).await.unwrap();
        assert!(child.try_wait().unwrap().is_none());
        second.signal(Signal::Kill).await.unwrap();
        assert!(child.try_wait().unwrap().is_some());
        assert!(third.signal(Signal::Kill).await.is_err());
        assert!(Held::open(child.id()).is_err() && Held::open(0).is_err());
    }
}
