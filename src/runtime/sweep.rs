//! Finishes what dead runs left: undoes their journals' effects and removes what carries their label.

use std::{collections::BTreeSet, fs, io, path::Path, time::Duration};

use async_trait::async_trait;
use tokio::time::timeout;

use crate::id::RunId;

use super::{
    Liveness, Owner, RuntimeError, RuntimeKind, SameMachine,
    journal::{Effect, Entries, Header, read_all},
};

/// How long the undo of one run may take in all; each single removal has a deadline of its own.
const RUN: Duration = Duration::from_secs(180);

/// Undoes what one kind of runtime did.
#[async_trait]
pub trait Sweeper: Send + Sync {
    /// Whose runs it sweeps.
    fn kind(&self) -> RuntimeKind;

    /// Runs of which something is found without looking at journals.
    async fn found(&self) -> Result<Vec<Found>, RuntimeError>;

    /// Undoes everything of a run; all undos are tried. Returns how many things went and what failed.
    async fn undo(&self, run: &RunId, journal: Option<&Entries>) -> (u32, Vec<String>);

    /// What is still there of a run afterwards.
    async fn residue(&self, run: &RunId, journal: Option<&Entries>) -> Left;
}

/// What is left of a run, one name each, or why that cannot be told.
pub type Left = Result<Vec<String>, RuntimeError>;

/// A run found by its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The run.
    pub run: RunId,
    /// Its owner, if the label beside it says so.
    pub owner: Option<Owner>,
    /// Whether any of its containers runs.
    pub active: bool,
}

/// Which runs are swept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Those whose owner is certainly dead.
    Dead,
    /// This one, whatever is known of its owner, unless the owner is known to be alive.
    Run(RunId),
}

/// What a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Runs that were swept.
    pub swept: Vec<Swept>,
    /// Runs that were left alone, and why, one sentence each.
    pub left: Vec<String>,
    /// What could not be looked at, and why.
    pub unseen: Vec<String>,
}

/// A run that was swept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swept {
    /// The run.
    pub run: RunId,
    /// How many things were removed.
    pub removed: u32,
    /// Undos that failed, and what is still there; empty when nothing is left.
    pub failures: Vec<String>,
}

/// Tells whoever registered a run that it has ended, or why that cannot be told.
pub type Close<'a> = &'a (dyn Fn(&Header) -> Result<(), String> + Sync);

/// Sweeps runs, each undo with its own deadline. Journals go only when nothing is left of their run, and it is closed.
///
/// # Errors
/// When the state folder cannot be read.
pub async fn sweep(
    state: &Path,
    sweepers: &[&dyn Sweeper],
    scope: &Scope,
    close: Close<'_>,
) -> io::Result<SweepReport> {
    let mut report = SweepReport::default();
    let mut known = BTreeSet::new();
    for (path, entries) in read_all(state)? {
        let entries = match entries {
            Ok(entries) => entries,
            Err(why) => {
                report
                    .unseen
                    .push(format!("journal `{}`: {why}", path.display()));
                continue;
            }
        };
        let header = &entries.header;
        known.insert(header.run.clone());
        if !scope.covers(&header.run) {
            continue;
        }
        if let Err(why) = may_sweep(&header.owner, SameMachine::Yes, scope) {
            report.left.push(format!("run {}: {why}", header.run));
            continue;
        }
        let mut entries = entries;
        if let Scope::Run(_) = scope {
            // Whoever names the run says that nothing of it is in an engine that answers no more.
            entries.engine = None;
        }
        let swept = finish(&path, entries, sweepers, close).await;
        report.swept.push(swept);
    }
    for sweeper in sweepers {
        unjournalled(*sweeper, scope, &known, &mut report).await;
    }
    Ok(report)
}

impl Scope {
    fn covers(&self, run: &RunId) -> bool {
        match self {
            Self::Dead => true,
            Self::Run(wanted) => wanted == run,
        }
    }
}

