//! Planted outages after the headline, after a heal, at the end, and without a cause.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    history::Outcome,
    measure::{
        Figure,
        fixture::{Bench, P2, R1, W1, W2, add_event, bracket, control, ms},
        measure,
    },
    record::{Disruption, DisruptionKind, EffectState, Status, StepResult},
    scenario::{Dur, Expect, Goal, RecoveredBy, Rpo, RunbookStep, Step, Steps, Within},
    score::{Line, LineState, Scorecard, Verdict, judge},
    time::Nanos,
};

const LANES: [crate::id::LaneId; 3] = [W1, W2, R1];

fn card(bench: Bench) -> Scorecard {
    let (record, history) = bench.build();
    judge(&record, &history).scorecard
}

fn line(card: &Scorecard, figure: &str) -> Line {
    let mut lines = card.lines.iter();
    let found = lines.find(|line| line.figure == figure).cloned();
    found.unwrap_or_else(|| panic!("no line {figure} in {card:#?}"))
}

/// Killed at 20 s and back at 22 s; every service lane fails again from `from` to `to`. The target is 10 s.
fn again(from: u64, to: u64) -> Bench {
    let mut bench = Bench::with_outage(ms(22_000));
    for lane in LANES {
        bench.fail(lane, ms(from), ms(to));
    }
    bench
}

fn second_fault(bench: &mut Bench, at: u64) {
    add_event(bench, bracket(at, at + 1), DisruptionKind::Fault, "pg2");
}

#[test]
fn an_outage_after_a_later_fault_is_judged() {
    let with = |to: u64| {
        let mut bench = again(36_000, to);
        second_fault(&mut bench, 36_000);
        card(bench)
    };
    let short = with(39_000);
    assert_eq!(short.verdict, Verdict::Pass, "{short:#?}");
    let judged = line(&short, "rto_after_step_2");
    assert_eq!(
        (judged.state, judged.measured.as_str()),
        (LineState::Met, "3.003 s")
    );
    assert!(
        short
            .sentence
            .contains("after step 2 (kill) service failed for 3.04"),
        "{}",
        short.sentence
    );
    assert_eq!(with(47_000).verdict, Verdict::Fail);
    assert_eq!(
        line(&with(47_000), "rto_after_step_2").state,
        LineState::Missed
    );
    // Down to the clients' end, beyond the target and within it.
    assert_eq!(with(60_000).verdict, Verdict::Fail);
    let mut late = again(55_000, 60_000);
    second_fault(&mut late, 55_000);
    assert_eq!(card(late).verdict, Verdict::Inconclusive);
    // Whether the headline saw an outage makes no difference.
    let mut quiet = Bench::new();
    quiet.record.stack.as_mut().unwrap().bounds.clear();
    for lane in LANES {
        quiet.fail(lane, ms(36_000), ms(47_000));
    }
    second_fault(&mut quiet, 36_000);
    assert_eq!(card(quiet).verdict, Verdict::Fail);
}

#[test]
fn an_outage_of_an_event_before_the_headline_is_judged() {
    let with = |to: u64| {
        let mut bench = again(36_000, 38_000);
        for lane in LANES {
            bench.change(lane, ms(20_000), ms(to), |op| op.outcome = Outcome::Fail);
        }
        second_fault(&mut bench, 36_000);
        bench.record.disruptions[1].1.primary_hit = true;
        bench.record.opened.scenario.headline = Some(2);
        bench.targets().rto = Some(Goal::Limit(Dur(Duration::from_secs(4))));
        card(bench)
    };
    assert_eq!(
        line(&with(22_000), "rto_after_step_1").state,
        LineState::Met
    );
    assert_eq!(
        line(&with(25_500), "rto_after_step_1").state,
        LineState::Missed
    );
    assert_eq!(with(25_500).verdict, Verdict::Fail);
}

#[test]
fn a_step_that_says_any_is_measured_and_not_judged() {
    let mut bench = again(36_000, 47_000);
    second_fault(&mut bench, 36_000);
    let drill = &mut bench.record.opened.scenario.drill;
    *drill = Steps::new(drill.to_vec(), BTreeSet::from([2]));
    let seen = card(bench.clone());
    assert_eq!(line(&seen, "rto_after_step_2").state, LineState::Any);
    assert_eq!(seen.verdict, Verdict::Pass);
    // Not even then may the service be down at the end.
    for lane in LANES {
        bench.fail(lane, ms(47_000), ms(60_000));
    }
    assert_eq!(card(bench).verdict, Verdict::Inconclusive);
}

