//! `drdrill hunt`: looks within a time for the drill with the worst outcome, and makes it small.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use drdrill::{
    drill::{
        After, Plan, Stop,
        hunt::{Badness, Trial, as_file, pool},
    },
    measure::format::{self, Round},
    record::DisruptionKind,
    report::Progress,
    scenario::{Fault, Parsed},
    score::Verdict,
    seed::Seed,
    time::Clock,
};

use super::{
    arguments::{HuntArguments, ScenarioArguments},
    check,
    exit::{Exit, Failure},
    machines, output,
    run::{bind, exit_of, listen, runtime, unfit},
    session::{Ended, Session},
    sweep,
};

/// The part of the time that is kept for making the worst drill smaller.
const SHRINKING: f64 = 0.3;

/// What a search has.
struct Hunt<'a> {
    base: &'a Parsed,
    plan: &'a Plan,
    reports: &'a Path,
    state: PathBuf,
    seed: Seed,
    stop: Stop,
    clock: Clock,
    tried: u32,
    exit: Exit,
}

/// A drill that was tried.
struct Found {
    trial: Trial,
    badness: Badness,
    seed: Seed,
    run: String,
}

/// Looks for the worst drill.
///
/// # Errors
/// When the scenario has problems, or a drill could not be carried to its end.
pub fn hunt(arguments: &HuntArguments) -> Result<Exit, Failure> {
    let scenarios = ScenarioArguments {
        paths: vec![arguments.scenario.clone()],
        overrides: arguments.overrides.clone(),
    };
    let parsed = check::ready(&scenarios, &[])?;
    let [base] = parsed.as_slice() else {
        return Err(Failure::new(
            Exit::Usage,
            format!("`{}` holds several scenarios", arguments.scenario.display()),
            "name one file: its stack and clients are those of every drill",
        ));
    };
    let (base, plan) = bind(base.clone())?;
    runtime()?.block_on(async {
        let stop = Stop::default();
        let listening = tokio::spawn(listen(stop.clone()));
        sweep::before_a_run(&machines::state_folder()).await;
        let mut hunt = Hunt {
            base: &base,
            plan: &plan,
            reports: &arguments.out,
            state: machines::state_folder(),
            seed: arguments.seed.map_or_else(Seed::random, Seed),
            stop,
            clock: Clock::start(),
            tried: 0,
            exit: Exit::Pass,
        };
        let result = hunt.search(arguments).await;
        listening.abort();
        result
    })
}

