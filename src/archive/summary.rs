//! What a run came to, as its `result.json` says: the part that lists, trends and gates need.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::IgnoredAny};

use crate::{
    check::Answer,
    id::NodeName,
    measure::{
        Figure, RestoreFigures,
        bounds::{self, Hit, Victims},
    },
    record::{Bound, DisruptionKind, ImageFact, MemberKind, Rearmed, Setting, Status},
    scenario::{RecoveredBy, Targets},
    score::{Scorecard, Verdict},
    time::Span,
};

/// A run's result, without what only its own report shows.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Summary {
    /// Its verdict.
    pub verdict: Verdict,
    /// Which run.
    pub run: Named,
    /// Targets against measurements.
    pub scorecard: Scorecard,
    /// What was measured.
    pub figures: Measured,
    /// What each checker answered.
    pub findings: Vec<Checked>,
    /// What stood, if it came up.
    pub system: Option<Stood>,
    /// The run that its stack was brought up for, where it is another one.
    #[serde(default)]
    pub rearmed: Option<Rearmed>,
    /// What each disruptive step did, and to whom.
    pub disruptions: Vec<Disrupted>,
    /// How long the failover may take by the effective settings.
    pub bounds: Vec<Bound>,
    /// Settings as read back.
    pub effective_settings: Vec<Setting>,
    /// Images with digests.
    pub images: Vec<ImageFact>,
    /// Where the stack ran.
    pub environment: Vec<Fact>,
    /// The scenario as resolved.
    pub config: Config,
}

/// What is needed of a scenario; the rest may be of another version.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Config {
    /// What the drill shows.
    pub summary: String,
    /// The systems, by name.
    pub stack: BTreeMap<String, IgnoredAny>,
    /// What must hold.
    pub targets: Targets,
    /// Its steps, as they were written down.
    #[serde(default)]
    pub drill: Vec<serde_json::Value>,
    /// Whether each repeat was to have a stack of its own.
    #[serde(default, rename = "fresh-stacks")]
    pub fresh_stacks: bool,
}

/// When something was done, of which only what was done is needed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Disrupted {
    /// What was done.
    pub disruption: Struck,
}

/// What a disruptive step did.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Struck {
    /// The step, from 0.
    pub step: usize,
    /// The nodes it hit.
    pub victims: Vec<NodeName>,
    /// Whether the primary was among the victims.
    pub primary_hit: bool,
}

/// A checker's answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Checked {
    /// The checker.
    pub check: String,
    /// Its answer.
    pub answer: Answer,
}

/// A fact by name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Fact {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// What the effective settings say of a recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Predicted {
    /// Nothing: no bound speaks of the fault.
    Nothing,
    /// Nothing: they speak of failovers, and the service came back by itself or with its node.
    NoFailover,
    /// It took as long as they allow, or it is not known how long it took.
    Within(Span),
    /// It took less or more than they allow.
    Outside(Span),
}

/// Which run it was.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Named {
    /// Its name.
    pub id: String,
    /// The scenario's name.
    pub scenario: String,
    /// The scenario's file as it was given.
    pub file: String,
    /// Wall-clock start, RFC 3339.
    pub started: String,
    /// Which repeat it was, from 1.
    pub attempt: u32,
    /// Out of how many.
    pub attempts: u32,
    /// The seed, hexadecimal.
    pub seed: String,
    /// How it ended.
    pub status: Status,
    /// drdrill's version.
    pub drdrill: String,
    /// What replaced values of the file.
    pub overrides: Vec<(String, String)>,
}

/// The stack.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Stood {
    /// The system, for instance `redis`.
    pub name: String,
    /// Its topology.
    pub topology: String,
    /// How clients found the primary.
    pub route: String,
    /// The server's version as it reports it.
    pub server: String,
    /// Its members.
    #[serde(default)]
    pub members: Vec<Member>,
}

/// One of its members.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// Its name.
    pub name: NodeName,
    /// What it does.
    pub kind: MemberKind,
}

/// The figures.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Measured {
    /// One entry per disruptive step.
    pub events: Vec<Recovery>,
    /// Which of them `rto` speaks of.
    pub headline: Option<usize>,
    /// Union of the write outages.
    pub unavailable_total: Figure<Span>,
    /// What became of acknowledged data.
    pub loss: Figure<Lost>,
    /// What each restore brought back.
    #[serde(default)]
    pub restores: Vec<RestoreFigures>,
}

/// What became of acknowledged data, counted.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Lost {
    /// Acknowledged writes of the run.
    pub acknowledged: u64,
    /// One entry per write that was sent before the fault and lost.
    #[serde(rename = "lost", deserialize_with = "counted")]
    pub count: u64,
    /// One entry per write that was acknowledged after the fault and lost.
    #[serde(deserialize_with = "counted")]
    pub split_brain: u64,
    /// What later disruptive steps lost.
    #[serde(default)]
    pub later: Vec<LostLater>,
    /// How old the oldest lost write was.
    pub rpo_seconds: Span,
}

