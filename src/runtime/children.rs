//! Ends child processes of dead runs, by their journal or their marker, and removes the folders that the journal names.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::{sleep, timeout};

use crate::id::RunId;

use super::{
    RuntimeError, RuntimeKind, Signal,
    journal::{Effect, Entries},
    marker::{Marked, Marker, marked},
    pidfd::Held,
    start_time,
    sweep::{Found, Left, Sweeper},
};

/// How long a killed process may take to be gone.
const END: Duration = Duration::from_secs(10);
/// How often it is looked for meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Sweeps runs of the process runtime.
#[derive(Debug, Clone)]
pub struct ProcessSweeper {
    state: PathBuf,
}

impl ProcessSweeper {
    /// Sweeps what belongs to this state folder, and nothing else.
    pub fn new(state: &Path) -> Self {
        Self {
            state: state.to_owned(),
        }
    }

    /// The processes that carry the run's marker.
    fn marked(&self, run: &RunId) -> Result<Vec<Marked>, String> {
        let all = marked(&self.state);
        let all = all.map_err(|error| format!("failed to look for processes: {error}"))?;
        let of_run = all.into_iter().filter(|found| found.marker.run == *run);
        Ok(of_run.collect())
    }
}

#[async_trait]
impl Sweeper for ProcessSweeper {
    fn kind(&self) -> RuntimeKind {
        RuntimeKind::Process
    }

    /// Runs whose processes carry a marker of this state folder.
    async fn found(&self) -> Result<Vec<Found>, RuntimeError> {
        let all = marked(&self.state).map_err(|error| RuntimeError::Failed {
            action: "look for",
            node: "processes".into(),
            cause: error.to_string(),
        })?;
        let mut found: Vec<Found> = Vec::new();
        for Marked { marker, .. } in all {
            if !found.iter().any(|it| it.run == marker.run) {
                found.push(Found {
                    run: marker.run,
                    owner: Some(marker.owner),
                    active: true,
                });
            }
        }
        Ok(found)
    }

