//! One run, from its opening in the register to its sealed folder.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use drdrill::{
    drill::{self, After, Finished, Machines, Plan, Provisioned, Site, Standing, Stop},
    evidence::{
        self, Claims, Closing, EventLog, EvidenceError, HistoryThread, Opening, Redactor, Register,
        RunFolder, SigningKey, folder::FORMAT,
    },
    history::{Heard, History},
    id::RunId,
    record::{Emitter, Event, Opened, Record, Residue, Status, What, variant},
    report::Progress,
    runtime::{
        Owner,
        journal::{Header, Journal},
        process::ProcessRuntime,
    },
    scenario::Parsed,
    score::{self, Judgement},
    seed::Seed,
    time::{Bracket, Clock},
    workload::Sink,
};

use super::{
    counts::Counts,
    harness,
    machines::{self, MachinesError},
};

/// What a session runs, and where.
pub struct Session<'a> {
    /// The drill.
    pub plan: &'a Plan,
    /// The scenario file as it was read, with what replaced its values.
    pub parsed: &'a Parsed,
    /// The key that signs the folder, if there is one.
    pub key: Option<&'a SigningKey>,
    /// The reports folder.
    pub reports: &'a Path,
    /// The folder of journals.
    pub state: &'a Path,
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
    #[error("failed to write the undo journal under `{0}`: {1}")]
    Journal(PathBuf, std::io::Error),
}

