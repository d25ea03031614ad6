//! The definitions of loss and staleness written once more, straight from `docs/measurement.md` and quadratic.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    history::{Draft, Op, Outcome},
    id::LaneId,
    time::{Bracket, Span},
};

/// Elements by lane and number.
pub type Ids = BTreeSet<(LaneId, u64)>;

/// An element of a final read: lane, number, how often it is there, whether its checksum agrees.
pub type Present = (LaneId, u64, u32, bool);

/// What section 3 says about a history and what is left of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Expected {
    pub acknowledged: u64,
    pub lost: Ids,
    pub split_brain: Ids,
    pub rpo_seconds: Span,
    pub holes: Ids,
    pub exposed: u64,
    pub recent: bool,
    pub recovered: u64,
    pub resurrected: Ids,
    pub phantom: Ids,
    pub duplicate: Vec<(LaneId, u64, u32)>,
    pub corrupt: Ids,
}

fn ids<'a>(ops: impl IntoIterator<Item = &'a Op>) -> Ids {
    ops.into_iter().map(|op| (op.lane, op.seq)).collect()
}

fn holds(present: &[Present], op: &Op) -> bool {
    present
        .iter()
        .any(|(lane, seq, _, _)| (*lane, *seq) == (op.lane, op.seq))
}

/// Every set of section 3, for write lanes that write every 40 ms and an exposure window of 1 s.
pub fn loss(history: &Draft, present: &[Present], at: Bracket) -> Expected {
    let acknowledged: Vec<&Op> = history
        .ops
        .iter()
        .filter(|op| op.outcome == Outcome::Ok)
        .collect();
    let (kept, gone): (Vec<&Op>, Vec<&Op>) = acknowledged.iter().partition(|op| holds(present, op));
    let is_pre = |op: &&&Op| op.sent <= Some(at.high);
    let pre: Vec<&Op> = gone.iter().filter(is_pre).copied().collect();
    let survivors: Vec<&Op> = kept
        .iter()
        .filter(|op| op.done <= Some(at.high))
        .copied()
        .collect();
    let overtaken = |op: &&&Op| {
        let mut later = survivors.iter();
        later.any(|later| later.lane == op.lane && later.sent > op.done)
    };
    let exposed = exposed(&acknowledged, at);
    let with = |outcomes: &[Outcome]| -> Ids {
        let there = |op: &&Op| outcomes.contains(&op.outcome) && holds(present, op);
        ids(history.ops.iter().filter(there))
    };
    Expected {
        acknowledged: acknowledged.len() as u64,
        lost: ids(pre.iter().copied()),
        split_brain: ids(gone.iter().filter(|op| !is_pre(op)).copied()),
        rpo_seconds: age(&pre, at),
        holes: ids(pre.iter().filter(overtaken).copied()),
        exposed: exposed.len() as u64,
        recent: exposed.iter().any(|done| at.low.0 - done <= 80_000_000),
        recovered: with(&[Outcome::Info]).len() as u64,
        resurrected: with(&[Outcome::Fail, Outcome::Conflict]),
        phantom: phantom(history, present),
        duplicate: duplicate(present),
        corrupt: present
            .iter()
            .filter(|(_, _, _, sound)| !sound)
            .map(|(lane, seq, _, _)| (*lane, *seq))
            .collect(),
    }
}

/// What lost writes are put down to where events follow each other: by event (0 is the headline), and to a second primary.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Whose {
    pub events: BTreeMap<usize, Ids>,
    pub second: Ids,
}

/// What happened to three nodes of which one led at a time, or should have.
pub struct Succession {
    /// The acknowledged writes that are gone.
    pub lost: Ids,
    /// The events with the nodes that they hit.
    pub events: Vec<(Bracket, u16)>,
    /// What the nodes said: when, which, and whether it called itself primary; in the order of time.
    pub words: Vec<(Bracket, u16, bool)>,
}

impl Succession {
    /// The nodes other than `node` that called themselves primary last between the event before and this one.
    fn claims(&self, node: Option<u16>, event: usize) -> Vec<u16> {
        let since = event
            .checked_sub(1)
            .map(|before| self.events[before].0.high);
        let heard = |at: &Bracket| {
            since.is_none_or(|since| at.low > since) && at.high < self.events[event].0.low
        };
        let last = |other: &u16| {
            let mut own = self
                .words
                .iter()
                .filter(|(at, who, _)| who == other && heard(at));
            own.next_back().is_some_and(|(_, _, primary)| *primary)
        };
        let others = (0..3).filter(|other| Some(*other) != node);
        others.filter(last).collect()
    }
}

