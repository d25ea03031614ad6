//! `drdrill hunt`: looks within a time for the drill with the worst outcome, or for one that fails, and makes it small.

use std::{fs, path::Path, time::Duration};

use drdrill::{
    check::Answer,
    drill::{
        Plan, Stop,
        hunt::{Badness, Failure as Failed, as_file, pool, scenario},
        schedule::{Schedule, Shrinking},
    },
    local,
    measure::format::{self, Round},
    record::DisruptionKind,
    scenario::{Dur, Fault, Goal},
    score::LineState,
    seed::Seed,
    session::{Ended, Host, Session},
    time::Clock,
};

use super::{
    arguments::{HuntArguments, ScenarioArguments},
    check,
    exit::{Exit, Failure},
    output,
    run::{exit_of, for_drills, listen, unfit},
    sweep,
};

/// The part of the time that is kept for making the drill that was found smaller.
const SHRINKING: f64 = 0.3;

/// What a search has.
struct Hunt<'a> {
    plan: &'a Plan,
    reports: &'a Path,
    host: &'a Host,
    seed: Seed,
    stop: Stop,
    clock: Clock,
    failing: bool,
    tried: u32,
    /// Of those, how many something may be concluded of.
    told: u32,
    exit: Exit,
}

/// A drill that was tried.
struct Found {
    schedule: Schedule,
    badness: Badness,
    /// How it failed, if it did.
    failed: Option<Failed>,
    /// The fault, from 0, whose recovery missed the target.
    late: usize,
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
    let plans = check::ready(&scenarios, &[])?;
    let [plan] = plans.as_slice() else {
        return Err(Failure::new(
            Exit::Usage,
            format!("`{}` holds several scenarios", arguments.scenario.display()),
            "name one file: its stack and clients are those of every drill",
        ));
    };
    for_drills()?.block_on(async {
        let stop = Stop::default();
        let listening = tokio::spawn(listen(stop.clone()));
        let host = local::host()?;
        sweep::before_a_run(&host).await;
        let mut hunt = Hunt {
            plan,
            reports: &arguments.out,
            host: &host,
            seed: arguments.seed.map_or_else(Seed::random, Seed),
            stop,
            clock: Clock::start(),
            failing: arguments.failing,
            tried: 0,
            told: 0,
            exit: Exit::Pass,
        };
        let result = hunt.search(arguments).await;
        listening.abort();
        result
    })
}

