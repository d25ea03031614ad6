//! Runbooks: what operators do when something failed, step by step, by machine or by hand.

use std::{fmt, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Dur, Selector};

/// A runbook that a drill runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RunbookStep {
    /// One that the system brings along, for instance `promote-replica`.
    Shipped(String),
    /// One of the user's own.
    Own(Box<OwnRunbook>),
}

/// A runbook of the user's own, from a file or written into the scenario.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OwnRunbook {
    /// The file that it is read from, from the scenario's folder on; without it, `steps` are written here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// How it must end.
    #[serde(default, skip_serializing_if = "is_default")]
    pub expect: RunbookEnd,
    /// What becomes of what it did when a step fails.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_failure: OnFailure,
    /// What is done, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Task>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// How a runbook must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunbookEnd {
    /// Every step was taken.
    #[default]
    Done,
    /// One of its checks did not hold before anything was done: the service is well, or nothing is there to fail over to.
    Refused,
    /// A step failed, and everything that was done was undone.
    RolledBack,
}

impl RunbookEnd {
    /// All of them by their words.
    pub const ALL: [(&'static str, Self); 3] = [
        ("done", Self::Done),
        ("refused", Self::Refused),
        ("rolled-back", Self::RolledBack),
    ];
}

impl fmt::Display for RunbookEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::ALL.iter().find(|(_, end)| end == self);
        f.write_str(named.map_or("", |(word, _)| word))
    }
}

/// What becomes of what a runbook did when a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// It stays as it is.
    #[default]
    Leave,
    /// It is undone, the last step first, back to a promotion, which nothing undoes.
    Rollback,
}

/// The word for the follower that received most.
pub const BEST: &str = "best";

/// A step of a runbook, and its deadline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Task {
    /// What is done.
    #[serde(flatten)]
    pub act: Act,
    /// The longest that it may take; five minutes unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Dur>,
}

/// What a step of a runbook does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Goes on only if this is so, all the time that it is looked at.
    Check(Check),
    /// A person does something: its time is declared, and told apart from the machines'.
    Person(Person),
    /// Fences a node: powers it off, so that it takes no more writes. Nothing if it is down already.
    Fence(Selector),
    /// Makes a follower primary: `best`, the one that received most, or a node by name.
    Promote(String),
    /// Leads the clients to the node that was promoted.
    Repoint(Led),
    /// Makes the other followers follow it.
    Refollow(Others),
    /// Gives a command in a node's shell.
    Run(Command),
    /// Waits until this is so.
    Verify(Verified),
    /// Says something; it is kept among the run's events.
    Notify(String),
}

/// What must be so for a runbook to go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Check {
    /// Whether some member says that it is primary, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<Health>,
    /// Whether some member says that it is a follower, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica: Option<Health>,
    /// How long it must be so.
    #[serde(default = "Check::looked", rename = "for")]
    pub lasting: Dur,
}

impl Check {
    /// Three seconds unless said: as long as many a monitor takes to call a server down.
    pub fn looked() -> Dur {
        Dur(Duration::from_secs(3))
    }
}

/// Whether a member of a role answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// One answers.
    Up,
    /// None answers.
    Down,
}

/// What a person does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Person {
    /// Who, for instance `on-call`.
    pub who: String,
    /// What they do.
    pub does: String,
    /// How long it takes them. The drill does not wait for it: it is added.
    pub takes: Dur,
}

/// A command, and how what it did is undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Command {
    /// Where it is given.
    pub node: Selector,
    /// The command; it has failed if it ends with another code than 0.
    pub command: String,
    /// What it must say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
    /// The command that undoes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<String>,
}

/// Those who are led elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Led {
    /// All clients.
    Clients,
}

/// Those who follow another primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Others {
    /// All followers that answer.
    Others,
}

/// What a runbook waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verified {
    /// Exactly one member says that it is primary.
    OnePrimary,
    /// Every member is present, in sync and eligible for failover.
    Redundant,
    /// Every member that answers holds the same.
    Equal,
}

/// How long a step of a runbook may take, unless said: longer than any system waits for a promotion or a route by itself, whose
/// own words then say what it waited for.
const LIMIT: Duration = Duration::from_secs(300);

impl Task {
    /// The longest that it may take. What is looked at for a while has that time on top.
    pub fn limit(&self) -> Duration {
        self.within.map_or(LIMIT, |within| within.0) + self.lasting()
    }

    /// The same as far as the runbook says it.
    pub fn stated(&self) -> Duration {
        self.within.map_or(Duration::ZERO, |within| within.0) + self.lasting()
    }

    /// How long it is looked at.
    fn lasting(&self) -> Duration {
        match &self.act {
            Act::Check(check) => check.lasting.0,
            _ => Duration::ZERO,
        }
    }
}

impl Act {
    /// Whether it changes something. A check, a person's time, waiting and telling do not.
    pub fn changes(&self) -> bool {
        match self {
            Self::Fence(_)
            | Self::Promote(_)
            | Self::Repoint(_)
            | Self::Refollow(_)
            | Self::Run(_) => true,
            Self::Check(_) | Self::Person(_) | Self::Verify(_) | Self::Notify(_) => false,
        }
    }

    /// Its word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Check(_) => "check",
            Self::Person(_) => "person",
            Self::Fence(_) => "fence",
            Self::Promote(_) => "promote",
            Self::Repoint(_) => "repoint",
            Self::Refollow(_) => "refollow",
            Self::Run(_) => "run",
            Self::Verify(_) => "verify",
            Self::Notify(_) => "notify",
        }
    }
}

impl OwnRunbook {
    /// Whether anything is changed before a check: it would act on a service that is well.
    pub fn acts_unchecked(&self) -> bool {
        let acts = self.steps.iter().map(|task| &task.act);
        let mut first = acts.filter(|act| act.changes() || matches!(act, Act::Check(_)));
        first.next().is_some_and(Act::changes)
    }

    /// What it is called: its file, or that it stands in the scenario.
    pub fn name(&self) -> &str {
        self.file.as_deref().unwrap_or("of this scenario")
    }
}

impl RunbookStep {
    /// Whether it is to make another node primary. Of a file that was not read it is taken for granted.
    pub fn promotes(&self) -> bool {
        match self {
            Self::Shipped(_) => true,
            Self::Own(own) => {
                let mut acts = own.steps.iter().map(|task| &task.act);
                let promotes = acts.any(|act| matches!(act, Act::Promote(_)));
                own.expect == RunbookEnd::Done && (promotes || own.steps.is_empty())
            }
        }
    }

    /// Whether it changes nothing if it ends as it must.
    pub fn refuses(&self) -> bool {
        self.own()
            .is_some_and(|own| own.expect == RunbookEnd::Refused)
    }

    /// Whether it gives power back to what was down, if it ends as it must.
    pub fn gives_back(&self) -> bool {
        self.own()
            .is_some_and(|own| own.expect == RunbookEnd::RolledBack)
    }

    /// The user's own, if it is one.
    pub fn own(&self) -> Option<&OwnRunbook> {
        match self {
            Self::Shipped(_) => None,
            Self::Own(own) => Some(own),
        }
    }
}

impl fmt::Display for RunbookStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shipped(name) => f.write_str(name),
            Self::Own(own) => f.write_str(own.name()),
        }
    }
}
