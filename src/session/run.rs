//! One run, from its opening in the register to its sealed folder.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, mpsc::channel},
};

use crate::{
    drill::{self, After, Finished, Machines, Plan, Provisioned, RunContext, Stop, WarmStack},
    evidence::{
        self, Claims, Closing, EvidenceError, HistoryThread, Opening, Redactor, Register,
        RunFolder, SigningKey, folder::FORMAT,
    },
    history::{Heard, History},
    id::RunId,
    record::{Emitter, Event, Opened, Record, Residue, Status, What, variant},
    runtime::journal::Journal,
    score::{self, Judgement},
    seed::Seed,
    time::{Bracket, Clock},
    workload::Sink,
};

use serde_json::json;

use super::{
    Host, JournalError, MachinesError, Observer, counts::Counts, observe::write_events, rendered,
};

/// One drill to be run, and where. `Session { seed, ..Session::new(plan, host, reports) }` names what is to differ.
pub struct Session<'a> {
    /// The drill.
    pub plan: &'a Plan,
    /// What runs it.
    pub host: &'a Host,
    /// The reports folder.
    pub reports: &'a Path,
    /// The key that signs the run's folder, if there is one.
    pub key: Option<&'a SigningKey>,
    /// The seed.
    pub seed: Seed,
    /// Which repeat this is, from 1, and out of how many.
    pub attempt: (u32, u32),
    /// What becomes of the stack.
    pub after: After,
    /// How a person stops it.
    pub stop: Stop,
}

/// A run that has ended.
pub struct Ended {
    /// Its folder.
    pub folder: PathBuf,
    /// What was observed.
    pub record: Record,
    /// What the clients asked and were told.
    pub history: History,
    /// What follows from it.
    pub judgement: Judgement,
}

