//! The clients of the made-up run: their lanes and what they were told.

use std::time::Duration;

use crate::{
    history::{Access, Draft, Group, History, Lane, Op, Outcome},
    id::LaneId,
    seed::Seed,
    time::Nanos,
};

use super::{FAULT, node};

/// From when on the new primary answers.
const BACK: u64 = 21_196_000_000;
const START: u64 = 6_500_000_000;
const HEAL: u64 = 32_000_000_000;
const STOP: u64 = 38_000_000_000;

/// The lanes: four that write, two that read, three pinned.
pub fn lanes() -> Vec<Lane> {
    let lane = |id: u16, name: &str, group, access, ms| Lane {
        id: LaneId(id),
        name: name.into(),
        group,
        access,
        fresh: false,
        reads: (access == Access::Read).then_some(LaneId(0)),
        pinned: None,
        shard: None,
        keys: None,
        interval: Duration::from_millis(ms),
        timeout: Duration::from_millis(500),
        objective: None,
    };
    let mut lanes: Vec<Lane> = (0..4)
        .map(|i| {
            lane(
                i,
                &format!("write-{}", i + 1),
                Group::Service,
                Access::Write,
                40,
            )
        })
        .collect();
    for i in 0..2 {
        lanes.push(lane(
            4 + i,
            &format!("read-{}", i + 1),
            Group::Service,
            Access::Read,
            40,
        ));
    }
    for i in 0..3 {
        let mut pinned = lane(
            6 + i,
            &format!("pinned-redis{}", i + 1),
            Group::Pinned,
            Access::Write,
            100,
        );
        pinned.pinned = Some(node(&format!("redis{}", i + 1)));
        lanes.push(pinned);
    }
    lanes
}

/// The last write of lane `write-3` that was acknowledged before the fault.
pub fn lost_write() -> (LaneId, u64) {
    (LaneId(2), 266)
}

/// Classes of errors in the history.
const ERRORS: [&str; 4] = [
    "connection reset",
    "connection refused",
    "timed out",
    "read only replica",
];

/// The operations.
pub fn history() -> History {
    let mut noise = Seed(42).stream("sample");
    let mut history = Draft {
        errors: ERRORS.map(str::to_owned).into(),
        ..Draft::default()
    };
    for lane in lanes() {
        let step = lane.interval.as_nanos() as u64;
        let offset = u64::from(lane.id.0) * step / 9;
        let mut seq = 0;
        while START + offset + seq * step < STOP {
            let intended = START + offset + seq * step;
            history.ops.push(op(&lane, seq, intended, noise.unit()));
            seq += 1;
        }
    }
    History::from(history)
}

fn op(lane: &Lane, seq: u64, intended: u64, noise: f64) -> Op {
    let (outcome, error, latency) = match lane.group {
        Group::Pinned => pinned_outcome(lane, intended),
        Group::Service | Group::App | Group::Register | Group::Transfer | Group::List => {
            service_outcome(lane, intended, noise)
        }
    };
    let ms = |ms: f64| Nanos(intended + (ms * 1e6) as u64);
    let sent = (outcome != Outcome::Shed).then(|| ms(0.05 + noise * 0.2));
    let node = if intended < FAULT.high.0 { 0 } else { 1 };
    Op {
        lane: lane.id,
        seq,
        intended: Nanos(intended),
        sent,
        done: sent.map(|_| ms(latency)),
        outcome,
        error,
        node: (outcome == Outcome::Ok).then_some(match lane.group {
            Group::Pinned => lane.id.0 - 6,
            Group::Service | Group::App | Group::Register | Group::Transfer | Group::List => node,
        }),
        version: (outcome == Outcome::Ok && lane.access == Access::Read).then_some(seq),
    }
}

fn service_outcome(lane: &Lane, intended: u64, noise: f64) -> (Outcome, Option<u16>, f64) {
    let usual = 0.6 + noise * noise * 2.5 + if noise > 0.985 { 9.0 } else { 0.0 };
    let since = intended.saturating_sub(FAULT.low.0);
    if intended < FAULT.low.0 {
        (Outcome::Ok, None, usual)
    } else if intended >= BACK {
        let warm = intended - BACK;
        let extra = if warm < 400_000_000 {
            24.0 * (1.0 - warm as f64 / 4e8)
        } else {
            0.0
        };
        (Outcome::Ok, None, usual + extra + 0.3)
    } else if since < 40_000_000 {
        (Outcome::Info, Some(0), 11.0 + noise)
    } else if lane.id.0 == 1 && (1_000_000_000..1_600_000_000).contains(&since) {
        (Outcome::Shed, None, 0.0)
    } else if noise > 0.93 {
        (Outcome::Info, Some(2), 500.4)
    } else if intended > 20_904_000_000 {
        (Outcome::Fail, Some(3), 1.1 + noise)
    } else {
        (Outcome::Fail, Some(1), 0.5 + noise * 0.7)
    }
}

fn pinned_outcome(lane: &Lane, intended: u64) -> (Outcome, Option<u16>, f64) {
    match lane.id.0 {
        6 if intended < FAULT.low.0 => (Outcome::Ok, None, 0.9),
        6 if intended < HEAL + 400_000_000 => (Outcome::Fail, Some(1), 0.4),
        7 if intended > 20_904_000_000 => (Outcome::Ok, None, 0.9),
        _ => (Outcome::Conflict, Some(3), 0.7),
    }
}
