//! `drdrill run`: every scenario as often as asked, judged, printed; the worst outcome is the exit code.

use std::{
    io::{self, IsTerminal},
    sync::Arc,
};

use drdrill::{
    drill::{Plan, Stop, warnings},
    evidence::SigningKey,
    record::{Record, Status},
    report::{Progress, ProgressDrawTarget, RepeatRow, View, repeats, terminal},
    scenario::Parsed,
    score::{self, Judgement, Scorecard, Verdict},
    seed::Seed,
    system::{System, catalogue},
};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    arguments::RunArguments,
    check,
    exit::{Exit, Failure},
    keys, machines,
    notify::notify,
    output,
    session::{Ended, Session, SessionError},
    sweep,
};

/// Runs every scenario and judges it; the worst outcome is the exit code.
///
/// # Errors
/// When a scenario has problems or the machine cannot run it.
pub fn run(arguments: &RunArguments) -> Result<Exit, Failure> {
    let key = keys::signing(&arguments.signing)?;
    let scenarios = check::ready(&arguments.scenarios, arguments.repeat)?;
    let plans: Vec<(Parsed, Plan)> = scenarios
        .into_iter()
        .map(bind)
        .collect::<Result<_, Failure>>()?;
    runtime()?.block_on(async {
        let stop = Stop::default();
        let listening = tokio::spawn(listen(stop.clone()));
        sweep::before_a_run(&machines::state_folder()).await;
        let mut worst = Exit::Pass;
        for plan in &plans {
            let exit = run_scenario(plan, arguments, key.as_ref(), &stop).await?;
            worst = worst.worse(exit);
            if stop.wished() {
                break;
            }
        }
        listening.abort();
        Ok(worst)
    })
}

/// The runtime that drills run on.
///
/// # Errors
/// When the system refuses its threads.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let refused = |error: io::Error| {
        Failure::new(
            Exit::EnvironmentUnfit,
            format!("failed to start threads: {error}"),
            "raise the limit of processes",
        )
    };
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(refused)
}

fn bind(parsed: Parsed) -> Result<(Parsed, Plan), Failure> {
    let system = parsed
        .scenario
        .stack
        .keys()
        .next()
        .and_then(|name| find(name));
    let refuse = |message: String, help: String| Failure::new(Exit::ScenarioInvalid, message, help);
    let system = system.ok_or_else(|| {
        refuse(
            format!("{}: no known system under `stack`", parsed.file),
            "`drdrill list` shows them".into(),
        )
    })?;
    let plan = Plan::bind(parsed.scenario.clone(), system).map_err(|issues| {
        let issue = issues.first();
        let message = issue.map_or("the stack cannot be planned".into(), |issue| {
            issue.message.clone()
        });
        refuse(
            format!("{}: {message}", parsed.file),
            issue.map_or(String::new(), |issue| issue.help.clone()),
        )
    })?;
    Ok((parsed, plan))
}

fn find(name: &str) -> Option<Arc<dyn System>> {
    catalogue::all()
        .into_iter()
        .find(|system: &Arc<dyn System>| system.describe().name == name)
}

/// Each signal that asks for an end is a wish to stop; the second one is more pressing.
async fn listen(stop: Stop) {
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

async fn run_scenario(
    (parsed, plan): &(Parsed, Plan),
    arguments: &RunArguments,
    key: Option<&SigningKey>,
    stop: &Stop,
) -> Result<Exit, Failure> {
    for warning in warnings(&plan.scenario) {
        output::talk(&format!("warning: {warning}\n"));
    }
    let seed = arguments.seed.map_or_else(Seed::random, Seed);
    let attempts = plan.scenario.repeat;
    let mut ended = Vec::new();
    for attempt in 1..=attempts {
        output::talk(&format!(
            "{} ({attempt} of {attempts}), seed {seed}\n",
            plan.scenario.name
        ));
        let session = Session {
            plan,
            parsed,
            key,
            reports: &arguments.out,
            state: &machines::state_folder(),
            seed,
            attempt: (attempt, attempts),
            keep: arguments.keep,
            stop: stop.clone(),
        };
        let run = session
            .run(progress())
            .await
            .map_err(|error| unfit(&error))?;
        show(&run);
        if let Some(url) = &arguments.webhook {
            tell(url, &run);
        }
        ended.push(run);
        if stop.wished() {
            break;
        }
    }
    Ok(match ended.as_slice() {
        [run] if attempts == 1 => exit_of(&run.record, &run.judgement),
        runs => conclude(plan, runs),
    })
}

fn progress() -> Progress<io::Stderr> {
    if io::stderr().is_terminal() {
        Progress::live(io::stderr(), ProgressDrawTarget::stderr())
    } else {
        Progress::plain(io::stderr())
    }
}

fn show(run: &Ended) {
    let view = View::new(&run.record, &run.history, &run.judgement);
    let place = run.folder.join("report.html");
    output::result(&terminal(
        &view,
        &place.display().to_string(),
        output::style(),
    ));
}

/// Tells a webhook how a run ended.
fn tell(url: &str, run: &Ended) {
    let opened = &run.record.opened;
    let data = serde_json::json!({
        "run": opened.run,
        "scenario": opened.scenario.name,
        "status": run.record.status,
        "scorecard": run.judgement.scorecard,
    });
    notify(
        url,
        "run.finished",
        &opened.run.to_string(),
        &opened.scenario.name,
        &data,
    );
}

/// Prints the runs side by side with what they show together, and judges them so: where the scenario
/// makes a claim over repeats, a single slow run does not decide it.
fn conclude(plan: &Plan, ended: &[Ended]) -> Exit {
    let cards: Vec<Scorecard> = ended
        .iter()
        .map(|run| run.judgement.scorecard.clone())
        .collect();
    let together = score::repeats(&cards, &plan.scenario.targets);
    let rows: Vec<RepeatRow> = ended
        .iter()
        .map(|run| RepeatRow::new(&run.record, &run.judgement))
        .collect();
    let summary = [vec![together.sentence], together.shows]
        .concat()
        .join("\n");
    output::result(&repeats(&rows, &summary, output::style()));
    let unclean = ended
        .iter()
        .map(|run| exit_of(&run.record, &run.judgement))
        .filter(|exit| {
            matches!(
                exit,
                Exit::CleanupIncomplete | Exit::Interrupted | Exit::EnvironmentUnfit
            )
        });
    unclean.fold(verdict_exit(together.verdict), Exit::worse)
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

fn verdict_exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Pass | Verdict::Control => Exit::Pass,
        Verdict::Fail => Exit::TargetMissed,
        Verdict::Inconclusive => Exit::Inconclusive,
    }
}

fn unfit(error: &SessionError) -> Failure {
    let help = match error {
        SessionError::Evidence(error) => error.help(),
        SessionError::Journal(..) => {
            "make room there, or set DRDRILL_STATE to a folder that can be written"
        }
    };
    Failure::new(Exit::EnvironmentUnfit, error.to_string(), help)
}
