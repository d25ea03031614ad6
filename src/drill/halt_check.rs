//! The user's own condition: a command that must succeed, on a path that no fault of the drill touches.

use std::{
    future::pending,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::time::{sleep, timeout};

use crate::{record::Emitter, runtime::process::spawn, scenario::MustSucceed};

/// How often is asked whether the command has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Looks once, before anything is done: why the drill must not begin.
pub(super) async fn entry(check: Option<&MustSucceed>, folder: &Path) -> Option<String> {
    let check = check?;
    let why = look(check, folder).await.err()?;
    let name = name(check);
    Some(format!(
        "`{name}` {why} before the drill began, and `abort` says that it must succeed"
    ))
}

/// Waits until the command has failed for as long as it may.
pub(super) async fn failing(
    check: Option<&MustSucceed>,
    folder: &Path,
    emitter: &Emitter,
) -> String {
    let Some(check) = check else {
        return pending().await;
    };
    // It succeeded just now, before the steps began.
    let mut well = emitter.now();
    loop {
        let from = emitter.now();
        match look(check, folder).await {
            Ok(()) => well = from,
            Err(why) if emitter.now().since(well) >= check.lasting.0 => {
                let (name, lasting) = (name(check), check.lasting);
                return format!(
                    "`{name}` {why} and did not succeed for {lasting}, and `abort` says that it must"
                );
            }
            Err(_) => {}
        }
        sleep(check.every.0.saturating_sub(emitter.now().since(from))).await;
    }
}

/// What is told of it: arguments may hold what is not for a report.
fn name(check: &MustSucceed) -> &str {
    check.run.first().map_or("", String::as_str)
}

/// Runs the command once; why it has not succeeded.
async fn look(check: &MustSucceed, folder: &Path) -> Result<(), String> {
    let mut looking =
        Looking::start(check, folder).map_err(|error| format!("could not be started ({error})"))?;
    match timeout(check.every.0, looking.ended()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(match (status.code(), status.signal()) {
            (Some(code), _) => format!("ended with code {code}"),
            (None, signal) => format!("was ended by signal {}", signal.unwrap_or_default()),
        }),
        Ok(Err(error)) => Err(format!("could not be watched ({error})")),
        Err(_) => Err(format!("gave no answer within {}", check.every)),
    }
}

/// The command as it runs. Whatever it started ends with it, whoever stops waiting.
struct Looking(Child);

impl Looking {
    fn start(check: &MustSucceed, folder: &Path) -> std::io::Result<Self> {
        let mut command = Command::new(name(check));
        command
            .args(check.run.iter().skip(1))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        spawn(command).map(Self)
    }

    async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status);
            }
            sleep(LOOK).await;
        }
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        if let Ok(group) = i32::try_from(self.0.id()) {
            // A group without members is gone already.
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
        let _ = self.0.wait();
    }
}