#[test]
fn a_later_fault_is_held_against_how_service_should_come_back() {
    let with = |node: u16| {
        let mut bench = again(36_000, 38_000);
        second_fault(&mut bench, 36_000);
        bench.record.disruptions[1].1.primary_hit = true;
        for lane in LANES {
            bench.change(lane, ms(38_000), ms(60_000), |op| op.node = Some(node));
        }
        bench.targets().recovered_by = Some(RecoveredBy::OtherNode);
        line(&card(bench), "recovered_by_after_step_2").state
    };
    assert_eq!(with(0), LineState::Met);
    assert_eq!(with(1), LineState::Missed);
}

#[test]
fn an_outage_after_a_heal_or_a_return_is_judged_from_there() {
    let heal = |at: u64, to: u64| {
        let mut bench = again(at, to);
        bench.record.healed.push((bracket(at - 100, at), 1));
        card(bench)
    };
    let short = heal(40_000, 42_000);
    assert_eq!(line(&short, "rto_after_heal_of_step_1").measured, "2.103 s");
    assert_eq!(short.verdict, Verdict::Pass);
    assert_eq!(heal(40_000, 52_000).verdict, Verdict::Fail);
    // Back within the target, and not well for W at the end.
    assert_eq!(heal(49_000, 52_000).verdict, Verdict::Inconclusive);
    let mut bench = again(35_000, 45_000);
    bench.targets().rto = Some(Goal::Limit(Dur(Duration::from_secs(9))));
    bench
        .record
        .returned
        .push((bracket(34_990, 35_000), crate::id::NodeName::new("pg1")));
    let seen = card(bench);
    assert_eq!(
        line(&seen, "rto_after_return_of_pg1").state,
        LineState::Missed
    );
    assert_eq!(seen.verdict, Verdict::Fail);
}

#[test]
fn a_heal_before_the_recovery_explains_no_relapse() {
    let with = |healed: u64, to: u64| {
        let mut bench = again(36_000, to);
        bench.record.healed.push((bracket(healed, healed + 1), 1));
        card(bench)
    };
    // Before the first recovery, and after it.
    assert_eq!(with(21_000, 37_000).verdict, Verdict::Inconclusive);
    assert_eq!(with(35_900, 37_000).verdict, Verdict::Pass);
    // Longer than the target of 10 s: a miss by its own length.
    let long = with(21_000, 47_000);
    assert_eq!(line(&long, super::LATE).state, LineState::Missed);
    assert_eq!(long.verdict, Verdict::Fail);
    // A heal long before it, after the recovery, explains it no more.
    assert_eq!(with(23_000, 37_000).verdict, Verdict::Inconclusive);
}

#[test]
fn a_lane_that_was_well_for_w_has_a_late_outage_of_its_own_length() {
    let blip = |at: u64, by: u64| {
        let mut bench = Bench::with_outage(ms(22_000));
        bench.change(R1, ms(20_000), ms(22_000), |op| {
            op.outcome = Outcome::Ok;
            op.done = op.sent.map(|sent| Nanos(sent.0 + 1_900_000));
            op.node = Some(0);
        });
        bench.fail(R1, ms(at), ms(at + by));
        card(bench)
    };
    // One read 11 s after the fault, on a lane that the fault never touched: no RTO of 11 s.
    let seen = blip(31_000, 40);
    assert_eq!(line(&seen, "rto").measured, "2.003 s");
    assert_eq!(line(&seen, super::LATE).state, LineState::Inconclusive);
    assert_eq!(seen.verdict, Verdict::Inconclusive);
    assert_eq!(blip(31_000, 11_000).verdict, Verdict::Fail);
    // The bounds of the kill reach as far as 4 s; a lease of 15 s would explain an onset at 11 s.
    let mut leased = Bench::new();
    leased.record.stack.as_mut().unwrap().bounds[0].rto =
        crate::time::Span::between(Duration::from_secs(1), Duration::from_secs(15));
    leased.fail(W1, ms(31_000), ms(32_000));
    leased.change(W1, ms(32_000), ms(60_000), |op| op.node = Some(1));
    leased.targets().rto = Some(Goal::Limit(Dur(Duration::from_secs(20))));
    let seen = card(leased);
    assert_eq!(line(&seen, "rto").measured, "12.003 s");
    assert_eq!(seen.verdict, Verdict::Pass, "{seen:#?}");
}