impl Hunt<'_> {
    async fn search(&mut self, arguments: &HuntArguments) -> Result<Exit, Failure> {
        let faults = pool(self.plan);
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
        let most = usize::from(arguments.faults);
        let searching = arguments.budget.0.mul_f64(1.0 - SHRINKING);
        let Some(found) = self.look(&faults, most, searching).await? else {
            let (what, exit) = if self.failing && self.told > 0 {
                ("of them failed", Exit::Pass)
            } else {
                ("could be told: nothing was found", Exit::Inconclusive)
            };
            let said = format!("{} drills were tried and none {what}\n", self.tried);
            output::result(&said);
            return Ok(self.exit.worse(exit));
        };
        let least = self.shrink(found, &faults, arguments.budget.0).await?;
        let again = self.again(&least, arguments.budget.0).await?;
        self.conclude(&least, again)?;
        Ok(self.exit)
    }

    fn goes_on(&self, until: Duration) -> bool {
        !self.stop.wished() && self.clock.now().since_start() < until
    }

    /// The worst drill that was found within the time, or the first that failed.
    async fn look(
        &mut self,
        faults: &[Fault],
        most: usize,
        until: Duration,
    ) -> Result<Option<Found>, Failure> {
        let mut stream = self.seed.stream("hunt");
        let mut worst: Option<Found> = None;
        while self.goes_on(until) {
            let schedule = Schedule::draw(&mut stream, faults, most);
            let Some(found) = self.attempt(schedule, None).await? else {
                continue;
            };
            if self.failing {
                if found.failed.is_some() {
                    return Ok(Some(found));
                }
                continue;
            }
            let worse = worst
                .as_ref()
                .is_none_or(|worst| found.badness.order(&worst.badness).is_gt());
            if worse {
                worst = Some(found);
            }
        }
        Ok(worst)
    }

    /// Tries smaller drills as long as one of them is as bad, or fails in the same way.
    async fn shrink(
        &mut self,
        first: Found,
        faults: &[Fault],
        budget: Duration,
    ) -> Result<Found, Failure> {
        let mut shrinking = Shrinking::of(first.schedule.clone(), faults);
        let way = first.failed.clone();
        let mut least = first;
        while let Some(schedule) = shrinking.candidate() {
            if !self.goes_on(budget) {
                output::talk("the time is over: the drill may not be the smallest\n");
                break;
            }
            output::talk("smaller: ");
            let Some(found) = self.attempt(schedule, None).await? else {
                continue;
            };
            let same = match (&way, self.failing) {
                (Some(way), true) => found.failed.as_ref().is_some_and(|own| way.is_in(own)),
                _ => found.badness.matches(&least.badness),
            };
            if same {
                shrinking.took(found.schedule.clone());
                least = found;
            }
        }
        Ok(least)
    }

    /// Runs a drill that failed once more: whether it failed in the same way. None where that was not tried or cannot be told.
    async fn again(&mut self, least: &Found, budget: Duration) -> Result<Option<bool>, Failure> {
        let Some(way) = least.failed.as_ref().filter(|_| self.failing) else {
            return Ok(None);
        };
        if !self.goes_on(budget) {
            return Ok(None);
        }
        output::talk("once more: ");
        let found = self
            .attempt(least.schedule.clone(), Some(least.seed))
            .await?;
        Ok(found.map(|found| found.failed.is_some_and(|own| way.is_in(&own))))
    }

    /// Runs one drill; nothing is found where nothing may be concluded.
    async fn attempt(
        &mut self,
        schedule: Schedule,
        seed: Option<Seed>,
    ) -> Result<Option<Found>, Failure> {
        self.tried += 1;
        let own = self.seed.stream(&format!("trial {}", self.tried)).bits();
        let seed = seed.unwrap_or(Seed(u64::from(own)));
        let scenario = scenario(&self.plan.scenario, &schedule, 0, &self.name());
        let system = std::slice::from_ref(&self.plan.system);
        let plan = as_file(&scenario, &self.plan.source.file, "")
            .and_then(|parsed| Plan::check(&parsed, system));
        let plan = plan.map_err(|problems| {
            let said: Vec<&str> = problems
                .all
                .iter()
                .map(|problem| problem.message())
                .collect();
            Failure::new(Exit::Bug, said.join("; "), "report this with the seed")
        })?;
        let session = Session {
            seed,
            stop: self.stop.clone(),
            ..Session::new(&plan, self.host, self.reports)
        };
        let ended = session.run((), &mut None).await;
        let ended = ended.map_err(|error| unfit(&error))?;
        let exit = exit_of(&ended.record, &ended.judgement);
        let told = !ended.judgement.scorecard.verdict.is_open();
        if told || exit == Exit::CleanupIncomplete {
            self.exit = self.exit.worse(exit);
        }
        let late = late(&ended, self.plan.scenario.targets.rto.and_then(Goal::limit));
        let failed = failed(&ended, late).filter(|_| told);
        let badness = badness(&ended);
        let run = ended.record.opened.run.to_string();
        output::talk(&format!(
            "{} {}: {}{}\n",
            self.tried,
            schedule.title(),
            badness
                .as_ref()
                .map_or("what was lost is not known".into(), said),
            match &failed {
                _ if !told => ", and nothing may be concluded".to_owned(),
                Some(failed) => format!("; fails by {}", failed.said()),
                None => String::new(),
            }
        ));
        self.told += u32::from(told);
        Ok(badness.filter(|_| told).map(|badness| Found {
            schedule,
            badness,
            failed,
            late: late.unwrap_or(0),
            seed,
            run,
        }))
    }

    fn name(&self) -> String {
        format!("{}-hunt", self.plan.scenario.name)
    }

    /// Writes the drill that was found as a scenario, and says what it was.
    fn conclude(&self, found: &Found, again: Option<bool>) -> Result<(), Failure> {
        let scenario = scenario(
            &self.plan.scenario,
            &found.schedule,
            found.late,
            &self.name(),
        );
        let what = match found.failed.as_ref().filter(|_| self.failing) {
            Some(failed) => format!("that fails by {}", failed.said()),
            None => "as bad as the worst".to_owned(),
        };
        let again = match again {
            Some(true) => "# Run once more, it failed in the same way.\n",
            Some(false) => "# Run once more, it did not fail in this way: it does not always.\n",
            None => "",
        };
        let comment = format!(
            "# The least of {} drills {what} (search seed {}): {}.\n{again}# It replays with: drdrill run FILE --seed {}\n",
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
        let parsed = as_file(&scenario, &self.plan.source.file, &comment)
            .map_err(|problems| unwritten(problems.to_string()))?;
        let path = self.reports.join(format!("{}.yaml", self.name()));
        fs::write(&path, parsed.source.text).map_err(|error| unwritten(error.to_string()))?;
        output::result(&format!(
            "the least of {} drills {what}: {}\n  {} (run {})\n  {}\n",
            self.tried,
            found.schedule.title(),
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

/// The first of its faults, from 0, whose recovery took longer than the limit or was not seen to end.
fn late(ended: &Ended, limit: Option<Dur>) -> Option<usize> {
    let limit = limit?;
    let events = ended.judgement.figures.events.iter();
    let mut faults = events.filter(|event| event.kind == DisruptionKind::Fault);
    faults.position(|event| {
        let high = event.rto.value().and_then(|span| span.high());
        event.outage_seen && high.is_none_or(|high| high > limit.0)
    })
}

/// How it failed, if it did.
fn failed(ended: &Ended, late: Option<usize>) -> Option<Failed> {
    let judgement = &ended.judgement;
    let wrong = judgement.findings.iter();
    let wrong = wrong.filter(|finding| finding.answer == Answer::Invalid);
    let missed = judgement.scorecard.lines.iter();
    let missed = missed.filter(|line| line.state == LineState::Missed);
    let failed = Failed {
        wrong: wrong.map(|finding| finding.check.clone()).collect(),
        missed: missed
            .map(|line| line.figure.clone())
            .chain(late.map(|_| "rto".to_owned()))
            .collect(),
    };
    (failed != Failed::default()).then_some(failed)
}
