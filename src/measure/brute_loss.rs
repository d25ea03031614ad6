//! The definitions of loss and staleness written once more, straight from the text and quadratic.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::{
    history::{History, Op, Outcome},
    id::LaneId,
    record::{FinalRead, Holdings, Record, Source},
    time::{Bracket, Span},
};

use super::{
    Integrity, Loss, LostWrite,
    brute::{Shape, op},
    fixture::{Bench, R1, W1, bracket, ms},
    loss::{integrity, loss},
    staleness::staleness,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn loss_is_what_the_text_says(
        ops in prop::collection::vec((0..2_u16, 0..5_u8, 0..200_u64, 0..200_u64), 1..60),
        present in prop::collection::vec((0..2_u16, 0..40_u64, 1..3_u8, prop::bool::weighted(0.9)), 0..60),
        fault in 0..400_u64,
    ) {
        let mut next = [0_u64; 2];
        let mut history = History::default();
        for (lane, kind, start, took) in ops {
            let outcome = [Outcome::Ok, Outcome::Conflict, Outcome::Fail, Outcome::Info, Outcome::Shed][usize::from(kind)];
            let seq = next[usize::from(lane)];
            next[usize::from(lane)] += 1;
            let shed = outcome == Outcome::Shed;
            history.ops.push(Op {
                lane: LaneId(lane), seq, intended: ms(start),
                sent: (!shed).then_some(ms(start)), done: (!shed).then_some(ms(start + took)),
                outcome, error: None, node: None, version: None,
            });
        }
        history.sort();
        let mut bench = Bench::new();
        bench.record.disruptions[0].0 = bracket(fault, fault + 7);
        let elements = present.iter().flat_map(|(lane, seq, times, sound)| {
            std::iter::repeat_n((LaneId(*lane), *seq, *sound), usize::from(*times))
        });
        let holdings = Holdings::collect(elements);
        for pass in [1, 2] {
            bench.record.finals.push(FinalRead { source: Source::Authority { pass }, holdings: Ok(holdings.clone()) });
        }
        compare_loss(&bench.record, &history, &present, bracket(fault, fault + 7))?;
    }

    #[test]
    fn staleness_is_what_the_text_says(
        writes in prop::collection::vec((0..5_u8, 0..30_u64), 1..40),
        reads in prop::collection::vec((0..1_500_u64, 0..60_u64, 0..45_u64), 1..40),
    ) {
        let mut bench = Bench::new();
        let mut history = History::default();
        for (seq, (kind, took)) in writes.iter().enumerate() {
            let outcome = [Outcome::Ok, Outcome::Ok, Outcome::Ok, Outcome::Info, Outcome::Fail][usize::from(*kind)];
            history.ops.push(op(W1, seq, &Shape { outcome, late: 0, took: *took }, 37));
        }
        for (seq, (sent, took, version)) in reads.iter().enumerate() {
            history.ops.push(Op {
                lane: R1, seq: seq as u64, intended: ms(*sent), sent: Some(ms(*sent)), done: Some(ms(sent + took)),
                outcome: Outcome::Ok, error: None, node: None, version: Some(*version),
            });
        }
        history.sort();
        bench.record.lanes.truncate(3);
        let figure = staleness(&bench.record, &history);
        let told = figure.value().unwrap();
        let acknowledged: Vec<Op> = history.lane(W1).iter().copied().filter(|w| w.outcome == Outcome::Ok).collect();
        let (mut low, mut high, mut stale, mut back, mut own) = (0, 0, 0, 0, 0);
        for read in history.lane(R1) {
            let (s, d) = (read.sent.unwrap().0, read.done.unwrap().0);
            let version = read.version.unwrap();
            if let Some(missed) = acknowledged.iter().find(|w| w.seq >= version) {
                let least = s.saturating_sub(missed.done.unwrap().0);
                low = low.max(least);
                high = high.max(d.saturating_sub(missed.sent.unwrap().0));
                stale += u64::from(least > 0);
            }
            back += u64::from(history.lane(R1).iter().any(|o| o.done.unwrap().0 < s && o.version.unwrap() > version));
            own += u64::from(acknowledged.iter().any(|w| w.done.unwrap().0 < s && w.seq >= version));
        }
        prop_assert_eq!(told.worst, Span { low_ns: low, high_ns: Some(high) });
        prop_assert_eq!(told.stale_reads, stale);
        prop_assert_eq!(told.monotonic_violations, back);
        prop_assert_eq!(told.read_your_writes_violations, own);
    }
}

/// Compares every set of section 3 with its definition.
fn compare_loss(
    record: &Record,
    history: &History,
    present: &[(u16, u64, u8, bool)],
    at: Bracket,
) -> Result<(), TestCaseError> {
    let found = integrity(record, history);
    let figure = loss(record, history, &found);
    let told = figure.value().unwrap();
    compare_lost(told, history, present, at)?;
    compare_exposure(told, history, at)?;
    compare_present(told, &found, history, present)
}