#[test]
fn a_crash_loop_in_force_strikes_again_and_is_held_against_the_target() {
    let with = |to: u64, healed: u64| {
        let mut bench = again(36_000, to);
        bench.record.disruptions[0].1.name = "crash-loop".into();
        bench.record.stack.as_mut().unwrap().bounds.clear();
        bench.record.healed.push((bracket(healed, healed + 1), 1));
        card(bench).verdict
    };
    assert_eq!(with(38_000, 48_000), Verdict::Pass);
    assert_eq!(with(47_000, 48_000), Verdict::Fail);
    // It was over before.
    assert_eq!(with(38_000, 23_000), Verdict::Inconclusive);
}

/// The first event hits pg1 at 20 s, a failback hits pg2 at 40 s.
fn lost_by_the_failback(limit_ms: u64) -> Scorecard {
    let mut bench = Bench::with_outage(ms(22_000));
    add_event(
        &mut bench,
        bracket(40_000, 40_002),
        DisruptionKind::Failback,
        "pg2",
    );
    // Acknowledged at 39,923 ms by pg2: between 77 and 81 ms before it.
    bench.absent = vec![(W1, 998)];
    for lane in [W1, W2, R1] {
        bench.change(lane, ms(40_000), ms(60_000), |op| op.node = Some(0));
    }
    bench.fail(P2, ms(40_000), ms(60_000));
    bench.targets().rpo = Some(Rpo {
        seconds: Some(Goal::Limit(Dur(Duration::from_millis(limit_ms)))),
        count: None,
        bytes: None,
    });
    card(bench)
}

#[test]
fn what_a_later_event_lost_has_lines_of_its_own() {
    for (limit, state, verdict) in [
        (90, LineState::Met, Verdict::Pass),
        (79, LineState::Inconclusive, Verdict::Inconclusive),
        (70, LineState::Missed, Verdict::Fail),
    ] {
        let seen = lost_by_the_failback(limit);
        assert_eq!(line(&seen, "rpo_seconds").measured, "0 ms");
        assert_eq!(
            line(&seen, "rpo_seconds_after_step_2").state,
            state,
            "{limit}"
        );
        assert_eq!(seen.verdict, verdict, "{limit}: {seen:#?}");
    }
}

#[test]
fn two_primaries_must_have_been_looked_for() {
    let with = |one_writer: bool, named: bool| {
        let mut bench = Bench::with_outage(ms(22_000));
        for lane in &mut bench.record.lanes {
            lane.pinned = None;
        }
        bench.record.stack.as_mut().unwrap().one_writer = one_writer;
        if !named {
            bench.change(W1, ms(50_000), ms(50_040), |op| op.node = None);
        }
        line(&card(bench), "split_brain").state
    };
    assert_eq!(with(true, true), LineState::Met);
    assert_eq!(with(true, false), LineState::Inconclusive);
    assert_eq!(with(false, true), LineState::Inconclusive);
}

#[test]
fn two_nodes_that_take_service_writes_by_turns_are_two_primaries() {
    let with = |one_writer: bool| {
        let mut bench = Bench::with_outage(ms(22_000));
        bench.record.stack.as_mut().unwrap().one_writer = one_writer;
        for lane in &mut bench.record.lanes {
            lane.pinned = lane.pinned.take().filter(|_| !one_writer);
        }
        bench.change(W1, ms(30_000), ms(36_000), |op| op.node = Some(0));
        card(bench)
    };
    let seen = with(true);
    assert_eq!(line(&seen, "split_brain").state, LineState::Missed);
    assert_eq!(seen.verdict, Verdict::Fail);
    // Where members forward writes, who answers one says nothing.
    assert_eq!(with(false).verdict, Verdict::Pass);
}