/// *Whose loss* of section 3, by looking at every operation for every lost write.
pub fn whose(ops: &[Op], told: &Succession) -> Whose {
    let mut whose = Whose::default();
    let Succession { lost, events, .. } = told;
    let gone = |op: &&Op| op.outcome == Outcome::Ok && lost.contains(&(op.lane, op.seq));
    for write in ops.iter().filter(gone) {
        let deposed = |event: usize| {
            let other = |op: &Op| {
                op.outcome == Outcome::Ok
                    && op.node != write.node
                    && op.sent >= write.done
                    && op.done < Some(events[event].0.low)
            };
            ops.iter().any(other) || beside(ops, told, write, event)
        };
        let id = (write.lane, write.seq);
        let next = events
            .iter()
            .position(|(at, _)| write.sent <= Some(at.high));
        let hit = |event: usize| {
            let Some((before, victim)) = event.checked_sub(1).map(|before| events[before]) else {
                return false;
            };
            let replaces = |op: &Op| {
                op.outcome == Outcome::Ok
                    && op.node != write.node
                    && op.sent > Some(before.high)
                    && op.sent <= Some(events[event].0.high)
            };
            write.node == Some(victim) && ops.iter().any(replaces)
        };
        let event = if next == Some(0) && !deposed(0) {
            Some(0)
        } else {
            next.filter(|event| !hit(*event) && !deposed(*event))
        };
        match event {
            Some(event) => whose.events.entry(event).or_default().insert(id),
            None => whose.second.insert(id),
        };
    }
    whose
}

/// Whether another node called itself primary when the event came, and none but it was the next to take a write.
fn beside(ops: &[Op], told: &Succession, write: &Op, event: usize) -> bool {
    let over = Some(told.events[event].0.high);
    let took = |op: &&Op| op.outcome == Outcome::Ok && op.node != write.node && op.sent > over;
    let next = ops.iter().filter(took).map(|op| op.done).min();
    let heir = |claim: u16| {
        let mut took = ops.iter().filter(took);
        next.is_none() || took.any(|op| op.node == Some(claim) && Some(op.done) == next)
    };
    told.claims(write.node, event).into_iter().any(heir)
}

fn age(pre: &[&Op], at: Bracket) -> Span {
    let mut age = Span::ZERO;
    for (sent, done) in pre.iter().filter_map(|op| op.sent.zip(op.done)) {
        age = age.max(Span {
            low_ns: at.low.0.saturating_sub(done.0),
            high_ns: Some(at.high.0.saturating_sub(sent.0)),
        });
    }
    age
}

fn exposed(acknowledged: &[&Op], at: Bracket) -> Vec<u64> {
    let window = at.low.0.saturating_sub(1_000_000_000)..=at.low.0;
    acknowledged
        .iter()
        .filter_map(|op| op.done)
        .map(|done| done.0)
        .filter(|done| window.contains(done))
        .collect()
}

fn phantom(history: &Draft, present: &[Present]) -> Ids {
    let attempted = |id: &(LaneId, u64)| {
        let mut ops = history.ops.iter();
        ops.any(|op| (op.lane, op.seq) == *id && op.outcome != Outcome::Shed)
    };
    present
        .iter()
        .map(|(lane, seq, _, _)| (*lane, *seq))
        .filter(|id| !attempted(id))
        .collect()
}

fn duplicate(present: &[Present]) -> Vec<(LaneId, u64, u32)> {
    let mut times = BTreeMap::new();
    for (lane, seq, count, _) in present {
        *times.entry((*lane, *seq)).or_insert(0) += count;
    }
    times
        .into_iter()
        .filter(|(_, count)| *count > 1)
        .map(|((lane, seq), count)| (lane, seq, count))
        .collect()
}

/// What section 3 says about reads.
#[derive(Debug, PartialEq, Eq)]
pub struct Old {
    pub worst: Span,
    pub stale: u64,
    pub monotonic: u64,
    pub read_your_writes: u64,
}

/// How old the reads of a lane's writes were. Every read has a version, a start and an end.
pub fn staleness(writes: &[Op], reads: &[Op]) -> Old {
    let acknowledged: Vec<(u64, u64, u64)> = writes
        .iter()
        .filter(|w| w.outcome == Outcome::Ok)
        .filter_map(|w| Some((w.seq, w.sent?.0, w.done?.0)))
        .collect();
    let reads: Vec<(u64, u64, u64)> = reads
        .iter()
        .filter_map(|r| Some((r.sent?.0, r.done?.0, r.version?)))
        .collect();
    let mut old = Old {
        worst: Span::ZERO,
        stale: 0,
        monotonic: 0,
        read_your_writes: 0,
    };
    for (sent, done, version) in &reads {
        if let Some((_, w_sent, w_done)) = acknowledged.iter().find(|(seq, _, _)| seq >= version) {
            let least = sent.saturating_sub(*w_done);
            old.worst = old.worst.max(Span {
                low_ns: least,
                high_ns: Some(done.saturating_sub(*w_sent)),
            });
            old.stale += u64::from(least > 0);
        }
        let newer = |(_, other, seen): &(u64, u64, u64)| other < sent && seen > version;
        old.monotonic += u64::from(reads.iter().any(newer));
        let missed = |(seq, _, w_done): &(u64, u64, u64)| w_done < sent && seq >= version;
        old.read_your_writes += u64::from(acknowledged.iter().any(missed));
    }
    old
}
