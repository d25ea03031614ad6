//! Restores against planted truths, and against the definition written once more.

use std::time::Duration;

use crate::{
    history::{Op, Outcome},
    id::{LaneId, NodeName},
    measure::{
        Figure,
        fixture::{Bench, P1, W1, W2, bracket, ms},
        measure,
    },
    record::{HarmSeen, Holdings, RestoreStage, Restored, StageName},
    scenario::Point,
    time::{Bracket, Nanos},
};

use super::*;

/// The point is at [30 s, 30 s + `wide` ms]; decided on at 40 s; fetched at 41 s, replayed at 43 s, written to at 43.01 s.
fn restored(wide: u64, held: Result<Holdings, String>) -> (Bracket, Restored) {
    let stage = |name, low, high| RestoreStage {
        name,
        at: bracket(low, high),
        said: String::new(),
    };
    let at = bracket(40_000, 45_000);
    let restored = Restored {
        step: 3,
        to: Point::BeforeMistake,
        node: NodeName::new("backup1"),
        point_ns: 0,
        point: bracket(30_000, 30_000 + wide),
        begun: ms(40_000),
        stages: vec![
            stage(StageName::Fetched, 41_000, 41_000),
            stage(StageName::Replayed, 43_000, 43_000),
            stage(StageName::Writes, 43_000, 43_010),
        ],
        harm: None,
        held,
        refused: false,
    };
    (at, restored)
}

/// What holds exactly the writes that were acknowledged by `until`.
fn holding(bench: &Bench, until: Nanos) -> Vec<(LaneId, u64, bool)> {
    let writes = bench
        .history
        .ops
        .iter()
        .filter(|op| [W1, W2, P1].contains(&op.lane));
    let held = writes.filter(|op| op.lane != P1 && op.done.is_some_and(|done| done <= until));
    held.map(|op| (op.lane, op.seq, true)).collect()
}

fn found(bench: Bench, restored: (Bracket, Restored)) -> RestoreFigures {
    let (mut record, history) = bench.build();
    record.restores.push(restored);
    measure(&record, &history).restores.remove(0)
}

fn pitr(plant: impl FnOnce(&mut Vec<(LaneId, u64, bool)>)) -> Pitr {
    let bench = Bench::new();
    let mut held = holding(&bench, ms(30_005));
    plant(&mut held);
    let restored = restored(10, Ok(Holdings::collect(held)));
    found(bench, restored)
        .held
        .value()
        .expect("figures")
        .clone()
}

#[test]
fn a_restore_that_hit_its_point_misses_nothing_and_brings_nothing_of_later() {
    let right = pitr(|_| {});
    assert_eq!((right.missing, right.extra), (0, 0));
    // Two lanes at 25 a second for 30 s, of which those around the point are not judged.
    assert_eq!(right.judged, 1_500);
    assert_eq!(right.unsure, 2);
    assert_eq!(right.near, 500);
    assert_eq!(right.after, 498);
    assert_eq!(right.doubt(), None);
}

#[test]
fn a_write_from_before_the_point_that_is_gone_or_damaged_is_missing() {
    let gone = pitr(|held| held.retain(|(lane, seq, _)| (*lane, *seq) != (W1, 700)));
    assert_eq!((gone.missing, gone.extra), (1, 0));
    assert_eq!(gone.first_missing[0].seq, 700);
    let damaged = pitr(|held| {
        for one in held
            .iter_mut()
            .filter(|(lane, seq, _)| (*lane, *seq) == (W2, 3))
        {
            one.2 = false;
        }
    });
    assert_eq!((damaged.missing, damaged.extra), (1, 0));
}

#[test]
fn a_write_from_after_the_point_or_of_nobody_is_extra() {
    assert_eq!(pitr(|held| held.push((W1, 1_000, true))).extra, 1);
    assert_eq!(pitr(|held| held.push((W1, 999_999, true))).extra, 1);
    // Twice there, or damaged and not told of.
    assert_eq!(pitr(|held| held.push((W1, 3, true))).extra, 1);
    assert_eq!(pitr(|held| held.push((W1, 1_000, false))).extra, 2);
}

