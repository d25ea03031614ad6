//! The outages of one lane: from a first non-ok operation to the last before a sustained recovery.

use std::time::Duration;

use crate::{
    history::{Lane, Op, Ops},
    time::{Bracket, Nanos},
};

use super::lane::{SUSTAIN_OPS, covers, effect, is_available, is_ok, sustain};

/// One outage of one lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// How many events had begun when its first non-ok operation ended; it belongs to the last of them, 0 to none.
    pub event: usize,
    /// The latest event that any of its operations belongs to: events up to it are part of the outage.
    pub newest: usize,
    /// Index of its first non-ok operation.
    pub first: usize,
    /// Index of its last non-ok operation, n.
    pub last: usize,
    /// When that one was to start, i(n).
    pub last_intended: Nanos,
    /// Non-ok operations in it.
    pub failed: u64,
    /// Start of the last ok operation that had ended before its first non-ok one was sent (the lane's first
    /// intended time if none), end of the first non-ok operation that was sent.
    pub onset: Bracket,
    /// Start of the last non-ok operation that was sent; none when all were shed.
    pub last_sent: Option<Nanos>,
    /// When its latest non-ok operation ended, in whatever order they did.
    pub latest: Nanos,
    /// How it ended.
    pub end: End,
}

/// How an outage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// A sustained recovery, and `d*`.
    Recovered(Nanos),
    /// The lane's history ends before a recovery was sustained.
    Unseen,
    /// An operation was answered, and another event struck before the recovery was sustained.
    Struck {
        /// `d*` of what followed, if that was seen: the lane was well for W from then on, so that this was over too.
        over_by: Option<Nanos>,
    },
}

impl Outage {
    /// `d*`, if a sustained recovery was seen.
    pub fn recovered(&self) -> Option<Nanos> {
        match self.end {
            End::Recovered(at) => Some(at),
            End::Unseen | End::Struck { .. } => None,
        }
    }

    /// The latest that it can have ended: `d*`, or that of what followed where another event struck.
    pub fn over_by(&self) -> Option<Nanos> {
        match self.end {
            End::Recovered(at) => Some(at),
            End::Struck { over_by } => over_by,
            End::Unseen => None,
        }
    }

    /// The service time that certainly lies in the outage, from the end of its onset.
    pub fn shortest(&self) -> Duration {
        self.last_sent
            .map_or(Duration::ZERO, |last| last.since(self.onset.high))
    }
}

/// All outages of a lane in intended order. `events` holds each event's `t-`, ascending.
///
/// A non-ok operation belongs to the last event that had begun by its end; an outage to that of its
/// first, unless it was over (`d*`) before that event. An event that strikes while
/// no operation has been answered since the last non-ok is part of that outage; one that strikes after
/// an answer ends the observation of the outage and may begin another. Linear but for one binary search
/// per outage.
pub fn outages(lane: &Lane, ops: Ops<'_>, events: &[Nanos]) -> Vec<Outage> {
    let event_of = |op: &Op| events.partition_point(|begun| *begun <= effect(op));
    let mut found: Vec<Outage> = Vec::new();
    let mut open: Option<Outage> = None;
    let mut newest_ok: Option<usize> = None;
    let mut next_ok = NextOk::default();
    for (index, op) in ops.iter().enumerate() {
        if is_available(lane, &op) {
            newest_ok = if is_ok(lane, &op) {
                Some(index)
            } else {
                newest_ok
            };
            continue;
        }
        if let Some(outage) = open.take() {
            let next = (&op, event_of(&op));
            match end_before(lane, ops, &outage, next, events, &mut next_ok) {
                Some(end) => found.push(Outage { end, ..outage }),
                None => open = Some(outage),
            }
        }
        let outage = open.get_or_insert_with(|| {
            let before = newest_ok.and_then(|ok| well_before(lane, ops.part(0..ok + 1), &op));
            begin(ops, index, event_of(&op), before)
        });
        extend(outage, index, event_of(&op), &op);
    }
    if let Some(outage) = open {
        let end = sustained(lane, ops, &outage, &mut next_ok).unwrap_or(End::Unseen);
        found.push(Outage { end, ..outage });
    }
    bound_struck(&mut found);
    for outage in &mut found {
        close_onset(outage, ops);
        if let End::Recovered(at) = outage.end {
            outage.event = outage
                .event
                .min(events.partition_point(|begun| *begun <= at));
        }
    }
    found
}

/// An outage that an event struck before its recovery was sustained is followed by another: when that one was over, both were.
fn bound_struck(outages: &mut [Outage]) {
    let mut next = None;
    for outage in outages.iter_mut().rev() {
        if let End::Struck { over_by } = &mut outage.end {
            *over_by = next;
        }
        next = outage.over_by();
    }
}

/// An onset whose upper end no operation has given yet.
const OPEN: Nanos = Nanos(u64::MAX);