/// What a later disruptive step lost.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LostLater {
    /// One entry per lost write.
    #[serde(rename = "lost", deserialize_with = "counted")]
    pub count: u64,
}

/// The length of a list whose entries do not matter.
fn counted<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Vec::<IgnoredAny>::deserialize(deserializer).map(|entries| entries.len() as u64)
}

/// One disruptive step and the recovery from it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Recovery {
    /// Its step, from 0.
    pub step: usize,
    /// What kind of event it was.
    pub kind: DisruptionKind,
    /// In a word, for instance `kill`.
    pub name: String,
    /// Whether an outage was seen.
    pub outage_seen: bool,
    /// The recovery time.
    pub rto: Figure<Span>,
    /// Who or what brought the service back.
    pub recovered_by: Figure<RecoveredBy>,
}

impl Summary {
    /// The headline event.
    pub fn headline(&self) -> Option<&Recovery> {
        self.figures.events.get(self.figures.headline?)
    }

    /// The recovery time of the headline event; `None` where it was not measured.
    pub fn rto(&self) -> Option<Span> {
        match self.headline()?.rto {
            Figure::Measured(span) => Some(span),
            Figure::Missing(_) => None,
        }
    }

    /// The failure mode in a few words: what the headline event did.
    pub fn mode(&self) -> String {
        match self.headline() {
            Some(event) => match event.kind {
                DisruptionKind::Control => "control".into(),
                DisruptionKind::Switchover | DisruptionKind::Failback | DisruptionKind::Fault => {
                    event.name.clone()
                }
            },
            None => "none".into(),
        }
    }

    /// The headline event and whom it hit: `kill primary`.
    pub fn hit(&self) -> Option<Hit<'_>> {
        let event = self.headline()?;
        let own = |it: &&Disrupted| it.disruption.step == event.step;
        let disruptions = self.disruptions.iter().filter(own);
        let victims = disruptions
            .clone()
            .flat_map(|it| it.disruption.victims.iter().cloned());
        let victims: Vec<NodeName> = victims.collect();
        let primary_hit = disruptions.clone().any(|it| it.disruption.primary_hit);
        let kind = |name: &NodeName| {
            let mut members = self.system.iter().flat_map(|system| &system.members);
            let member = members.find(|member| member.name == *name);
            member.map(|member| member.kind)
        };
        Some(Hit {
            event: &event.name,
            victims: Victims::of(primary_hit, &victims, kind),
        })
    }

    /// What the effective settings let the headline's recovery take, as the run's own checker took it, and whether it did.
    pub fn predicted(&self) -> Predicted {
        let Some(allowed) = self.allowed() else {
            return Predicted::Nothing;
        };
        let by = self.headline().and_then(|event| event.recovered_by.value());
        if matches!(by, Some(RecoveredBy::Heal | RecoveredBy::Restart)) {
            return Predicted::NoFailover;
        }
        let beyond = |low: u64, high: Option<u64>| high.is_some_and(|high| low > high);
        let outside = self.rto().is_some_and(|took| {
            beyond(took.low_ns, allowed.high_ns) || beyond(allowed.low_ns, took.high_ns)
        });
        match outside {
            true => Predicted::Outside(allowed),
            false => Predicted::Within(allowed),
        }
    }

    fn allowed(&self) -> Option<Span> {
        let step = self.config.drill.get(self.headline()?.step)?;
        // A step of another version is read as none: then every bound that may hold is taken.
        let step = serde_json::from_value(step.clone()).ok();
        let fitting = bounds::applicable(&self.bounds, step.as_ref(), self.hit()?);
        fitting
            .into_iter()
            .map(|bound| bound.rto)
            .reduce(Span::hull)
    }

    /// Acknowledged writes that were lost; `None` where it is not known.
    pub fn lost(&self) -> Option<u64> {
        let loss = self.figures.loss.value()?;
        let later: u64 = loss.later.iter().map(|later| later.count).sum();
        Some(loss.count + loss.split_brain + later)
    }

    /// Those of them that were sent before the headline's fault.
    pub fn lost_before(&self) -> Option<u64> {
        self.figures.loss.value().map(|loss| loss.count)
    }

    /// Those of them that were sent after it.
    pub fn split_brain(&self) -> Option<u64> {
        self.figures.loss.value().map(|loss| loss.split_brain)
    }

    /// The system's name; by the scenario where no stack came up.
    pub fn system(&self) -> &str {
        let asked = || {
            self.config
                .stack
                .keys()
                .next()
                .map_or("none", String::as_str)
        };
        self.system
            .as_ref()
            .map_or_else(asked, |stood| stood.name.as_str())
    }
}
