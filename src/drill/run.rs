//! The main flow of a drill, on one page.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    fault::FaultContext,
    id::NodeName,
    net::dropped_packets,
    record::{Residue, Status, StepResult, Watched, What},
    scenario::Step,
    system::{SharedGroup, SystemError},
    time::Nanos,
    workload::{Load, Sink, lanes},
};

use super::{
    Plan, RunContext, Stop, finish, halt, halt_check,
    provision::{After, Aside, Provisioned, provision, tear_down},
    steps::{StepContext, title},
    vigil::Vigil,
    wait,
    warm::{StackHistory, WarmStack},
};

/// How many lines of each node's log are kept.
const LOG_LINES: u32 = 2000;

/// What is left of a run besides its events and operations.
pub struct Finished {
    /// How it ended.
    pub status: Status,
    /// Each node's log.
    pub logs: Vec<(NodeName, String)>,
    /// Whether the residue audit found nothing left; also where the stack was handed on.
    pub clean: bool,
    /// The stack, if it was handed on.
    pub warm: Option<WarmStack>,
}

/// Runs a drill on the stack that was made ready for it, or else on a fresh one. Whatever happens, faults are healed;
/// then everything is removed, and the residue audit's result is the last event, or the stack is handed on.
pub async fn run(
    plan: &Plan,
    context: RunContext,
    ready: Option<Provisioned>,
    sink: Sink,
    stop: Stop,
) -> Finished {
    let provisioned = match ready {
        Some(ready) => Some(Ok(ready)),
        None => stop.or(provision(plan, &context)).await,
    };
    let mut logs = Vec::new();
    let mut warm = None;
    let mut left = Residue::default();
    let status = match provisioned {
        None => Status::Interrupted,
        Some(Err(error)) => Status::Aborted(error.to_string()),
        Some(Ok(provisioned)) => {
            // Boxed, as the larger parts of it are: many drills may run within one task.
            let performed = Box::pin(perform(plan, &context, &provisioned, sink, &stop)).await;
            logs = collect_logs(&provisioned).await;
            if context.after == After::Keep {
                context
                    .emitter
                    .note("the stack stays until you press Ctrl-C");
                let _ = stop.or(std::future::pending::<()>()).await;
            }
            left = remove_data(plan, &provisioned).await;
            provisioned.ground.system.close().await;
            if let Some(alerting) = &provisioned.alerting {
                alerting.close().await;
            }
            let status = performed.status.clone();
            if context.after == After::HandOn && !stop.wished() {
                warm = hand_on(&context, provisioned, performed);
            }
            status
        }
    };
    context.emitter.say(What::Closed(status.clone()));
    let clean = if warm.is_some() {
        context.emitter.say(What::HandedOn);
        true
    } else {
        tear_down(&context, left).await
    };
    Finished {
        status,
        logs,
        clean,
        warm,
    }
}

/// Takes what the clients wrote out of a stack that outlives the drill.
async fn remove_data(plan: &Plan, provisioned: &Provisioned) -> Residue {
    let removed = match plan.attach() {
        Some(_) => provisioned.ground.system.remove_data().await,
        None => Ok(()),
    };
    let failed = removed.err().map(|error| error.to_string());
    Residue {
        failed: failed.into_iter().collect(),
        ..Residue::default()
    }
}

/// How the clients' time went.
struct Performed {
    status: Status,
    /// Whether every fault was undone.
    healed: bool,
    /// Operations of service lanes that were acknowledged after each lane's last failure.
    sound: u64,
}

impl Performed {
    /// The clients did not start, and nothing was broken.
    fn not_begun(status: Status) -> Self {
        Self {
            status,
            healed: true,
            sound: 0,
        }
    }
}