#[test]
fn a_history_that_is_not_whole_decides_nothing() {
    let whole = |plant: &dyn Fn(&mut Bench)| {
        let mut bench = Bench::with_outage(ms(22_000));
        bench.record.due = Some(vec![1_500, 1_500, 1_500, 600, 600]);
        plant(&mut bench);
        card(bench).verdict
    };
    assert_eq!(whole(&|_| {}), Verdict::Pass);
    // Its last second is missing, evenly; what was written then is present, or lost as well.
    let cut = |b: &mut Bench| b.history.ops.retain(|op| op.intended < ms(59_000));
    assert_eq!(whole(&cut), Verdict::Inconclusive);
    let present = |b: &mut Bench| {
        cut(b);
        b.extra.push((W1, 1_499, true));
    };
    assert_eq!(whole(&present), Verdict::Inconclusive);
    let doubted = |b: &mut Bench| b.record.history_doubt = Some("it is of another run".into());
    assert_eq!(whole(&doubted), Verdict::Inconclusive);
}

#[test]
fn reads_that_are_dead_to_the_end_never_pass() {
    for healed in [None, Some(40_000)] {
        let mut bench = Bench::with_outage(ms(22_000));
        bench.fail(R1, ms(40_100), ms(60_000));
        let heal = healed.map(|at| (bracket(at, at + 1), 1));
        bench.record.healed.extend(heal);
        bench.targets().rto = Some(Goal::Any);
        bench.targets().rpo = Some(Rpo {
            seconds: None,
            count: Some(Goal::Limit(0)),
            bytes: None,
        });
        assert_eq!(card(bench).verdict, Verdict::Inconclusive, "{healed:?}");
    }
}

#[test]
fn an_expectation_that_was_not_met_fails_the_drill() {
    let within = Within {
        within: Dur(Duration::from_secs(60)),
    };
    let with = |result: StepResult| {
        let mut bench = Bench::with_outage(ms(22_000));
        let step = bench.record.opened.scenario.drill.len();
        let expect = Step::Expect(Expect::Redundant(within.clone()));
        bench.record.opened.scenario.drill.push(expect);
        bench
            .record
            .steps
            .push((bracket(50_000, 51_000), step, result));
        bench
    };
    assert_eq!(card(with(StepResult::Done)).verdict, Verdict::Pass);
    let unmet = with(StepResult::Unmet("pg1 is not in sync".into()));
    let seen = card(unmet.clone());
    assert_eq!(seen.verdict, Verdict::Fail);
    let judged = line(&seen, "expect_redundant_step_2");
    assert_eq!(
        (judged.state, judged.target.as_str()),
        (LineState::Missed, "<= 1m")
    );
    // A doubt about everything leaves it open.
    let mut doubtful = unmet;
    doubtful.record.effects[0].state = EffectState::NotVerified;
    assert_eq!(card(doubtful).verdict, Verdict::Inconclusive);
    assert_eq!(
        card(with(StepResult::Failed("gone".into()))).verdict,
        Verdict::Inconclusive
    );
}

#[test]
fn a_run_that_was_stopped_does_not_hide_a_proven_miss() {
    let with = |limit: f64, status: Status| {
        let mut bench = Bench::with_outage(ms(60_000));
        bench.targets().rto = Some(Goal::Limit(Dur(Duration::from_secs_f64(limit))));
        bench.record.status = status;
        card(bench).verdict
    };
    assert_eq!(with(0.05, Status::Interrupted), Verdict::Fail);
    assert_eq!(with(0.05, Status::Aborted("gone".into())), Verdict::Fail);
    assert_eq!(with(60.0, Status::Interrupted), Verdict::Inconclusive);
}

#[test]
fn a_noop_beside_a_fault_makes_no_control() {
    // The kill of the headline becomes a noop, and a real kill follows.
    let mut bench = control();
    second_fault(&mut bench, 36_000);
    assert_ne!(card(bench.clone()).verdict, Verdict::Control);
    bench.record.opened.scenario.headline = Some(1);
    assert_eq!(card(bench.clone()).verdict, Verdict::Inconclusive);
    // The kill was never reached: no control either.
    bench.record.disruptions.pop();
    assert_ne!(card(bench).verdict, Verdict::Control);
    let mut moved = control();
    let runbook = Step::Runbook(RunbookStep::Shipped("promote-replica".into()));
    moved.record.opened.scenario.drill.push(runbook);
    moved
        .record
        .steps
        .push((bracket(40_000, 41_000), 2, StepResult::Done));
    assert_ne!(card(moved).verdict, Verdict::Control);
}

