//! The steps of a drill.

use std::{sync::Arc, time::Duration};

use tokio::time::{sleep, timeout};

use crate::{
    alerting::{Raised, alertmanager, prometheus},
    fault::{self, FaultContext, select},
    id::NodeName,
    record::{Disruption, DisruptionKind, Effect, EffectState, MemberKind, StepResult, What},
    runbook,
    scenario::{self, ConsumerEnd, Expect, Fault, Move, RunbookStep, Step},
    seed::Stream,
    system::SystemError,
    time::Nanos,
    workload::{self, Live, Load},
};

use super::{
    faults::Faults,
    restore::{self, Restores},
    vigil::Vigil,
    wait,
};

/// The longest wait, after the last step, for an outage that is still going on.
const SETTLE_LIMIT: Duration = Duration::from_secs(60);

/// The baseline that a drill takes of its own when the one before lends it its last operations: the least that a
/// scenario's `steady` may be.
const LENT_STEADY: Duration = Duration::from_secs(2);

/// The fewest operations of that baseline: its 99th percentile, which other times are held against, needs 100.
const LENT_OWN: u64 = 200;

/// How often they are counted.
const LENT_LOOK: Duration = Duration::from_millis(20);

/// How long the drill's clients are let catch up after a measurement of the capacity, in times of its length: at 80 % load
/// a quarter of the load is to spare, which works off in one time what was left undone meanwhile, and in two for certain.
const CATCH_UP: u32 = 2;

/// What steps act on and remember.
pub struct StepContext<'a> {
    /// What faults act on.
    pub ground: FaultContext,
    /// The clients.
    pub load: &'a Load,
    /// The faults in force.
    pub faults: Faults,
    /// Watches the nodes for what no step causes.
    pub vigil: Vigil,
    /// Random numbers for the wait before a fault.
    pub phase: Stream,
    /// Which repeat this is, from 0, and out of how many: the wait is stratified over them.
    pub stratum: (u32, u32),
    /// When the last disruption was over.
    pub disrupted: Nanos,
    /// Who was primary before the first disruption; of each shard, where there are shards.
    pub first_primaries: Vec<NodeName>,
    /// Whether the run before lends its last operations to the baseline.
    pub lent: bool,
    /// Alerting beside the stack, if there is any.
    pub alerting: Option<Arc<Raised>>,
    /// What the scenario says of alerts, if there is any.
    pub alerts: Option<scenario::Alerting>,
    /// What restores need to know of what went before.
    pub restores: Restores,
}