impl Session<'_> {
    /// Runs the drill, judges it, writes its folder and closes it in the register. It takes the stack of the repeat
    /// before, if there is one, and leaves its own for the next if that is wanted and can be.
    ///
    /// # Errors
    /// When the evidence cannot be written. Whatever was created is removed all the same, as far as possible, except a
    /// stack in `standing`, which is the caller's. The run is closed in the register as aborted; where that cannot be
    /// written either, the next sweep does it.
    pub async fn run<W: Write + Send + 'static>(
        self,
        progress: Progress<W>,
        standing: &mut Option<Standing>,
    ) -> Result<Ended, SessionError> {
        let clock = Clock::start();
        let run = RunId::new(
            &stamp(&clock),
            self.seed.stream(&format!("run {}", self.attempt.0)).bits(),
        );
        // The journal comes first and goes last: whatever ends drdrill, a sweep finds the run and closes it.
        let journal = self.journal(&run)?;
        let register = Register::of(self.reports);
        let ended = self
            .registered((&run, clock), &register, &journal, progress, standing)
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

    /// The journal of the run.
    fn journal(&self, run: &RunId) -> Result<Journal, SessionError> {
        let header = Header {
            run: run.clone(),
            owner: Owner::current(),
            runtime: self.plan.description.runtime.to_owned(),
            docker_host: machines::docker_host(),
            reports: std::path::absolute(self.reports).ok(),
        };
        Journal::open(self.state, &header)
            .map_err(|error| SessionError::Journal(self.state.to_owned(), error))
    }

    /// The run from its line in the register on.
    async fn registered<W: Write + Send + 'static>(
        &self,
        (run, clock): (&RunId, Clock),
        register: &Register,
        journal: &Journal,
        mut progress: Progress<W>,
        standing: &mut Option<Standing>,
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
        folder.scenario(&self.parsed.text)?;
        // Targets, overrides and seed are on disk before there is anything to break.
        let mut log = folder.events()?;
        log.append(&opening)?;
        let _ = progress.on_event(&opening);
        let (emitter, events) = Emitter::new(clock);
        let (sink, history, counts) = history(&folder)?;
        let writer = write_events(log, events, progress, counts, (clock, self.stop.clone()));
        let finished = self.drill((run, journal), emitter, sink, standing).await;
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

    /// What must not reach the folder: the secrets of this process, of overrides and of the scenario.
    fn redactor(&self) -> Redactor {
        let scenario = serde_json::to_value(&self.plan.scenario).unwrap_or_default();
        let overrides = serde_json::to_value(&self.parsed.overrides).unwrap_or_default();
        harness::redactor().learning(&scenario).learning(&overrides)
    }

    /// What replaced values of the file, as the register shows it.
    fn overrides(&self, redactor: &Redactor) -> Vec<(String, String)> {
        let overrides = self.parsed.overrides.iter();
        let shown = overrides.map(|(key, value)| (key.clone(), redactor.text(value).into_owned()));
        shown.collect()
    }

    fn open(&self, run: &RunId, clock: &Clock, redactor: &Redactor) -> Opened {
        let text = redactor.text(&self.parsed.text);
        Opened {
            format: FORMAT,
            run: run.clone(),
            started: clock.wall_start().to_string(),
            attempt: self.attempt.0,
            attempts: self.attempt.1,
            seed: self.seed,
            harness: harness::harness(),
            file: place(&self.parsed.file),
            scenario_sha256: evidence::sha256(text.as_bytes()),
            overrides: self.parsed.overrides.clone(),
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
        standing: &mut Option<Standing>,
    ) -> Finished {
        let ground = match standing.take() {
            Some(stack) => self.again(run, &emitter, stack).await,
            None => FaultContext::Fresh(Residue::default()),
        };
        let (machines, ready, earlier) = match ground {
            FaultContext::Ready(machines, ready) => {
                (Ok(machines), Some(*ready), Residue::default())
            }
            FaultContext::Fresh(earlier) => {
                (self.machines(run, journal, &emitter).await, None, earlier)
            }
            FaultContext::Interrupted(earlier) => (Err(MachinesError::Interrupted), None, earlier),
        };
        let machines = match machines {
            Ok(machines) => machines,
            Err(error) => return without_machines(&emitter, &error, earlier),
        };
        let site = Site {
            run: run.clone(),
            machines,
            program: machines::program(),
            emitter,
            seed: self.seed,
            stratum: (self.attempt.0 - 1, self.attempt.1),
            asides: Vec::new(),
            after: self.after,
            earlier,
        };
        let drilled = drill::run(self.plan, site, ready, sink, self.stop.clone());
        let mut finished = Box::pin(drilled).await;
        *standing = finished.standing.take();
        finished
    }

    /// Makes the stack of the repeat before ready; where that cannot be, it is removed.
    async fn again(&self, run: &RunId, emitter: &Emitter, stack: Standing) -> FaultContext {
        let ready = drill::rearm(self.plan, &stack, run, emitter);
        match self.stop.or(ready).await {
            Some(Ok(ready)) => FaultContext::Ready(stack.machines(), Box::new(ready)),
            Some(Err(why)) => {
                emitter.note(format!("the stack could not be made ready again: {why}"));
                let removed = stack.tear_down().await;
                emitter.note("it was removed; this repeat has a fresh stack");
                FaultContext::Fresh(removed)
            }
            None => FaultContext::Interrupted(stack.tear_down().await),
        }
    }

    async fn machines(
        &self,
        run: &RunId,
        journal: &Journal,
        emitter: &Emitter,
    ) -> Result<Machines, MachinesError> {
        if self.plan.description.runtime == "docker" {
            let wanted = machines::docker(self.plan, run, journal, emitter, self.state);
            let machines = self.stop.or(wanted).await;
            return machines.unwrap_or(Err(MachinesError::Interrupted));
        }
        let home = self.state.join("nodes").join(run.to_string());
        let runtime = ProcessRuntime::new(run.clone(), home, journal.clone());
        Ok(Machines {
            runtime: Arc::new(runtime),
            images: Vec::new(),
            journal: journal.clone(),
        })
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
enum FaultContext {
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
        other => Status::Aborted(other.to_string()),
    };
    emitter.say(What::Closed(status.clone()));
    let clean = residue.left.is_empty() && residue.failed.is_empty();
    emitter.say(What::Residue(residue));
    Finished {
        status,
        logs: Vec::new(),
        clean,
        standing: None,
    }
}

/// Every file that follows from a record and its operations alone, by name.
pub fn rendered(
    record: &Record,
    history: &History,
    judgement: &Judgement,
) -> Vec<(&'static str, Vec<u8>)> {
    let mut files = vec![("result.json", evidence::result_json(record, judgement))];
    files.extend(drdrill::report::render_all(record, history, judgement));
    files
}

/// UTC to the second without separators, as run names need it.
fn stamp(clock: &Clock) -> String {
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

/// How often the clients' rates are shown.
const SHOW_EVERY: Duration = Duration::from_secs(1);

/// Writes events as they come and shows them. If they cannot be written, the drill is stopped.
fn write_events<W: Write + Send + 'static>(
    mut log: EventLog,
    events: Receiver<Event>,
    mut progress: Progress<W>,
    counts: Arc<Counts>,
    (clock, stop): (Clock, Stop),
) -> JoinHandle<Result<(), EvidenceError>> {
    std::thread::spawn(move || {
        let mut result = Ok(());
        let mut shown = clock.now();
        loop {
            let since = clock.now().since(shown);
            if since >= SHOW_EVERY {
                shown = clock.now();
                progress.on_counters(counts.rates(since));
            }
            match events.recv_timeout(SHOW_EVERY.saturating_sub(since)) {
                Ok(event) => {
                    counts.heard(&event);
                    // A terminal that is gone is no reason to stop.
                    let _ = progress.on_event(&event);
                    if result.is_ok() {
                        result = log.append(&event);
                        if result.is_err() {
                            stop.wish();
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        progress.finish();
        result
    })
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