#[test]
fn nothing_is_passed_by_a_side_figure_alone() {
    let seconds = |s: f64| Some(Goal::Limit(Dur(Duration::from_secs_f64(s))));
    let with = |plant: &dyn Fn(&mut crate::scenario::Targets)| {
        let mut bench = Bench::with_outage(ms(22_000));
        let targets = bench.targets();
        (targets.rto, targets.rpo) = (Some(Goal::Any), Some(Rpo::ANY));
        plant(targets);
        card(bench).verdict
    };
    assert_eq!(with(&|t| t.rto_read = seconds(9.0)), Verdict::Inconclusive);
    assert_eq!(with(&|t| t.rto_slo = seconds(9.0)), Verdict::Inconclusive);
    assert_eq!(with(&|t| t.outage = seconds(9.0)), Verdict::Inconclusive);
    assert_eq!(with(&|t| t.max_gap = seconds(9.0)), Verdict::Inconclusive);
    assert_eq!(with(&|t| t.rto_write = seconds(9.0)), Verdict::Pass);
}

#[test]
fn operations_that_were_sent_late_within_w_prove_no_recovery() {
    let frozen = |from: u64, to: u64| {
        let mut bench = Bench::with_outage(ms(22_000));
        for lane in LANES {
            bench.change(lane, ms(from), ms(to), |op| {
                op.sent = Some(ms(to));
                op.done = Some(Nanos(ms(to).0 + 2_000_000));
            });
        }
        card(bench).verdict
    };
    assert_eq!(frozen(23_500, 30_500), Verdict::Inconclusive);
    assert_eq!(frozen(24_500, 24_700), Verdict::Pass);
    assert_eq!(frozen(24_500, 24_900), Verdict::Inconclusive);
    // Long after W it matters to nobody.
    assert_eq!(frozen(45_000, 52_000), Verdict::Pass);
    // Slots that are simply not there, renumbered so that no number is missing.
    let mut jump = Bench::with_outage(ms(22_000));
    jump.history
        .ops
        .retain(|op| op.lane != W1 || !(ms(24_000)..ms(31_000)).contains(&op.intended));
    let own = jump.history.ops.iter_mut().filter(|op| op.lane == W1);
    own.zip(0..).for_each(|(op, seq)| op.seq = seq);
    assert_eq!(card(jump).verdict, Verdict::Inconclusive);
}

#[test]
fn gaps_and_sums_say_what_they_could_not_see() {
    let (record, history) = Bench::new().build();
    let total = *measure(&record, &history)
        .unavailable_total
        .value()
        .unwrap();
    assert_eq!((total.low_ns, total.high_ns), (0, Some(41_900_000)));
    // The last operation failed: how long that went on was not seen.
    let mut silent = Bench::with_outage(ms(24_000));
    silent.fail(W1, ms(59_900), ms(60_000));
    let (record, history) = silent.build();
    let figures = measure(&record, &history);
    let Figure::Measured((gap, _)) = figures.max_gap else {
        panic!("no gap");
    };
    assert_eq!(gap.high_ns, None);
    assert!(gap.low_ns > 3_900_000_000);
}

#[test]
fn an_outage_from_later_on_is_told_by_its_own_length() {
    let mut bench = Bench::new();
    bench.record.stack.as_mut().unwrap().bounds.clear();
    for lane in LANES {
        bench.fail(lane, ms(25_000), ms(26_000));
    }
    let told = card(bench).sentence;
    assert!(
        told.contains("writes failed for 1.042 s from 5.003 s after the step on"),
        "{told}"
    );
}

#[test]
fn how_long_writes_failed_is_not_told_of_other_lanes() {
    let mut bench = Bench::new();
    for (lane, back) in [(W1, 22_200), (W2, 22_200), (R1, 26_000)] {
        bench.fail(lane, ms(22_000), ms(back));
    }
    let told = card(bench).sentence;
    assert!(told.contains("writes failed for 24"), "{told}");
    assert!(told.contains("ms from 2.003 s after the step"), "{told}");
}