fn begin(ops: Ops<'_>, index: usize, event: usize, before: Option<Nanos>) -> Outage {
    let begun = || ops.first().map_or(Nanos(0), |op| op.intended);
    Outage {
        event,
        newest: event,
        first: index,
        last: index,
        last_intended: Nanos(0),
        failed: 0,
        onset: Bracket {
            low: before.unwrap_or_else(begun),
            high: OPEN,
        },
        last_sent: None,
        latest: Nanos(0),
        end: End::Unseen,
    }
}

/// When the last ok operation of `before` was sent that had ended before `op` was sent: an answer that
/// came later may come from after the outage.
pub fn well_before(lane: &Lane, before: Ops<'_>, op: &Op) -> Option<Nanos> {
    let start = op.sent.unwrap_or(op.intended);
    before
        .iter()
        .rev()
        .find(|op| is_ok(lane, op) && op.done.is_some_and(|done| done <= start))
        .and_then(|op| op.sent)
}

fn extend(outage: &mut Outage, index: usize, event: usize, op: &Op) {
    outage.last = index;
    outage.last_intended = op.intended;
    outage.newest = outage.newest.max(event);
    outage.failed += 1;
    outage.latest = outage.latest.max(effect(op));
    if op.sent.is_some() {
        outage.last_sent = op.sent;
    }
    if let (OPEN, Some(done)) = (outage.onset.high, op.done) {
        outage.onset.high = done;
    }
}

/// An outage of shed operations alone has no end of its onset but its own end.
fn close_onset(outage: &mut Outage, ops: Ops<'_>) {
    if outage.onset.high == OPEN {
        let last = ops.last().map_or(OPEN, |op| effect(&op));
        outage.onset.high = outage.recovered().unwrap_or(last);
    }
}

/// How the outage ended before the non-ok operation `next`, if it did.
fn end_before(
    lane: &Lane,
    ops: Ops<'_>,
    outage: &Outage,
    (next, event): (&Op, usize),
    events: &[Nanos],
    next_ok: &mut NextOk,
) -> Option<End> {
    let until = outage.last_intended.after(sustain(lane));
    if next.intended > until
        && let Some(end) = sustained(lane, ops, outage, next_ok)
    {
        return Some(end);
    }
    let struck = event > outage.newest && answered_before(lane, ops, outage, events[event - 1]);
    struck.then_some(End::Struck { over_by: None })
}

/// Whether an operation intended after n was answered before `moment`. Looks only at operations
/// intended before it, so that a long outage across an event stays linear.
fn answered_before(lane: &Lane, ops: Ops<'_>, outage: &Outage, moment: Nanos) -> bool {
    let not_before = outage.last_sent.unwrap_or_default();
    ops.skip(outage.last + 1)
        .iter()
        .take_while(|op| op.intended < moment)
        .any(|op| {
            is_ok(lane, &op)
                && op.sent.is_some_and(|sent| sent >= not_before)
                && op.done.is_some_and(|done| done < moment)
        })
}

/// Whether every operation of `(i(n), i(n)+W]` is there and at least k of them; the caller has made
/// sure that none of them is non-ok.
fn sustained(lane: &Lane, ops: Ops<'_>, outage: &Outage, next_ok: &mut NextOk) -> Option<End> {
    let until = outage.last_intended.after(sustain(lane));
    let after = ops.skip(outage.last + 1);
    let count = after.partition_point(|op| op.intended <= until);
    if count < SUSTAIN_OPS as usize || !covers(lane, ops, until) {
        return None;
    }
    first_ok(lane, ops, outage, next_ok).map(End::Recovered)
}

/// Where a lane's next ok operation is: a long time of conflicts is looked through once, however many outages lie in it.
#[derive(Debug, Default)]
pub(super) struct NextOk {
    /// From this place on there is none before the other one.
    known: Option<(usize, usize)>,
}

impl NextOk {
    /// The first place from this one on that holds an ok operation, else the lane's end. Places must ascend.
    pub fn from(&mut self, lane: &Lane, ops: Ops<'_>, place: usize) -> usize {
        if let Some((from, to)) = self.known
            && (from..=to).contains(&place)
        {
            return to;
        }
        let after = ops.skip(place).iter().position(|op| is_ok(lane, &op));
        let to = after.map_or(ops.len(), |after| place + after);
        self.known = Some((place, to));
        to
    }
}

/// `d*`: the earliest end of an ok operation intended after n, sent no earlier than n and no earlier than the
/// first non-ok operation ended: one that was under way before may have been answered before the outage.
fn first_ok(lane: &Lane, ops: Ops<'_>, outage: &Outage, next_ok: &mut NextOk) -> Option<Nanos> {
    let begun = Some(outage.onset.high).filter(|end| *end != OPEN);
    let not_before = outage.last_sent.max(begun).unwrap_or_default();
    let mut best: Option<Nanos> = None;
    for op in ops.skip(next_ok.from(lane, ops, outage.last + 1)) {
        if best.is_some_and(|done| done <= op.intended) {
            break;
        }
        if is_ok(lane, &op) && op.sent.is_some_and(|sent| sent >= not_before) {
            best = match (best, op.done) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
    }
    best
}
