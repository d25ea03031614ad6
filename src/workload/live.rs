//! What the clients see at the moment: for progress, and for waiting until the service has recovered.

use std::time::Duration;

use crate::{
    history::{Group, Lane, Op, Outcome},
    time::Nanos,
};

/// Counts since the clients started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LiveCounts {
    /// ok operations of service and app lanes.
    pub ok: u64,
    /// Operations of service and app lanes that were not ok and no conflict.
    pub failed: u64,
}

/// The state of each lane, kept while the clients run.
#[derive(Debug, Default)]
pub struct Live {
    lanes: Vec<LaneLive>,
    counts: LiveCounts,
}

#[derive(Debug, Clone)]
struct LaneLive {
    service: bool,
    counted: bool,
    timeout: Duration,
    last_failed: Option<Nanos>,
    /// Available operations intended after the last failure.
    good: u64,
    /// Those of them that were acknowledged.
    sound: u64,
    latest_good: Nanos,
}

impl Live {
    /// Starts with these lanes.
    pub fn new(lanes: &[Lane]) -> Self {
        let lane = |lane: &Lane| LaneLive {
            service: lane.group == Group::Service,
            counted: lane.group.appends(),
            timeout: lane.timeout,
            last_failed: None,
            good: 0,
            sound: 0,
            latest_good: Nanos::default(),
        };
        Self {
            lanes: lanes.iter().map(lane).collect(),
            counts: LiveCounts::default(),
        }
    }

    /// Takes note of an operation.
    pub fn see(&mut self, op: &Op) {
        let Some(lane) = self.lanes.get_mut(usize::from(op.lane.0)) else {
            return;
        };
        let good = op.outcome.available();
        if lane.counted {
            self.counts.ok += u64::from(op.outcome == Outcome::Ok);
            self.counts.failed += u64::from(!good);
        }
        if !good {
            lane.last_failed = lane.last_failed.max(Some(op.intended));
            lane.good = 0;
            lane.sound = 0;
        } else if lane.last_failed.is_none_or(|failed| op.intended > failed) {
            lane.good += 1;
            lane.sound += u64::from(op.outcome == Outcome::Ok);
            lane.latest_good = lane.latest_good.max(op.intended);
        }
    }

    /// Counts since the start.
    pub fn counts(&self) -> LiveCounts {
        self.counts
    }

    /// Whether every service lane has been ok for the sustain window, with at least `least` operations,
    /// since its last failure or `since`, whichever is later.
    pub fn sustained(&self, since: Nanos, now: Nanos, sustain: Duration, least: u64) -> bool {
        self.lanes.iter().filter(|lane| lane.service).all(|lane| {
            let from = lane.last_failed.map_or(since, |failed| failed.max(since));
            // An operation intended at the window's end is known one timeout later.
            now >= from.after(sustain + lane.timeout)
                && lane.good >= least
                && lane.latest_good >= from.after(sustain).before(lane.timeout)
        })
    }

    /// Operations of service lanes that were acknowledged after their lane's last failure; 0 if a lane has none.
    pub fn sound(&self) -> u64 {
        let service = || self.lanes.iter().filter(|lane| lane.service);
        if service().any(|lane| lane.sound == 0) {
            return 0;
        }
        service().map(|lane| lane.sound).sum()
    }

    /// Whether every service lane's latest operations were ok.
    pub fn healthy(&self, least: u64) -> bool {
        self.lanes
            .iter()
            .filter(|lane| lane.service)
            .all(|lane| lane.good >= least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{history::Access, id::LaneId};

    const MS: u64 = 1_000_000;

    fn live() -> Live {
        Live::new(&[Lane {
            id: LaneId(0),
            name: "write-1".into(),
            group: Group::Service,
            access: Access::Write,
            fresh: false,
            reads: None,
            pinned: None,
            shard: None,
            keys: None,
            interval: Duration::from_millis(100),
            timeout: Duration::from_millis(500),
            objective: None,
        }])
    }

    fn op(at_ms: u64, outcome: Outcome) -> Op {
        Op {
            lane: LaneId(0),
            seq: at_ms / 100,
            intended: Nanos(at_ms * MS),
            sent: None,
            done: None,
            outcome,
            error: None,
            node: None,
            version: None,
        }
    }

    #[test]
    fn recovery_is_sustained_only_after_the_whole_window() {
        let mut live = live();
        live.see(&op(1000, Outcome::Info));
        for at in (1100..=3000).step_by(100) {
            live.see(&op(at, Outcome::Ok));
        }
        let sustain = Duration::from_secs(2);
        assert!(live.sustained(Nanos(0), Nanos(3500 * MS), sustain, 20));
        assert!(
            !live.sustained(Nanos(0), Nanos(3499 * MS), sustain, 20),
            "too early"
        );
        assert!(
            !live.sustained(Nanos(0), Nanos(3500 * MS), sustain, 21),
            "too few"
        );
        live.see(&op(3100, Outcome::Fail));
        assert!(
            !live.sustained(Nanos(0), Nanos(9000 * MS), sustain, 20),
            "failed again"
        );
    }

    #[test]
    fn a_late_answer_to_an_earlier_operation_does_not_count_as_recovery() {
        let mut live = live();
        live.see(&op(1000, Outcome::Fail));
        live.see(&op(900, Outcome::Ok));
        assert!(!live.healthy(1));
        assert_eq!(live.sound(), 0);
    }

    #[test]
    fn only_what_was_acknowledged_after_the_last_failure_is_sound() {
        let mut live = live();
        for at in (1000..=1400).step_by(100) {
            live.see(&op(at, Outcome::Ok));
        }
        assert_eq!(live.sound(), 5);
        live.see(&op(1500, Outcome::Info));
        assert_eq!(live.sound(), 0);
        live.see(&op(1600, Outcome::Ok));
        live.see(&op(1700, Outcome::Conflict));
        assert_eq!(live.sound(), 1);
    }
}
