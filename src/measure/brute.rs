//! The definitions of time written once more, straight from the text and quadratic, against which the figures are tested.

use std::{collections::BTreeSet, time::Duration};

use proptest::prelude::*;

use crate::{
    history::{Access, Group, History, Op, Outcome},
    id::LaneId,
    record::Record,
    time::{Bracket, Nanos},
};

use super::{
    Figure,
    fixture::{Bench, W1, W2, bracket, lane, ms},
    rto::{Seen, seen},
    scan::Scan,
    windows::{pooled, rto_slo},
};

/// One generated operation: outcome, how late it was sent, how long it took (milliseconds).
#[derive(Clone)]
pub(super) struct Shape {
    pub outcome: Outcome,
    pub late: u64,
    pub took: u64,
}

impl std::fmt::Debug for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}+{}+{}", self.outcome, self.late, self.took)
    }
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        60 => Just(Outcome::Ok),
        2 => Just(Outcome::Conflict),
        2 => Just(Outcome::Fail),
        2 => Just(Outcome::Info),
        2 => Just(Outcome::Shed),
    ]
}

/// Mostly well, with stretches of failures.
fn shapes(length: usize) -> impl Strategy<Value = Vec<Shape>> {
    let late = prop_oneof![9 => 0..60_u64, 1 => 0..1_500_u64];
    let one = (outcome(), late, 1..900_u64).prop_map(|(outcome, late, took)| Shape {
        outcome,
        late,
        took,
    });
    let calm = prop::collection::vec(one, length);
    let bursts = prop::collection::vec((0..length, 1..20_usize), 0..4);
    (calm, bursts, prop::bool::weighted(0.7)).prop_map(|(mut ops, bursts, quiet)| {
        if quiet {
            ops.iter_mut().for_each(|op| op.outcome = Outcome::Ok);
        }
        for (start, length) in bursts {
            for op in ops.iter_mut().skip(start).take(length) {
                if op.outcome == Outcome::Ok {
                    op.outcome = Outcome::Fail;
                }
            }
        }
        ops
    })
}

pub(super) fn op(lane: LaneId, seq: usize, shape: &Shape, interval: u64) -> Op {
    let intended = ms(seq as u64 * interval + 1);
    let sent = Nanos(intended.0 + shape.late * 1_000_000);
    let shed = shape.outcome == Outcome::Shed;
    Op {
        lane,
        seq: seq as u64,
        intended,
        sent: (!shed).then_some(sent),
        done: (!shed).then_some(Nanos(sent.0 + shape.took * 1_000_000)),
        outcome: shape.outcome,
        error: None,
        node: None,
        version: None,
    }
}

const INTERVAL: u64 = 400;
const W: u64 = 10_000_000_000;

/// A run with one lane and one event.
fn run(ops: Vec<Op>, at: Bracket, interval: u64) -> (Record, History) {
    let mut bench = Bench::new();
    bench.record.lanes = vec![lane(0, "write-1", Group::Service, Access::Write, interval)];
    bench.record.disruptions[0].0 = at;
    bench.history = History {
        ops,
        errors: vec![],
    };
    (bench.record, bench.history)
}

fn good(op: &Op) -> bool {
    matches!(op.outcome, Outcome::Ok | Outcome::Conflict)
}

fn end(op: &Op) -> Nanos {
    op.done.unwrap_or(op.intended)
}

/// "Every operation intended in (i(n), i(n)+W] is ok or conflict, and at least 20 of them", all of them known.
fn lasting(ops: &[Op], n: usize) -> bool {
    let from = ops[n].intended.0;
    let inside: Vec<&Op> = ops
        .iter()
        .filter(|op| op.intended.0 > from && op.intended.0 <= from + W)
        .collect();
    let known = from + W < ops[ops.len() - 1].intended.0 + INTERVAL * 1_000_000;
    known && inside.len() >= 20 && inside.iter().all(|op| good(op))
}

/// The ends of ok operations intended after n and sent no earlier than `sent`.
fn answers(ops: &[Op], n: usize, sent: Nanos) -> Vec<Nanos> {
    ops.iter()
        .filter(|op| op.intended > ops[n].intended && op.outcome == Outcome::Ok)
        .filter(|op| op.sent.unwrap() >= sent)
        .map(|op| op.done.unwrap())
        .collect()
}

#[derive(Debug, PartialEq)]
enum Told {
    Rto(u64, Option<u64>),
    Nothing,
    Unknown,
}

