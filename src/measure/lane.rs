//! How an operation of a lane counts for time, and how long a lane must stay well to be recovered.

use std::time::Duration;

use crate::{
    history::{Access, Group, Lane, Op, Ops, Outcome},
    record::Record,
    time::Nanos,
};

/// W: a recovery counts once every operation over this long is available. `docs/measurement.md`, section 2.
pub const SUSTAIN: Duration = Duration::from_secs(10);

/// k: and once at least so many operations are. `docs/measurement.md`, section 2.
pub const SUSTAIN_OPS: u32 = 20;

/// W of one lane: `SUSTAIN`, or as long as a slower lane needs for `SUSTAIN_OPS` operations and one more.
pub fn sustain(lane: &Lane) -> Duration {
    SUSTAIN.max(lane.interval * (SUSTAIN_OPS + 1))
}

/// Whether the operation shows the service available; in an app lane only within its objective.
pub fn is_available(lane: &Lane, op: &Op) -> bool {
    op.outcome.available() && in_time(lane, op)
}

/// Whether the operation was acknowledged; in an app lane only within its objective.
pub fn is_ok(lane: &Lane, op: &Op) -> bool {
    op.outcome == Outcome::Ok && in_time(lane, op)
}

fn in_time(lane: &Lane, op: &Op) -> bool {
    match (lane.objective, op.done) {
        (Some(objective), Some(done)) => done.since(op.intended) <= objective,
        (Some(_), None) => false,
        (None, _) => true,
    }
}

/// The latest moment that the operation tells of: its end, or its intended time when shed.
pub fn effect(op: &Op) -> Nanos {
    op.done.unwrap_or(op.intended)
}

/// Whether every operation intended up to and including `until` is in the history.
pub fn covers(lane: &Lane, ops: Ops<'_>, until: Nanos) -> bool {
    ops.last()
        .is_some_and(|last| until < last.intended.after(lane.interval))
}

/// Lanes of one group, of one kind of access or of both.
pub fn lanes(
    record: &Record,
    group: Group,
    access: Option<Access>,
) -> impl Iterator<Item = &Lane> + Clone {
    record
        .lanes
        .iter()
        .filter(move |lane| lane.group == group && access.is_none_or(|a| a == lane.access))
}

/// The lanes whose acknowledged writes must survive: of service and app lanes.
pub fn write_lanes(record: &Record) -> impl Iterator<Item = &Lane> + Clone {
    record
        .lanes
        .iter()
        .filter(|lane| lane.group.appends() && lane.access == Access::Write)
}
