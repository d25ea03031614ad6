//! Folds a run's events into one record, which is all that judging and reporting read.

use std::{borrow::Cow, time::Duration};

use crate::{
    history::Lane,
    id::{LaneId, NodeName},
    scenario::Step,
    time::{Bracket, Nanos},
};

use super::{
    AlertEvent, Alerting, BackedUp, Capacity, Consumed, ConsumerGroup, ControlEvent, Deed,
    Disruption, DisruptionKind, Effect, Environment, Event, FinalRead, Holdings, ImageFact,
    LogKept, Opened, Rearmed, Rebalanced, Residue, Restored, Source, Stack, Status, StepResult,
    Unexplained, View, Watched, What,
};

/// Everything observed in one run, except the operations.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What was fixed before the fault.
    pub opened: Opened,
    /// What it ran on.
    pub environment: Environment,
    /// The images used.
    pub images: Vec<ImageFact>,
    /// The stack, if it came up.
    pub stack: Option<Stack>,
    /// When the stack was ready.
    pub ready_at: Option<Nanos>,
    /// Where the stack comes from, if it was not brought up for this run.
    pub rearmed: Option<Rearmed>,
    /// What the stack took beside the drill's own clients, if that was measured.
    pub capacity: Option<Capacity>,
    /// Alerting beside the stack, if the scenario has any and it came up.
    pub alerting: Option<Alerting>,
    /// What became of alerts, in the order of the log.
    pub alerts: Vec<(Bracket, AlertEvent)>,
    /// When alerts could not be seen, and why.
    pub alerts_unseen: Vec<(Bracket, String)>,
    /// The consumer group, if the scenario has one and it stood, and when that was.
    pub consumers: Option<(Nanos, ConsumerGroup)>,
    /// What its members were given and gave back, in the order of the log.
    pub rebalanced: Vec<(Bracket, Rebalanced)>,
    /// What they consumed, in the order of the log.
    pub consumed: Vec<(Bracket, Consumed)>,
    /// The clients' lanes; `LaneId` indexes them.
    pub lanes: Vec<Lane>,
    /// When the clients started, and when the last one had stopped.
    pub load: Option<(Nanos, Nanos)>,
    /// When they were told to stop; what was under way then was waited for.
    pub stopping: Option<Nanos>,
    /// How many operations of each lane were due; none in runs of before that was counted.
    pub due: Option<Vec<u64>>,
    /// Why the history that was read is not, or not all of, this run's; set by the reader.
    pub history_doubt: Option<String>,
    /// Undisturbed windows: each `steady` step's start and end.
    pub steady: Vec<(Nanos, Nanos)>,
    /// Disruptive steps with their brackets, in order.
    pub disruptions: Vec<(Bracket, Disruption)>,
    /// Whether their effects were seen.
    pub effects: Vec<Effect>,
    /// When each fault was undone: its step.
    pub healed: Vec<(Bracket, usize)>,
    /// How each step ended.
    pub steps: Vec<(Bracket, usize, StepResult)>,
    /// Operators' actions.
    pub actions: Vec<(Bracket, Deed)>,
    /// Backups that were made, or not.
    pub backups: Vec<(Bracket, BackedUp)>,
    /// Up to where the log was kept apart from the stack, look by look.
    pub log_kept: Vec<(Bracket, LogKept)>,
    /// What was restored beside the running service, and when: from the decision to the look-up.
    pub restores: Vec<(Bracket, Restored)>,
    /// Nodes' views of themselves.
    pub views: Vec<(Bracket, View)>,
    /// What the control plane said.
    pub control: Vec<(Bracket, ControlEvent)>,
    /// When the harness was held up, and for how long.
    pub stalls: Vec<(Bracket, Duration)>,
    /// How many packets the machine's connection tracking dropped; none where that is not counted.
    pub dropped: Option<u64>,
    /// What became of nodes that no step caused.
    pub unexplained: Vec<(Bracket, Unexplained)>,
    /// How nodes were watched for that; none in runs of versions that did not.
    pub watched: Option<Watched>,
    /// When nodes returned.
    pub returned: Vec<(Bracket, NodeName)>,
    /// When every member was back in sync.
    pub redundant: Vec<Bracket>,
    /// The convergence guard: whether it was reached, and its proof.
    pub converged: Option<(bool, Vec<String>)>,
    /// The final reads.
    pub finals: Vec<FinalRead>,
    /// How the run ended.
    pub status: Status,
    /// What was left behind; `None` when teardown was not reached.
    pub residue: Option<Residue>,
    /// Whether the stack stayed for the next repeat instead of being torn down.
    pub handed_on: bool,
}

