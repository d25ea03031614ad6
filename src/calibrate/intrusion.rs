//! C8: what drdrill's probes cost the database that they measure.

use std::time::Duration;

use crate::{
    drill::{Provisioned, provision, tear_down},
    fault::Ground,
    id::RunId,
    record::Emitter,
    seed::Seed,
    time::Clock,
    truth::{Line, intrusion},
    workload::{Load, lanes},
};

use super::{Field, observe::plan};

/// How often the workload runs with and without probes, by turns.
const PAIRS: usize = 8;

/// How long it runs each time, seconds.
const SECONDS: u32 = 4;

/// The longest wait for one run of it.
const LIMIT: Duration = Duration::from_secs(60);

const SCENARIO: &str = "schema: 1
name: intrusion
summary: A saturating workload with and without probes.
stack: { postgres: { topology: streaming, nodes: 2, settings: { fsync: false } } }
targets: { rto: any, rpo: any }
drill: [ { steady: 5s }, { fault: noop }, { expect: { recovered: { within: 1m } } } ]
";

/// A workload of the database's own: four clients, each sending its next transaction when the one before is
/// answered, within the node so that no network limits it.
fn workload(seconds: u32) -> [String; 3] {
    let command = format!(
        "pgbench -n -h 127.0.0.1 -U postgres -c 4 -j 2 -T {seconds} postgres 2>/dev/null \
         | sed -n 's/^tps = \\([0-9.]*\\).*/\\1/p'"
    );
    ["bash".into(), "-c".into(), command]
}

const PREPARE: [&str; 3] = [
    "bash",
    "-c",
    "pgbench -i -q -s 5 -h 127.0.0.1 -U postgres postgres 2>&1",
];

/// The line.
pub async fn intrusion(field: &dyn Field, seed: Seed) -> Line {
    match measured(field, seed).await {
        Ok(pairs) => intrusion::line(&pairs),
        Err(why) => Line::untold("C8", intrusion::WHAT, why),
    }
}

/// Transactions a second without and with probes, pair by pair.
async fn measured(field: &dyn Field, seed: Seed) -> Result<Vec<(f64, f64)>, String> {
    let plan = plan(SCENARIO)?;
    let clock = Clock::start();
    let stamp = clock.wall_start().strftime("%Y%m%dt%H%M%S").to_string();
    let run = RunId::new(&stamp, Seed::random().stream("run").bits());
    let (emitter, _events) = Emitter::new(clock);
    let site = field.site(&plan, &run, &emitter, seed).await?;
    let result = match provision(&plan, &site).await {
        Ok(provisioned) => {
            let work = pairs(&provisioned, &plan, field);
            let result = field.stop().or(work).await;
            provisioned.ground.system.close().await;
            result.unwrap_or_else(|| Err("interrupted".into()))
        }
        Err(error) => Err(error.to_string()),
    };
    if !tear_down(&site).await {
        return Err("something was left behind; `drdrill sweep` removes it".into());
    }
    result
}

async fn pairs(
    provisioned: &Provisioned,
    plan: &crate::drill::Plan,
    field: &dyn Field,
) -> Result<Vec<(f64, f64)>, String> {
    let ground = &provisioned.ground;
    let planned = lanes(&plan.scenario.clients, ground.system.stack());
    let all: Vec<_> = planned.iter().map(|planned| planned.lane.clone()).collect();
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
    throughput(ground).await?;
    let mut pairs = Vec::new();
    for pair in 0..PAIRS {
        // By turns first, so that a drift of the machine favours neither.
        let (mut without, mut with) = (0.0, 0.0);
        for turn in 0..2 {
            if (pair + turn) % 2 == 0 {
                without = throughput(ground).await?;
            } else {
                let load = Load::start(
                    planned.clone(),
                    None,
                    &ground.system,
                    &ground.emitter,
                    Box::new(|_| {}),
                );
                let measured = throughput(ground).await;
                load.stop().await;
                with = measured?;
            }
        }
        field.say(&format!(
            "C8: {without:.0}/s without probes, {with:.0}/s with"
        ));
        pairs.push((without, with));
    }
    Ok(pairs)
}

async fn throughput(ground: &Ground) -> Result<f64, String> {
    let argv = workload(SECONDS);
    let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
    let output = ground
        .runtime
        .exec(&ground.first_primary, &argv, LIMIT)
        .await;
    let output = output.map_err(|error| error.to_string())?;
    let number = output.stdout.trim().parse();
    number.map_err(|_| format!("pgbench said `{}`", output.stdout.trim()))
}