/// Whether a run may be touched, by what is known of its owner.
fn may_sweep(owner: &Owner, machine: SameMachine, scope: &Scope) -> Result<(), String> {
    match (owner.liveness(machine), scope) {
        (Liveness::Dead, _) | (Liveness::Unknown, Scope::Run(_)) => Ok(()),
        (Liveness::Alive, _) => Err(format!("its owner, process {}, runs", owner.pid)),
        (Liveness::Unknown, Scope::Dead) => Err(
            "its owner lives in another container or on another machine; `drdrill sweep --run` with its name sweeps it"
                .into(),
        ),
    }
}

/// Undoes a journal's run, closes it, and removes the journal if nothing is left.
async fn finish(
    path: &Path,
    entries: Entries,
    sweepers: &[&dyn Sweeper],
    close: Close<'_>,
) -> Swept {
    let run = entries.header.run.clone();
    let kind = entries.header.runtime.as_str();
    let sweeper = sweepers
        .iter()
        .find(|sweeper| sweeper.kind().name() == kind);
    let (removed, mut failures) = match sweeper {
        // Also where no effect is open: a process may have outlived the line that names it.
        Some(sweeper) => undo(*sweeper, &run, Some(&entries)).await,
        None if entries.open.is_empty() => (0, Vec::new()),
        None => (0, vec![format!("nothing here sweeps the runtime `{kind}`")]),
    };
    // Before the journal goes: who is killed between leaves both to the next sweep.
    failures.extend(close(&entries.header).err());
    if failures.is_empty()
        && let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        failures.push(format!("failed to remove `{}`: {error}", path.display()));
    }
    Swept {
        run,
        removed,
        failures,
    }
}

/// Sweeps runs that are found by label and have no journal here.
async fn unjournalled(
    sweeper: &dyn Sweeper,
    scope: &Scope,
    known: &BTreeSet<RunId>,
    report: &mut SweepReport,
) {
    let found = match sweeper.found().await {
        Ok(found) => found,
        Err(error) => {
            report
                .unseen
                .push(format!("{} runs: {error}", sweeper.kind().name()));
            return;
        }
    };
    for Found { run, owner, active } in found {
        if known.contains(&run) || !scope.covers(&run) {
            continue;
        }
        let verdict = match (&owner, scope) {
            (Some(owner), _) => match may_sweep(owner, SameMachine::Perhaps, scope) {
                // Nothing of it runs, so it cannot be a drill that is going on elsewhere.
                Err(_) if !active && owner.liveness(SameMachine::Yes) == Liveness::Dead => Ok(()),
                verdict => verdict,
            },
            (None, Scope::Run(_)) => Ok(()),
            (None, Scope::Dead) => {
                Err("it names no owner; `drdrill sweep --run` with its name sweeps it".into())
            }
        };
        if let Err(why) = verdict {
            report.left.push(format!("run {run}: {why}"));
            continue;
        }
        let (removed, failures) = undo(sweeper, &run, None).await;
        report.swept.push(Swept {
            run,
            removed,
            failures,
        });
    }
}

/// Undoes one run within its deadline and audits what is left.
async fn undo(sweeper: &dyn Sweeper, run: &RunId, journal: Option<&Entries>) -> (u32, Vec<String>) {
    let Ok((removed, mut failures)) = timeout(RUN, sweeper.undo(run, journal)).await else {
        return (0, vec![format!("failed to undo run {run} within {RUN:?}")]);
    };
    match sweeper.residue(run, journal).await {
        Ok(left) => failures.extend(left.into_iter().map(|thing| format!("left: {thing}"))),
        Err(error) => failures.push(error.to_string()),
    }
    (removed, failures)
}

