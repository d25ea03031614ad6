//! One drill observed in memory: the same flow as any drill, without a run folder.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::{
    drill::{self, Aside, Plan, Site, Stop, validate_against, validate_design},
    history::{Draft, Heard, History, ListsRead},
    id::{NodeName, RunId},
    record::{Emitter, Event, Harness, Opened, Record, Status, What},
    scenario,
    seed::Seed,
    system::catalogue,
    time::Clock,
    workload::Sink,
};

/// The version of the run folder's formats, which an observed drill does not have.
const FORMAT: u32 = 1;

/// Where calibration runs its drills.
#[async_trait]
pub trait Field: Send + Sync {
    /// Machines, images and a journal for one drill.
    ///
    /// # Errors
    /// Why there are none.
    async fn site(
        &self,
        plan: &Plan,
        run: &RunId,
        emitter: &Emitter,
        seed: Seed,
    ) -> Result<Site, String>;

    /// How a person stops it.
    fn stop(&self) -> Stop;

    /// Whether there is time to observe once more what the machine was unfit for.
    fn again(&self) -> bool;

    /// Tells a person how it goes.
    fn say(&self, text: &str);
}

/// A drill as it was observed.
pub struct Observed {
    /// Everything besides operations.
    pub record: Record,
    /// The operations.
    pub history: History,
    /// Each node's own log.
    pub logs: Vec<(NodeName, String)>,
}

impl Observed {
    /// The logs of all nodes one after the other.
    pub fn log(&self) -> String {
        let texts: Vec<&str> = self.logs.iter().map(|(_, text)| text.as_str()).collect();
        texts.join("\n")
    }
}

type Ops = Arc<Mutex<Vec<Heard>>>;

fn lock(ops: &Ops) -> MutexGuard<'_, Vec<Heard>> {
    ops.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the drill that a scenario's text describes, with witnesses beside it.
///
/// # Errors
/// When it cannot be planned, has no machines, was not completed or left something behind.
pub async fn observe(
    text: &str,
    asides: Vec<Aside>,
    field: &dyn Field,
    seed: Seed,
) -> Result<Observed, String> {
    let plan = plan(text)?;
    let clock = Clock::start();
    let stamp = clock.wall_start().strftime("%Y%m%dt%H%M%S").to_string();
    // Calibrations of one seed may run at the same time.
    let run = RunId::new(&stamp, Seed::random().stream("run").bits());
    let (emitter, events) = Emitter::new(clock);
    emitter.say(What::Opened(Box::new(Opened {
        format: FORMAT,
        run: run.clone(),
        started: clock.wall_start().to_string(),
        attempt: 1,
        attempts: 1,
        seed,
        harness: Harness::default(),
        file: String::new(),
        scenario_sha256: String::new(),
        overrides: Vec::new(),
        scenario: plan.scenario.clone(),
        last: None,
    })));
    let site = field.site(&plan, &run, &emitter, seed).await?;
    let site = Site { asides, ..site };
    let journal = site.machines.journal.clone();
    let ops = Ops::default();
    let kept = ops.clone();
    let sink: Sink = Box::new(move |heard| lock(&kept).push(heard));
    let finished = Box::pin(drill::run(&plan, site, None, sink, field.stop())).await;
    // What could not be removed stays in the journal, for the next sweep.
    let _ = journal.finish();
    match &finished.status {
        Status::Completed => {}
        Status::Interrupted => return Err("interrupted".into()),
        Status::Aborted(why) => return Err(why.clone()),
    }
    if !finished.clean {
        return Err("the drill left something behind; `drdrill sweep` removes it".into());
    }
    let events: Vec<Event> = events.try_iter().collect();
    let record = Record::fold(&events).map_err(|error| error.to_string())?;
    let history = history(std::mem::take(&mut *lock(&ops)));
    Ok(Observed {
        record,
        history,
        logs: finished.logs,
    })
}

/// Binds a scenario's text.
pub(super) fn plan(text: &str) -> Result<Plan, String> {
    let parsed =
        scenario::read("calibration", text, &[]).map_err(|problems| problems.to_string())?;
    let systems = catalogue::all();
    let offers: Vec<_> = systems.iter().map(|system| system.describe()).collect();
    let name = parsed.scenario.stack.keys().next().cloned();
    let system = systems
        .into_iter()
        .find(|system| Some(system.describe().name) == name.as_deref())
        .ok_or("there is no such system")?;
    let problems = validate_against(&parsed, &offers)
        .into_iter()
        .chain(validate_design(&parsed, system.as_ref()));
    let problems: Vec<String> = problems.map(|problem| problem.to_string()).collect();
    if !problems.is_empty() {
        return Err(problems.join("; "));
    }
    Plan::bind(parsed.scenario, system).map_err(|issues| {
        let messages: Vec<String> = issues.into_iter().map(|issue| issue.message).collect();
        messages.join("; ")
    })
}

/// The operations in order, their errors by class.
fn history(ops: Vec<Heard>) -> History {
    let mut classes: BTreeMap<String, u16> = BTreeMap::new();
    let mut history = Draft::default();
    for Heard {
        mut op,
        error,
        lists,
    } in ops
    {
        history.lists.extend(lists.map(|lists| ListsRead {
            lane: op.lane,
            seq: op.seq,
            lists,
        }));
        op.error = error.map(|class| {
            let next = u16::try_from(history.errors.len()).unwrap_or(u16::MAX);
            *classes.entry(class.clone()).or_insert_with(|| {
                history.errors.push(class);
                next
            })
        });
        history.ops.push(op);
    }
    History::from(history)
}
