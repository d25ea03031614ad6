//! Random runs with several events, heals, returns, outages and losses, of which none that is down too long or loses may pass.

use std::time::Duration;

use crate::{
    history::{Draft, Outcome},
    id::{LaneId, NodeName},
    measure::fixture::{Bench, R1, W1, W2, add_event, bracket, ms},
    record::{DisruptionKind, StepResult},
    scenario::{Dur, Expect, Goal, Step, Within},
    score::{Verdict, judge},
    seed::{Seed, Stream},
};

const LANES: [LaneId; 3] = [W1, W2, R1];

/// The targets, milliseconds: shorter than W, and longer.
const TARGETS: [u64; 2] = [5_000, 25_000];

/// The interval of service lanes, milliseconds.
const INTERVAL: u64 = 40;

fn between(random: &mut Stream, low: u64, high: u64) -> u64 {
    low + random.index(usize::try_from(high - low).expect("a small range")) as u64
}

/// A kill at 20 s, up to two events after it, heals and returns, and up to three outages that begin at one of these or anywhere.
fn planted(random: &mut Stream, target: u64) -> Bench {
    let mut bench = Bench::new();
    bench.targets().rto = Some(Goal::Limit(Dur(Duration::from_millis(target))));
    let mut moments = vec![20_000];
    for _ in 0..random.index(4).saturating_sub(1) {
        // Before the lanes were well for W, or after it.
        let (least, most) = [(1_000, 10_000), (11_000, 16_000)][random.index(2)];
        let at = moments.last().copied().unwrap_or(20_000) + between(random, least, most);
        let kind = match random.index(4) {
            0 => DisruptionKind::Switchover,
            1 => DisruptionKind::Failback,
            _ => DisruptionKind::Fault,
        };
        if at < 59_900 {
            add_event(&mut bench, bracket(at, at + 1), kind, "pg2");
            moments.push(at);
        }
    }
    for _ in 0..random.index(6).saturating_sub(3) {
        let at = between(random, 20_500, 59_000);
        moments.push(at);
        if random.index(2) == 0 {
            bench.record.healed.push((bracket(at, at + 1), 1));
        } else {
            let returned = (bracket(at, at + 1), NodeName::new("pg1"));
            bench.record.returned.push(returned);
        }
        // Somebody waits for the member, which may be in sync much later.
        if random.index(2) == 0 {
            let to = at + between(random, 100, 30_000);
            let within = Within {
                within: Dur(Duration::from_secs(60)),
            };
            let drill = &mut bench.record.opened.scenario.drill;
            drill.push(Step::Expect(Expect::Redundant(within)));
            let step = drill.len() - 1;
            let waited = (bracket(at, to), step, StepResult::Done);
            bench.record.steps.push(waited);
        }
    }
    for _ in 0..random.index(4) {
        let at = match random.index(3) {
            0 => between(random, 20_000, 59_900),
            1 => moments[random.index(moments.len())],
            _ => moments.last().copied().unwrap_or(20_000),
        };
        // Well within the target, or well beyond it.
        let (least, most) = [(0, target / 2), (target * 6 / 5, 2 * target)][random.index(2)];
        let to = at + between(random, least, most);
        for lane in LANES {
            if random.index(3) > 0 {
                bench.fail(lane, ms(at), ms(to));
            }
        }
    }
    if random.index(6) == 0 {
        let seq = between(random, 0, 60_000 / INTERVAL);
        bench.absent = vec![(if seq.is_multiple_of(2) { W1 } else { W2 }, seq)];
    }
    bench
}

/// Why the run must not pass, seen from its operations alone.
fn wrong(bench: &Bench, target: u64) -> Option<String> {
    let Draft { ops, .. } = &bench.history;
    for lane in LANES {
        let (mut down, mut longest) = (0, 0);
        for op in ops.iter().filter(|op| op.lane == lane) {
            down = if op.outcome == Outcome::Ok {
                0
            } else {
                down + 1
            };
            longest = longest.max(down);
        }
        if longest * INTERVAL > target + 2 * INTERVAL {
            return Some(format!("lane {} is down for {longest} operations", lane.0));
        }
        if down > 0 {
            return Some(format!("lane {} is down at the end", lane.0));
        }
    }
    let acknowledged = |id: &&(LaneId, u64)| {
        let mut ops = ops.iter();
        ops.any(|op| (op.lane, op.seq) == **id && op.outcome == Outcome::Ok)
    };
    let lost = bench.absent.iter().find(acknowledged)?;
    Some(format!("{lost:?} is lost"))
}

#[test]
fn no_run_that_was_down_too_long_or_lost_writes_passes() {
    let (mut passed, mut refused) = (0, 0);
    for number in 0..600 {
        let target = TARGETS[usize::from(number % 2 == 0)];
        let bench = planted(&mut Seed(number).stream("attack"), target);
        let wrong = wrong(&bench, target);
        let events = bench.record.disruptions.clone();
        let (record, history) = bench.build();
        let card = judge(&record, &history).scorecard;
        match (card.verdict, wrong) {
            (Verdict::Pass, Some(wrong)) => {
                panic!("seed {number} passes though {wrong}: {events:#?} {card:#?}")
            }
            (Verdict::Pass, None) => passed += 1,
            (_, wrong) => refused += u32::from(wrong.is_some()),
        }
    }
    assert!(passed > 5 && refused > 50, "{passed} {refused}");
}
