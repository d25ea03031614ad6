//! The definitions of time written once more, straight from `docs/measurement.md` and quadratic.

use std::collections::BTreeSet;

use crate::{
    history::{History, Op, Outcome},
    id::LaneId,
    time::{Bracket, Nanos},
};

/// The sustain window.
const W: u64 = 10_000_000_000;

/// The least number of operations in it.
const K: usize = 20;

/// What one lane tells of one event.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    /// An outage: low end, and high end if its end was seen.
    Rto(u64, Option<u64>),
    /// No outage.
    Nothing,
    /// It cannot be told.
    Unknown,
}

fn good(op: &Op) -> bool {
    matches!(op.outcome, Outcome::Ok | Outcome::Conflict)
}

fn end(op: &Op) -> Nanos {
    op.done.unwrap_or(op.intended)
}

/// Whether the lane's operations up to `until` are all in the history.
fn known(ops: &[Op], until: u64, interval: u64) -> bool {
    ops.last()
        .is_some_and(|last| until < last.intended.0 + interval)
}

/// "Every operation intended in (i(n), i(n)+W] is ok or conflict, and at least 20 of them", all of them known.
fn lasting(ops: &[Op], n: usize, interval: u64) -> bool {
    let from = ops[n].intended.0;
    let inside: Vec<&Op> = ops
        .iter()
        .filter(|op| op.intended.0 > from && op.intended.0 <= from + W)
        .collect();
    known(ops, from + W, interval) && inside.len() >= K && inside.iter().all(|op| good(op))
}

/// The ends of ok operations intended after n and sent no earlier than `sent`.
fn answers(ops: &[Op], n: usize, sent: Nanos) -> Vec<Nanos> {
    ops.iter()
        .filter(|op| op.intended > ops[n].intended && op.outcome == Outcome::Ok)
        .filter(|op| op.sent >= Some(sent))
        .filter_map(|op| op.done)
        .collect()
}

/// The recovery time from the only event, of a lane with this interval in nanoseconds.
pub fn rto(ops: &[Op], at: Bracket, interval: u64) -> Told {
    let bad: Vec<usize> = (0..ops.len()).filter(|i| !good(&ops[*i])).collect();
    let Some(own) = bad.iter().position(|i| end(&ops[*i]) >= at.low) else {
        return nothing(ops, at, interval);
    };
    if own > 0 && !over_before(ops, at, &bad, own, interval) {
        return Told::Unknown;
    }
    let mut sent = None;
    let mut any = false;
    for n in &bad[own..] {
        any = true;
        sent = ops[*n].sent.or(sent);
        let low = sent.map_or(0, |sent| sent.0.saturating_sub(at.high.0));
        if !lasting(ops, *n, interval) {
            continue;
        }
        match answers(ops, *n, sent.unwrap_or_default()).into_iter().min() {
            Some(high) if high >= at.low => return Told::Rto(low, Some(high.0 - at.low.0)),
            // It was over before the event.
            Some(_) => (sent, any) = (None, false),
            None => {}
        }
    }
    if any {
        let low = sent.map_or(0, |sent| sent.0.saturating_sub(at.high.0));
        Told::Rto(low, None)
    } else {
        nothing(ops, at, interval)
    }
}

/// Whether the outage before the event's own had ended, or been answered, before the event.
fn over_before(ops: &[Op], at: Bracket, bad: &[usize], own: usize, interval: u64) -> bool {
    let p = bad[own - 1];
    let ended = |i: &usize| lasting(ops, *i, interval) && !answers(ops, *i, Nanos(0)).is_empty();
    let start = bad[..own]
        .iter()
        .rposition(|i| ended(i) && *i != p)
        .map_or(0, |i| i + 1);
    let sent = bad[start..own]
        .iter()
        .filter_map(|i| ops[*i].sent)
        .next_back();
    let answered = answers(ops, p, sent.unwrap_or_default());
    let over = lasting(ops, p, interval) && !answered.is_empty();
    over || answered.iter().any(|done| *done < at.low)
}

/// No operation of the event failed: does the lane tell long enough?
fn nothing(ops: &[Op], at: Bracket, interval: u64) -> Told {
    let until = at.high.0 + W;
    let after = ops
        .iter()
        .filter(|op| op.intended > at.high && op.intended.0 <= until);
    if known(ops, until, interval) && after.count() >= K {
        Told::Nothing
    } else {
        Told::Unknown
    }
}

/// The low and high end of `rto_slo` where operations within 10 ms count as good; `None` for the high end
/// where it was not reached. Outer `None`: too few operations to tell.
pub fn rto_slo(ops: &[Op], at: Bracket) -> Option<(u64, Option<u64>)> {
    const WINDOW: usize = 100;
    let within = |op: &Op| end(op).0 - op.intended.0 <= 10_000_000;
    let after: Vec<&Op> = ops.iter().skip_while(|op| end(op) < at.low).collect();
    let last = after.len().checked_sub(WINDOW)?;
    let mut bad = vec![0];
    for op in &after {
        bad.push(bad[bad.len() - 1] + usize::from(!within(op)));
    }
    let fits = |j: usize| {
        (j..after.len())
            .filter(|k| after[*k].intended.0 <= after[j].intended.0 + W)
            .all(|k| k + WINDOW <= after.len() && bad[k + WINDOW] - bad[k] <= 1)
    };
    let reaches = |j: usize| after[last].intended.0 >= after[j].intended.0 + W;
    let earliest = (0..=last).find(|j| fits(*j) && reaches(*j));
    Some(match earliest {
        Some(0) => {
            let first = after.iter().map(|op| end(op).0).min()?;
            (0, Some(first - at.low.0))
        }
        Some(j) => {
            let first = after[j..].iter().map(|op| end(op).0).min()?;
            let low = after[j - 1].intended.0.saturating_sub(at.high.0);
            (low, Some(first - at.low.0))
        }
        None => (0, None),
    })
}

/// The union of write outages in milliseconds, counted moment by moment: at least, and at most if every end
/// was seen. For histories whose times are whole milliseconds.
pub fn unavailable_ms(history: &History, lanes: &[LaneId]) -> (u64, Option<u64>) {
    let mut inner = BTreeSet::new();
    let mut outer = BTreeSet::new();
    let mut open = false;
    for lane in lanes {
        let ops = history.lane(*lane);
        for i in 0..ops.len() {
            let starts = !good(&ops[i]) && (i == 0 || good(&ops[i - 1]));
            if !starts {
                continue;
            }
            let stop = (i..ops.len()).find(|j| good(&ops[*j])).unwrap_or(ops.len());
            let done = ops[i..stop].iter().filter_map(|op| op.done).next();
            let sent = ops[i..stop].iter().filter_map(|op| op.sent).next_back();
            if let (Some(done), Some(sent)) = (done, sent) {
                inner.extend(done.0 / 1_000_000..sent.0 / 1_000_000);
            }
            let start = ops[i].sent.unwrap_or(ops[i].intended);
            let before = ops[..i]
                .iter()
                .filter(|op| op.outcome == Outcome::Ok && op.done <= Some(start))
                .filter_map(|op| op.sent)
                .next_back()
                .unwrap_or(ops[0].intended);
            let answer = ops[stop..]
                .iter()
                .find(|op| op.outcome == Outcome::Ok && op.sent >= sent);
            match answer.and_then(|op| op.done) {
                Some(done) => outer.extend(before.0 / 1_000_000..done.0 / 1_000_000),
                None => open = true,
            }
        }
    }
    (inner.len() as u64, (!open).then_some(outer.len() as u64))
}