#[test]
fn several_victims_lose_their_files() {
    let mut bench = Bench::with_outage(ms(22_000));
    let disruption: &mut Disruption = &mut bench.record.disruptions[0].1;
    disruption.name = "wipe".into();
    disruption.victims.push(crate::id::NodeName::new("pg2"));
    let told = card(bench).sentence;
    assert!(told.contains("were killed and lost their files"), "{told}");
    let mut one = Bench::with_outage(ms(22_000));
    one.absent.push((W1, 499));
    assert!(
        card(one)
            .sentence
            .contains("1 of 2,900 acknowledged writes was lost")
    );
}

/// The clients are held up from `from` to `to`: what was to start then starts at its end, and is answered.
fn held_up(bench: &mut Bench, from: u64, to: u64) {
    for lane in LANES {
        bench.change(lane, ms(from), ms(to), |op| {
            op.sent = Some(ms(to));
            op.done = Some(Nanos(ms(to).0 + 2_000_000));
        });
    }
}

type Plant<'a> = &'a dyn Fn(&mut Bench);

#[test]
fn an_outage_beyond_the_target_that_could_hide_after_a_later_event_is_not_passed() {
    let with = |target_s: u64, plant: &dyn Fn(&mut Bench)| {
        let mut bench = Bench::with_outage(ms(22_000));
        bench.targets().rto = Some(Goal::Limit(Dur(Duration::from_secs(target_s))));
        held_up(&mut bench, 45_000, 52_000);
        plant(&mut bench);
        card(bench)
    };
    let fault = |b: &mut Bench| second_fault(b, 45_000);
    let heal = |b: &mut Bench| b.record.healed.push((bracket(45_000, 45_001), 1));
    let back = |b: &mut Bench| {
        let node = crate::id::NodeName::new("pg1");
        b.record.returned.push((bracket(45_000, 45_001), node));
    };
    let plants: [(&str, Plant); 3] = [
        ("rto_after_step_2", &fault),
        ("rto_after_heal_of_step_1", &heal),
        ("rto_after_return_of_pg1", &back),
    ];
    for (figure, plant) in plants {
        let seen = with(5, plant);
        assert_eq!(line(&seen, figure).state, LineState::Inconclusive);
        assert_eq!(seen.verdict, Verdict::Inconclusive, "{figure}");
        // Whatever hides in 7 s is within a target of 10 s.
        assert_eq!(with(10, plant).verdict, Verdict::Pass, "{figure}");
    }
    // Nothing was done then.
    assert_eq!(with(5, &|_| {}).verdict, Verdict::Pass);
}

#[test]
fn a_later_fault_that_nobody_could_see_the_end_of_is_not_passed() {
    let mut bench = Bench::with_outage(ms(22_000));
    second_fault(&mut bench, 55_000);
    let seen = card(bench);
    assert_eq!(line(&seen, "rto_after_step_2").measured, "not measured");
    assert_eq!(seen.verdict, Verdict::Inconclusive);
}

#[test]
fn a_judged_fault_within_the_outage_of_one_that_is_not_has_a_line() {
    let with = |unjudged: &[usize]| {
        let mut bench = again(36_000, 49_000);
        bench.targets().rto = Some(Goal::Limit(Dur(Duration::from_secs(15))));
        second_fault(&mut bench, 36_000);
        second_fault(&mut bench, 37_000);
        let drill = &mut bench.record.opened.scenario.drill;
        *drill = Steps::new(drill.to_vec(), unjudged.iter().copied().collect());
        card(bench)
    };
    let seen = with(&[2]);
    assert_eq!(
        line(&seen, "rto_after_step_3").state,
        LineState::Inconclusive
    );
    assert_eq!(seen.verdict, Verdict::Inconclusive);
    // Where the one before is judged, its line holds all of the outage.
    assert_eq!(with(&[]).verdict, Verdict::Pass);
}