/// Why a run could not be carried to its end.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The evidence could not be written or read back.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The journal could not be written, so nothing was started.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl<'a> Session<'a> {
    /// A drill that is run once, by a seed of its own, unsigned, and whose stack is removed.
    pub fn new(plan: &'a Plan, host: &'a Host, reports: &'a Path) -> Self {
        Self {
            plan,
            host,
            reports,
            key: None,
            seed: Seed::random(),
            attempt: (1, 1),
            after: After::Remove,
            stop: Stop::default(),
        }
    }

    /// Runs the drill, judges it, writes its folder and closes it in the register. It takes the stack of the repeat
    /// before, if there is one, and leaves its own for the next if that is wanted and can be.
    ///
    /// # Errors
    /// When the evidence cannot be written. Whatever was created is removed all the same, as far as possible, except a
    /// stack in `warm`, which is the caller's. The run is closed in the register as aborted; where that cannot be
    /// written either, the next sweep does it.
    pub async fn run(
        self,
        observer: impl Observer,
        warm: &mut Option<WarmStack>,
    ) -> Result<Ended, SessionError> {
        let clock = Clock::start();
        let run = RunId::new(
            &stamp(&clock),
            self.seed.stream(&format!("run {}", self.attempt.0)).bits(),
        );
        // The journal comes first and goes last: whatever ends drdrill, a sweep finds the run and closes it.
        let journal = self.host.journal(self.plan, &run, Some(self.reports))?;
        let register = Register::of(self.reports);
        let ended = self
            .registered((&run, clock), &register, &journal, observer, warm)
            .await;
        let closed = match &ended {
            Ok(_) => Ok(()),
            Err(error) => register.abandon(&run, &error.to_string()),
        };
        if closed.is_ok() {
            // What is not removed yet stays in the journal: of a stack that stays, or for the next sweep.
            let _ = journal.finish();
        }
        ended
    }

    /// The run from its line in the register on.
    async fn registered(
        &self,
        (run, clock): (&RunId, Clock),
        register: &Register,
        journal: &Journal,
        mut observer: impl Observer,
        warm: &mut Option<WarmStack>,
    ) -> Result<Ended, SessionError> {
        let redactor = self.redactor();
        let opened = self.open(run, &clock, &redactor);
        let opening = Event {
            at: Bracket::at(clock.now()),
            what: What::Opened(Box::new(opened.clone())),
        };
        register.open(&Opening {
            run: run.clone(),
            scenario: self.plan.scenario.name.clone(),
            scenario_sha256: opened.scenario_sha256,
            overrides: self.overrides(&redactor),
            opening_sha256: evidence::opening_sha256(&opening, &redactor)?,
            folder: format!("{}/{run}", self.plan.scenario.name),
            started: opened.started,
            attempt: Some((opened.attempt, opened.attempts)),
        })?;
        let folder = RunFolder::create(self.reports, &self.plan.scenario.name, run)?;
        let folder = folder.redacting(redactor);
        folder.scenario(&self.plan.source.text)?;
        for (step, text) in &self.plan.source.runbooks {
            folder.runbook(*step, text)?;
        }
        // Targets, overrides and seed are on disk before there is anything to break.
        let mut log = folder.events()?;
        log.append(&opening)?;
        observer.on_event(&opening);
        let (emitter, events) = Emitter::new(clock);
        let (sink, history, counts) = history(&folder)?;
        let writer = write_events(log, events, observer, counts, (clock, self.stop.clone()));
        let finished = self.drill((run, journal), emitter, sink, warm).await;
        let written = writer.join().expect("the event writer returns its errors");
        let history = history.join();
        written?;
        history?;
        for (node, text) in &finished.logs {
            folder.log(node, text)?;
        }
        // Judging takes the processor for a while; what runs beside it goes on.
        tokio::task::block_in_place(|| self.conclude(&folder, register))
    }

    /// What must not reach the folder: the secrets that the host knows, those of overrides and of the scenario.
    fn redactor(&self) -> Redactor {
        let scenario = serde_json::to_value(&self.plan.scenario).unwrap_or_default();
        let overrides = serde_json::to_value(&self.plan.source.overrides).unwrap_or_default();
        let logins = self.host.secrets.logins(self.plan).unwrap_or_default();
        let words = [logins.data, logins.control].into_iter().flatten();
        // With a user's name before it, or not: the password is what must not be seen.
        let words = words.flat_map(|word| {
            let password = word
                .split_once(':')
                .map(|(_, password)| password.to_owned());
            [Some(word), password].into_iter().flatten()
        });
        let secrets: Vec<_> = words.map(|word| json!({ "password": word })).collect();
        let known = self.host.redactor.clone();
        known
            .learning(&scenario)
            .learning(&overrides)
            .learning(&json!(secrets))
    }

    /// What replaced values of the file, as the register shows it.
    fn overrides(&self, redactor: &Redactor) -> Vec<(String, String)> {
        let overrides = self.plan.source.overrides.iter();
        let shown = overrides.map(|(key, value)| (key.clone(), redactor.text(value).into_owned()));
        shown.collect()
    }

    fn open(&self, run: &RunId, clock: &Clock, redactor: &Redactor) -> Opened {
        let text = redactor.text(&self.plan.source.text);
        Opened {
            format: FORMAT,
            run: run.clone(),
            started: clock.wall_start().to_string(),
            attempt: self.attempt.0,
            attempts: self.attempt.1,
            seed: self.seed,
            harness: self.host.harness.clone(),
            file: place(&self.plan.source.file),
            scenario_sha256: evidence::sha256(text.as_bytes()),
            overrides: self.plan.source.overrides.clone(),
            scenario: self.plan.scenario.clone(),
            last: evidence::last_run(
                self.reports,
                &variant(&self.plan.scenario.name, &self.overrides(redactor)),
            ),
        }
    }

    /// Gets a stack or the machines for one, and runs the drill. Every sender of events and operations is gone
    /// afterwards.
    async fn drill(
        &self,
        (run, journal): (&RunId, &Journal),
        emitter: Emitter,
        sink: Sink,
        warm: &mut Option<WarmStack>,
    ) -> Finished {
        let logins = match self.host.secrets.logins(self.plan) {
            Ok(logins) => logins,
            Err(why) => {
                let why = MachinesError::NoSecret(why);
                return without_machines(&emitter, &why, Residue::default());
            }
        };
        let source = match warm.take() {
            Some(stack) => self.again(run, &emitter, stack).await,
            None => StackSource::Fresh(Residue::default()),
        };
        let (machines, ready, earlier) = match source {
            StackSource::Ready(machines, ready) => (Ok(machines), Some(*ready), Residue::default()),
            StackSource::Fresh(earlier) => {
                let wanted = self
                    .host
                    .machines(self.plan, run, journal, &emitter, &self.stop);
                (wanted.await, None, earlier)
            }
            StackSource::Interrupted(earlier) => {
                (Err(MachinesError::Interrupted.into()), None, earlier)
            }
        };
        let machines = match machines {
            Ok(machines) => machines,
            Err(none) => return without_machines(&emitter, &none.why, none.residue.and(earlier)),
        };
        let of_stack = machines.journal.clone();
        let context = RunContext {
            run: run.clone(),
            machines,
            program: self.host.program.clone(),
            logins,
            emitter,
            seed: self.seed,
            stratum: (self.attempt.0 - 1, self.attempt.1),
            asides: Vec::new(),
            after: self.after,
            earlier,
        };
        let drilled = drill::run(self.plan, context, ready, sink, self.stop.clone());
        let mut finished = Box::pin(drilled).await;
        *warm = finished.warm.take();
        if warm.is_none() && of_stack.path() != journal.path() {
            // The stack of an earlier repeat was removed; what could not be stays in its journal, for the next sweep.
            let _ = of_stack.finish();
        }
        finished
    }

    /// Makes the stack of the repeat before ready; where that cannot be, it is removed.
    async fn again(&self, run: &RunId, emitter: &Emitter, stack: WarmStack) -> StackSource {
        let ready = drill::rearm(self.plan, &stack, run, emitter);
        match self.stop.or(ready).await {
            Some(Ok(ready)) => StackSource::Ready(stack.machines(), Box::new(ready)),
            Some(Err(why)) => {
                emitter.note(format!("the stack could not be made ready again: {why}"));
                let removed = stack.tear_down().await;
                emitter.note("it was removed; this repeat has a fresh stack");
                StackSource::Fresh(removed)
            }
            None => StackSource::Interrupted(stack.tear_down().await),
        }
    }

    /// Judges what the folder holds, so that judging it again later cannot differ, and seals it.
    fn conclude(&self, folder: &RunFolder, register: &Register) -> Result<Ended, SessionError> {
        let loaded = evidence::load(folder.path())?;
        folder.environment(&loaded.record.environment)?;
        let judgement = score::judge(&loaded.record, &loaded.history);
        for (name, bytes) in rendered(&loaded.record, &loaded.history, &judgement) {
            folder.write(name, &bytes)?;
        }
        let card = &judgement.scorecard;
        let claims = Claims::of(&loaded.record, loaded.end.as_ref(), Some(card));
        register.seal(|links| {
            let (manifest, manifest_sha256) = folder.seal(claims, links, self.key)?;
            Ok(Closing {
                run: manifest.run,
                status: manifest.claims.status,
                verdict: manifest.claims.verdict,
                manifest_sha256: Some(manifest_sha256),
            })
        })?;
        Ok(Ended {
            folder: folder.path().to_owned(),
            record: loaded.record,
            history: loaded.history,
            judgement,
        })
    }
}

