//! What operators do when something failed: a runbook, step by step and timed.

mod act;
mod look;
mod shipped;

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    fault::{ActiveFault, FaultContext},
    id::NodeName,
    record::{Deed, Disruption, StepResult, What},
    runtime::RuntimeError,
    scenario::{Act, Fault, OnFailure, OwnRunbook, RunbookEnd, RunbookStep, Task},
    time::Bracket,
};

/// What a runbook came to.
pub struct Ran {
    /// How its step of the drill ends.
    pub result: StepResult,
    /// Nodes that it took the power from, and that stay without until they are healed.
    pub fenced: Vec<Fenced>,
    /// Nodes in whose shells it gave commands.
    pub commanded: Vec<NodeName>,
}

/// Nodes without power.
pub struct Fenced {
    /// By what.
    pub fault: Fault,
    /// Who.
    pub disruption: Disruption,
    /// What gives it back.
    pub active: ActiveFault,
}

/// Runs a runbook as the drill's step of that number.
pub async fn run(called: &RunbookStep, step: usize, ground: &FaultContext) -> Ran {
    let mut runner = Runner {
        step,
        ground,
        promoted: None,
        changed: false,
        limit: Duration::ZERO,
        undos: Vec::new(),
        fenced: Vec::new(),
        commanded: Vec::new(),
    };
    let result = match called {
        RunbookStep::Shipped(name) => runner.shipped(name).await,
        RunbookStep::Own(own) => runner.own(own).await,
    };
    Ran {
        result,
        fenced: runner.fenced,
        commanded: runner.commanded,
    }
}

/// Why a step ended the runbook.
enum Stopped {
    /// What had to be so was not.
    Untrue(String),
    /// It could not be done.
    Failed(String),
    /// The machines failed, and not the step: nothing can be told.
    Broken(String),
}

/// What gives back what a step took.
enum Undo {
    /// A command in a node's shell, and how long it may take.
    Command {
        node: NodeName,
        command: String,
        within: Duration,
    },
    /// Power, to what was fenced last.
    Power,
    /// Nothing can: a node was promoted.
    Never,
    /// Nobody knows: a command has no undo, or a step was cut off at its deadline; in words.
    Unknown(String),
}

/// A runbook that runs.
struct Runner<'a> {
    step: usize,
    ground: &'a FaultContext,
    promoted: Option<NodeName>,
    /// Whether a step that changes something was begun.
    changed: bool,
    /// How long the step that is taken may take.
    limit: Duration,
    /// What undoes what was done, in the order in which it was done.
    undos: Vec<Undo>,
    fenced: Vec<Fenced>,
    commanded: Vec<NodeName>,
}

impl Runner<'_> {
    /// One that the system brings along: it must be taken to its end.
    async fn shipped(&mut self, name: &str) -> StepResult {
        let Some(tasks) = shipped::steps(name) else {
            return StepResult::Failed(format!("there is no runbook `{name}`"));
        };
        match self.take(&tasks).await {
            Ok(()) => StepResult::Done,
            Err((_, Stopped::Untrue(why) | Stopped::Failed(why) | Stopped::Broken(why))) => {
                StepResult::Failed(why)
            }
        }
    }

    /// One of the user's own: how it ended, against how it must.
    async fn own(&mut self, own: &OwnRunbook) -> StepResult {
        let (end, why) = match self.take(&own.steps).await {
            Ok(()) => {
                let all = own.steps.len();
                (
                    Some(RunbookEnd::Done),
                    format!("all its {all} steps were taken"),
                )
            }
            Err((place, Stopped::Broken(why))) => {
                return StepResult::Failed(format!("{}: {why}", titled(place, &own.steps)));
            }
            Err((place, Stopped::Untrue(why))) if !self.changed => {
                let why = format!("it refused at {}: {why}", titled(place, &own.steps));
                self.say(&why);
                (Some(RunbookEnd::Refused), why)
            }
            Err((place, Stopped::Untrue(why) | Stopped::Failed(why))) => {
                let failed = format!("{} failed: {why}", titled(place, &own.steps));
                self.say(&failed);
                let (end, left) = match own.on_failure {
                    OnFailure::Leave => (None, "what was done before it stays".to_owned()),
                    OnFailure::Rollback => self.roll_back().await,
                };
                (end, format!("{failed}; {left}"))
            }
        };
        match end == Some(own.expect) {
            true => StepResult::Done,
            false => StepResult::Unmet(why),
        }
    }

    /// Takes the steps until one stops it: its place, and why.
    async fn take(&mut self, tasks: &[Task]) -> Result<(), (usize, Stopped)> {
        for (place, task) in tasks.iter().enumerate() {
            self.limit = task.limit();
            match timeout(self.limit, self.act(&task.act)).await {
                Ok(acted) => acted.map_err(|stopped| (place, stopped))?,
                Err(_) => {
                    if task.act.changes() {
                        let cut = format!("{} was cut off at its deadline", titled(place, tasks));
                        self.undos.push(Undo::Unknown(cut));
                    }
                    let late = format!("it took longer than {:?}", self.limit);
                    return Err((place, Stopped::Failed(late)));
                }
            }
        }
        Ok(())
    }

    /// Undoes what was done, the last first, back to a promotion; whether that was all, and what became of it.
    async fn roll_back(&mut self) -> (Option<RunbookEnd>, String) {
        let (mut undone, mut failures) = (0, Vec::new());
        while let Some(undo) = self.undos.pop() {
            let result = match undo {
                Undo::Never => {
                    failures
                        .push("nothing undoes the promotion and what was done before it".into());
                    break;
                }
                Undo::Unknown(why) => Err(format!("{why}: what it did stays")),
                Undo::Command {
                    node,
                    command,
                    within,
                } => self.undo_command(&node, &command, within).await,
                Undo::Power => self.give_power_back().await,
            };
            match result {
                Ok(()) => undone += 1,
                Err(why) => failures.push(why),
            }
        }
        let end = failures.is_empty().then_some(RunbookEnd::RolledBack);
        let mut told = format!("{undone} undone");
        for failure in failures {
            told.push_str(&format!("; not undone: {failure}"));
        }
        (end, told)
    }

    /// What was done, when, and to whom.
    fn did(&self, at: Bracket, text: &str, node: Option<&NodeName>) {
        let deed = Deed {
            step: self.step,
            text: text.into(),
            node: node.cloned(),
            declared: None,
        };
        self.ground.emitter.say_at(at, What::Action(deed));
    }

    fn say(&self, text: &str) {
        self.did(Bracket::at(self.ground.emitter.now()), text, None);
    }
}

/// A step of a runbook by its number, from 1, and its word.
fn titled(place: usize, tasks: &[Task]) -> String {
    let name = tasks.get(place).map_or("", |task| task.act.name());
    format!("its step {} ({name})", place + 1)
}

impl From<RuntimeError> for Stopped {
    fn from(error: RuntimeError) -> Self {
        Self::Broken(error.to_string())
    }
}
