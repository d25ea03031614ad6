//! The repeats of one scenario: on one stack, on fresh ones, or on several at once; judged together.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use drdrill::{
    drill::{After, Plan, Stop, WarmStack},
    evidence::SigningKey,
    id::RunId,
    measure::format::{self, Round},
    record::Residue,
    report::{
        RepeatRow, View,
        junit::{Suite, suite},
        repeats,
    },
    scenario::{self, Dur, Expect, Problem, Scenario, Step, Targets, Within, fault::Noop},
    score::{self, Scorecard, Verdict},
    seed::Seed,
    session::{Ended, Host, Session},
};
use futures_util::future::join_all;

use super::{
    arguments::RunArguments,
    exit::{Exit, Failure},
    notify::notify,
    output,
    run::{exit_of, unfit, verdict_exit},
    saying::{Saying, data},
};

/// What every repeat of a series shares.
struct Series {
    plan: Plan,
    key: Option<Arc<SigningKey>>,
    reports: PathBuf,
    host: Host,
    seed: Seed,
    keep: bool,
    webhook: Option<String>,
    stop: Stop,
    /// How many stacks there are at once.
    stacks: u32,
    saying: Saying,
    /// Set when one repeat could not be carried to its end: no other one starts.
    halt: AtomicBool,
}

/// One repeat that has ended.
struct Repeat {
    attempt: u32,
    row: RepeatRow,
    card: Scorecard,
    suite: Suite,
    exit: Exit,
    /// The run that its stack was brought up for.
    stack_of: RunId,
}

/// What became of a scenario's repeats.
pub struct Outcome {
    /// The exit code: their verdict together, or what is worse.
    pub exit: Exit,
    /// A row for each that has ended.
    pub rows: Vec<RepeatRow>,
    /// A JUnit suite for each that has ended.
    pub suites: Vec<Suite>,
}

