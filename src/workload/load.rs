//! The load as a whole: started, watched, stopped.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::mpsc::unbounded_channel, task::JoinHandle};

use crate::{
    history::{Group, Heard, Lane},
    record::{Emitter, What},
    scenario::AppClients,
    system::SharedRunning,
};

use super::{
    Live, PlannedLane,
    dispatch::{Dispatch, MakeClient},
    pacer::Pacer,
};

/// Where finished operations go.
pub type Sink = Box<dyn Fn(Heard) + Send + Sync>;

/// The time between creating the lanes and the first operation, so that no lane starts late.
const LEAD: Duration = Duration::from_millis(20);

/// The sustain window W: recovered means that every operation intended in it is ok (measurement
/// definitions, section 2).
pub const SUSTAIN: Duration = Duration::from_secs(10);

/// The least number of operations k in the sustain window (measurement definitions, section 2).
pub const SUSTAIN_LEAST: u64 = 20;

/// What the lanes share.
pub struct Shared {
    live: Mutex<Live>,
    sink: Sink,
}

impl Shared {
    /// Records a finished operation.
    pub fn record(&self, heard: Heard) {
        lock(&self.live).see(&heard.op);
        (self.sink)(heard);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The running load.
pub struct Load {
    shared: Arc<Shared>,
    pacer: Pacer,
    workers: Vec<JoinHandle<()>>,
    emitter: Emitter,
    longest_timeout: Duration,
}

impl Load {
    /// Starts the lanes.
    pub fn start(
        planned: Vec<PlannedLane>,
        app: Option<&AppClients>,
        running: &SharedRunning,
        emitter: &Emitter,
        sink: Sink,
    ) -> Self {
        let lanes: Vec<Lane> = planned.iter().map(|planned| planned.lane.clone()).collect();
        let shared = Arc::new(Shared {
            live: Mutex::new(Live::new(&lanes)),
            sink,
        });
        let mut workers = Vec::new();
        let mut paced = Vec::new();
        for planned in planned {
            let (due, queue) = unbounded_channel();
            let dispatch = Dispatch {
                lane: planned.lane.clone(),
                budget: planned.budget,
                make: maker(planned.lane.clone(), app, running),
                shared: shared.clone(),
                clock: emitter.clock(),
            };
            workers.push(tokio::spawn(dispatch.work(queue)));
            paced.push((planned, due));
        }
        let service = lanes.iter().filter(|lane| lane.group == Group::Service);
        let longest_timeout = service.map(|lane| lane.timeout).max().unwrap_or_default();
        emitter.say(What::Clients(lanes));
        let pacer = Pacer::start(&paced, emitter.now().after(LEAD), emitter.clone());
        Self {
            shared,
            pacer,
            workers,
            emitter: emitter.clone(),
            longest_timeout,
        }
    }

    /// What the clients see at the moment.
    pub fn live<T>(&self, look: impl FnOnce(&Live) -> T) -> T {
        look(&lock(&self.shared.live))
    }

    /// The longest timeout of a service lane: that long after its intended time, an operation is known.
    pub fn longest_timeout(&self) -> Duration {
        self.longest_timeout
    }

    /// Stops, once every operation in flight is done; each ends by its own timeout. Returns how many operations of
    /// service lanes were acknowledged after their lane's last failure.
    pub async fn stop(self) -> u64 {
        let stopping = async {
            let due = self.pacer.stop();
            for worker in self.workers {
                // A worker that panicked leaves a gap in its lane, which makes the run inconclusive.
                let _ = worker.await;
            }
            due
        };
        let (at, due) = self.emitter.time(stopping).await;
        self.emitter.say_at(at, What::ClientsStopped);
        if let Some(operations) = due {
            self.emitter.say_at(at, What::Due { operations });
        }
        lock(&self.shared.live).sound()
    }
}

fn maker(lane: Lane, app: Option<&AppClients>, running: &SharedRunning) -> MakeClient {
    let running = running.clone();
    match (lane.group, app.cloned()) {
        (Group::App, Some(app)) => Arc::new(move || running.app_client(&lane, &app)),
        (
            Group::App
            | Group::Service
            | Group::Pinned
            | Group::Register
            | Group::Transfer
            | Group::List,
            _,
        ) => Arc::new(move || running.client(&lane)),
    }
}