impl StepContext<'_> {
    /// Takes one step.
    pub async fn take(&mut self, index: usize, step: &Step) -> StepResult {
        match step {
            Step::Steady(time) => {
                self.steady(time.0).await;
                StepResult::Done
            }
            Step::Hold(time) => {
                sleep(time.0).await;
                StepResult::Done
            }
            Step::Capacity(time) => self.capacity(time.0).await,
            Step::Fault(fault) => self.inject(index, fault).await,
            Step::Consumer(end) => self.consumer(index, *end).await,
            Step::Switchover(to) => self.planned(index, to, DisruptionKind::Switchover).await,
            Step::Failback(to) => self.planned(index, to, DisruptionKind::Failback).await,
            Step::Runbook(called) => self.runbook(index, called).await,
            Step::Expect(Expect::Recovered(limit)) => self.recovered(limit.within.0).await,
            Step::Expect(Expect::Redundant(limit)) => {
                let lost = || self.lost().into_iter().next();
                wait::redundant(&self.ground, limit.within.0, lost).await
            }
            Step::Expect(Expect::Consumed(limit)) => {
                let lost = || self.all_lost();
                wait::consumed(&self.ground, self.disrupted, limit.within.0, lost).await
            }
            Step::Expect(Expect::Alerted(limit) | Expect::Resolved(limit)) => {
                let over = matches!(step, Step::Expect(Expect::Resolved(_)));
                self.alerts(limit.within.0, over).await
            }
            Step::Heal(what) => match self.faults.heal(what, &self.ground).await.as_slice() {
                [] => StepResult::Done,
                failures => StepResult::Failed(failures.join("; ")),
            },
            Step::Backup(_) => restore::backup(index, &self.ground, &mut self.restores).await,
            Step::Restore(wanted) => {
                let (ground, restores) = (&self.ground, &mut self.restores);
                restore::restore(index, wanted.to, ground, restores).await
            }
        }
    }

    /// What it fenced has its power back only once every other fault is healed: a node that returns follows the new primary,
    /// and must reach it.
    async fn runbook(&mut self, index: usize, called: &RunbookStep) -> StepResult {
        let acting = self.vigil.acting();
        let ran = runbook::run(called, index, &self.ground).await;
        let runtime = self.ground.runtime.as_ref();
        self.vigil.commanded(&ran.commanded, runtime);
        for fenced in ran.fenced {
            let victims = &fenced.disruption.victims;
            self.vigil.struck(victims, &fenced.fault, runtime);
            self.faults.hold_below(fenced.active);
        }
        drop(acting);
        ran.result
    }

    /// Waits for the expected alerts to arrive, or for all to be over but those that may fire.
    async fn alerts(&self, within: Duration, over: bool) -> StepResult {
        let (Some(alerting), Some(spec)) = (&self.alerting, &self.alerts) else {
            return StepResult::Failed("there is no alerting in this drill".into());
        };
        let nodes = [prometheus(), alertmanager()];
        let lost = || match self.faults.may_return() {
            true => None,
            false => wait::gone_of(&self.vigil, &self.ground, &nodes),
        };
        if over {
            return wait::resolved(alerting, &spec.may_fire, within, lost).await;
        }
        let expected: Vec<&str> = spec.expect.iter().map(|one| one.alert.as_str()).collect();
        wait::alerted(alerting, &expected, self.disrupted, within, lost).await
    }

    /// Lets the clients go on until the last outage has been over for the sustain window, so that no
    /// recovery is left unproven at the end. At once when that is so already.
    pub async fn settle(&mut self) {
        if self.disrupted == Nanos::default() {
            return;
        }
        let settled = self.recovered(SETTLE_LIMIT).await;
        if let StepResult::Unmet(why) = settled {
            self.ground.emitter.note(format!("at the end, {why}"));
        }
    }

    /// Waits for the clients' recovery, unless no member is left that could bring it.
    async fn recovered(&self, within: Duration) -> StepResult {
        let lost = || self.all_lost();
        wait::recovered(self.load, &self.ground, self.disrupted, within, lost).await
    }

    /// That every member with data has ended and nothing will start it while this step lasts.
    fn all_lost(&self) -> Option<String> {
        let lost = self.lost();
        let data = wait::data_members(&self.ground).count();
        (lost.len() == data).then(|| lost.join(", "))
    }

    /// The members with data that have ended and that nothing will start while this step lasts.
    fn lost(&self) -> Vec<String> {
        if self.faults.may_return() {
            return Vec::new();
        }
        wait::gone(&self.vigil, &self.ground)
    }

    /// Lets the clients run undisturbed. Before the first disruption this is short where the run before lends its last
    /// operations: as soon as there are enough of this run's own.
    async fn steady(&self, time: Duration) {
        if !self.lent || self.disrupted != Nanos::default() || time <= LENT_STEADY {
            return sleep(time).await;
        }
        self.ground.emitter.note(format!(
            "{LENT_STEADY:?} of its own and what the run before lends are the baseline"
        ));
        let enough = async {
            sleep(LENT_STEADY).await;
            while self.load.live(Live::sound) < LENT_OWN {
                sleep(LENT_LOOK).await;
            }
        };
        // A baseline that is not healthy is taken whole, and judged.
        let _ = timeout(time, enough).await;
    }

    /// The drill's own clients queue up meanwhile and are let catch up, so that the baseline does not begin with it.
    async fn capacity(&self, time: Duration) -> StepResult {
        let system = &self.ground.system;
        let primary = match system.primary().await {
            Ok(primary) => primary,
            Err(error) => return StepResult::Failed(error.to_string()),
        };
        let (at, capacity) = self
            .ground
            .emitter
            .time(workload::capacity(
                system,
                &primary,
                time,
                self.ground.emitter.clock(),
            ))
            .await;
        self.ground.emitter.say_at(at, What::Capacity(capacity));
        sleep(CATCH_UP * time).await;
        StepResult::Done
    }

    async fn inject(&mut self, index: usize, fault: &Fault) -> StepResult {
        let period = self.ground.system.stack().phase_ns;
        sleep(self.phase_wait(period)).await;
        self.remember_primary().await;
        if fault.harm().is_some() && self.ground.system.backups().is_some() {
            // A point just before it is asked for by the servers' clock; where nobody tells it, the readings before must do.
            let _ = self.restores.read_clock(&self.ground).await;
        }
        let acting = self.vigil.acting();
        let injected = fault::inject(fault, index, &self.ground).await;
        let (disruption, at, active) = match injected {
            Ok(injected) => injected,
            Err(error) => return StepResult::Failed(error.to_string()),
        };
        self.disrupted = at.high;
        let members = self.ground.members().iter();
        let holds_data = members
            .filter(|member| member.kind == MemberKind::Data)
            .any(|member| disruption.victims.contains(&member.name));
        self.restores.struck(fault, at.low, holds_data);
        let victims = &disruption.victims;
        let runtime = self.ground.runtime.as_ref();
        self.vigil.struck(victims, fault, runtime);
        drop(acting);
        let lasting = fault.lasting().map(|time| (at.high, time));
        self.faults.hold(active.clone(), lasting, &self.ground);
        self.ground.emitter.say_at(at, What::Disrupted(disruption));
        let effect = active.verify(&self.ground).await;
        let result = told(effect.state);
        self.ground.emitter.say(What::Effect(effect));
        result
    }

    /// Lets a member of the consumer group go.
    async fn consumer(&mut self, index: usize, end: ConsumerEnd) -> StepResult {
        let group = self.ground.group.as_ref();
        let period = group.map_or(0, |group| group.facts().phase_ns);
        sleep(self.phase_wait(period)).await;
        self.remember_primary().await;
        let (at, disruption) = match fault::end_consumer(end, index, &self.ground).await {
            Ok(gone) => gone,
            Err(error) => return StepResult::Failed(error.to_string()),
        };
        self.disrupted = at.high;
        let emitter = self.ground.emitter.clone();
        emitter.say_at(at, What::Disrupted(disruption));
        let effect = fault::verify_consumer(end, index, &self.ground).await;
        let result = told(effect.state);
        emitter.say(What::Effect(effect));
        result
    }

    /// A seeded part of the engine's lease or heartbeat period, spread evenly over the repeats.
    fn phase_wait(&mut self, period_ns: u64) -> Duration {
        let period = Duration::from_nanos(period_ns);
        let (stratum, strata) = self.stratum;
        let wait = period.mul_f64(self.phase.stratified(stratum, strata));
        if !period.is_zero() {
            let part = match strata {
                0 | 1 => String::new(),
                _ => format!(", part {} of {strata}", stratum + 1),
            };
            let ms = wait.as_millis();
            let text = format!("waiting {ms} ms (random phase{part})");
            self.ground.emitter.note(text);
        }
        wait
    }

    async fn remember_primary(&mut self) {
        if self.disrupted == Nanos::default()
            && let Ok(primaries) = self.ground.system.primaries().await
        {
            if let [primary] = primaries.as_slice() {
                self.ground.first_primary = primary.clone();
            }
            self.first_primaries = primaries;
        }
    }

    async fn planned(&mut self, index: usize, to: &Move, kind: DisruptionKind) -> StepResult {
        self.remember_primary().await;
        let _acting = self.vigil.acting();
        match self.try_planned(index, to, kind).await {
            Ok(result) => result,
            Err(error) => StepResult::Failed(error),
        }
    }

    async fn try_planned(
        &mut self,
        index: usize,
        to: &Move,
        kind: DisruptionKind,
    ) -> Result<StepResult, String> {
        let system = self.ground.system.clone();
        let planned = system
            .planned_move()
            .ok_or("this topology has no planned move")?;
        let handovers = self.handovers(to, kind).await?;
        if handovers.is_empty() {
            let why = "every first primary is primary: there is nothing to fail back";
            return Ok(StepResult::Unmet(why.into()));
        }
        let moving = async {
            let mut moved = Vec::new();
            for (_, to) in &handovers {
                moved.push(planned.switchover(to.as_ref()).await?);
            }
            Ok::<_, SystemError>(moved)
        };
        let (at, moved) = self.ground.emitter.time(moving).await;
        self.disrupted = at.high;
        let disruption = Disruption {
            step: index,
            kind,
            name: if kind == DisruptionKind::Failback {
                "failback"
            } else {
                "switchover"
            }
            .into(),
            victims: handovers.iter().map(|(from, _)| from.clone()).collect(),
            primary_hit: true,
            means: "the system's own planned move".into(),
        };
        self.ground.emitter.say_at(at, What::Disrupted(disruption));
        let moved = moved.map_err(|error| error.to_string());
        let effect = self.moved(index, &handovers, moved.clone()).await;
        let verified = effect.state == EffectState::Verified;
        self.ground.emitter.say(What::Effect(effect));
        moved?;
        Ok(if verified {
            StepResult::Done
        } else {
            StepResult::Unmet("the primary did not move as asked".into())
        })
    }

    /// Who is to hand over, and to whom; to nobody in particular where the system chooses. A failback is of every shard
    /// whose primary is another one now; of none where it never moved.
    async fn handovers(&self, to: &Move, kind: DisruptionKind) -> Result<Vec<Handover>, String> {
        let stack = self.ground.system.stack();
        let primaries = self.ground.system.primaries().await;
        let primaries = primaries.map_err(|error| error.to_string())?;
        let first = primaries.first().ok_or("there is no primary")?;
        let already = |node: &NodeName| format!("`{node}` is primary already");
        let Some(selector) = &to.to else {
            if kind != DisruptionKind::Failback {
                return Ok(vec![(first.clone(), None)]);
            }
            let pairs = primaries.iter().zip(&self.first_primaries);
            let moved = pairs.filter(|(now, before)| now != before);
            let back: Vec<_> = moved
                .map(|(now, before)| (now.clone(), Some(before.clone())))
                .collect();
            return Ok(back);
        };
        let to = select(selector, &self.ground).await;
        let to = to.map_err(|error| error.to_string())?.into_iter().next();
        let shard = to.as_ref().and_then(|to| stack.shard_of(to));
        let at = stack
            .shards
            .iter()
            .position(|own| Some(own.number) == shard);
        let from = primaries.get(at.unwrap_or(0)).unwrap_or(first).clone();
        if to.as_ref() == Some(&from) {
            return Err(already(&from));
        }
        Ok(vec![(from, to)])
    }

    /// Whether other nodes are primaries now, and those that were asked for.
    async fn moved(
        &self,
        step: usize,
        handovers: &[Handover],
        moved: Result<Vec<NodeName>, String>,
    ) -> Effect {
        let now = self.ground.system.primaries().await;
        let now = now.map_err(|error| error.to_string());
        let (state, evidence) = match (now, moved) {
            (Ok(now), Ok(asked)) => {
                let all = asked.iter().all(|asked| now.contains(asked));
                let pairs = handovers.iter().zip(&asked);
                let text = |((from, _), asked): (&Handover, &NodeName)| match now.contains(asked) {
                    true => format!("{asked} is primary, {from} was"),
                    false => format!("{} primary, {asked} was asked for", are(&now)),
                };
                let state = match all {
                    true => EffectState::Verified,
                    false => EffectState::NotVerified,
                };
                (state, pairs.map(text).collect())
            }
            (Err(error), _) | (_, Err(error)) => (EffectState::NotVerified, vec![error]),
        };
        Effect {
            step,
            state,
            evidence,
        }
    }
}