#[test]
fn what_lies_within_the_point_is_never_judged_and_a_coarse_point_says_so() {
    let bench = Bench::new();
    let held = Holdings::collect(holding(&bench, ms(30_000)));
    let wide = found(bench, restored(2_000, Ok(held)));
    let wide = wide.held.value().expect("figures").clone();
    assert_eq!((wide.missing, wide.extra), (0, 0));
    assert!(wide.unsure > 90, "{}", wide.unsure);
    assert!(wide.doubt().is_some_and(|why| why.contains("too coarse")));
}

#[test]
fn nothing_written_around_the_point_shows_nothing() {
    for (from, to, words) in [
        (19_000, 31_000, "within 10 s before"),
        (29_900, 60_000, "between the point and the restore"),
    ] {
        let mut bench = Bench::new();
        for lane in [W1, W2] {
            bench.fail(lane, ms(from), ms(to));
        }
        let mut held = holding(&bench, ms(30_000));
        held.retain(|(lane, seq, _)| {
            let mut ops = bench.history.ops.iter();
            let of = |op: &&Op| (op.lane, op.seq) == (*lane, *seq);
            ops.find(of).is_some_and(|op| op.outcome == Outcome::Ok)
        });
        let figures = found(bench, restored(10, Ok(Holdings::collect(held))));
        let doubt = figures.held.value().expect("figures").doubt();
        assert!(
            doubt.as_ref().is_some_and(|why| why.contains(words)),
            "{doubt:?}"
        );
    }
}

#[test]
fn the_stages_sum_to_the_time() {
    let bench = Bench::new();
    let held = Holdings::collect(holding(&bench, ms(30_005)));
    let figures = found(bench, restored(10, Ok(held)));
    let seconds = |span: &Span| (span.low(), span.high());
    let rto = figures.rto.value().expect("a time");
    let (low, high) = (Duration::from_millis(3_000), Duration::from_millis(3_010));
    assert_eq!(seconds(rto), (low, Some(high)));
    let sum: Duration = figures
        .stages
        .iter()
        .filter_map(|(_, part)| part.high())
        .sum();
    assert_eq!(sum, high);
}

#[test]
fn a_restore_that_failed_has_no_figures_and_says_why() {
    let mut failed = restored(10, Err("recovery ended before the point".into()));
    failed.1.stages.truncate(1);
    let figures = found(Bench::new(), failed);
    assert_eq!(
        figures.rto,
        Figure::Missing("recovery ended before the point".into())
    );
    assert_eq!(
        figures.held,
        Figure::Missing("recovery ended before the point".into())
    );
}

#[test]
fn harm_that_came_back_is_seen() {
    let bench = Bench::new();
    let held = Holdings::collect(holding(&bench, ms(30_005)));
    let mut back = restored(10, Ok(held));
    back.1.harm = Some(HarmSeen {
        shows: "count".into(),
        expect: "0".into(),
        said: Ok("0".into()),
    });
    let figures = found(bench, back);
    let held = figures.held.value().expect("figures");
    assert_eq!(held.harm, Harm::Present);
    assert!(!held.is_exact());
    // Nobody could look: that is no sign of its absence.
    let bench = Bench::new();
    let held = Holdings::collect(holding(&bench, ms(30_005)));
    let mut unseen = restored(10, Ok(held));
    unseen.1.harm = Some(HarmSeen {
        shows: "count".into(),
        expect: "0".into(),
        said: Err("it did not answer".into()),
    });
    let figures = found(bench, unseen);
    assert!(!figures.held.value().expect("figures").is_exact());
}

