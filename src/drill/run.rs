//! The main flow of a drill, on one page.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    fault::Ground,
    id::NodeName,
    record::{Status, StepResult, What},
    scenario::Step,
    time::Nanos,
    workload::{Load, Sink, lanes},
};

use super::{
    Plan, Site, Stop, finish,
    provision::{Provisioned, provision, tear_down},
    steps::{Stage, title},
    wait,
};

/// How many lines of each node's log are kept.
const LOG_LINES: u32 = 2000;

/// What is left of a run besides its events and operations.
pub struct Finished {
    /// How it ended.
    pub status: Status,
    /// Each node's log.
    pub logs: Vec<(NodeName, String)>,
    /// Whether the residue audit found nothing left.
    pub clean: bool,
}

/// Runs a drill. Whatever happens, faults are healed and everything is removed, and the residue audit's
/// result is the last event.
pub async fn run(plan: &Plan, site: Site, sink: Sink, stop: Stop) -> Finished {
    let mut logs = Vec::new();
    let status = match stop.or(provision(plan, &site)).await {
        None => Status::Interrupted,
        Some(Err(error)) => Status::Aborted(error.to_string()),
        Some(Ok(provisioned)) => {
            let status = perform(plan, &site, &provisioned, sink, &stop).await;
            logs = collect_logs(&provisioned.ground).await;
            if site.keep {
                site.emitter.note("the stack stays until you press Ctrl-C");
                let _ = stop.or(std::future::pending::<()>()).await;
            }
            provisioned.ground.system.close().await;
            status
        }
    };
    site.emitter.say(What::Closed(status.clone()));
    let clean = tear_down(&site).await;
    Finished {
        status,
        logs,
        clean,
    }
}

async fn perform(
    plan: &Plan,
    site: &Site,
    provisioned: &Provisioned,
    sink: Sink,
    stop: &Stop,
) -> Status {
    let ground = &provisioned.ground;
    let planned = lanes(&plan.scenario.clients, ground.system.stack());
    let all: Vec<_> = planned.iter().map(|planned| planned.lane.clone()).collect();
    if let Err(error) = ground.system.prepare(site.runtime.run(), &all).await {
        return Status::Aborted(format!("failed to prepare the workload: {error}"));
    }
    let watching = CancellationToken::new();
    let observers = ground.system.observe(&site.emitter, watching.clone());
    let load = Load::start(
        planned,
        plan.scenario.clients.app.as_ref(),
        &ground.system,
        &site.emitter,
        sink,
    );
    let status = drill(plan, site, ground.clone(), &load, stop).await;
    load.stop().await;
    if !stop.wished() {
        site.emitter.note("reading what is left");
        let _ = stop.or(finish::final_reads(ground)).await;
    }
    watching.cancel();
    for observer in observers {
        // An observer that panicked leaves fewer annotations; nothing is judged by them alone.
        let _ = observer.await;
    }
    if stop.wished() {
        Status::Interrupted
    } else {
        status
    }
}

/// Takes the steps; faults that are left are healed.
async fn drill(plan: &Plan, site: &Site, ground: Ground, load: &Load, stop: &Stop) -> Status {
    let mut stage = Stage {
        phase: site.seed.stream("phase"),
        stratum: site.stratum,
        disrupted: Nanos::default(),
        faults: super::faults::Faults::default(),
        ground,
        load,
    };
    let status = match stop.or(wait::warm(load)).await {
        None => Status::Interrupted,
        Some(Err(error)) => Status::Aborted(error),
        Some(Ok(())) => take_steps(&mut stage, &plan.scenario.drill, stop).await,
    };
    let Stage {
        mut faults, ground, ..
    } = stage;
    let failures = stop
        .or_pressing(faults.heal_all(&ground))
        .await
        .unwrap_or_default();
    faults.close().await;
    for failure in failures {
        ground.emitter.note(format!(
            "failed to heal: {failure}; teardown removes the node"
        ));
    }
    status
}

async fn take_steps(stage: &mut Stage<'_>, steps: &[Step], stop: &Stop) -> Status {
    let emitter = stage.ground.emitter.clone();
    for (index, step) in steps.iter().enumerate() {
        emitter.say(What::StepStarted {
            step: index,
            title: title(step),
        });
        let Some(result) = stop.or(stage.take(index, step)).await else {
            return Status::Interrupted;
        };
        emitter.say(What::StepEnded {
            step: index,
            result: result.clone(),
        });
        if let StepResult::Failed(why) = result {
            return Status::Aborted(format!("step {} ({}): {why}", index + 1, title(step)));
        }
    }
    match stop.or(stage.settle()).await {
        Some(()) => Status::Completed,
        None => Status::Interrupted,
    }
}

async fn collect_logs(ground: &Ground) -> Vec<(NodeName, String)> {
    let runtime = Arc::clone(&ground.runtime);
    let asked = ground.members().iter().map(|member| {
        let runtime = runtime.clone();
        async move {
            let text = runtime.logs(&member.name, LOG_LINES).await;
            (
                member.name.clone(),
                text.unwrap_or_else(|error| format!("{error}\n")),
            )
        }
    });
    futures_util::future::join_all(asked).await
}