/// The stack for the next repeat, unless this drill did not end well or the system cannot make it ready again.
fn hand_on(
    context: &RunContext,
    provisioned: Provisioned,
    performed: Performed,
) -> Option<WarmStack> {
    let Provisioned {
        ground,
        past,
        alerting,
        ..
    } = provisioned;
    // What an earlier stack left is for this run's audit to say.
    let gone = context.earlier.left.is_empty() && context.earlier.failed.is_empty();
    let why = match (&performed.status, ground.system.rearm()) {
        (Status::Completed, _) if alerting.is_some() => {
            Some("alerting starts anew with each stack")
        }
        (Status::Completed, Some(_)) if performed.healed && gone => None,
        (Status::Completed, Some(_)) => Some("not everything could be undone"),
        (Status::Completed, None) => Some("the system cannot make a stack ready again"),
        (Status::Aborted(_) | Status::Halted(_) | Status::Interrupted, _) => {
            Some("the drill did not run to its end")
        }
    };
    if let Some(why) = why {
        context
            .emitter
            .note(format!("{why}: the next repeat has a fresh stack"));
        return None;
    }
    let run = context.run.clone();
    let past = match past {
        Some(past) => StackHistory {
            after: run,
            runs: past.runs + 1,
            sound: performed.sound,
            ..past
        },
        None => StackHistory {
            stack_of: run.clone(),
            after: run,
            runs: 1,
            first_primary: ground.system.stack().primary.clone(),
            sound: performed.sound,
        },
    };
    Some(WarmStack {
        machines: context.machines.clone(),
        links: ground.links,
        system: ground.system,
        past,
    })
}

async fn perform(
    plan: &Plan,
    context: &RunContext,
    provisioned: &Provisioned,
    sink: Sink,
    stop: &Stop,
) -> Performed {
    let ground = &provisioned.ground;
    let planned = lanes(&plan.scenario.clients, ground.system.stack());
    let all: Vec<_> = planned.iter().map(|planned| planned.lane.clone()).collect();
    if let Err(error) = ground.system.prepare(&context.run, &all).await {
        let why = format!("failed to prepare the workload: {error}");
        return Performed::not_begun(Status::Aborted(why));
    }
    let group = match stop.or(join(plan, provisioned)).await {
        Some(Ok(group)) => group,
        Some(Err(error)) => return Performed::not_begun(Status::Aborted(error.to_string())),
        None => return Performed::not_begun(Status::Interrupted),
    };
    let dropped = dropped_packets();
    let watching = CancellationToken::new();
    let mut observers = ground.system.observe(&context.emitter, watching.clone());
    let vigil = Vigil::default();
    context.emitter.say(What::Watched(Watched::default()));
    let watch = vigil.clone().watch(ground.clone(), watching.clone());
    observers.push(tokio::spawn(watch));
    if let Some(alerting) = &provisioned.alerting {
        observers.push(alerting.watch(&context.emitter, watching.clone()));
    }
    let load = Load::start(
        planned,
        plan.scenario.clients.app.as_ref(),
        &ground.system,
        &context.emitter,
        sink,
    );
    let watched = (stop, &vigil);
    let drilled = Box::pin(drill(plan, context, provisioned, &load, &group, watched));
    let (status, healed) = drilled.await;
    let sound = load.stop().await;
    if let Some(group) = &group {
        group.close().await;
    }
    if let (Some(before), Some(after)) = (dropped, dropped_packets()) {
        let packets = after.saturating_sub(before);
        context.emitter.say(What::Dropped { packets });
    }
    // What an outsider did leaves nothing that could be concluded from what is left.
    if !stop.wished() && vigil.why().is_none() {
        context.emitter.note("reading what is left");
        let _ = stop
            .or(vigil.or(Box::pin(finish::final_reads(ground, &vigil))))
            .await;
    }
    watching.cancel();
    for observer in observers {
        // An observer that panicked leaves fewer annotations; nothing is judged by them alone. Of the watch it is known.
        let _ = observer.await;
    }
    let status = if stop.wished() {
        Status::Interrupted
    } else {
        status
    };
    Performed {
        status,
        healed,
        sound,
    }
}

/// Lets consumers join a group before the other clients start, where the scenario has some.
async fn join(plan: &Plan, provisioned: &Provisioned) -> Result<Option<SharedGroup>, SystemError> {
    let Some(spec) = &plan.scenario.clients.consumers else {
        return Ok(None);
    };
    let ground = &provisioned.ground;
    let none = || SystemError::Refused("the clients of this system form no groups".into());
    let consumers = ground.system.consumers().ok_or_else(none)?;
    let group = consumers.join(spec, &ground.emitter).await?;
    let facts = Box::new(group.facts().clone());
    ground.emitter.say(What::ConsumerGroup(facts));
    Ok(Some(group))
}

