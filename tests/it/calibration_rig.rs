//! Where tests of calibration run their drills, and a harness broken on purpose.

use std::time::Duration;

use drdrill::{
    calibrate::Field,
    drill::Stop,
    history::{Draft, Outcome},
    id::LaneId,
    record::Record,
    session::{Host, Observed},
    time::{Bracket, Nanos},
};

use crate::drill_rig::DRDRILL;

/// Processes on this machine, their state in a folder of the test's own.
pub struct Processes {
    _state: tempfile::TempDir,
    host: Host,
}

impl Processes {
    pub fn new() -> Self {
        let state = tempfile::tempdir().expect("a folder");
        Self {
            host: Host::new(state.path(), DRDRILL),
            _state: state,
        }
    }
}

impl Field for Processes {
    fn host(&self) -> &Host {
        &self.host
    }

    fn stop(&self) -> Stop {
        Stop::default()
    }

    fn again(&self, _: u32) -> bool {
        true
    }

    fn say(&self, text: &str) {
        println!("{text}");
    }
}

/// A harness broken on purpose, as what it would have recorded of the same run.
#[derive(Debug, Clone, Copy)]
pub enum Mutant {
    /// A lane's next operation waits for the one before and is taken for due then.
    ClosedLoop,
    /// Operations that may have been applied are not recorded.
    DroppedInfo,
    /// Times come from a wall clock, which is set forward by 400 ms a second after the event.
    WallClock,
    /// What may have been applied is taken for acknowledged.
    InfoIsOk,
    /// One lane is ignored.
    LaneIgnored,
}

impl Mutant {
    pub const ALL: [Self; 5] = [
        Self::ClosedLoop,
        Self::DroppedInfo,
        Self::WallClock,
        Self::InfoIsOk,
        Self::LaneIgnored,
    ];

    /// What it would have recorded.
    pub fn of(self, observed: &Observed) -> Observed {
        let mut record = observed.record.clone();
        let mut history = observed.history.draft();
        match self {
            Self::ClosedLoop => closed_loop(&record, &mut history),
            Self::DroppedInfo => history.ops.retain(|op| op.outcome != Outcome::Info),
            Self::WallClock => wall_clock(&mut record, &mut history),
            Self::InfoIsOk => {
                for op in &mut history.ops {
                    if op.outcome == Outcome::Info {
                        op.outcome = Outcome::Ok;
                    }
                }
            }
            // The second write lane, which no read lane reads.
            Self::LaneIgnored => history.ops.retain(|op| op.lane != LaneId(1)),
        }
        Observed {
            record,
            history: history.into(),
            logs: observed.logs.clone(),
        }
    }
}

fn closed_loop(record: &Record, history: &mut Draft) {
    for lane in &record.lanes {
        let mut free = Nanos(0);
        for op in history.ops.iter_mut().filter(|op| op.lane == lane.id) {
            let wait = free.since(op.intended);
            op.intended = op.intended.after(wait);
            op.sent = op.sent.map(|sent| sent.after(wait));
            op.done = op.done.map(|done| done.after(wait));
            free = op.done.unwrap_or(op.intended);
        }
    }
}

fn wall_clock(record: &mut Record, history: &mut Draft) {
    let Some((at, _)) = record.headline() else {
        return;
    };
    let set = at.high.after(Duration::from_secs(1));
    let show = |moment: Nanos| {
        if moment > set {
            moment.after(Duration::from_millis(400))
        } else {
            moment
        }
    };
    for op in &mut history.ops {
        op.intended = show(op.intended);
        op.sent = op.sent.map(show);
        op.done = op.done.map(show);
    }
    for (at, _) in &mut record.disruptions {
        *at = Bracket {
            low: show(at.low),
            high: show(at.high),
        };
    }
    record.load = record.load.map(|(start, end)| (start, show(end)));
}
