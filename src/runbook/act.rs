//! The steps of a runbook, each as it is done.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    fault::{self, FaultError, select},
    id::NodeName,
    record::{ControlEvent, Deed, EffectState, Milestone, What},
    runtime::NodeState,
    scenario::{BEST, Command, Fault, Person, Selector, Victim, fault::Kill},
    system::{Promote, SystemError},
    time::Bracket,
};

use super::{Act, Fenced, Runner, Stopped, Undo, look};

/// How much of what a command said is kept.
const SAID_MAX: usize = 300;

impl Runner<'_> {
    /// Does what a step says.
    pub(super) async fn act(&mut self, act: &Act) -> Result<(), Stopped> {
        let emitter = self.ground.emitter.clone();
        if act.changes() && !self.changed {
            self.changed = true;
            let at = Bracket::at(emitter.now());
            let gone = &self.ground.first_primary;
            self.milestone(at, Milestone::Declared, gone, "the runbook begins to act");
        }
        match act {
            Act::Check(check) => {
                let (at, seen) = emitter.time(look::holds(check, self.ground)).await;
                self.did(at, &format!("checked: {}", seen?), None);
            }
            Act::Person(person) => self.person(person),
            Act::Fence(selector) => self.fence(selector).await?,
            Act::Promote(whom) => self.promote(whom).await?,
            Act::Repoint(_) => {
                let (promoted, promote) = (self.promoted()?, self.by_hand()?);
                let (at, done) = emitter.time(promote.repoint(&promoted)).await;
                done?;
                self.did(at, "repointed the clients", Some(&promoted));
            }
            Act::Refollow(_) => {
                let (promoted, promote) = (self.promoted()?, self.by_hand()?);
                let (at, done) = emitter.time(promote.refollow(&promoted)).await;
                done?;
                self.did(at, "made the other replicas follow it", Some(&promoted));
            }
            Act::Run(command) => self.command(command).await?,
            Act::Verify(wanted) => {
                let (at, seen) = emitter.time(look::reached(*wanted, self.ground)).await;
                self.did(at, &format!("verified: {seen}"), None);
            }
            Act::Notify(text) => self.say(&format!("told: {text}")),
        }
        Ok(())
    }

    /// The drill does not wait: the time is added where recovery is told with people.
    fn person(&self, person: &Person) {
        let deed = Deed {
            step: self.step,
            text: format!("{}: {}", person.who, person.does),
            node: None,
            declared: Some(person.takes.0),
        };
        self.ground.emitter.say(What::Action(deed));
    }

    /// A phase of the recovery that the runbook ends.
    fn milestone(&self, at: Bracket, milestone: Milestone, node: &NodeName, text: &str) {
        let event = ControlEvent {
            source: NodeName::new("runbook"),
            milestone: Some(milestone),
            node: Some(node.clone()),
            text: text.into(),
        };
        self.ground.emitter.say_at(at, What::Control(event));
    }

    fn by_hand(&self) -> Result<&dyn Promote, Stopped> {
        let none = || Stopped::Failed("nothing of this topology is promoted by hand".into());
        self.ground.system.promote().ok_or_else(none)
    }

    fn promoted(&self) -> Result<NodeName, Stopped> {
        let none = || Stopped::Failed("nothing was promoted".into());
        self.promoted.clone().ok_or_else(none)
    }

    async fn promote(&mut self, whom: &str) -> Result<(), Stopped> {
        let emitter = self.ground.emitter.clone();
        let promote = self.by_hand()?;
        let candidate = match whom {
            BEST => {
                let (at, candidate) = emitter.time(promote.best_candidate()).await;
                let candidate = candidate?;
                let text = "chose the replica that received most";
                self.did(at, text, Some(&candidate));
                candidate
            }
            node => NodeName::new(node),
        };
        let promoting = promote.promote(&candidate);
        let (at, done) = emitter.time(promoting).await;
        // It may have been promoted even where that was not seen.
        self.undos.push(Undo::Never);
        done?;
        self.did(at, "promoted it", Some(&candidate));
        self.milestone(at, Milestone::Accepts, &candidate, "promoted");
        self.promoted = Some(candidate);
        Ok(())
    }

    async fn fence(&mut self, selector: &Selector) -> Result<(), Stopped> {
        for node in select(selector, self.ground).await? {
            let runs = match self.ground.runtime.state(&node).await? {
                NodeState::Running | NodeState::Paused => true,
                NodeState::Exited { .. } | NodeState::Missing => false,
            };
            if runs {
                self.take_power(&node).await?;
            } else {
                let at = Bracket::at(self.ground.emitter.now());
                self.did(at, "needed no fencing: it was down", Some(&node));
            }
        }
        Ok(())
    }

    async fn take_power(&mut self, node: &NodeName) -> Result<(), Stopped> {
        let victim = Victim::from(Selector::Named(node.as_str().to_owned()));
        let fault = Fault::from(Kill(victim));
        let injected = fault::inject(&fault, self.step, self.ground).await?;
        let (disruption, at, mut active) = injected;
        active.name = "fence";
        let effect = active.verify(self.ground).await;
        self.fenced.push(Fenced {
            fault,
            disruption,
            active,
        });
        self.undos.push(Undo::Power);
        if effect.state != EffectState::Verified {
            let seen = effect.evidence.join("; ");
            return Err(Stopped::Failed(format!("it could not be fenced: {seen}")));
        }
        self.did(at, "fenced it (power off)", Some(node));
        Ok(())
    }

    /// Gives the power back to what was fenced last.
    pub(super) async fn give_power_back(&mut self) -> Result<(), String> {
        let Some(last) = self.fenced.pop() else {
            return Ok(());
        };
        let healed = last.active.give_back(self.ground).await;
        healed.map_err(|error| error.to_string())?;
        self.say("undone: power on for what was fenced");
        Ok(())
    }

    async fn command(&mut self, given: &Command) -> Result<(), Stopped> {
        for node in select(&given.node, self.ground).await? {
            self.commanded.push(node.clone());
            // A command that fails half-way has done something, too.
            self.undos.push(match given.undo.clone() {
                Some(command) => Undo::Command {
                    node: node.clone(),
                    command,
                    within: self.limit,
                },
                None => Undo::Unknown(format!("`{}` on {node} has no undo", given.command)),
            });
            let said = self.exec(&node, &given.command, self.limit).await?;
            let wanted = given.expect.as_deref();
            if let Some(wanted) = wanted.filter(|wanted| *wanted != said) {
                let why = format!("on {node} it said `{}` and not `{wanted}`", short(&said));
                return Err(Stopped::Failed(why));
            }
        }
        Ok(())
    }

    /// Undoes a command, which may take as long as what it undoes.
    pub(super) async fn undo_command(
        &self,
        node: &NodeName,
        command: &str,
        within: Duration,
    ) -> Result<(), String> {
        let undone = timeout(within, self.exec(node, command, within)).await;
        let undone =
            undone.map_err(|_| format!("`{command}` on {node} took longer than {within:?}"))?;
        undone.map(|_| ()).map_err(|stopped| match stopped {
            Stopped::Untrue(why) | Stopped::Failed(why) | Stopped::Broken(why) => why,
        })
    }

    /// What a command in a node's shell says. Its deadline is its step's; the runtime's is longer, so that it is never the
    /// machines that are blamed for a command that hangs.
    async fn exec(
        &self,
        node: &NodeName,
        command: &str,
        within: Duration,
    ) -> Result<String, Stopped> {
        let argv = ["sh", "-c", command];
        let running = self.ground.runtime.exec(node, &argv, 2 * within);
        let (at, ended) = self.ground.emitter.time(running).await;
        let ended = ended?;
        let said = ended.stdout.trim().to_owned();
        let code = ended.code;
        let text = format!("ran `{command}`: code {code}, said `{}`", short(&said));
        self.did(at, &text, Some(node));
        if code != 0 {
            return Err(Stopped::Failed(format!(
                "on {node} it ended with code {code}"
            )));
        }
        Ok(said)
    }
}

/// The begin of what was said, on one line.
fn short(said: &str) -> String {
    let line = said.lines().map(str::trim).collect::<Vec<_>>().join(" / ");
    match line.char_indices().nth(SAID_MAX) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

impl From<SystemError> for Stopped {
    fn from(error: SystemError) -> Self {
        match error {
            SystemError::Runtime(error) => error.into(),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<FaultError> for Stopped {
    fn from(error: FaultError) -> Self {
        match error {
            FaultError::System(error) => error.into(),
            FaultError::NoVictim(_) => Self::Failed(error.to_string()),
            other => Self::Broken(other.to_string()),
        }
    }
}
