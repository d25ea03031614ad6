//! `drdrill prove`: shows that drills can turn red, by running each with the changes under which it must fail.

use drdrill::{
    drill::{Plan, Stop},
    evidence::SigningKey,
    local,
    report::{ProofRow, proofs},
    scenario::{Miss, MustFail},
    score::{Proof, Verdict, proof},
    seed::Seed,
    session::{Ended, Host, Session},
};

use super::{
    arguments::ProveArguments,
    check,
    exit::{Exit, Failure},
    keys, output,
    run::{exit_of, for_drills, listen, unfit, verdict_exit},
    saying::{progress, show},
    sweep, tags,
};

/// A drill as it is, or with a change that must make it fail.
struct Trial {
    change: Option<MustFail>,
    plan: Plan,
}

/// Runs every scenario that says under what it must fail, as it is and with each of those changes.
///
/// # Errors
/// When a scenario has problems, or a drill could not be carried to its end.
pub fn prove(arguments: &ProveArguments) -> Result<Exit, Failure> {
    let key = keys::signing(&arguments.signing)?;
    let scenarios = check::ready(&arguments.scenarios, &[])?;
    let scenarios = tags::chosen(scenarios, &arguments.tags)?;
    let mut bare = Vec::new();
    let mut trials = Vec::new();
    for plan in scenarios {
        if plan.scenario.must_fail.is_empty() {
            bare.push(plan.scenario.name);
        } else {
            trials.extend(self::trials(&plan, arguments.red)?);
        }
    }
    for_drills()?.block_on(async {
        let stop = Stop::default();
        let listening = tokio::spawn(listen(stop.clone()));
        let host = local::host()?;
        sweep::before_a_run(&host).await;
        let mut shown = Shown::default();
        for trial in &trials {
            let ended = trial.run(arguments, key.as_ref(), &host, &stop).await?;
            shown.add(trial, &ended);
            if stop.wished() {
                break;
            }
        }
        listening.abort();
        Ok(shown.conclude(&bare))
    })
}

/// The drill as it is, unless only red ones are wanted, and one for each of its changes.
fn trials(plan: &Plan, red: bool) -> Result<Vec<Trial>, Failure> {
    let with = |change: Option<&MustFail>| {
        let plan = match change {
            Some(change) => check::varied(plan, &change.overrides(), "change of `must-fail`")?,
            None => plan.clone(),
        };
        Ok(Trial {
            change: change.cloned(),
            plan,
        })
    };
    let as_it_is = (!red).then_some(None);
    let changes = plan.scenario.must_fail.iter().map(Some);
    as_it_is.into_iter().chain(changes).map(with).collect()
}

impl Trial {
    /// What is changed, as a person would write it.
    fn title(&self) -> String {
        let change = self.change.iter().flat_map(|change| &change.with);
        let pairs: Vec<String> = change
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        pairs.join(" ")
    }

    async fn run(
        &self,
        arguments: &ProveArguments,
        key: Option<&SigningKey>,
        host: &Host,
        stop: &Stop,
    ) -> Result<Ended, Failure> {
        let name = &self.plan.scenario.name;
        output::talk(&match &self.change {
            None => format!("{name}: as it is\n"),
            Some(change) => {
                let misses = names(&change.misses);
                format!("{name}: must miss {misses} with {}\n", self.title())
            }
        });
        let session = Session {
            key,
            seed: arguments.seed.map_or_else(Seed::random, Seed),
            stop: stop.clone(),
            ..Session::new(&self.plan, host, &arguments.out)
        };
        let ended = session.run(progress(), &mut None).await;
        let ended = ended.map_err(|error| unfit(&error))?;
        show(&ended);
        Ok(ended)
    }
}

/// What the drills have shown so far.
#[derive(Default)]
struct Shown {
    rows: Vec<ProofRow>,
    exit: Option<Exit>,
    changes: usize,
    red: usize,
}

impl Shown {
    fn add(&mut self, trial: &Trial, ended: &Ended) {
        let (exit, outcome, why) = came_out(trial, ended);
        self.worse(exit);
        self.changes += usize::from(trial.change.is_some());
        self.red += usize::from(trial.change.is_some() && exit == Exit::Pass);
        self.rows.push(ProofRow {
            scenario: trial.plan.scenario.name.clone(),
            change: trial.title(),
            outcome,
            why,
            run: ended.record.opened.run.to_string(),
        });
    }

    fn worse(&mut self, exit: Exit) {
        self.exit = Some(self.exit.map_or(exit, |so_far| so_far.worse(exit)));
    }

    /// Prints the table. A scenario that names no change is not proven, and that is no pass.
    fn conclude(mut self, bare: &[String]) -> Exit {
        for name in bare {
            self.worse(Exit::Inconclusive);
            self.rows.push(ProofRow {
                scenario: name.clone(),
                change: String::new(),
                outcome: "not run",
                why: "its file has no `must-fail`: nothing says under what it must turn red".into(),
                run: String::new(),
            });
        }
        let summary = match self.changes {
            0 => "Nothing was shown: no change was tried.".to_owned(),
            changes => format!(
                "{} of {changes} changes turned their drill red as they must.",
                self.red
            ),
        };
        output::result(&proofs(&self.rows, &summary, output::style()));
        self.exit.unwrap_or(Exit::Inconclusive)
    }
}

/// The exit code that a drill asks for, in words, and why it is not what it must be.
fn came_out(trial: &Trial, ended: &Ended) -> (Exit, &'static str, String) {
    let exit = exit_of(&ended.record, &ended.judgement);
    let card = &ended.judgement.scorecard;
    if matches!(
        exit,
        Exit::CleanupIncomplete | Exit::Interrupted | Exit::EnvironmentUnfit
    ) {
        return (exit, "not seen through", card.sentence.clone());
    }
    let Some(change) = &trial.change else {
        let (outcome, why) = match card.verdict {
            Verdict::Pass | Verdict::Control => ("passed", String::new()),
            Verdict::Fail => ("failed", card.sentence.clone()),
            Verdict::Inconclusive => ("inconclusive", card.sentence.clone()),
            Verdict::Aborted => ("aborted", card.sentence.clone()),
        };
        return (verdict_exit(card.verdict), outcome, why);
    };
    let title = trial.title();
    match proof(&ended.judgement, &change.misses) {
        Proof::Red => (Exit::Pass, "red as it must", String::new()),
        Proof::NotRed(absent) => {
            let why = format!("{} not missed with {title}", names(&absent));
            (Exit::TargetMissed, "NOT RED", why)
        }
        Proof::Untold(why) => (
            Exit::Inconclusive,
            "could not tell",
            format!("{title}: {why}"),
        ),
    }
}

fn names(misses: &[Miss]) -> String {
    let names: Vec<String> = misses
        .iter()
        .map(|miss| format!("`{}`", miss.name()))
        .collect();
    names.join(" and ")
}
