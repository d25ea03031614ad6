//! Spawns children that the kernel ends together with drdrill, however drdrill ends.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, Command},
    sync::{
        OnceLock,
        mpsc::{Sender, channel},
    },
    thread,
};

use nix::{
    sys::{prctl::set_pdeathsig, signal::Signal},
    unistd::{Pid, getppid},
};

type Wanted = (Command, Sender<io::Result<Child>>);

/// Spawns a child that gets SIGKILL when this process ends. The kernel ties that signal to the thread that spawns, so all
/// children are spawned by one thread that lives as long as the process; an executor's threads come and go.
///
/// # Errors
/// When the program cannot be started, or the thread could not be.
pub fn spawn(mut command: Command) -> io::Result<Child> {
    bind_to(&mut command, Pid::this());
    let (answer, answered) = channel();
    let gone = |_| io::Error::other("the thread that spawns has ended");
    let sent = spawner()?.send((command, answer));
    sent.map_err(|_| io::Error::other("the thread that spawns has ended"))?;
    answered.recv().map_err(gone)?
}

/// The thread that spawns, started once.
fn spawner() -> io::Result<Sender<Wanted>> {
    static SPAWNER: OnceLock<Result<Sender<Wanted>, io::ErrorKind>> = OnceLock::new();
    let start = || {
        let (send, wanted) = channel::<Wanted>();
        let work = move || {
            for (mut command, answer) in wanted {
                // A caller who has gone away leaves the child to the sweep.
                let _ = answer.send(command.spawn());
            }
        };
        let thread = thread::Builder::new().name("spawner".into()).spawn(work);
        thread.map(|_| send).map_err(|error| error.kind())
    };
    SPAWNER.get_or_init(start).clone().map_err(io::Error::from)
}

#[expect(
    unsafe_code,
    reason = "only the child itself can ask to be ended with its parent"
)]
fn bind_to(command: &mut Command, parent: Pid) {
    let bind = move || {
        set_pdeathsig(Signal::SIGKILL)?;
        // A parent that ended before that line sends nothing any more.
        if getppid() == parent {
            Ok(())
        } else {
            Err(io::Error::from(io::ErrorKind::NotConnected))
        }
    };
    // SAFETY: between fork and exec it makes two system calls, and neither allocates nor locks.
    unsafe { command.pre_exec(bind) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_outlives_the_thread_that_asked_for_it() {
        let ask = || {
            let mut command = Command::new("sleep");
            command.arg("60");
            spawn(command).unwrap()
        };
        let mut child = thread::spawn(ask).join().unwrap();
        thread::sleep(std::time::Duration::from_millis(100));
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
