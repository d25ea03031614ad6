//! How many operations a second are ok and not ok, for the line that a person watches.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    history::{Op, Outcome},
    record::{Event, What},
    report::Counters,
};

/// Operations per outcome since the last look, of the lanes that measure the service or the application.
#[derive(Default)]
pub(super) struct Counts {
    ok: AtomicU64,
    not_ok: AtomicU64,
    /// By lane number; pinned probes fail at nodes that are down while the service is well.
    counted: OnceLock<Vec<bool>>,
}

impl Counts {
    /// Learns from the clients' start which lanes count.
    pub(super) fn heard(&self, event: &Event) {
        if let What::Clients(lanes) = &event.what {
            let service = lanes.iter().map(|lane| lane.group.appends());
            self.counted.get_or_init(|| service.collect());
        }
    }

    /// Counts an operation.
    pub(super) fn count(&self, op: &Op) {
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
    pub(super) fn rates(&self, elapsed: Duration) -> Counters {
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

#[cfg(test)]
mod tests {
    use crate::{
        history::{Access, Group, Lane},
        id::LaneId,
        time::{Bracket, Nanos},
    };

    use super::*;

    fn lane(id: u16, group: Group) -> Lane {
        Lane {
            id: LaneId(id),
            name: format!("lane-{id}"),
            group,
            access: Access::Write,
            fresh: false,
            reads: None,
            pinned: None,
            shard: None,
            keys: None,
            interval: Duration::from_millis(50),
            timeout: Duration::from_secs(1),
            objective: None,
        }
    }

    fn op(lane: u16, outcome: Outcome) -> Op {
        Op {
            lane: LaneId(lane),
            seq: 0,
            intended: Nanos(0),
            sent: None,
            done: None,
            outcome,
            error: None,
            node: None,
            version: None,
        }
    }

    #[test]
    fn a_rate_is_of_the_time_since_the_last_look_and_without_pinned_probes() {
        let counts = Counts::default();
        let groups = [Group::Service, Group::App, Group::Pinned, Group::Register];
        let lanes = (0..).zip(groups).map(|(id, group)| lane(id, group));
        // Before the clients have started, there is nothing to count.
        counts.count(&op(0, Outcome::Ok));
        counts.heard(&Event {
            at: Bracket::at(Nanos(0)),
            what: What::Clients(lanes.collect()),
        });
        for _ in 0..3 {
            counts.count(&op(0, Outcome::Ok));
            counts.count(&op(1, Outcome::Info));
            counts.count(&op(2, Outcome::Fail));
        }
        counts.count(&op(1, Outcome::Ok));
        let half = Duration::from_millis(500);
        let (ok, not_ok) = (8, 6);
        assert_eq!(counts.rates(half), Counters { ok, not_ok });
        assert_eq!(counts.rates(half), Counters { ok: 0, not_ok: 0 });
    }
}