type Ids = BTreeSet<(LaneId, u64)>;

fn ids<'a>(ops: impl Iterator<Item = &'a Op>) -> Ids {
    ops.map(|op| (op.lane, op.seq)).collect()
}

fn holds(present: &[(u16, u64, u8, bool)], op: &Op) -> bool {
    present
        .iter()
        .any(|(lane, seq, _, _)| *lane == op.lane.0 && *seq == op.seq)
}

fn acknowledged(history: &History) -> Vec<&Op> {
    let ok = |op: &&Op| op.outcome == Outcome::Ok;
    history.ops.iter().filter(ok).collect()
}

/// L = A \ F, its two parts, their age, and the holes among them.
fn compare_lost(
    told: &Loss,
    history: &History,
    present: &[(u16, u64, u8, bool)],
    at: Bracket,
) -> Result<(), TestCaseError> {
    let all = acknowledged(history);
    let (kept, lost): (Vec<&Op>, Vec<&Op>) = all.iter().partition(|op| holds(present, op));
    let is_pre = |op: &&&Op| op.sent.unwrap() <= at.high;
    let pre: Vec<&Op> = lost.iter().filter(is_pre).copied().collect();
    let post = lost.iter().filter(|op| !is_pre(op)).copied();
    let told_ids = |list: &[LostWrite]| -> Ids { list.iter().map(|w| (w.lane, w.seq)).collect() };
    prop_assert_eq!(told.acknowledged, all.len() as u64);
    prop_assert_eq!(told_ids(&told.lost), ids(pre.iter().copied()));
    prop_assert_eq!(told_ids(&told.split_brain), ids(post));
    prop_assert_eq!(told.rpo_bytes, 64 * pre.len() as u64);
    let mut seconds = Span::ZERO;
    for op in &pre {
        seconds = seconds.max(Span {
            low_ns: at.low.0.saturating_sub(op.done.unwrap().0),
            high_ns: Some(at.high.0.saturating_sub(op.sent.unwrap().0)),
        });
    }
    prop_assert_eq!(told.rpo_seconds, seconds);
    let overtaken = |op: &&&Op| {
        kept.iter()
            .filter(|later| later.done.unwrap() <= at.high)
            .any(|later| later.lane == op.lane && later.sent > op.done)
    };
    let holes = ids(pre.iter().filter(overtaken).copied());
    prop_assert_eq!(told.holes.iter().copied().collect::<Ids>(), holes);
    Ok(())
}

fn compare_exposure(told: &Loss, history: &History, at: Bracket) -> Result<(), TestCaseError> {
    let window = at.low.0.saturating_sub(1_000_000_000)..=at.low.0;
    let exposed: Vec<u64> = acknowledged(history)
        .iter()
        .map(|op| op.done.unwrap().0)
        .filter(|done| window.contains(done))
        .collect();
    prop_assert_eq!(told.exposure.writes, exposed.len() as u64);
    let recent = exposed.iter().any(|done| at.low.0 - done <= 80_000_000);
    prop_assert_eq!(told.exposure.recent, recent);
    Ok(())
}

/// What is there, by what its client was told.
fn compare_present(
    told: &Loss,
    found: &Integrity,
    history: &History,
    present: &[(u16, u64, u8, bool)],
) -> Result<(), TestCaseError> {
    let with = |outcomes: &[Outcome]| -> Ids {
        let there = |op: &&Op| outcomes.contains(&op.outcome) && holds(present, op);
        ids(history.ops.iter().filter(there))
    };
    prop_assert_eq!(told.recovered, with(&[Outcome::Info]).len() as u64);
    let resurrected: Ids = found.resurrected.iter().copied().collect();
    prop_assert_eq!(resurrected, with(&[Outcome::Fail, Outcome::Conflict]));
    let attempted = |id: &(LaneId, u64)| {
        let mut ops = history.ops.iter();
        ops.any(|op| (op.lane, op.seq) == *id && op.outcome != Outcome::Shed)
    };
    let elements = present
        .iter()
        .map(|(lane, seq, _, _)| (LaneId(*lane), *seq));
    let phantom: Ids = elements.filter(|id| !attempted(id)).collect();
    prop_assert_eq!(found.phantom.iter().copied().collect::<Ids>(), phantom);
    let mut times = BTreeMap::new();
    let mut corrupt = Ids::new();
    for (lane, seq, count, sound) in present {
        *times.entry((LaneId(*lane), *seq)).or_insert(0_u32) += u32::from(*count);
        if !sound {
            corrupt.insert((LaneId(*lane), *seq));
        }
    }
    let duplicate: Vec<(LaneId, u64, u32)> = times
        .into_iter()
        .filter(|(_, count)| *count > 1)
        .map(|((lane, seq), count)| (lane, seq, count))
        .collect();
    prop_assert_eq!(&found.duplicate, &duplicate);
    prop_assert_eq!(found.corrupt.iter().copied().collect::<Ids>(), corrupt);
    Ok(())
}
