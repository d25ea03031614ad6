//! C8: what drdrill's probes cost the database that they measure.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    drill::{Plan, Provisioned, provision, tear_down},
    fault::FaultContext,
    history::Group,
    id::RunId,
    record::{Emitter, Residue},
    seed::Seed,
    time::Clock,
    truth::{
        Line,
        intrusion::{self, COMPARED, Compared, Round, Workload},
    },
    workload::{Load, PlannedLane, lanes},
};

use super::{Field, observe::plan};

const WORKLOADS: [Workload; 2] = [Workload::Saturating, Workload::Paced];

/// How often a workload runs beside each part of a drill, by turns: where two cores are shared with the server, its
/// throughput varies by some hundredths from turn to turn. A multiple of three, the parts that take turns.
fn rounds_of(workload: Workload) -> usize {
    match workload {
        Workload::Saturating => 30,
        Workload::Paced => 9,
    }
}

/// How long it runs each time, seconds.
const SECONDS: u32 = 4;

/// What is beside a workload has been on for so long when it begins. A drill's sessions are opened before its baseline, once,
/// not every few seconds.
const SETTLE: Duration = Duration::from_millis(300);

/// Transactions a second of a workload at a steady pace: about a tenth of what two cores serve.
const PACE: u32 = 500;

/// The longest wait for one run of it.
const LIMIT: Duration = Duration::from_secs(60);

const SCENARIO: &str = "schema: 1
name: intrusion
summary: A database under load with and without probes.
stack: { postgres: { topology: streaming, nodes: 2, settings: { fsync: false } } }
targets: { rto: any, rpo: any }
drill: [ { steady: 5s }, { fault: noop }, { expect: { recovered: { within: 1m } } } ]
";

/// A workload of the database's own, within the node so that no network limits it: eight clients, each sending its next
/// transaction when the one before is answered, or when it is due. The number that it ends with is its figure. (The throughput
/// of four varied by 5 to 9 % from turn to turn on two cores, that of eight by 3 to 7 %.)
fn command(workload: Workload, seconds: u32) -> [String; 3] {
    let (options, figure) = match workload {
        Workload::Saturating => (String::new(), "tps = "),
        Workload::Paced => (format!("-R {PACE}"), "latency average = "),
    };
    let command = format!(
        "pgbench -n -h 127.0.0.1 -U postgres -c 8 -j 2 {options} -T {seconds} postgres 2>/dev/null \
         | sed -n 's/^{figure}\\([0-9.]*\\).*/\\1/p'"
    );
    ["bash".into(), "-c".into(), command]
}

/// As many branches as clients, and some: with fewer, pgbench says in its manual, clients wait for each other's rows.
const PREPARE: [&str; 3] = [
    "bash",
    "-c",
    "pgbench -i -q -s 10 -h 127.0.0.1 -U postgres postgres 2>&1",
];

/// The lines.
pub async fn intrusion(field: &dyn Field, seed: Seed) -> Vec<Line> {
    let measured = match measured(field, seed).await {
        Ok(measured) => measured,
        Err(why) => {
            let untold = |it: Compared| Line::untold("C8", it.what, why.clone());
            return COMPARED.map(untold).into();
        }
    };
    let lines = measured.iter().flat_map(|(workload, rounds)| {
        let of_it = COMPARED.iter().filter(move |it| it.workload == *workload);
        of_it.map(|compared| intrusion::line(*compared, rounds))
    });
    lines.collect()
}

/// Each workload's rounds.
type Measured = Vec<(Workload, Vec<Round>)>;

async fn measured(field: &dyn Field, seed: Seed) -> Result<Measured, String> {
    let plan = plan(SCENARIO)?;
    let clock = Clock::start();
    let stamp = clock.wall_start().strftime("%Y%m%dt%H%M%S").to_string();
    let run = RunId::new(&stamp, Seed::random().stream("run").bits());
    let (emitter, _events) = Emitter::new(clock);
    let context = field.host().context(&plan, &run, &emitter, seed).await?;
    let result = match provision(&plan, &context).await {
        Ok(provisioned) => {
            let work = rounds(&provisioned, &plan, field);
            let result = field.stop().or(work).await;
            provisioned.ground.system.close().await;
            result.unwrap_or_else(|| Err("interrupted".into()))
        }
        Err(error) => Err(error.to_string()),
    };
    let clean = tear_down(&context, Residue::default()).await;
    // What could not be removed stays in the journal, for the next sweep.
    let _ = context.machines.journal.finish();
    if !clean {
        return Err("something was left behind; `drdrill sweep` removes it".into());
    }
    result
}

