//! Says when each operation is due, from a thread of its own so that nothing else delays it.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use tokio::sync::mpsc::UnboundedSender;

use crate::{
    record::{Emitter, What},
    time::{Bracket, Nanos},
};

use super::PlannedLane;

/// Waking later than this is recorded: it is a tenth of the shortest usual probe interval.
const STALL_MIN: Duration = Duration::from_millis(4);

/// The longest sleep, so that a stop is noticed.
const NAP: Duration = Duration::from_millis(50);

/// An operation that is due.
#[derive(Debug, Clone, Copy)]
pub struct Due {
    /// Its number.
    pub seq: u64,
    /// When it was to start.
    pub intended: Nanos,
}

/// The pacer's thread.
pub struct Pacer {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<u64>>,
}

impl Pacer {
    /// Starts pacing lanes from `start` on; lanes are spread over their interval so that they do not
    /// fire together.
    pub fn start(
        lanes: &[(PlannedLane, UnboundedSender<Due>)],
        start: Nanos,
        emitter: Emitter,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let count = lanes.len().max(1) as u64;
        let lanes: Vec<Beat> = (0u64..)
            .zip(lanes)
            .map(|(index, (planned, due))| {
                let interval = Nanos::from_duration(planned.lane.interval).0.max(1);
                Beat {
                    first: start.0 + interval * index / count,
                    interval,
                    due: due.clone(),
                }
            })
            .collect();
        let thread = std::thread::Builder::new()
            .name("pacer".into())
            .spawn({
                let stop = stop.clone();
                move || pace(&lanes, &stop, &emitter)
            })
            .expect("a thread can be started");
        Self { stop, thread }
    }

    /// Stops; no operation is due afterwards. How many were due of each lane; none where the pacer panicked, and the gap
    /// shows in the history.
    pub fn stop(self) -> Option<Vec<u64>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().ok()
    }
}

struct Beat {
    first: u64,
    interval: u64,
    due: UnboundedSender<Due>,
}

/// How many operations of each lane were due.
fn pace(lanes: &[Beat], stop: &AtomicBool, emitter: &Emitter) -> Vec<u64> {
    let mut queue: BinaryHeap<Reverse<(u64, usize, u64)>> = lanes
        .iter()
        .enumerate()
        .map(|(lane, beat)| Reverse((beat.first, lane, 0)))
        .collect();
    let mut reported = Nanos::default();
    let mut due = vec![0; lanes.len()];
    while let Some(Reverse((at, lane, seq))) = queue.pop() {
        let intended = Nanos(at);
        if !sleep_until(intended, stop, emitter) {
            break;
        }
        let now = emitter.now();
        if now.since(intended) > STALL_MIN && intended >= reported {
            emitter.say_at(
                Bracket {
                    low: intended,
                    high: now,
                },
                What::Stalled {
                    by: now.since(intended),
                },
            );
            reported = now;
        }
        let beat = &lanes[lane];
        if beat.due.send(Due { seq, intended }).is_err() {
            break;
        }
        due[lane] = seq + 1;
        queue.push(Reverse((at + beat.interval, lane, seq + 1)));
    }
    due
}

/// Sleeps until a moment; `false` when told to stop.
fn sleep_until(moment: Nanos, stop: &AtomicBool, emitter: &Emitter) -> bool {
    loop {
        if stop.load(Ordering::Relaxed) {
            return false;
        }
        let left = moment.since(emitter.now());
        if left.is_zero() {
            return true;
        }
        std::thread::sleep(left.min(NAP));
    }
}
