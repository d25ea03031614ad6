//! Ends child processes and removes folders that a dead run's journal names.

use std::{path::Path, time::Duration};

use async_trait::async_trait;
use nix::{
    sys::signal::{Signal as UnixSignal, kill},
    unistd::Pid,
};
use tokio::time::{sleep, timeout};

use crate::id::RunId;

use super::{
    RuntimeError,
    journal::{Effect, Entries},
    start_time,
    sweep::{Found, Left, Sweeper},
};

/// How long a killed process may take to be gone.
const END: Duration = Duration::from_secs(10);
/// How often it is looked for meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Sweeps runs of the process runtime.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessSweeper;

#[async_trait]
impl Sweeper for ProcessSweeper {
    fn kind(&self) -> &'static str {
        "process"
    }

    /// Processes carry no labels: without a journal none is found.
    async fn found(&self) -> Result<Vec<Found>, RuntimeError> {
        Ok(Vec::new())
    }

    async fn undo(&self, run: &RunId, journal: Option<&Entries>) -> (u32, Vec<String>) {
        let (mut removed, mut failures) = (0, Vec::new());
        // Processes first: they write into the folders.
        let mut effects: Vec<&Effect> = open(journal).iter().collect();
        effects.sort_by_key(|effect| matches!(effect, Effect::Folder { .. }));
        for effect in effects {
            let undone = match effect {
                Effect::Process { pid, started, .. } => end(*pid, *started).await,
                Effect::Folder { path } => remove(path, run),
                Effect::Labelled
                | Effect::Paused { .. }
                | Effect::Cut { .. }
                | Effect::Toxic { .. }
                | Effect::Limited { .. }
                | Effect::Disk { .. }
                | Effect::Descriptors { .. }
                | Effect::Names { .. }
                | Effect::Certificate { .. } => Ok(0),
            };
            match undone {
                Ok(count) => removed += count,
                Err(why) => failures.push(why),
            }
        }
        (removed, failures)
    }

    async fn residue(&self, _run: &RunId, journal: Option<&Entries>) -> Left {
        let left = open(journal).iter().filter_map(|effect| match effect {
            Effect::Process { pid, started, node } => {
                (start_time(*pid) == Some(*started)).then(|| format!("process {pid} ({node})"))
            }
            Effect::Folder { path } => path.exists().then(|| format!("folder {}", path.display())),
            Effect::Labelled
            | Effect::Paused { .. }
            | Effect::Cut { .. }
            | Effect::Toxic { .. }
            | Effect::Limited { .. }
            | Effect::Disk { .. }
            | Effect::Descriptors { .. }
            | Effect::Names { .. }
            | Effect::Certificate { .. } => None,
        });
        Ok(left.collect())
    }
}

fn open(journal: Option<&Entries>) -> &[Effect] {
    journal.map_or(&[], |entries| &entries.open)
}

/// Kills a process if it is the very one, also a stopped one, and waits until it is gone.
async fn end(pid: u32, started: u64) -> Result<u32, String> {
    if start_time(pid) != Some(started) {
        return Ok(0);
    }
    let number = i32::try_from(pid).map_err(|_| format!("{pid} is no process id"))?;
    kill(Pid::from_raw(number), UnixSignal::SIGKILL)
        .map_err(|error| format!("failed to end process {pid}: {error}"))?;
    let gone = async {
        while start_time(pid) == Some(started) {
            sleep(LOOK_EVERY).await;
        }
    };
    let waited = timeout(END, gone).await;
    waited
        .map(|()| 1)
        .map_err(|_| format!("process {pid} did not end within {END:?}"))
}

/// Removes a folder of the run; one whose name does not hold the run's name is not ours to remove.
fn remove(path: &Path, run: &RunId) -> Result<u32, String> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy())
        .unwrap_or_default();
    if !path.is_absolute() || !name.contains(&run.to_string()) {
        return Err(format!(
            "`{}` does not carry the run's name",
            path.display()
        ));
    }
    match std::fs::remove_dir_all(path) {
        Ok(()) => Ok(1),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(format!("failed to remove `{}`: {error}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::NodeName,
        runtime::{Owner, journal::Header},
    };

    #[tokio::test]
    async fn only_the_very_process_is_ended_and_only_the_runs_folder_removed() {
        let run = RunId::new("20261121t081500", 9);
        let base = tempfile::tempdir().unwrap();
        let (ours, foreign) = (base.path().join(format!("x-{run}")), base.path().join("y"));
        std::fs::create_dir_all(ours.join("deep")).unwrap();
        std::fs::create_dir_all(&foreign).unwrap();
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let pid = child.id();
        let started = start_time(pid).unwrap();
        let process = |started| Effect::Process {
            node: NodeName::new("a"),
            pid,
            started,
        };
        let journal = |open| Entries {
            header: Header {
                run: run.clone(),
                owner: Owner::current(),
                runtime: "process".into(),
                docker_host: None,
                reports: None,
            },
            open,
        };
        let wrong = journal(vec![
            process(started + 1),
            Effect::Folder {
                path: foreign.clone(),
            },
        ]);
        let (removed, failures) = ProcessSweeper.undo(&run, Some(&wrong)).await;
        assert_eq!((removed, failures.len()), (0, 1));
        assert!(foreign.exists() && start_time(pid).is_some());

        let right = journal(vec![
            Effect::Folder { path: ours.clone() },
            process(started),
        ]);
        assert_eq!(
            ProcessSweeper
                .residue(&run, Some(&right))
                .await
                .unwrap()
                .len(),
            2
        );
        assert_eq!(
            ProcessSweeper.undo(&run, Some(&right)).await,
            (2, Vec::new())
        );
        assert_eq!(
            ProcessSweeper
                .residue(&run, Some(&right))
                .await
                .unwrap()
                .len(),
            0
        );
        child.wait().unwrap();
    }
}