/// Runs a scenario as often as it asks for.
///
/// # Errors
/// When a repeat could not be carried to its end, or stacks side by side disturb each other.
pub async fn run(
    plan: &Plan,
    arguments: &RunArguments,
    host: &Host,
    key: Option<Arc<SigningKey>>,
    stop: &Stop,
) -> Result<Outcome, Failure> {
    let stacks = arguments.parallel.min(plan.scenario.repeat);
    let series = Arc::new(Series {
        plan: plan.clone(),
        key,
        reports: arguments.out.clone(),
        host: host.clone(),
        seed: arguments.seed.map_or_else(Seed::random, Seed),
        keep: arguments.keep,
        webhook: arguments.webhook.clone(),
        stop: stop.clone(),
        stacks,
        saying: Saying::of(&arguments.saying, stacks),
        halt: AtomicBool::new(false),
    });
    let warm = if series.stacks > 1 {
        match side_by_side(&series).await? {
            Some(warm) => warm,
            None => {
                return Ok(Outcome {
                    exit: Exit::Interrupted,
                    rows: Vec::new(),
                    suites: Vec::new(),
                });
            }
        }
    } else {
        vec![None]
    };
    let workers = (0u32..).zip(warm).map(|(number, warm)| {
        let series = series.clone();
        tokio::spawn(async move { series.work(number, warm).await })
    });
    let mut ended = Vec::new();
    let mut exit = Exit::Pass;
    let mut failure = None;
    for worker in join_all(workers).await {
        match worker {
            Ok(Ok((repeats, left))) => {
                ended.extend(repeats);
                exit = exit.worse(left);
            }
            Ok(Err(error)) => failure = Some(error),
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    ended.sort_by_key(|repeat| repeat.attempt);
    let exit = exit.worse(match ended.as_slice() {
        [] => Exit::Interrupted,
        [only] if plan.scenario.repeat == 1 => only.exit,
        several => conclude(plan, several, series.saying),
    });
    let (rows, suites) = ended.into_iter().map(|it| (it.row, it.suite)).unzip();
    Ok(Outcome { exit, rows, suites })
}

impl Series {
    /// Runs every n-th repeat on one stack after another; also says whether a stack that nobody needed any more
    /// was removed.
    async fn work(
        &self,
        number: u32,
        mut warm: Option<WarmStack>,
    ) -> Result<(Vec<Repeat>, Exit), Failure> {
        let attempts = self.plan.scenario.repeat;
        let mut ended = Vec::new();
        let mut attempt = number + 1;
        while attempt <= attempts {
            let last = attempts - attempt < self.stacks;
            output::talk(&format!(
                "{} ({attempt} of {attempts}), seed {}\n",
                self.plan.scenario.name, self.seed
            ));
            let session = self.session(&self.plan, (attempt, attempts), self.after(last));
            let run = match self.carry(session, &mut warm).await {
                Ok(run) => run,
                Err(failure) => {
                    self.halt.store(true, Ordering::Relaxed);
                    remove(warm).await;
                    return Err(failure);
                }
            };
            self.saying.ended(&run);
            if let Some(url) = &self.webhook {
                tell(url, &run);
            }
            let view = View::new(&run.record, &run.history, &run.judgement);
            ended.push(Repeat {
                attempt,
                suite: suite(&view),
                row: RepeatRow::new(&run.record, &run.judgement),
                exit: exit_of(&run.record, &run.judgement),
                stack_of: stack_of(&run),
                card: run.judgement.scorecard,
            });
            if self.stop.wished() || self.halt.load(Ordering::Relaxed) {
                break;
            }
            attempt += self.stacks;
        }
        Ok((ended, remove(warm).await))
    }

    /// What becomes of a repeat's stack.
    fn after(&self, last: bool) -> After {
        match (last, self.keep) {
            (true, true) => After::Keep,
            (true, false) => After::Remove,
            (false, _) if self.plan.scenario.fresh_stacks => After::Remove,
            (false, _) => After::HandOn,
        }
    }

    fn session<'a>(&'a self, plan: &'a Plan, attempt: (u32, u32), after: After) -> Session<'a> {
        Session {
            key: self.key.as_deref(),
            seed: self.seed,
            attempt,
            after,
            stop: self.stop.clone(),
            ..Session::new(plan, &self.host, &self.reports)
        }
    }

    /// Runs a session. Beside others it is silent: lines of several runs would mix.
    async fn carry(
        &self,
        session: Session<'_>,
        warm: &mut Option<WarmStack>,
    ) -> Result<Ended, Failure> {
        let run = match self.saying.progress() {
            Some(progress) => session.run(progress, warm).await,
            None => session.run((), warm).await,
        };
        run.map_err(|error| unfit(&error))
    }

    /// One control on each stack, all at once. Each has a folder and a register line of its own.
    async fn control(
        self: Arc<Self>,
        control: Arc<Plan>,
        number: u32,
    ) -> (Result<Ended, Failure>, Option<WarmStack>) {
        let mut warm = None;
        let session = self.session(&control, (number + 1, self.stacks), After::HandOn);
        let ended = self.carry(session, &mut warm).await;
        (ended, warm)
    }
}

/// Brings up all stacks, and lets a control on each of them show whether they leave each other alone; gives back the
/// stacks, or nothing if a person stopped it.
///
/// # Errors
/// What disturbed a control, or that the stacks cannot be used again. All are removed then.
async fn side_by_side(series: &Arc<Series>) -> Result<Option<Vec<Option<WarmStack>>>, Failure> {
    let control = Arc::new(control_of(series)?);
    output::talk(&format!(
        "{} stacks at once: a control on each, before any drill\n",
        series.stacks
    ));
    let controls = (0..series.stacks).map(|number| {
        let (series, control) = (series.clone(), control.clone());
        tokio::spawn(async move { series.control(control, number).await })
    });
    let mut problems = Vec::new();
    let mut stacks = Vec::new();
    let mut latest = std::time::Duration::ZERO;
    for control in join_all(controls).await {
        let (ended, warm) = match control {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        match ended {
            Ok(run) => match score::quiet(&run.record, &run.history, &run.judgement) {
                Ok(late) => latest = latest.max(late),
                Err(why) => problems.push(format!("run {}: {why}", run.record.opened.run)),
            },
            Err(failure) => problems.push(failure.message),
        }
        if warm.is_none() {
            problems.push("a stack cannot be made ready again, and bringing another one up would disturb its neighbours".into());
        }
        stacks.push(warm);
    }
    if problems.is_empty() && !series.stop.wished() {
        output::talk(&format!(
            "the controls left each other alone: nothing was late by more than {}\n",
            format::duration(latest, Round::Up)
        ));
        return Ok(Some(stacks));
    }
    for warm in stacks {
        remove(warm).await;
    }
    if series.stop.wished() {
        return Ok(None);
    }
    Err(Failure::new(
        Exit::EnvironmentUnfit,
        format!(
            "failed to run {} stacks at once without disturbing each other: {}",
            series.stacks,
            problems.join("; ")
        ),
        "run fewer at once with `--parallel`, or one after another without it",
    ))
}

/// The scenario's stack and clients with nothing done to them, as a scenario file of its own: the run's folder
/// holds what it was run from.
fn control_of(series: &Series) -> Result<Plan, Failure> {
    let Scenario { name, drill, .. } = &series.plan.scenario;
    let steady = drill.iter().map_while(|step| match step {
        Step::Steady(time) => Some(time.0),
        Step::Capacity(_) => Some(Duration::ZERO),
        _ => None,
    });
    let targets = &series.plan.scenario.targets;
    let within = Within {
        within: Dur(Duration::from_secs(30)),
    };
    let scenario = Scenario {
        name: format!("{name}-control"),
        summary: "Several stacks side by side, and nothing is done to them.".into(),
        targets: Targets {
            rto: targets.rto,
            rpo: targets.rpo.clone(),
            ..Targets::default()
        },
        alerting: None,
        headline: None,
        must_fail: Vec::new(),
        drill: vec![
            Step::Steady(Dur(steady.sum())),
            Step::Fault(Noop.into()),
            Step::Expect(Expect::Recovered(within)),
        ]
        .into(),
        repeat: series.stacks,
        ..series.plan.scenario.clone()
    };
    let wrong = |said: String| {
        let said = format!("failed to plan the control run: {said}");
        Failure::new(Exit::ScenarioInvalid, said, "correct the stack")
    };
    let text = serde_json::to_string_pretty(&scenario).map_err(|error| wrong(error.to_string()))?;
    let system = std::slice::from_ref(&series.plan.system);
    let plan = scenario::read(&series.plan.source.file, &text, &[])
        .and_then(|parsed| Plan::check(&parsed, system));
    let mut plan = plan.map_err(|problems| {
        let messages: Vec<&str> = problems.all.iter().map(Problem::message).collect();
        wrong(messages.join("; "))
    })?;
    plan.fit_for(&series.plan);
    Ok(plan)
}

/// Tells a webhook how a run ended.
fn tell(url: &str, run: &Ended) {
    let opened = &run.record.opened;
    let (id, scenario) = (opened.run.to_string(), &opened.scenario.name);
    notify(url, "run.finished", &id, scenario, &data(run));
}

/// Removes a stack that stays for nobody.
async fn remove(warm: Option<WarmStack>) -> Exit {
    let Some(warm) = warm else {
        return Exit::Pass;
    };
    let Residue { left, failed, .. } = warm.tear_down().await;
    if left.is_empty() && failed.is_empty() {
        output::talk("the stack that stayed was removed; nothing is left\n");
        return Exit::Pass;
    }
    output::talk(&format!(
        "cleanup incomplete: left {}; failed {}\n",
        left.join(", "),
        failed.join(", ")
    ));
    Exit::CleanupIncomplete
}

fn stack_of(run: &Ended) -> RunId {
    let record = &run.record;
    let rearmed = record.rearmed.as_ref();
    rearmed.map_or_else(
        || record.opened.run.clone(),
        |rearmed| rearmed.stack_of.clone(),
    )
}

/// Prints the runs side by side with what they show together, and judges them so: where the scenario
/// makes a claim over repeats, a single slow run does not decide it.
fn conclude(plan: &Plan, ended: &[Repeat], saying: Saying) -> Exit {
    let cards: Vec<Scorecard> = ended.iter().map(|repeat| repeat.card.clone()).collect();
    let stacks: BTreeSet<&RunId> = ended.iter().map(|repeat| &repeat.stack_of).collect();
    let together = score::repeats(&cards, stacks.len() as u64, &plan.scenario.targets);
    let rows: Vec<RepeatRow> = ended.iter().map(|repeat| repeat.row.clone()).collect();
    let (verdict, missing) = with_missing(together.verdict, ended.len(), plan.scenario.repeat);
    let said = missing.into_iter().chain([together.sentence]);
    let summary: Vec<String> = said.chain(together.shows).collect();
    if saying.tables() {
        output::result(&repeats(&rows, &summary.join("\n"), output::style()));
    }
    let unclean = ended.iter().map(|repeat| repeat.exit).filter(|exit| {
        matches!(
            exit,
            Exit::CleanupIncomplete | Exit::Interrupted | Exit::EnvironmentUnfit
        )
    });
    unclean.fold(verdict_exit(verdict), Exit::worse)
}

/// A verdict over repeats that is no better than what those that did not end leave open, and the sentence that says so.
fn with_missing(verdict: Verdict, ended: usize, planned: u32) -> (Verdict, Option<String>) {
    let missing = (planned as usize).saturating_sub(ended);
    if missing == 0 {
        return (verdict, None);
    }
    let said = format!(
        "Of {planned} repeats that were asked for, {ended} ended: nobody knows what the others would have shown."
    );
    match verdict {
        Verdict::Fail => (verdict, Some(said)),
        Verdict::Pass | Verdict::Control | Verdict::Inconclusive | Verdict::Aborted => {
            (Verdict::Inconclusive, Some(said))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_that_did_not_end_leave_it_open_and_hide_no_miss() {
        for verdict in [Verdict::Pass, Verdict::Control, Verdict::Inconclusive] {
            assert_eq!(with_missing(verdict, 3, 3), (verdict, None));
            let (left, said) = with_missing(verdict, 2, 3);
            assert_eq!(left, Verdict::Inconclusive);
            assert!(said.is_some_and(|it| it.contains("Of 3 repeats") && it.contains("2 ended")));
        }
        assert_eq!(with_missing(Verdict::Fail, 1, 3).0, Verdict::Fail);
    }
}
