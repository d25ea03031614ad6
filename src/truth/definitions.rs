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

/// An outage while its operations are gone through.
#[derive(Default)]
struct Going {
    /// Start of the last non-ok operation that was sent.
    sent: Option<Nanos>,
    /// End of the first one.
    first: Option<Nanos>,
}

impl Going {
    fn take(&mut self, op: &Op) {
        self.sent = op.sent.or(self.sent);
        self.first = self.first.or(op.done);
    }

    /// `d*`, if n is the last non-ok before a sustained recovery.
    fn over(&self, ops: &[Op], n: usize, interval: u64) -> Option<Nanos> {
        let from = self.sent.max(self.first).unwrap_or_default();
        let back = answers(ops, n, from).into_iter().min();
        back.filter(|_| lasting(ops, n, interval))
    }
}

/// The recovery time from the only event, of a lane with this interval in nanoseconds. An outage that began later than W
/// after it is not its own, as no bound allows it.
pub fn rto(ops: &[Op], at: Bracket, interval: u64) -> Told {
    let bad: Vec<usize> = (0..ops.len()).filter(|i| !good(&ops[*i])).collect();
    let Some(own) = bad.iter().position(|i| end(&ops[*i]) >= at.low) else {
        return nothing(ops, at, interval);
    };
    // What began before the event and had neither ended nor been answered by then goes on.
    let (mut going, mut earlier) = before(ops, at, &bad[..own], interval);
    let mut first = None;
    for n in &bad[own..] {
        let begun = *first.get_or_insert(*n);
        going.take(&ops[*n]);
        match going.over(ops, *n, interval) {
            Some(back) if back >= at.low && earlier => return Told::Unknown,
            Some(back) if back >= at.low => {
                return own_or_late(
                    ops,
                    begun,
                    at,
                    interval,
                    Told::Rto(low(&going, at), Some(back.0 - at.low.0)),
                );
            }
            // It was over before the event.
            Some(_) => (going, earlier, first) = (Going::default(), false, None),
            None => {}
        }
    }
    match (first, earlier) {
        (Some(_), true) => Told::Unknown,
        (Some(begun), false) => {
            own_or_late(ops, begun, at, interval, Told::Rto(low(&going, at), None))
        }
        (None, _) => nothing(ops, at, interval),
    }
}

/// What an outage tells whose first non-ok operation is `first`: nothing of the event, if the last ok operation that had
/// ended before it was sent W after the event or later.
fn own_or_late(ops: &[Op], first: usize, at: Bracket, interval: u64, told: Told) -> Told {
    let start = ops[first].sent.unwrap_or(ops[first].intended);
    let before = ops[..first].iter().filter(|op| op.outcome == Outcome::Ok);
    let ended = before.filter(|op| op.done <= Some(start));
    let onset = ended.filter_map(|op| op.sent).next_back();
    let onset = onset.unwrap_or(ops[0].intended);
    if onset.0 >= at.high.0 + W {
        nothing(ops, at, interval)
    } else {
        told
    }
}

fn low(going: &Going, at: Bracket) -> u64 {
    going
        .sent
        .map_or(0, |sent| sent.0.saturating_sub(at.high.0))
}

/// The outage that the event finds going on, and whether there is one.
fn before(ops: &[Op], at: Bracket, bad: &[usize], interval: u64) -> (Going, bool) {
    let mut going = Going::default();
    let mut over = true;
    for n in bad {
        if over {
            going = Going::default();
        }
        going.take(&ops[*n]);
        over = going.over(ops, *n, interval).is_some();
    }
    let answered = bad.last().is_some_and(|n| {
        let back = answers(ops, *n, going.sent.unwrap_or_default());
        back.iter().any(|done| *done < at.low)
    });
    if over || answered {
        (Going::default(), false)
    } else {
        (going, true)
    }
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
        let ops: Vec<Op> = history.lane(*lane).iter().collect();
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
    if outer.is_empty() && !open {
        return (0, Some(unseen_ms(history, lanes)));
    }
    (inner.len() as u64, (!open).then_some(outer.len() as u64))
}

/// The longest time between the start of a good operation of a lane and the end of its next good one, in milliseconds.
fn unseen_ms(history: &History, lanes: &[LaneId]) -> u64 {
    let mut longest = 0;
    for lane in lanes {
        let ops: Vec<Op> = history.lane(*lane).iter().filter(good).collect();
        for pair in ops.windows(2) {
            let (sent, done) = (pair[0].sent.unwrap_or_default(), end(&pair[1]));
            longest = longest.max(done.0.saturating_sub(sent.0) / 1_000_000);
        }
    }
    longest
}