#[test]
fn without_a_target_for_rto_a_later_fault_cannot_pass() {
    let with = |plant: &dyn Fn(&mut Bench)| {
        let mut bench = Bench::with_outage(ms(20_400));
        let moved: &mut Disruption = &mut bench.record.disruptions[0].1;
        moved.kind = DisruptionKind::Switchover;
        moved.name = "switchover".into();
        bench.record.opened.scenario.drill[1] = Step::Switchover(crate::scenario::Move::default());
        bench.targets().rto = None;
        bench.targets().outage = Some(Goal::Limit(Dur(Duration::from_secs(1))));
        second_fault(&mut bench, 40_000);
        plant(&mut bench);
        card(bench)
    };
    assert_eq!(with(&|_| {}).verdict, Verdict::Pass);
    let down = |b: &mut Bench| b.fail(W1, ms(40_000), ms(48_000));
    let seen = with(&down);
    assert_eq!(line(&seen, "rto_after_step_2").target, "missing");
    assert_eq!(seen.verdict, Verdict::Inconclusive);
}

#[test]
fn an_outage_target_is_the_switchovers_where_the_headline_is_a_fault() {
    let with = |to: u64| {
        let mut bench = Bench::with_outage(ms(25_000));
        bench.targets().outage = Some(Goal::Limit(Dur(Duration::from_secs(2))));
        let at = bracket(40_000, 40_001);
        add_event(&mut bench, at, DisruptionKind::Switchover, "pg2");
        bench.fail(W1, ms(40_000), ms(to));
        card(bench)
    };
    assert_eq!(line(&with(41_000), "outage").state, LineState::Met);
    assert_eq!(with(41_000).verdict, Verdict::Pass);
    assert_eq!(line(&with(43_000), "outage").state, LineState::Missed);
}

#[test]
fn an_outage_before_anything_was_done_is_not_passed() {
    let with = |steady_to: u64| {
        let mut bench = Bench::with_outage(ms(22_000));
        bench.record.steady = vec![(Nanos(0), ms(steady_to))];
        bench.fail(W1, ms(17_000), ms(17_040));
        card(bench)
    };
    // One of some 1,500 operations: the baseline may hold it.
    assert_eq!(with(19_990).verdict, Verdict::Pass);
    let seen = with(16_500);
    assert_eq!(seen.verdict, Verdict::Inconclusive);
    let told = seen.reasons.iter().any(|reason| reason.name == "relapse");
    assert!(told, "{seen:#?}");
}

#[test]
fn a_control_is_one_from_the_first_step_to_the_end() {
    let with = |plant: &dyn Fn(&mut Bench)| {
        let mut bench = control();
        plant(&mut bench);
        card(bench).verdict
    };
    assert_eq!(with(&|_| {}), Verdict::Control);
    let twice = |b: &mut Bench| {
        let at = bracket(36_000, 36_001);
        add_event(b, at, DisruptionKind::Control, "pg1");
        b.record.disruptions[1].1.victims.clear();
        b.record.effects[1].state = EffectState::Unchanged;
    };
    assert_eq!(with(&twice), Verdict::Control);
    assert_eq!(
        with(&|b| {
            twice(b);
            b.fail(W1, ms(36_000), ms(39_000));
        }),
        Verdict::Fail
    );
    let held = |b: &mut Bench| {
        b.record.steady = vec![(Nanos(0), ms(14_000))];
        b.fail(W1, ms(14_500), ms(19_000));
    };
    assert_ne!(with(&held), Verdict::Control);
}

#[test]
fn an_outage_that_a_judged_return_may_have_brought_about_is_judged() {
    let with = |unjudged: &[usize]| {
        let mut bench = again(43_500, 49_900);
        bench.targets().rto = Some(Goal::Limit(Dur(Duration::from_secs(5))));
        second_fault(&mut bench, 33_000);
        let node = crate::id::NodeName::new;
        let returned = &mut bench.record.returned;
        returned.push((bracket(43_200, 43_300), node("pg1")));
        returned.push((bracket(43_350, 43_400), node("pg2")));
        let drill = &mut bench.record.opened.scenario.drill;
        *drill = Steps::new(drill.to_vec(), unjudged.iter().copied().collect());
        card(bench)
    };
    // pg1 returned too, and its fault is judged.
    let seen = with(&[2]);
    assert_eq!(
        line(&seen, "rto_after_return_of_pg2").state,
        LineState::Missed
    );
    assert_eq!(seen.verdict, Verdict::Fail);
}