/// Takes the steps; faults that are left are healed. Also says whether all could be.
async fn drill(
    plan: &Plan,
    context: &RunContext,
    provisioned: &Provisioned,
    load: &Load,
    group: &Option<SharedGroup>,
    (stop, vigil): (&Stop, &Vigil),
) -> (Status, bool) {
    let mut step_context = StepContext {
        phase: context.seed.stream("phase"),
        stratum: context.stratum,
        disrupted: Nanos::default(),
        first_primaries: vec![provisioned.ground.first_primary.clone()],
        faults: super::faults::Faults::default(),
        vigil: vigil.clone(),
        ground: FaultContext {
            group: group.clone(),
            ..provisioned.ground.clone()
        },
        load,
        lent: provisioned.lent,
        alerting: provisioned.alerting.clone(),
        alerts: plan.scenario.alerting.clone(),
        restores: super::restore::Restores::default(),
    };
    let abort = plan.scenario.abort.as_ref();
    let folder = plan.folder();
    let check = abort.and_then(|abort| abort.check.as_ref());
    let status = match stop.or(halt_check::entry(check, &folder)).await {
        None => Status::Interrupted,
        Some(Some(why)) => Status::Halted(why),
        Some(None) => {
            let steps = async {
                let warm = wait::warm(load, &provisioned.ground);
                match stop.or(vigil.or(warm)).await {
                    None => Status::Interrupted,
                    Some(Err(error) | Ok(Err(error))) => Status::Aborted(error),
                    Some(Ok(Ok(()))) => {
                        let drill = &plan.scenario.drill;
                        take_steps(&mut step_context, drill, &context.asides, stop).await
                    }
                }
            };
            tokio::select! {
                biased;
                status = halt::met(abort, &folder, load, &provisioned.ground) => status,
                status = steps => status,
            }
        }
    };
    let StepContext {
        mut faults, ground, ..
    } = step_context;
    let healing = stop.or_pressing(faults.heal_all(&ground)).await;
    let healed = healing.as_ref().is_some_and(Vec::is_empty);
    faults.close().await;
    for failure in healing.unwrap_or_default() {
        ground.emitter.note(format!(
            "failed to heal: {failure}; teardown removes the node"
        ));
    }
    (status, healed)
}

async fn take_steps(
    step_context: &mut StepContext<'_>,
    steps: &[Step],
    asides: &[Aside],
    stop: &Stop,
) -> Status {
    let emitter = step_context.ground.emitter.clone();
    let vigil = step_context.vigil.clone();
    for (index, step) in steps.iter().enumerate() {
        emitter.say(What::StepStarted {
            step: index,
            title: title(step),
        });
        let result = match stop
            .or(vigil.or(Box::pin(step_context.take(index, step))))
            .await
        {
            Some(Ok(result)) => result,
            Some(Err(why)) => return Status::Aborted(why),
            None => return Status::Interrupted,
        };
        emitter.say(What::StepEnded {
            step: index,
            result: result.clone(),
        });
        if let StepResult::Failed(why) = result {
            return Status::Aborted(format!("step {} ({}): {why}", index + 1, title(step)));
        }
        for aside in asides.iter().filter(|aside| aside.after == index) {
            if stop
                .or((aside.look)(step_context.ground.clone()))
                .await
                .is_none()
            {
                return Status::Interrupted;
            }
        }
    }
    match stop.or(vigil.or(Box::pin(step_context.settle()))).await {
        Some(Ok(())) => Status::Completed,
        Some(Err(why)) => Status::Aborted(why),
        None => Status::Interrupted,
    }
}

async fn collect_logs(provisioned: &Provisioned) -> Vec<(NodeName, String)> {
    let ground = &provisioned.ground;
    let runtime = Arc::clone(&ground.runtime);
    let beside = provisioned.alerting.iter().flat_map(|it| it.nodes());
    let members = ground.members().iter().map(|member| &member.name);
    let asked = members.chain(beside).map(|name| {
        let runtime = runtime.clone();
        async move {
            let text = runtime.logs(name, LOG_LINES).await;
            (
                name.clone(),
                text.unwrap_or_else(|error| format!("{error}\n")),
            )
        }
    });
    let mut logs = futures_util::future::join_all(asked).await;
    logs.extend(ground.system.keepsakes().await);
    logs
}
