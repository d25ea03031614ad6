//! One drill observed in memory: the same flow as any drill, without a run folder.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    drill::{self, Aside, Plan, RunContext, Stop},
    evidence::folder::FORMAT,
    history::{Draft, Heard, History, ListsRead},
    id::{NodeName, RunId},
    record::{Emitter, Event, Harness, Opened, Record, Status, What},
    seed::Seed,
    time::Clock,
    workload::Sink,
};

use super::{Host, run::stamp};

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

/// Runs a drill with witnesses beside it.
///
/// # Errors
/// When it has no machines, was not completed or left something behind.
pub async fn observe(
    plan: &Plan,
    asides: Vec<Aside>,
    host: &Host,
    seed: Seed,
    stop: Stop,
) -> Result<Observed, String> {
    let clock = Clock::start();
    // Calibrations of one seed may run at the same time.
    let run = RunId::new(&stamp(&clock), Seed::random().stream("run").bits());
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
    let context = host.context(plan, &run, &emitter, seed).await?;
    let context = RunContext { asides, ..context };
    let journal = context.machines.journal.clone();
    let ops = Ops::default();
    let kept = ops.clone();
    let sink: Sink = Box::new(move |heard| lock(&kept).push(heard));
    let finished = Box::pin(drill::run(plan, context, None, sink, stop)).await;
    // What could not be removed stays in the journal, for the next sweep.
    let _ = journal.finish();
    match &finished.status {
        Status::Completed => {}
        Status::Interrupted => return Err("interrupted".into()),
        Status::Aborted(why) | Status::Halted(why) => return Err(why.clone()),
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
