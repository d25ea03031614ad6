//! How old reads were: each read against the first acknowledged write that it did not see.

use crate::{
    history::{Access, History, Lane, Op, Ops, Outcome, by_time},
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
        if !lane.group.appends() {
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
struct Written {
    seq: u64,
    sent: Nanos,
    done: Nanos,
}

fn add_lane(total: &mut Staleness, lane: &Lane, written: &Lane, history: &History) {
    let (reads, writes) = (history.lane(lane.id), history.lane(written.id));
    let mut missed = Missed::of(writes);
    for read in answered(reads) {
        let span = missed.by(&read);
        total.reads += 1;
        total.stale_reads += u64::from(span.low_ns > 0);
        total.worst = total.worst.max(span);
    }
    total.monotonic_violations += backwards(reads);
    if lane.group == written.group {
        total.read_your_writes_violations += missed_own(reads, writes);
    }
}

/// The reads of a lane that say what they saw.
pub fn answered(reads: Ops<'_>) -> impl Iterator<Item = Read> {
    reads.iter().filter_map(|op| read(&op))
}

/// Looks up what reads missed of one lane's writes.
pub struct Missed<'a> {
    writes: Ops<'a>,
    /// A version, and the first acknowledged write from there on.
    found: Option<(u64, Option<Written>)>,
}

impl<'a> Missed<'a> {
    /// Of these writes.
    pub fn of(writes: Ops<'a>) -> Self {
        Self {
            writes,
            found: None,
        }
    }

    /// `[s(r) - d(w_v+1), d(r) - s(w_v+1)]`; zero where the read saw every acknowledged write.
    pub fn by(&mut self, read: &Read) -> Span {
        let next = self.next(read.version);
        next.map_or(Span::ZERO, |missed| {
            let low = read.sent.since(missed.done);
            Span::between(low, read.done.since(missed.sent))
        })
    }

    /// The first acknowledged write of this number or a higher one.
    fn next(&mut self, version: u64) -> Option<Written> {
        let known = self
            .found
            .filter(|(from, next)| *from <= version && next.is_none_or(|next| version <= next.seq));
        if let Some((_, next)) = known {
            return next;
        }
        let later = self.writes.skip(self.writes.before(version));
        let next = later.iter().find_map(|op| write(&op));
        self.found = Some((version, next));
        next
    }
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

/// The versions that reads saw, by their start.
fn by_start(reads: Ops<'_>) -> impl Iterator<Item = (Nanos, u64)> {
    by_time(reads.iter(), |op| {
        read(op).map(|read| (read.sent, read.version))
    })
}

/// Reads that saw less than a read that had ended before they were sent.
fn backwards(reads: Ops<'_>) -> u64 {
    let ended = by_time(reads.iter(), |op| {
        read(op).map(|read| (read.done, read.version))
    });
    older(by_start(reads), ended)
}

/// Reads that did not see a write acknowledged before they were sent.
fn missed_own(reads: Ops<'_>, writes: Ops<'_>) -> u64 {
    let acknowledged = by_time(writes.iter(), |op| {
        write(op).map(|write| (write.done, write.seq + 1))
    });
    older(by_start(reads), acknowledged)
}

/// Reads, by their start, that saw a lower version than one that was known before.
fn older(
    reads: impl Iterator<Item = (Nanos, u64)>,
    known: impl Iterator<Item = (Nanos, u64)>,
) -> u64 {
    let mut known = known.peekable();
    let mut needed = 0;
    let mut violations = 0;
    for (sent, version) in reads {
        while let Some((_, before)) = known.next_if(|(at, _)| *at < sent) {
            needed = needed.max(before);
        }
        violations += u64::from(version < needed);
    }
    violations
}
