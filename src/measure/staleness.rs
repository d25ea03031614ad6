//! How old reads were: each read against the first acknowledged write that it did not see.

use crate::{
    history::{Access, Group, History, Lane, Op, Outcome},
    id::LaneId,
    record::Record,
    time::{Nanos, Span},
};

use super::{Figure, Staleness};

/// Staleness over all read lanes that read a write lane; missing where no read says what it saw.
///
/// The write after version v is the first acknowledged one whose `seq` is v or more: what may not have
/// been applied cannot make a read stale. A lost write does: its readers got older data than a client
/// had been promised.
pub fn staleness(record: &Record, history: &History) -> Figure<Staleness> {
    let mut total = Staleness {
        worst: Span::ZERO,
        stale_reads: 0,
        reads: 0,
        monotonic_violations: 0,
        read_your_writes_violations: 0,
    };
    for lane in &record.lanes {
        let (Access::Read, Some(of)) = (lane.access, lane.reads) else {
            continue;
        };
        let Some(written) = record.lanes.get(usize::from(of.0)) else {
            continue;
        };
        if lane.group == Group::Pinned {
            continue;
        }
        add_lane(&mut total, lane, written, history);
    }
    if total.reads == 0 {
        Figure::Missing("no read says which version it saw".into())
    } else {
        Figure::Measured(total)
    }
}

/// A read that says what it saw.
#[derive(Debug, Clone, Copy)]
pub struct Read {
    sent: Nanos,
    done: Nanos,
    version: u64,
}

/// An acknowledged write.
#[derive(Debug, Clone, Copy)]
pub struct Written {
    seq: u64,
    sent: Nanos,
    done: Nanos,
}

fn add_lane(total: &mut Staleness, lane: &Lane, written: &Lane, history: &History) {
    let mut reads = answered(history, lane.id);
    let mut writes = acknowledged(history, written.id);
    for read in &reads {
        let span = missed(read, &writes);
        total.reads += 1;
        total.stale_reads += u64::from(span.low_ns > 0);
        total.worst = total.worst.max(span);
    }
    reads.sort_unstable_by_key(|read| read.sent);
    total.monotonic_violations += backwards(&reads);
    if lane.group == written.group {
        writes.sort_unstable_by_key(|write| write.done);
        total.read_your_writes_violations += missed_own(&reads, &writes);
    }
}

/// The reads of a lane that say what they saw.
pub fn answered(history: &History, lane: LaneId) -> Vec<Read> {
    history.lane(lane).iter().filter_map(read).collect()
}

/// The acknowledged writes of a lane, ascending by `seq`.
pub fn acknowledged(history: &History, lane: LaneId) -> Vec<Written> {
    history.lane(lane).iter().filter_map(write).collect()
}

/// `[s(r) - d(w_v+1), d(r) - s(w_v+1)]`; zero where the read saw every acknowledged write.
pub fn missed(read: &Read, writes: &[Written]) -> Span {
    let next = writes.partition_point(|write| write.seq < read.version);
    writes.get(next).map_or(Span::ZERO, |missed| {
        let low = read.sent.since(missed.done);
        Span::between(low, read.done.since(missed.sent))
    })
}

fn read(op: &Op) -> Option<Read> {
    (op.outcome == Outcome::Ok).then_some(())?;
    Some(Read {
        sent: op.sent?,
        done: op.done?,
        version: op.version?,
    })
}

fn write(op: &Op) -> Option<Written> {
    (op.outcome == Outcome::Ok).then_some(())?;
    Some(Written {
        seq: op.seq,
        sent: op.sent?,
        done: op.done?,
    })
}

/// Reads that saw less than a read that had ended before they were sent. `reads` ascend by `sent`.
fn backwards(reads: &[Read]) -> u64 {
    let mut ended: Vec<Read> = reads.to_vec();
    ended.sort_unstable_by_key(|read| read.done);
    let mut ended = ended.into_iter().peekable();
    let mut highest = 0;
    let mut violations = 0;
    for read in reads {
        while let Some(before) = ended.next_if(|before| before.done < read.sent) {
            highest = highest.max(before.version);
        }
        violations += u64::from(read.version < highest);
    }
    violations
}

/// Reads that did not see a write acknowledged before they were sent. `reads` ascend by `sent`,
/// `writes` by `done`.
fn missed_own(reads: &[Read], writes: &[Written]) -> u64 {
    let mut acknowledged = writes.iter().peekable();
    let mut needed = 0;
    let mut violations = 0;
    for read in reads {
        while let Some(write) = acknowledged.next_if(|write| write.done < read.sent) {
            needed = needed.max(write.seq + 1);
        }
        violations += u64::from(read.version < needed);
    }
    violations
}
