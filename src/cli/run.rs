//! `drdrill run`: every scenario as often as asked, judged, printed; the worst outcome is the exit code.

use std::{fs, io, sync::Arc};

use drdrill::{
    drill::{Plan, Stop},
    evidence::SigningKey,
    local,
    record::{Record, Status},
    report::{
        Closing, MatrixRow, closing,
        junit::{self, Suite},
        matrix,
    },
    scenario::rehearsal,
    score::{Judgement, Verdict},
    session::{Host, SessionError},
};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    arguments::RunArguments,
    check,
    exit::{Exit, Failure},
    keys,
    matrix::{Axis, Combination, combinations},
    output, plan, series, sweep, tags,
};

/// Runs every scenario and judges it; the worst outcome is the exit code.
///
/// # Errors
/// When a scenario has problems or the machine cannot run it.
pub fn run(arguments: &RunArguments) -> Result<Exit, Failure> {
    if let Some(old) = &arguments.saying.junit {
        // One that was left from before would speak for drills that did not run.
        let _ = fs::remove_file(old);
    }
    let key = keys::signing(&arguments.signing)?.map(Arc::new);
    let scenarios = check::ready(&arguments.scenarios, &overrides(arguments))?;
    let mut scenarios = tags::chosen(scenarios, &arguments.tags)?;
    if arguments.rehearse {
        let quiet = |plan: &Plan| check::varied(plan, &rehearsal(&plan.scenario), "rehearsal");
        scenarios = scenarios.iter().map(quiet).collect::<Result<_, _>>()?;
    }
    if let Some(agreed) = &arguments.plan {
        plan::agree(&mut scenarios, agreed)?;
    }
    let drills: Vec<Drill> = scenarios
        .into_iter()
        .map(|plan| drill(plan, &arguments.matrix))
        .collect::<Result<_, Failure>>()?;
    let mut said = Said::default();
    let carried = for_drills()?.block_on(async {
        let stop = Stop::default();
        let listening = tokio::spawn(listen(stop.clone()));
        let host = local::host()?;
        sweep::before_a_run(&host).await;
        let with = (&host, key);
        let carried = every(&drills, arguments, with, &stop, &mut said).await;
        listening.abort();
        carried
    });
    if drills.len() > 1 && !arguments.saying.json {
        output::result(&closing(&said.rows, output::style()));
    }
    if let Some(path) = &arguments.saying.junit {
        output::replace(path, &junit::several("drdrill", said.suites))?;
    }
    carried
}

/// What is to be said of all drills together.
#[derive(Default)]
struct Said {
    rows: Vec<Closing>,
    suites: Vec<Suite>,
}

/// Runs every drill until one cannot be carried to its end, or a person stops it; the worst outcome.
async fn every(
    drills: &[Drill],
    arguments: &RunArguments,
    (host, key): (&Host, Option<Arc<SigningKey>>),
    stop: &Stop,
    said: &mut Said,
) -> Result<Exit, Failure> {
    let mut worst = Exit::Pass;
    for drill in drills {
        match all(drill, arguments, (host, key.clone()), stop, said).await {
            Ok(exit) => worst = worst.worse(exit),
            Err(failure) => {
                let suite = junit::unended(&drill.name, &failure.message);
                said.suites.push(suite);
                return Err(failure);
            }
        }
        if stop.wished() {
            break;
        }
    }
    Ok(worst)
}

/// A scenario with what is to be run of it: once as it is, or with each combination of a matrix.
struct Drill {
    name: String,
    variants: Vec<(String, Plan)>,
}

fn drill(plan: Plan, axes: &[Axis]) -> Result<Drill, Failure> {
    let name = plan.scenario.name.clone();
    let one = |combination: Combination| {
        let varied = if combination.overrides.is_empty() {
            plan.clone()
        } else {
            check::varied(&plan, &combination.overrides, "combination of the matrix")?
        };
        Ok((combination.title, varied))
    };
    let variants = combinations(axes, &plan.scenario).into_iter().map(one);
    let variants = variants.collect::<Result<_, Failure>>()?;
    Ok(Drill { name, variants })
}