/// Why events could not be folded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The first event must say what was opened.
    #[error("the event log does not start with the run's opening")]
    NotOpened,
}

impl Record {
    /// Folds events in their order.
    ///
    /// # Errors
    /// When the first event is not the opening.
    pub fn fold(events: &[Event]) -> Result<Self, RecordError> {
        let Some(What::Opened(opened)) = events.first().map(|event| &event.what) else {
            return Err(RecordError::NotOpened);
        };
        let mut record = Self::open(opened.as_ref().clone());
        let mut step_began = Nanos::default();
        for Event { at, what } in events {
            if let What::StepStarted { .. } = what {
                step_began = at.low;
            }
            record.add(*at, what.clone(), step_began);
        }
        Ok(record)
    }

    fn open(opened: Opened) -> Self {
        Self {
            opened,
            environment: Environment::default(),
            images: Vec::new(),
            stack: None,
            ready_at: None,
            capacity: None,
            rearmed: None,
            alerting: None,
            alerts: Vec::new(),
            alerts_unseen: Vec::new(),
            consumers: None,
            rebalanced: Vec::new(),
            consumed: Vec::new(),
            lanes: Vec::new(),
            load: None,
            stopping: None,
            due: None,
            history_doubt: None,
            steady: Vec::new(),
            disruptions: Vec::new(),
            effects: Vec::new(),
            healed: Vec::new(),
            steps: Vec::new(),
            actions: Vec::new(),
            backups: Vec::new(),
            log_kept: Vec::new(),
            restores: Vec::new(),
            views: Vec::new(),
            control: Vec::new(),
            stalls: Vec::new(),
            dropped: None,
            unexplained: Vec::new(),
            watched: None,
            returned: Vec::new(),
            redundant: Vec::new(),
            converged: None,
            finals: Vec::new(),
            status: Status::Aborted("the run's end was not recorded".into()),
            residue: None,
            handed_on: false,
        }
    }

    fn add(&mut self, at: Bracket, what: What, step_began: Nanos) {
        match what {
            What::Opened(_) | What::Note(_) | What::StepStarted { .. } => {}
            What::Environment(environment) => self.environment = environment,
            What::Image(image) => self.images.push(image),
            What::Stack(stack) => {
                self.stack = Some(*stack);
                self.ready_at = Some(at.high);
            }
            What::Rearmed(rearmed) => self.rearmed = Some(rearmed),
            What::Capacity(capacity) => self.capacity = Some(capacity),
            What::Alerting(alerting) => self.alerting = Some(*alerting),
            What::Alert(event) => self.alerts.push((at, event)),
            What::AlertsUnseen { why } => self.alerts_unseen.push((at, why)),
            What::ConsumerGroup(group) => self.consumers = Some((at.high, *group)),
            What::Rebalanced(moved) => self.rebalanced.push((at, moved)),
            What::Consumed(stretch) => self.consumed.push((at, stretch)),
            What::Clients(lanes) => {
                self.lanes = lanes;
                self.load = Some((at.low, at.high));
            }
            What::ClientsStopped => {
                self.load = self.load.map(|(start, _)| (start, at.high));
                self.stopping = Some(at.low);
            }
            What::Due { operations } => self.due = Some(operations),
            What::StepEnded { step, result } => {
                self.end_step(
                    Bracket {
                        low: step_began,
                        high: at.high,
                    },
                    step,
                    result,
                );
            }
            What::Disrupted(disruption) => self.disruptions.push((at, disruption)),
            What::Effect(effect) => self.effects.push(effect),
            What::Healed { step } => self.healed.push((at, step)),
            What::Action(deed) => self.actions.push((at, deed)),
            What::BackedUp(backup) => self.backups.push((at, backup)),
            What::LogKept(kept) => self.log_kept.push((at, kept)),
            What::Restored(restored) => self.restores.push((at, *restored)),
            What::View(view) => self.views.push((at, view)),
            What::Control(event) => self.control.push((at, event)),
            What::Stalled { by } => self.stalls.push((at, by)),
            What::Dropped { packets } => self.dropped = Some(packets),
            What::Unexplained(one) => self.unexplained.push((at, one)),
            What::Watched(watched) => self.watched = Some(watched),
            What::Returned { node } => self.returned.push((at, node)),
            What::Redundant { .. } => self.redundant.push(at),
            What::Converged { reached, evidence } => self.converged = Some((reached, evidence)),
            What::Final(mut read) => {
                let before = self
                    .finals
                    .iter()
                    .rev()
                    .find_map(|one| one.holdings.as_ref().ok());
                if let (Ok(now), Some(before)) = (&mut read.holdings, before) {
                    now.share(before);
                }
                self.finals.push(read);
            }
            What::Closed(status) => self.status = status,
            What::Residue(residue) => self.residue = Some(residue),
            What::HandedOn => self.handed_on = true,
        }
    }