/// The definition by brute force: what was acknowledged before the point and is absent, what was sent after it and is present.
#[test]
fn random_restores_are_judged_as_by_brute_force() {
    let mut state = 7_u64;
    let mut random = || {
        // Knuth's MMIX generator.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    for _ in 0..1_000 {
        let mut bench = Bench::new();
        let mut held = Vec::new();
        let mut expected = (0, 0, 0);
        let (low, high) = (ms(20_000 + random() % 20_000), random() % 400);
        let high = low.after(Duration::from_millis(high));
        for op in &mut bench.history.ops {
            if ![W1, W2].contains(&op.lane) {
                continue;
            }
            if random() % 50 == 0 {
                op.outcome = Outcome::Info;
            }
            let is_there = random() % 20 != 0;
            if is_there {
                held.push((op.lane, op.seq, true));
            }
            let (sent, done) = (op.sent.expect("sent"), op.done.expect("an end"));
            let is_ok = op.outcome == Outcome::Ok;
            expected.0 += u64::from(is_ok && done < low && !is_there);
            expected.1 += u64::from(is_there && sent > high);
            expected.2 += u64::from(is_ok && done >= low && sent <= high);
        }
        let mut restored = restored(0, Ok(Holdings::collect(held)));
        restored.1.point = Bracket { low, high };
        let figures = found(bench, restored);
        let pitr = figures.held.value().expect("figures");
        assert_eq!((pitr.missing, pitr.extra, pitr.unsure), expected);
    }
}

/// Of a restore to the latest point that was decided on at 40 s and holds what was acknowledged by `until`, as it was changed.
fn latest(until: u64, plant: impl FnOnce(&mut Vec<(LaneId, u64, bool)>)) -> Pitr {
    let bench = Bench::new();
    let mut held = holding(&bench, ms(until));
    plant(&mut held);
    let (at, mut restored) = restored(10, Ok(Holdings::collect(held)));
    restored.to = Point::Latest;
    let found = found(bench, (at, restored));
    found.held.value().expect("figures").clone()
}

#[test]
fn what_a_restore_to_the_latest_point_lacks_is_as_old_as_its_oldest_write() {
    let whole = latest(45_000, |_| {});
    assert_eq!((whole.missing, whole.extra, whole.doubt()), (0, 0, None));
    let none = Some(Span::between(Duration::ZERO, Duration::ZERO));
    assert_eq!(whole.rpo, none);
    // What was acknowledged once the restore had begun is nobody's loss, whether it is there or not.
    assert_eq!(latest(40_000, |_| {}).rpo, none);
    let behind = latest(38_000, |_| {});
    let bench = Bench::new();
    let writes = bench.history.ops.iter();
    let writes = writes.filter(|op| [W1, W2].contains(&op.lane) && op.outcome == Outcome::Ok);
    let of = writes.filter_map(|op| Some((op.sent?, op.done?)));
    let before: Vec<_> = of.filter(|(_, done)| *done < ms(40_000)).collect();
    let gone: Vec<_> = before
        .iter()
        .filter(|(_, done)| *done > ms(38_000))
        .collect();
    assert_eq!(behind.missing, gone.len() as u64);
    let last = before.iter().map(|(_, done)| *done).max().expect("a write");
    let sent = gone.iter().map(|(sent, _)| *sent).min().expect("a write");
    let done = gone.iter().map(|(_, done)| *done).min().expect("a write");
    let age = Span::between(last.since(done), last.since(sent));
    assert_eq!(behind.rpo, Some(age));
    assert!(age.low() > Duration::from_millis(1_900) && age.low() < Duration::from_secs(2));
}

#[test]
fn an_old_write_that_the_latest_point_lacks_counts_from_when_it_was_written() {
    let hole = latest(45_000, |held| {
        held.retain(|(lane, seq, _)| (*lane, *seq) != (W1, 500));
    });
    assert_eq!(hole.missing, 1);
    let age = hole.rpo.expect("an age").low();
    assert!(
        age > Duration::from_secs(19) && age < Duration::from_secs(21),
        "{age:?}"
    );
    // Of nobody, or twice there.
    let extra = latest(45_000, |held| {
        held.extend([(W1, 999_999, true), (W1, 3, true)])
    });
    assert_eq!((extra.missing, extra.extra), (0, 2));
}