    async fn undo(&self, run: &RunId, journal: Option<&Entries>) -> (u32, Vec<String>) {
        let (mut removed, mut failures) = (0, Vec::new());
        // Processes first: they write into the folders.
        match self.marked(run) {
            Ok(marked) => {
                for Marked { pid, started, .. } in marked {
                    match end(pid, started, run).await {
                        Ok(count) => removed += count,
                        Err(why) => failures.push(why),
                    }
                }
            }
            Err(why) => failures.push(why),
        }
        let mut effects: Vec<&Effect> = open(journal).iter().collect();
        effects.sort_by_key(|effect| matches!(effect, Effect::Folder { .. }));
        for effect in effects {
            let undone = match effect {
                Effect::Process { pid, started, .. } => end(*pid, *started, run).await,
                Effect::Folder { path } => remove(path, run, &self.state),
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

    async fn residue(&self, run: &RunId, journal: Option<&Entries>) -> Left {
        let marked = self.marked(run).unwrap_or_default();
        let marked = marked.iter().map(|it| format!("process {}", it.pid));
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
        Ok(left.chain(marked).collect())
    }
}

fn open(journal: Option<&Entries>) -> &[Effect] {
    journal.map_or(&[], |entries| &entries.open)
}

/// Kills a process if it is the very one and carries the run's marker, also a stopped one, and waits until it is gone.
async fn end(pid: u32, started: u64, run: &RunId) -> Result<u32, String> {
    // Held before it is looked at: from here on the number cannot become another process's.
    let Ok(held) = Held::open(pid) else {
        return Ok(0);
    };
    if start_time(pid) != Some(started) {
        return Ok(0);
    }
    if Marker::carried_by(pid).is_none_or(|marker| marker.run != *run) {
        return Err(format!("process {pid} does not carry the run's marker"));
    }
    let killed = held.signal(Signal::Kill).await;
    killed.map_err(|error| format!("failed to end process {pid}: {error}"))?;
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

/// Removes the run's folder of nodes; any other, or one that is reached by a link, is not ours to remove.
fn remove(path: &Path, run: &RunId, state: &Path) -> Result<u32, String> {
    let Some(parent) = path.parent().and_then(|parent| parent.canonicalize().ok()) else {
        return Ok(0);
    };
    let nodes = state.canonicalize().map(|state| state.join("nodes"));
    let named = path
        .file_name()
        .is_some_and(|name| *name == *run.to_string());
    if !named || !nodes.is_ok_and(|nodes| nodes == parent) {
        return Err(format!("`{}` is not the run's own folder", path.display()));
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
        runtime::{
            Owner,
            journal::{Header, read_all},
            sweep::{Scope, sweep},
        },
    };

    fn dead() -> Owner {
        Owner {
            started: 1,
            ..Owner::current()
        }
    }

    fn journal(run: &RunId, open: Vec<Effect>) -> Entries {
        Entries {
            header: Header {
                run: run.clone(),
                owner: dead(),
                runtime: "process".into(),
                docker_host: None,
                reports: None,
            },
            engine: None,
            open,
        }
    }

    /// A process that carries the marker of a run of this owner.
    fn carrier(run: &RunId, owner: Owner, state: &Path) -> std::process::Child {
        let marker = Marker {
            owner,
            ..Marker::of(run, state)
        };
        std::process::Command::new("sleep")
            .arg("60")
            .envs(marker.variables())
            .spawn()
            .unwrap()
    }

    fn process(child: &std::process::Child, later: u64) -> Effect {
        Effect::Process {
            node: NodeName::new("a"),
            pid: child.id(),
            started: start_time(child.id()).unwrap() + later,
        }
    }

    #[tokio::test]
    async fn only_the_very_process_is_ended_and_only_the_runs_folder_removed() {
        let run = RunId::new("20261121t081500", 9);
        let other = RunId::new("20261121t081500", 8);
        let base = tempfile::tempdir().unwrap();
        let ours = base.path().join("nodes").join(run.to_string());
        let foreign = base.path().join(run.to_string());
        let linked = base.path().join("nodes/..").join(run.to_string());
        std::fs::create_dir_all(ours.join("deep")).unwrap();
        std::fs::create_dir_all(&foreign).unwrap();
        let sweeper = ProcessSweeper::new(base.path());
        let mut child = carrier(&run, dead(), base.path());
        let mut stranger = carrier(&other, dead(), base.path());
        let mut plain = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let folder = |path: &Path| Effect::Folder { path: path.into() };
        let wrong = vec![
            process(&stranger, 0),
            process(&plain, 0),
            process(&plain, 1),
            folder(&foreign),
            folder(&linked),
            folder(base.path()),
        ];
        let wrong = sweeper.undo(&run, Some(&journal(&run, wrong))).await;
        assert_eq!((wrong.0, wrong.1.len()), (1, 5), "{wrong:?}");
        child.wait().unwrap();
        assert!(foreign.exists() && ours.exists());
        assert!(stranger.try_wait().unwrap().is_none() && plain.try_wait().unwrap().is_none());

        let mut child = carrier(&run, dead(), base.path());
        let right = journal(&run, vec![folder(&ours), process(&child, 0)]);
        assert_eq!(sweeper.undo(&run, Some(&right)).await, (2, Vec::new()));
        assert!(
            sweeper
                .residue(&run, Some(&right))
                .await
                .unwrap()
                .is_empty()
        );
        for child in [&mut child, &mut stranger, &mut plain] {
            let _ = child.kill();
            child.wait().unwrap();
        }
    }

    #[tokio::test]
    async fn a_process_that_no_journal_names_is_found_by_its_marker() {
        let (state, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let run = |tail| RunId::new("20261121t081500", tail);
        // Two of dead runs, of which one has a journal without effects; one of a living run; one of another folder.
        let header = journal(&run(2), Vec::new()).header;
        crate::runtime::journal::Journal::open(state.path(), &header).unwrap();
        let mut children = [
            carrier(&run(1), dead(), state.path()),
            carrier(&run(2), dead(), state.path()),
            carrier(&run(3), Owner::current(), state.path()),
            carrier(&run(4), dead(), elsewhere.path()),
        ];
        let sweeper = ProcessSweeper::new(state.path());
        let report = sweep(state.path(), &[&sweeper], &Scope::Dead, &|_| Ok(()))
            .await
            .unwrap();
        let swept: Vec<_> = report
            .swept
            .iter()
            .map(|it| (it.removed, it.failures.len()))
            .collect();
        assert_eq!(swept, [(1, 0), (1, 0)], "{report:?}");
        assert!(read_all(state.path()).unwrap().is_empty());
        let lives: Vec<bool> = children
            .iter_mut()
            .map(|child| child.try_wait().unwrap().is_none())
            .collect();
        for child in &mut children {
            let _ = child.kill();
            child.wait().unwrap();
        }
        assert_eq!(lives, [false, false, true, true]);
    }
}