/// Runs everything of a drill; of a matrix, prints what came of its combinations side by side.
async fn all(
    drill: &Drill,
    arguments: &RunArguments,
    (host, key): (&Host, Option<Arc<SigningKey>>),
    stop: &Stop,
    said: &mut Said,
) -> Result<Exit, Failure> {
    let mut worst = Exit::Pass;
    let mut rows = Vec::new();
    for (values, plan) in &drill.variants {
        check::warn(plan);
        if !values.is_empty() {
            output::talk(&format!("{}: {values}\n", drill.name));
        }
        let outcome = series::run(plan, arguments, host, key.clone(), stop).await?;
        worst = worst.worse(outcome.exit);
        said.suites.extend(outcome.suites);
        rows.push(MatrixRow {
            values: values.clone(),
            runs: outcome.rows,
        });
        if stop.wished() {
            break;
        }
    }
    if drill.variants.len() > 1 && !arguments.saying.json {
        output::result(&matrix(&drill.name, &rows, output::style()));
    }
    said.rows.extend(rows.into_iter().map(|row| {
        let scenario = match row.values.as_str() {
            "" => drill.name.clone(),
            values => format!("{} [{values}]", drill.name),
        };
        let runs = row.runs;
        Closing { scenario, runs }
    }));
    Ok(worst)
}

/// What the arguments replace in every scenario.
fn overrides(arguments: &RunArguments) -> Vec<(String, String)> {
    let repeat = arguments.repeat.map(|count| ("repeat", count.to_string()));
    let fresh = arguments.fresh.then(|| ("fresh-stacks", "true".to_owned()));
    let both = repeat.into_iter().chain(fresh);
    both.map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The runtime that drills run on, once this process may open as many files as they need.
///
/// # Errors
/// When it may not, or the system refuses its threads.
pub fn for_drills() -> Result<tokio::runtime::Runtime, Failure> {
    local::raise_open_files()?;
    runtime()
}

/// A runtime.
///
/// # Errors
/// When the system refuses its threads.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(local::runtime()?)
}

/// Each signal that asks for an end is a wish to stop; the second one is more pressing.
pub async fn listen(stop: Stop) {
    let kinds = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ];
    let mut signals: Vec<_> = kinds
        .into_iter()
        .filter_map(|kind| signal(kind).ok())
        .collect();
    loop {
        let received = signals.iter_mut().map(|signal| Box::pin(signal.recv()));
        futures_util::future::select_all(received).await;
        if stop.wished() {
            output::talk("stopping now: what was created is removed\n");
        } else {
            output::talk(
                "stopping: faults are healed and everything is removed; once more skips the rest\n",
            );
        }
        stop.wish();
    }
}

/// The exit code of one run.
pub fn exit_of(record: &Record, judgement: &Judgement) -> Exit {
    let residue = record.residue.as_ref();
    if residue.is_some_and(|residue| !(residue.left.is_empty() && residue.failed.is_empty())) {
        return Exit::CleanupIncomplete;
    }
    match (&record.status, judgement.scorecard.verdict) {
        (Status::Interrupted, _) => Exit::Interrupted,
        (Status::Aborted(_), Verdict::Inconclusive) if record.stack.is_none() => {
            Exit::EnvironmentUnfit
        }
        (_, verdict) => verdict_exit(verdict),
    }
}

/// The exit code of a verdict.
pub fn verdict_exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Pass | Verdict::Control => Exit::Pass,
        Verdict::Fail => Exit::TargetMissed,
        Verdict::Inconclusive => Exit::Inconclusive,
        Verdict::Aborted => Exit::Aborted,
    }
}

/// A session that could not be carried to its end.
pub fn unfit(error: &SessionError) -> Failure {
    let help = match error {
        SessionError::Evidence(error) => error.help(),
        SessionError::Journal(error) if error.source.kind() == io::ErrorKind::PermissionDenied => {
            "set DRDRILL_STATE to a folder of your own that no other user can write to"
        }
        SessionError::Journal(_) => {
            "make room there, or set DRDRILL_STATE to a folder that can be written"
        }
    };
    Failure::new(Exit::EnvironmentUnfit, error.to_string(), help)
}