/// What a session starts from.
enum StackSource {
    /// The stack of the repeat before, made ready.
    Ready(Machines, Box<Provisioned>),
    /// Nothing; and what the removal of the stack before left.
    Fresh(Residue),
    /// A person stopped it, and the stack before was removed.
    Interrupted(Residue),
}

/// A run that got no machines.
fn without_machines(emitter: &Emitter, error: &MachinesError, residue: Residue) -> Finished {
    let status = match error {
        MachinesError::Interrupted => Status::Interrupted,
        MachinesError::Halted(_) => Status::Halted(error.to_string()),
        other => Status::Aborted(other.to_string()),
    };
    emitter.say(What::Closed(status.clone()));
    let clean = residue.left.is_empty() && residue.failed.is_empty();
    emitter.say(What::Residue(residue));
    Finished {
        status,
        logs: Vec::new(),
        clean,
        warm: None,
    }
}

/// UTC to the second without separators, as run names need it.
pub(super) fn stamp(clock: &Clock) -> String {
    clock.wall_start().strftime("%Y%m%dt%H%M%S").to_string()
}

fn history(folder: &RunFolder) -> Result<(Sink, HistoryThread, Arc<Counts>), EvidenceError> {
    let (ops, received) = channel::<Heard>();
    let thread = folder.history()?.follow(received)?;
    let counts = Arc::new(Counts::default());
    let counting = counts.clone();
    let sink: Sink = Box::new(move |heard| {
        counting.count(&heard.op);
        // Without a writer left the history is incomplete, which its thread reports.
        let _ = ops.send(heard);
    });
    Ok((sink, thread, counts))
}

/// Where a file is, as others may read it: from the working directory on, else by its name alone. The folders above
/// are this machine's own affair.
fn place(file: &str) -> String {
    let path = Path::new(file);
    if path.is_relative() {
        return file.to_owned();
    }
    let here = std::env::current_dir().unwrap_or_default();
    let shown = path
        .strip_prefix(here)
        .ok()
        .or_else(|| path.file_name().map(Path::new));
    shown.unwrap_or(path).display().to_string()
}