    fn end_step(&mut self, span: Bracket, step: usize, result: StepResult) {
        if matches!(self.opened.scenario.drill.get(step), Some(Step::Steady(_))) {
            self.steady.push((span.low, span.high));
        }
        self.steps.push((span, step, result));
    }

    /// The disruption that `rto` and `rpo` speak of: the scenario's headline step, else the first that did something and is judged,
    /// else the first.
    pub fn headline(&self) -> Option<&(Bracket, Disruption)> {
        let mut all = self.disruptions.iter();
        match self.opened.scenario.headline {
            Some(step) => all.find(|(_, d)| d.step == step),
            None => {
                let does = |d: &Disruption| d.kind != DisruptionKind::Control;
                let judged = |d: &Disruption| self.opened.scenario.drill.judges(d.step);
                all.find(|(_, d)| does(d) && judged(d))
                    .or(self.disruptions.iter().find(|(_, d)| does(d)))
                    .or(self.disruptions.first())
            }
        }
    }

    /// Whether the run was a control: nothing was done on purpose, and no step of the scenario would have done anything.
    pub fn is_control(&self) -> bool {
        let idle = |(_, d): &(Bracket, Disruption)| d.kind == DisruptionKind::Control;
        !self.disruptions.is_empty()
            && self.disruptions.iter().all(idle)
            && !self.opened.scenario.drill.iter().any(Step::disrupts)
    }

    /// The effect seen of a step's disruption.
    pub fn effect(&self, step: usize) -> Option<&Effect> {
        self.effects.iter().rev().find(|effect| effect.step == step)
    }

    /// A final read by its source.
    pub fn final_read(&self, source: &Source) -> Option<&Result<Holdings, String>> {
        self.finals
            .iter()
            .find(|read| read.source == *source)
            .map(|read| &read.holdings)
    }

    /// What of the authority's holdings a member ought to have: all of it, or that of its own shard's lanes.
    pub fn due<'a>(&self, node: &NodeName, held: &'a Holdings) -> Cow<'a, Holdings> {
        let shard = self.stack.as_ref().and_then(|stack| stack.shard_of(node));
        let Some(shard) = shard else {
            return Cow::Borrowed(held);
        };
        let own = |lane: LaneId| {
            let lane = self.lanes.get(usize::from(lane.0));
            lane.is_some_and(|lane| lane.shard == Some(shard))
        };
        Cow::Owned(held.of_lanes(own))
    }

    /// The index that `Op::node` uses for a node.
    pub fn node_index(&self, node: &NodeName) -> Option<u16> {
        let members = &self.stack.as_ref()?.members;
        members
            .iter()
            .position(|m| m.name == *node)
            .and_then(|i| u16::try_from(i).ok())
    }

    /// The name behind an `Op::node`.
    pub fn node_name(&self, index: u16) -> Option<&NodeName> {
        self.stack
            .as_ref()?
            .members
            .get(usize::from(index))
            .map(|member| &member.name)
    }
}