/// RTO of the only event by the text.
fn brute_rto(ops: &[Op], at: Bracket) -> Told {
    let bad: Vec<usize> = (0..ops.len()).filter(|i| !good(&ops[*i])).collect();
    let Some(own) = bad.iter().position(|i| end(&ops[*i]) >= at.low) else {
        return nothing(ops, at);
    };
    // The outage before, if any, must have ended or been answered before the event.
    if let Some(p) = own.checked_sub(1).map(|i| bad[i]) {
        let start = bad[..own]
            .iter()
            .rposition(|i| lasting(ops, *i) && *i != p && !answers(ops, *i, Nanos(0)).is_empty())
            .map_or(0, |i| i + 1);
        let sent = bad[start..own]
            .iter()
            .filter_map(|i| ops[*i].sent)
            .next_back();
        let answered = answers(ops, p, sent.unwrap_or_default());
        let over = lasting(ops, p) && !answered.is_empty();
        if !over && !answered.iter().any(|done| *done < at.low) {
            return Told::Unknown;
        }
    }
    let mut sent = None;
    let mut any = false;
    for n in &bad[own..] {
        any = true;
        sent = ops[*n].sent.or(sent);
        let low = sent.map_or(0, |sent| sent.0.saturating_sub(at.high.0));
        if !lasting(ops, *n) {
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
        nothing(ops, at)
    }
}

/// No operation of the event failed: does the lane tell long enough?
fn nothing(ops: &[Op], at: Bracket) -> Told {
    let after = ops
        .iter()
        .filter(|op| op.intended > at.high && op.intended.0 <= at.high.0 + W);
    let known = at.high.0 + W < ops[ops.len() - 1].intended.0 + INTERVAL * 1_000_000;
    if known && after.count() >= 20 {
        Told::Nothing
    } else {
        Told::Unknown
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn rto_is_what_the_text_says(shapes in shapes(110), fault in 0..44_000_u64, width in 0..30_u64) {
        let ops: Vec<Op> = shapes.iter().enumerate().map(|(i, s)| op(W1, i, s, INTERVAL)).collect();
        let at = bracket(fault, fault + width);
        let expected = brute_rto(&ops, at);
        let (record, history) = run(ops, at, INTERVAL);
        let scan = Scan::new(&record, &history);
        let told = match seen(&scan, &scan.service[0], 0) {
            Seen::Outage(outage) => Told::Rto(outage.rto.low_ns, outage.rto.high_ns),
            Seen::Calm(_) => Told::Nothing,
            Seen::Unknown(_) => Told::Unknown,
        };
        prop_assert_eq!(told, expected);
    }

    /// A true outage [a, b): operations fail iff the server meets them within it. C0 of calibration.
    #[test]
    fn brackets_contain_the_truth(
        shapes in prop::collection::vec((prop_oneof![9 => 0..40_u64, 1 => 0..700_u64], 1..80_u64, 0.0..1.0_f64), 150),
        fault in 3_000..6_000_u64,
        into in 0.0..1.0_f64,
        lasts in 0..9_000_u64,
    ) {
        let at = bracket(fault, fault + 20);
        let begun = at.low.0 + (into * 20e6) as u64;
        let back = begun + lasts * 1_000_000;
        let ops: Vec<Op> = shapes.iter().enumerate().map(|(i, (late, took, part))| {
            let mut op = op(W1, i, &Shape { outcome: Outcome::Ok, late: *late, took: *took }, 200);
            let (sent, done) = (op.sent.unwrap().0, op.done.unwrap().0);
            let met = sent + ((done - sent) as f64 * part) as u64;
            if begun <= met && met < back {
                op.outcome = Outcome::Fail;
            }
            op
        }).collect();
        let (record, history) = run(ops, at, 200);
        let scan = Scan::new(&record, &history);
        let truth = back - begun;
        match seen(&scan, &scan.service[0], 0) {
            Seen::Outage(outage) => {
                prop_assert!(outage.rto.low_ns <= truth);
                prop_assert!(truth <= outage.rto.high_ns.unwrap());
                prop_assert!(outage.length.low_ns <= truth);
                prop_assert!(truth <= outage.length.high_ns.unwrap());
                prop_assert!(outage.onset.low.0 <= begun && begun <= outage.onset.high.0);
            }
            Seen::Calm(resolution) => prop_assert!(u128::from(truth) <= resolution.as_nanos()),
            Seen::Unknown(why) => prop_assert!(false, "{}", why),
        }
    }

    #[test]
    fn rto_slo_is_what_the_text_says(
        bad in prop::collection::vec((0..420_usize, 1..30_usize), 0..6),
        fault in 10_000..20_000_u64,
    ) {
        let mut ops: Vec<Op> = (0..420).map(|i| {
            op(W1, i, &Shape { outcome: Outcome::Ok, late: 0, took: 2 }, 100)
        }).collect();
        for (start, length) in bad {
            for op in ops.iter_mut().skip(start).take(length) {
                op.done = op.sent.map(|sent| Nanos(sent.0 + 11_000_000));
            }
        }
        let at = bracket(fault, fault + 3);
        let good = |op: &Op| op.done.unwrap().0 - op.intended.0 <= 10_000_000;
        let after: Vec<Op> = ops.iter().copied().skip_while(|op| op.done.unwrap() < at.low).collect();
        let fits = |j: usize| (j..after.len()).filter(|k| after[*k].intended.0 <= after[j].intended.0 + W)
            .all(|k| k + 100 <= after.len() && after[k..k + 100].iter().filter(|op| good(op)).count() >= 99);
        let reaches = |j: usize| after[after.len() - 100].intended.0 >= after[j].intended.0 + W;
        let earliest = (0..after.len() - 99).find(|j| fits(*j) && reaches(*j));
        let (record, history) = run(ops, at, 100);
        let scan = Scan::new(&record, &history);
        let figure = rto_slo(&record, &pooled(&scan), &Figure::Measured(2_000_000));
        match (earliest, figure) {
            (Some(0), Figure::Measured(span)) => prop_assert_eq!(span.low_ns, 0),
            (Some(j), Figure::Measured(span)) => {
                prop_assert_eq!(span.low_ns, after[j - 1].intended.0.saturating_sub(at.high.0));
                let first = after[j..].iter().map(|op| op.done.unwrap().0).min().unwrap();
                prop_assert_eq!(span.high_ns, Some(first - at.low.0));
            }
            (None, Figure::Measured(span)) => prop_assert_eq!(span.high_ns, None),
            (None, Figure::Missing(_)) => {}
            (Some(j), Figure::Missing(why)) => prop_assert!(false, "{} {}", j, why),
        }
    }

    /// Time covered is counted moment by moment.
    #[test]
    fn the_union_of_write_outages_is_what_the_text_says(
        first in prop::collection::vec((outcome(), 0..9_u64, 1..9_u64), 1..40),
        second in prop::collection::vec((outcome(), 0..9_u64, 1..9_u64), 1..40),
    ) {
        let mut history = History::default();
        for (lane, shapes) in [(W1, &first), (W2, &second)] {
            for (seq, (outcome, late, took)) in shapes.iter().enumerate() {
                history.ops.push(op(lane, seq, &Shape { outcome: *outcome, late: *late, took: *took }, 3));
            }
        }
        history.sort();
        let mut bench = Bench::new();
        bench.record.lanes.truncate(2);
        let mut inner = BTreeSet::new();
        let mut outer = BTreeSet::new();
        let mut open = false;
        for lane in [W1, W2] {
            let ops = history.lane(lane);
            for i in 0..ops.len() {
                let starts = !good(&ops[i]) && (i == 0 || good(&ops[i - 1]));
                if !starts {
                    continue;
                }
                let stop = (i..ops.len()).find(|j| good(&ops[*j])).unwrap_or(ops.len());
                let run = &ops[i..stop];
                let done = run.iter().filter_map(|op| op.done).next();
                let sent = run.iter().filter_map(|op| op.sent).next_back();
                if let (Some(done), Some(sent)) = (done, sent) {
                    inner.extend(done.0 / 1_000_000..sent.0 / 1_000_000);
                }
                let start = ops[i].sent.unwrap_or(ops[i].intended);
                let before = (0..i).filter(|j| ops[*j].outcome == Outcome::Ok && ops[*j].done.unwrap() <= start)
                    .map(|j| ops[j].sent.unwrap()).next_back().unwrap_or(ops[0].intended);
                match ops[stop..].iter().find(|op| op.outcome == Outcome::Ok && op.sent >= sent) {
                    Some(op) => outer.extend(before.0 / 1_000_000..op.done.unwrap().0 / 1_000_000),
                    None => open = true,
                }
            }
        }
        let scan = Scan::new(&bench.record, &history);
        let figure = super::availability::unavailable_total(&scan);
        let span = *figure.value().unwrap();
        prop_assert_eq!(span.low(), Duration::from_millis(inner.len() as u64));
        let high = (!open).then(|| Duration::from_millis(outer.len() as u64));
        prop_assert_eq!(span.high(), high);
    }
}

#[test]
fn the_fixture_is_a_healthy_history() {
    let (record, history) = Bench::new().build();
    assert!(crate::check::complete::problems(&record, &history, &[]).is_empty());
}
