//! How many operations a second are ok and not ok, for the line that a person watches.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use drdrill::{
    history::{Group, Op, Outcome},
    record::{Event, What},
    report::Counters,
};

/// Operations per outcome since the last look, of the lanes that measure the service or the application.
#[derive(Default)]
pub struct Counts {
    ok: AtomicU64,
    not_ok: AtomicU64,
    /// By lane number; pinned probes fail at nodes that are down while the service is well.
    counted: OnceLock<Vec<bool>>,
}

impl Counts {
    /// Learns from the clients' start which lanes count.
    pub fn heard(&self, event: &Event) {
        if let What::Clients(lanes) = &event.what {
            let service = lanes.iter().map(|lane| lane.group != Group::Pinned);
            self.counted.get_or_init(|| service.collect());
        }
    }

    /// Counts an operation.
    pub fn count(&self, op: &Op) {
        let lanes = self.counted.get();
        if lanes.and_then(|lanes| lanes.get(usize::from(op.lane.0))) != Some(&true) {
            return;
        }
        let counter = if op.outcome == Outcome::Ok {
            &self.ok
        } else {
            &self.not_ok
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted since the last time, a second.
    pub fn rates(&self, elapsed: Duration) -> Counters {
        let rate = |counter: &AtomicU64| {
            let count = counter.swap(0, Ordering::Relaxed);
            (count as f64 / elapsed.as_secs_f64()).round() as u64
        };
        Counters {
            ok: rate(&self.ok),
            not_ok: rate(&self.not_ok),
        }
    }
}