/// A primary, and who is to take over from it; the system chooses where nobody is named.
type Handover = (NodeName, Option<NodeName>);

fn are(nodes: &[NodeName]) -> String {
    match nodes {
        [only] => format!("{only} is"),
        several => {
            let names: Vec<String> = several.iter().map(ToString::to_string).collect();
            format!("{} are", names.join(", "))
        }
    }
}

/// How a step ends by what was seen of its effect.
fn told(effect: EffectState) -> StepResult {
    match effect {
        EffectState::NotVerified => StepResult::Unmet("the fault's effect was not seen".into()),
        EffectState::Verified | EffectState::Unchanged => StepResult::Done,
    }
}

/// The step in a few words, for progress.
pub fn title(step: &Step) -> String {
    match step {
        Step::Steady(time) => format!("steady for {time}: the baseline"),
        Step::Hold(time) => format!("hold for {time}"),
        Step::Capacity(time) => format!("measure for {time} what the stack can take"),
        Step::Fault(fault) => fault.title(),
        Step::Consumer(end) => end.title(),
        Step::Switchover(_) => "switch the primary over".into(),
        Step::Runbook(called) => format!("runbook {called}"),
        Step::Expect(Expect::Recovered(limit)) => {
            format!("expect recovery within {}", limit.within)
        }
        Step::Expect(Expect::Redundant(limit)) => {
            format!("expect redundancy within {}", limit.within)
        }
        Step::Expect(Expect::Consumed(limit)) => {
            format!(
                "expect every partition to be consumed within {}",
                limit.within
            )
        }
        Step::Expect(Expect::Alerted(limit)) => {
            format!("expect the alerts within {}", limit.within)
        }
        Step::Expect(Expect::Resolved(limit)) => {
            format!("expect the alerts to be resolved within {}", limit.within)
        }
        Step::Backup(_) => "make a backup".into(),
        Step::Restore(restore) => format!("restore beside the service, to {}", restore.to),
        Step::Heal(what) => format!("heal {what}"),
        Step::Failback(_) => "fail back to the first primary".into(),
    }
}