/// Whether a journal still holds effects of labelled things.
pub(super) fn names_labelled(journal: Option<&Entries>) -> bool {
    journal.is_none_or(|entries| {
        let labelled = |effect: &Effect| {
            matches!(
                effect,
                Effect::Labelled
                    | Effect::Paused { .. }
                    | Effect::Cut { .. }
                    | Effect::Toxic { .. }
                    | Effect::Limited { .. }
                    | Effect::Disk { .. }
                    | Effect::Descriptors { .. }
                    | Effect::Names { .. }
                    | Effect::Certificate { .. }
            )
        };
        entries.open.iter().any(labelled)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::journal::Journal;
    use std::sync::Mutex;

    /// Holds runs in memory; what is named in `stuck` cannot be removed.
    #[derive(Default)]
    struct Fake {
        found: Vec<Found>,
        undone: Mutex<Vec<RunId>>,
        stuck: bool,
    }

    #[async_trait]
    impl Sweeper for Fake {
        fn kind(&self) -> RuntimeKind {
            RuntimeKind::Docker
        }

        async fn found(&self) -> Result<Vec<Found>, RuntimeError> {
            Ok(self.found.clone())
        }

        async fn undo(&self, run: &RunId, _journal: Option<&Entries>) -> (u32, Vec<String>) {
            self.undone.lock().unwrap().push(run.clone());
            (3, Vec::new())
        }

        async fn residue(&self, _run: &RunId, _journal: Option<&Entries>) -> Left {
            Ok(if self.stuck {
                vec!["network x".into()]
            } else {
                Vec::new()
            })
        }
    }

    fn dead() -> Owner {
        Owner {
            started: 1,
            ..Owner::current()
        }
    }

    fn elsewhere() -> Owner {
        Owner {
            boot: "another".into(),
            ..Owner::current()
        }
    }

    async fn journal(state: &Path, tail: u32, owner: Owner) -> RunId {
        let run = RunId::new("20261121t081500", tail);
        let header = Header {
            run: run.clone(),
            owner,
            runtime: "docker".into(),
            docker_host: None,
            reports: None,
        };
        let journal = Journal::open(state, &header).unwrap();
        journal.ensure(Effect::Labelled).await.unwrap();
        run
    }

    #[tokio::test]
    async fn only_runs_of_dead_owners_are_swept_and_their_journals_go() {
        let state = tempfile::tempdir().unwrap();
        let gone = journal(state.path(), 1, dead()).await;
        let lives = journal(state.path(), 2, Owner::current()).await;
        let fake = Fake::default();
        let report = sweep(state.path(), &[&fake], &Scope::Dead, &|_| Ok(()))
            .await
            .unwrap();
        assert_eq!(*fake.undone.lock().unwrap(), [gone]);
        assert_eq!((report.swept.len(), report.left.len()), (1, 1));
        assert_eq!(report.swept[0].removed, 3);
        let again = sweep(state.path(), &[&fake], &Scope::Run(lives), &|_| Ok(()))
            .await
            .unwrap();
        assert_eq!(
            (again.swept.len(), again.left.len()),
            (0, 1),
            "a living owner is never touched"
        );
        assert_eq!(read_all(state.path()).unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_journal_stays_while_something_is_left() {
        let state = tempfile::tempdir().unwrap();
        journal(state.path(), 1, dead()).await;
        let fake = Fake {
            stuck: true,
            ..Fake::default()
        };
        let report = sweep(state.path(), &[&fake], &Scope::Dead, &|_| Ok(()))
            .await
            .unwrap();
        assert_eq!(report.swept[0].failures, ["left: network x"]);
        assert_eq!(read_all(state.path()).unwrap().len(), 1);
    }

    #[tokio::test]
    async fn runs_without_a_journal_are_judged_by_their_label() {
        let state = tempfile::tempdir().unwrap();
        let found = |tail, owner, active| Found {
            run: RunId::new("20261121t081500", tail),
            owner,
            active,
        };
        let fake = Fake {
            found: vec![
                found(1, Some(dead()), true),
                found(2, Some(Owner::current()), true),
                found(3, Some(elsewhere()), true),
                found(4, Some(elsewhere()), false),
                found(5, None, false),
            ],
            ..Fake::default()
        };
        let report = sweep(state.path(), &[&fake], &Scope::Dead, &|_| Ok(()))
            .await
            .unwrap();
        let swept: Vec<&str> = report.swept.iter().map(|swept| swept.run.tail()).collect();
        assert_eq!(swept, ["000001", "000004"]);
        assert_eq!(report.left.len(), 3);
        let run = RunId::new("20261121t081500", 3);
        let report = sweep(state.path(), &[&fake], &Scope::Run(run), &|_| Ok(()))
            .await
            .unwrap();
        assert_eq!(
            report.swept.len(),
            1,
            "by name also what may live elsewhere"
        );
    }
}