impl Hunt<'_> {
    async fn search(&mut self, arguments: &HuntArguments) -> Result<Exit, Failure> {
        let faults = pool(self.base, &*self.plan.system);
        if faults.is_empty() {
            return Err(Failure::new(
                Exit::ScenarioInvalid,
                "this stack can take none of the faults that a search tries",
                "`drdrill list` shows which systems can take which",
            ));
        }
        let names: std::collections::BTreeSet<&str> = faults.iter().map(Fault::name).collect();
        let names: Vec<&str> = names.into_iter().collect();
        output::talk(&format!(
            "hunting for {} among {} faults ({}), seed {}\n",
            arguments.budget,
            faults.len(),
            names.join(", "),
            self.seed
        ));
        let mut stream = self.seed.stream("hunt");
        let searching = arguments.budget.0.mul_f64(1.0 - SHRINKING);
        let mut worst: Option<Found> = None;
        while self.goes_on(searching) {
            let trial = Trial::draw(&mut stream, &faults, usize::from(arguments.faults));
            if let Some(found) = self.attempt(trial).await? {
                let worse = worst
                    .as_ref()
                    .is_none_or(|worst| found.badness.order(&worst.badness).is_gt());
                if worse {
                    worst = Some(found);
                }
            }
        }
        let Some(worst) = worst else {
            output::result(&format!(
                "{} drills were tried and none could be told: nothing was found\n",
                self.tried
            ));
            return Ok(self.exit.worse(Exit::Inconclusive));
        };
        let least = self.shrink(worst, arguments.budget.0).await?;
        self.conclude(&least)?;
        Ok(self.exit)
    }

    fn goes_on(&self, until: Duration) -> bool {
        !self.stop.wished() && self.clock.now().since_start() < until
    }

    /// Tries smaller drills as long as one of them is as bad.
    async fn shrink(&mut self, mut worst: Found, budget: Duration) -> Result<Found, Failure> {
        let mut untried = worst.trial.smaller();
        while let Some(trial) = untried.pop() {
            if !self.goes_on(budget) {
                output::talk("the time is over: the drill may not be the smallest\n");
                break;
            }
            output::talk("smaller: ");
            if let Some(found) = self.attempt(trial).await?
                && found.badness.matches(&worst.badness)
            {
                untried = found.trial.smaller();
                worst = found;
            }
        }
        Ok(worst)
    }

    /// Runs one drill; nothing is found where nothing may be concluded.
    async fn attempt(&mut self, trial: Trial) -> Result<Option<Found>, Failure> {
        self.tried += 1;
        let seed = Seed(u64::from(
            self.seed.stream(&format!("trial {}", self.tried)).bits(),
        ));
        let scenario = trial.scenario(&self.plan.scenario, &self.name());
        let parsed = as_file(&scenario, &self.base.file, "").map_err(|problems| {
            let said: Vec<&str> = problems
                .all
                .iter()
                .map(|problem| problem.message())
                .collect();
            Failure::new(Exit::Bug, said.join("; "), "report this with the seed")
        })?;
        let (parsed, plan) = bind(parsed)?;
        let session = Session {
            plan: &plan,
            parsed: &parsed,
            key: None,
            reports: self.reports,
            state: &self.state,
            seed,
            attempt: (1, 1),
            after: After::Remove,
            stop: self.stop.clone(),
        };
        let ended = session.run(Progress::plain(io::sink()), &mut None).await;
        let ended = ended.map_err(|error| unfit(&error))?;
        let exit = exit_of(&ended.record, &ended.judgement);
        let badness = badness(&ended);
        let told = ended.judgement.scorecard.verdict != Verdict::Inconclusive;
        if told || exit == Exit::CleanupIncomplete {
            self.exit = self.exit.worse(exit);
        }
        let run = ended.record.opened.run.to_string();
        output::talk(&format!(
            "{} {}: {}{}\n",
            self.tried,
            trial.title(),
            badness
                .as_ref()
                .map_or("what was lost is not known".into(), said),
            if told {
                ""
            } else {
                ", and nothing may be concluded"
            }
        ));
        Ok(badness.filter(|_| told).map(|badness| Found {
            trial,
            badness,
            seed,
            run,
        }))
    }

    fn name(&self) -> String {
        format!("{}-hunt", self.plan.scenario.name)
    }

    /// Writes the worst drill as a scenario, and says what it was.
    fn conclude(&self, found: &Found) -> Result<(), Failure> {
        let scenario = found.trial.scenario(&self.plan.scenario, &self.name());
        let comment = format!(
            "# The worst of {} drills (search seed {}): {}.\n# It replays with: drdrill run FILE --seed {}\n",
            self.tried,
            self.seed,
            said(&found.badness),
            found.seed
        );
        let unwritten = |error: String| {
            Failure::new(
                Exit::EnvironmentUnfit,
                format!("failed to write the scenario: {error}"),
                "make room there, or name another folder with `--out`",
            )
        };
        let parsed = as_file(&scenario, &self.base.file, &comment)
            .map_err(|problems| unwritten(problems.to_string()))?;
        let path = self.reports.join(format!("{}.yaml", self.name()));
        fs::write(&path, parsed.text).map_err(|error| unwritten(error.to_string()))?;
        output::result(&format!(
            "worst of {} drills: {}\n  {} (run {})\n  {}\n",
            self.tried,
            found.trial.title(),
            said(&found.badness),
            found.run,
            path.display()
        ));
        Ok(())
    }
}

fn said(badness: &Badness) -> String {
    let rto = badness
        .rto
        .map_or("no end of the outage was seen".into(), |rto| {
            format!("recovery within {}", format::duration(rto, Round::Up))
        });
    format!("{rto}, {} acknowledged writes lost", badness.lost)
}

/// The worst of all faults' recoveries, and everything lost; none where that is not known.
fn badness(ended: &Ended) -> Option<Badness> {
    let figures = &ended.judgement.figures;
    let faults = figures
        .events
        .iter()
        .filter(|event| event.kind == DisruptionKind::Fault && event.outage_seen);
    let rtos: Vec<Option<Duration>> = faults
        .map(|event| event.rto.value().and_then(|span| span.high()))
        .collect();
    Some(Badness {
        lost: figures.loss.value()?.total(),
        rto: rtos
            .into_iter()
            .try_fold(Duration::ZERO, |most, rto| Some(most.max(rto?))),
    })
}