async fn rounds(
    provisioned: &Provisioned,
    plan: &Plan,
    field: &dyn Field,
) -> Result<Measured, String> {
    let ground = &provisioned.ground;
    let everything = lanes(&plan.scenario.clients, ground.system.stack());
    let all: Vec<_> = everything
        .iter()
        .map(|planned| planned.lane.clone())
        .collect();
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let prepared = ground.system.prepare(ground.runtime.run(), &all).await;
    prepared.map_err(|error| text(&error))?;
    let made = ground
        .runtime
        .exec(&ground.first_primary, &PREPARE, LIMIT)
        .await
        .map_err(|error| text(&error))?;
    if made.code != 0 {
        return Err(format!("pgbench could not be prepared: {}", made.stdout));
    }
    let mut measured = Vec::new();
    for workload in WORKLOADS {
        figure(workload, ground).await?;
        let mut rounds = Vec::new();
        for number in 0..rounds_of(workload) {
            let round = round(workload, number, &everything, ground).await?;
            field.say(&format!(
                "C8: {} beside nothing, {} beside the load, {} with probes too",
                workload.figure(round.nothing),
                workload.figure(round.load),
                workload.figure(round.everything)
            ));
            rounds.push(round);
        }
        measured.push((workload, rounds));
    }
    Ok(measured)
}

/// One round; each begins elsewhere, so that a drift of the machine favours no part.
async fn round(
    workload: Workload,
    number: usize,
    everything: &[PlannedLane],
    ground: &FaultContext,
) -> Result<Round, String> {
    let load: Vec<_> = everything
        .iter()
        .filter(|planned| asked_for(planned))
        .cloned()
        .collect();
    let mut round = Round::default();
    for turn in 0..3 {
        match (number + turn) % 3 {
            0 => round.nothing = figure(workload, ground).await?,
            1 => round.load = loaded(workload, &load, ground).await?,
            _ => round.everything = probed(workload, everything, ground).await?,
        }
    }
    Ok(round)
}

/// Whether a lane is of the load that the scenario asks for: it is all that the service's clients would send without
/// drdrill. The lane that connects afresh each time, pinned probes and observers are the instrument.
fn asked_for(planned: &PlannedLane) -> bool {
    planned.lane.group == Group::Service && !planned.lane.fresh
}

/// The workload's figure beside everything that a drill has on: all lanes, and the observers.
async fn probed(
    workload: Workload,
    lanes: &[PlannedLane],
    ground: &FaultContext,
) -> Result<f64, String> {
    let stop = CancellationToken::new();
    let observers = ground.system.observe(&ground.emitter, stop.clone());
    let measured = loaded(workload, lanes, ground).await;
    stop.cancel();
    for observer in observers {
        observer.await.map_err(|error| error.to_string())?;
    }
    measured
}

/// The workload's figure beside these lanes.
async fn loaded(
    workload: Workload,
    lanes: &[PlannedLane],
    ground: &FaultContext,
) -> Result<f64, String> {
    let load = Load::start(
        lanes.to_vec(),
        None,
        &ground.system,
        &ground.emitter,
        Box::new(|_| {}),
    );
    let measured = figure(workload, ground).await;
    load.stop().await;
    measured
}

/// The workload's figure, once what is beside it has settled.
async fn figure(workload: Workload, ground: &FaultContext) -> Result<f64, String> {
    let argv = command(workload, SECONDS);
    let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
    tokio::time::sleep(SETTLE).await;
    let output = ground
        .runtime
        .exec(&ground.first_primary, &argv, LIMIT)
        .await;
    let output = output.map_err(|error| error.to_string())?;
    let number = output.stdout.trim().parse();
    number.map_err(|_| format!("pgbench said `{}`", output.stdout.trim()))
}
