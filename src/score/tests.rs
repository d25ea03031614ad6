//! Whole judgements: planted drills and their verdicts, lines and sentences.

use std::time::Duration;

use crate::{
    check::{Answer, Finding, Touch},
    history::{Outcome, register_value},
    id::NodeName,
    measure::{
        fixture::{
            Bench, P1, R1, REGISTER_READ, REGISTER_WRITE, W1, W2, add_event, bracket, consumers,
            control, crashed, ms, registers,
        },
        measure,
    },
    record::{
        Cause, Change, Disruption, DisruptionKind, EffectState, Residue, Status, Unexplained,
    },
    scenario::{Dur, Goal, Percent, RecoveredBy, Rpo, Targets},
    time::Nanos,
};

use super::{Judgement, Line, LineState, Reason, Scorecard, Verdict, judge, score};

pub(super) fn card(bench: Bench) -> Scorecard {
    let (record, history) = bench.build();
    judge(&record, &history).scorecard
}

fn verdict(plant: impl FnOnce(&mut Bench)) -> Verdict {
    let mut bench = Bench::with_outage(ms(22_000));
    plant(&mut bench);
    card(bench).verdict
}

fn seconds(s: f64) -> Goal<Dur> {
    Goal::Limit(Dur(Duration::from_secs_f64(s)))
}

fn line(card: &Scorecard, figure: &str) -> Line {
    card.lines
        .iter()
        .find(|line| line.figure == figure)
        .cloned()
        .unwrap_or_else(|| panic!("no line {figure} in {card:?}"))
}

fn named(card: &Scorecard, name: &str) -> bool {
    card.reasons.iter().any(|reason| reason.name == name)
}

#[test]
fn a_sound_drill_within_its_targets_passes() {
    let card = card(Bench::with_outage(ms(22_000)));
    assert_eq!(card.verdict, Verdict::Pass);
    assert_eq!(
        card.sentence,
        "The primary pg1 was killed; writes failed for 2.003 s until pg2 took over; \
         no acknowledged write was lost (0 of 2,900)."
    );
    let names: Vec<&str> = card.lines.iter().map(|l| l.figure.as_str()).collect();
    assert_eq!(names, ["rto", "rpo_count", "split_brain"]);
    let rto = line(&card, "rto");
    assert_eq!(
        (rto.target.as_str(), rto.measured.as_str()),
        ("<= 10s", "2.003 s")
    );
    assert_eq!(rto.bracket, "[1.959 s, 2.003 s]");
    assert_eq!((rto.value, rto.limit), (Some(2.003), Some(10.0)));
    assert!(card.reasons.is_empty());
}

#[test]
fn a_judgement_survives_json() {
    let (record, history) = Bench::with_outage(ms(22_000)).build();
    let judgement = judge(&record, &history);
    let text = serde_json::to_string(&judgement).expect("it serialises");
    let back: Judgement = serde_json::from_str(&text).expect("it deserialises");
    assert_eq!(back, judgement);
}

#[test]
fn met_needs_the_upper_end_and_missed_the_lower() {
    // The bracket is [1.9591 s, 2.003 s].
    let with = |limit: f64| {
        let mut bench = Bench::with_outage(ms(22_000));
        bench.targets().rto = Some(seconds(limit));
        let card = card(bench);
        (line(&card, "rto").state, card.verdict)
    };
    assert_eq!(with(2.003), (LineState::Met, Verdict::Pass));
    assert_eq!(
        with(2.002_999),
        (LineState::Inconclusive, Verdict::Inconclusive)
    );
    assert_eq!(
        with(1.9591),
        (LineState::Inconclusive, Verdict::Inconclusive)
    );
    assert_eq!(with(1.959), (LineState::Missed, Verdict::Fail));
}

#[test]
fn a_missing_target_never_passes() {
    assert_eq!(verdict(|b| b.targets().rto = None), Verdict::Inconclusive);
    assert_eq!(verdict(|b| b.targets().rpo = None), Verdict::Inconclusive);
    let empty = Rpo {
        seconds: None,
        count: None,
        bytes: None,
    };
    assert_eq!(
        verdict(|b| b.targets().rpo = Some(empty)),
        Verdict::Inconclusive
    );
    let mut bench = Bench::with_outage(ms(22_000));
    bench.targets().rpo = None;
    let card = card(bench);
    assert_eq!(line(&card, "rpo_count").target, "missing");
    assert!(named(&card, "target-missing"));
}

#[test]
fn any_is_measured_and_not_judged_and_needs_one_met_line() {
    assert_eq!(
        verdict(|b| b.targets().rto = Some(Goal::Any)),
        Verdict::Pass
    );
    assert_eq!(verdict(|b| b.targets().rpo = Some(Rpo::ANY)), Verdict::Pass);
    let both = |b: &mut Bench| {
        b.targets().rto = Some(Goal::Any);
        b.targets().rpo = Some(Rpo::ANY);
        b.targets().availability = Some(Goal::Limit(Percent(1.0)));
    };
    assert_eq!(verdict(both), Verdict::Inconclusive);
    let lossy = |b: &mut Bench| {
        b.targets().rpo = Some(Rpo::ANY);
        b.absent.push((W1, 499));
    };
    assert_eq!(verdict(lossy), Verdict::Pass);
    // Missing data never passes, `any` or not.
    let unread = |b: &mut Bench| {
        b.targets().rpo = Some(Rpo::ANY);
        b.record.converged = None;
    };
    assert_eq!(verdict(unread), Verdict::Inconclusive);
}

#[test]
fn missing_data_never_passes() {
    assert_eq!(
        verdict(|b| b.record.converged = None),
        Verdict::Inconclusive
    );
    assert_eq!(
        verdict(|b| b
            .history
            .ops
            .retain(|op| op.lane != R1 || op.intended < ms(20_000))),
        Verdict::Inconclusive
    );
    for target in ["fencing", "redundancy_restored", "failback", "rto_app"] {
        let plant = |b: &mut Bench| {
            let t = b.targets();
            match target {
                "fencing" => t.fencing = Some(seconds(60.0)),
                "redundancy_restored" => t.redundancy_restored = Some(seconds(60.0)),
                "failback" => t.failback = Some(seconds(60.0)),
                _ => t.rto_app = Some(seconds(60.0)),
            }
            b.record
                .lanes
                .iter_mut()
                .for_each(|lane| lane.pinned = None);
        };
        assert_eq!(verdict(plant), Verdict::Inconclusive, "{target}");
    }
    let mut bench = Bench::new();
    bench.record.disruptions.clear();
    assert_eq!(card(bench).verdict, Verdict::Inconclusive);
}

#[test]
fn every_target_has_its_line() {
    let mut bench = Bench::with_outage(ms(22_000));
    let t = bench.targets();
    t.rto_write = Some(seconds(3.0));
    t.rto_read = Some(seconds(1.0));
    t.rto_slo = Some(seconds(3.0));
    t.outage = Some(seconds(3.0));
    t.max_gap = Some(seconds(3.0));
    t.fencing = Some(seconds(1.0));
    t.unavailable_total = Some(seconds(1.0));
    t.staleness = Some(seconds(5.0));
    t.availability = Some(Goal::Limit(Percent(99.9)));
    t.recovered_by = Some(RecoveredBy::OtherNode);
    t.rpo = Some(Rpo {
        seconds: Some(seconds(1.0)),
        count: Some(Goal::Limit(0)),
        bytes: Some(Goal::Limit(0)),
    });
    let card = card(bench);
    for (figure, state) in [
        ("rto", LineState::Met),
        ("rpo_seconds", LineState::Met),
        ("rpo_count", LineState::Met),
        ("rpo_bytes", LineState::Met),
        ("rto_write", LineState::Met),
        ("rto_read", LineState::Missed),
        ("rto_slo", LineState::Met),
        // It is a planned switchover's, and there is none.
        ("outage", LineState::Inconclusive),
        ("max_gap", LineState::Met),
        ("fencing", LineState::Met),
        ("unavailable_total", LineState::Missed),
        ("split_brain", LineState::Met),
        ("staleness", LineState::Met),
        ("availability", LineState::Missed),
        ("recovered_by", LineState::Met),
    ] {
        assert_eq!(line(&card, figure).state, state, "{figure}: {card:?}");
    }
    assert_eq!(card.lines.len(), 15);
    assert_eq!(card.verdict, Verdict::Fail);
}

#[test]
fn loss_fails_and_stands_whatever_else_is_void() {
    let lose = |b: &mut Bench| b.absent.push((W1, 499));
    assert_eq!(verdict(lose), Verdict::Fail);
    let doubtful = |b: &mut Bench| {
        lose(b);
        b.record.effects.clear();
        b.record.status = Status::Interrupted;
    };
    let mut bench = Bench::with_outage(ms(22_000));
    doubtful(&mut bench);
    let card = card(bench);
    assert_eq!(card.verdict, Verdict::Fail);
    assert_eq!(line(&card, "rpo_count").state, LineState::Missed);
    assert_eq!(line(&card, "rto").state, LineState::Inconclusive);
    assert!(named(&card, "lost-writes") && named(&card, "effect-verified"));
    assert!(named(&card, "run-interrupted"));
    assert!(
        card.sentence
            .contains("1 of 2,900 acknowledged writes was lost")
    );
}

#[test]
fn a_missed_time_is_void_where_its_reason_is() {
    let slow = |b: &mut Bench| b.targets().rto = Some(seconds(1.0));
    assert_eq!(verdict(slow), Verdict::Fail);
    let unverified = |b: &mut Bench| {
        slow(b);
        b.record.effects[0].state = EffectState::NotVerified;
    };
    assert_eq!(verdict(unverified), Verdict::Inconclusive);
}

#[test]
fn each_integrity_finding_fails() {
    assert_eq!(verdict(|b| b.extra.push((W1, 5, true))), Verdict::Fail);
    assert_eq!(verdict(|b| b.extra.push((W1, 5, false))), Verdict::Fail);
    assert_eq!(verdict(|b| b.extra.push((W1, 1_500, true))), Verdict::Fail);
    assert_eq!(verdict(|b| b.absent.push((W1, 600))), Verdict::Fail);
    let both = |b: &mut Bench| {
        b.change(P1, ms(20_000), ms(20_500), |op| {
            op.outcome = Outcome::Ok;
            op.sent = Some(Nanos(op.intended.0 + 50_000_000));
            op.done = Some(Nanos(op.intended.0 + 51_000_000));
        });
    };
    assert_eq!(verdict(both), Verdict::Fail);
    // Wrong without being in the list: not green either.
    assert_eq!(
        verdict(|b| b.extra.push((W1, 510, true))),
        Verdict::Inconclusive
    );
    let hole = |b: &mut Bench| {
        b.targets().rpo = Some(Rpo::ANY);
        b.absent.push((W1, 400));
    };
    assert_eq!(verdict(hole), Verdict::Inconclusive);
}

#[test]
fn what_another_than_the_service_may_have_brought_about_fails_nothing() {
    let outsider = |b: &mut Bench| {
        let one = Unexplained {
            node: Some(NodeName::new("pg1")),
            change: Change::Ended {
                code: 137,
                out_of_memory: false,
            },
            by: Cause::Outsider,
            engine_time: None,
        };
        b.record.unexplained.push((bracket(21_000, 21_000), one));
    };
    let corrupt = |b: &mut Bench| b.extra.push((W1, 5, false));
    assert_eq!(verdict(corrupt), Verdict::Fail);
    let both = |b: &mut Bench| {
        corrupt(b);
        outsider(b);
    };
    assert_eq!(verdict(both), Verdict::Inconclusive);
    let with = |plant: &dyn Fn(&mut Bench)| {
        let mut bench = registers();
        let value = register_value(REGISTER_WRITE, 5);
        bench.op(REGISTER_READ, 20).version = Some(value);
        plant(&mut bench);
        card(bench).verdict
    };
    assert_eq!(with(&|_| {}), Verdict::Fail);
    assert_eq!(with(&outsider), Verdict::Inconclusive);
}

#[test]
fn a_share_of_a_run_that_was_cut_off_is_no_miss() {
    let with = |status: Status| {
        let mut bench = Bench::with_outage(ms(22_000));
        bench.targets().availability = Some(Goal::Limit(Percent(99.9)));
        bench.record.status = status;
        line(&card(bench), "availability").state
    };
    assert_eq!(with(Status::Completed), LineState::Missed);
    assert_eq!(with(Status::Interrupted), LineState::Inconclusive);
}

#[test]
fn a_gap_that_was_certainly_too_long_is_not_hidden_by_one_that_is_still_open() {
    let mut bench = Bench::with_outage(ms(22_000));
    bench.targets().max_gap = Some(seconds(10.0));
    bench.fail(W1, ms(20_000), ms(35_000));
    bench.fail(R1, ms(59_900), ms(60_000));
    assert_eq!(line(&card(bench), "max_gap").state, LineState::Missed);
}

#[test]
fn each_reason_makes_exactly_its_lines_inconclusive() {
    let touched = |touch: Touch| {
        let mut bench = Bench::with_outage(ms(22_000));
        bench.targets().staleness = Some(seconds(5.0));
        bench.targets().max_gap = Some(seconds(5.0));
        let (record, history) = bench.build();
        let figures = measure(&record, &history);
        let doubt = Finding::unknown("doubt", &[touch], "who knows");
        let card = score(&record, &figures, &[doubt]);
        let reason = card.reasons.iter().find(|r| r.name == "doubt").cloned();
        let lines: Vec<String> = card
            .lines
            .iter()
            .filter(|line| line.state == LineState::Inconclusive)
            .map(|line| line.figure.clone())
            .collect();
        assert_eq!(reason.map(|r| r.lines), Some(lines.clone()));
        assert_eq!(card.verdict, Verdict::Inconclusive);
        lines
    };
    assert_eq!(touched(Touch::Time), ["rto", "max_gap"]);
    assert_eq!(
        touched(Touch::Data),
        ["rpo_count", "split_brain", "staleness"]
    );
    assert_eq!(touched(Touch::All).len(), 5);
}

#[test]
fn a_run_that_was_not_completed_does_not_pass() {
    assert_eq!(
        verdict(|b| b.record.status = Status::Interrupted),
        Verdict::Inconclusive
    );
    let mut bench = Bench::with_outage(ms(22_000));
    bench.record.status = Status::Aborted("the engine is gone".into());
    let card = card(bench);
    assert_eq!(card.verdict, Verdict::Inconclusive);
    assert!(
        card.lines
            .iter()
            .all(|line| line.state == LineState::Inconclusive)
    );
    assert!(
        card.sentence
            .contains("the run was aborted: the engine is gone")
    );
}

#[test]
fn residue_does_not_turn_the_verdict() {
    let left = |b: &mut Bench| {
        b.record.residue = Some(Residue {
            left: vec!["network x".into()],
            ..Residue::default()
        });
    };
    assert_eq!(verdict(left), Verdict::Pass);
}

#[test]
fn coming_back_in_another_way_fails() {
    let expect = |b: &mut Bench| b.targets().recovered_by = Some(RecoveredBy::OtherNode);
    assert_eq!(verdict(expect), Verdict::Pass);
    let restarted = |b: &mut Bench| {
        expect(b);
        for lane in [W1, W2, R1] {
            b.change(lane, ms(22_000), ms(60_000), |op| op.node = Some(0));
        }
    };
    assert_eq!(verdict(restarted), Verdict::Fail);
}

#[test]
fn an_unseen_recovery_is_told_and_missed_once_beyond_the_target() {
    let never = |limit: f64| {
        let mut bench = Bench::with_outage(ms(60_000));
        bench.targets().rto = Some(seconds(limit));
        bench.targets().rpo = Some(Rpo::ANY);
        card(bench)
    };
    let missed = never(10.0);
    assert_eq!(missed.verdict, Verdict::Fail);
    assert!(line(&missed, "rto").measured.starts_with(">= 39."));
    assert_eq!(line(&missed, "rto").value, None);
    assert!(
        missed
            .sentence
            .contains("no lasting recovery was seen (at least 39.9")
    );
    assert_eq!(line(&never(60.0), "rto").state, LineState::Inconclusive);
}

#[test]
fn no_outage_is_told_with_its_resolution() {
    let mut bench = Bench::new();
    bench.record.stack.as_mut().unwrap().bounds.clear();
    let card = card(bench);
    assert_eq!(card.verdict, Verdict::Pass);
    let rto = line(&card, "rto");
    assert_eq!(
        (rto.measured.as_str(), rto.bracket.as_str()),
        ("no outage seen", "resolution 41.9 ms")
    );
    assert!(
        card.sentence
            .contains("no outage was seen (one of up to 41.9 ms could have gone unseen)")
    );
}

#[test]
fn a_control_that_stays_quiet_is_a_control() {
    let quiet = card(control());
    assert_eq!(quiet.verdict, Verdict::Control);
    assert_eq!(
        quiet.sentence,
        "Nothing was done on purpose; no outage was seen (one of up to 41.9 ms could have gone unseen); \
         no acknowledged write was lost (0 of 3,000); the control stayed quiet."
    );
    let mut untargeted = control();
    *untargeted.targets() = Targets::default();
    assert_eq!(card(untargeted).verdict, Verdict::Control);
}

#[test]
fn a_control_with_an_outage_a_loss_or_a_doubt_is_none() {
    let of = |plant: &dyn Fn(&mut Bench)| {
        let mut bench = control();
        plant(&mut bench);
        card(bench).verdict
    };
    assert_eq!(of(&|b| b.fail(W1, ms(20_500), ms(20_540))), Verdict::Fail);
    assert_eq!(of(&|b| b.absent.push((W1, 100))), Verdict::Fail);
    let tolerated = |b: &mut Bench| {
        b.targets().rpo = Some(Rpo::ANY);
        b.absent.push((W1, 499));
    };
    assert_eq!(of(&tolerated), Verdict::Fail);
    assert_eq!(
        of(&|b| b.record.effects[0].state = EffectState::Verified),
        Verdict::Inconclusive
    );
    assert_eq!(of(&|b| b.record.effects.clear()), Verdict::Inconclusive);
    assert_eq!(of(&|b| b.record.converged = None), Verdict::Inconclusive);
    assert_eq!(
        of(&|b| b.record.status = Status::Interrupted),
        Verdict::Inconclusive
    );
    let stopped = |b: &mut Bench| {
        b.history
            .ops
            .retain(|op| op.lane != W1 || op.intended < ms(20_000))
    };
    assert_eq!(of(&stopped), Verdict::Inconclusive);
}

#[test]
fn a_control_needs_its_effect_looked_at_and_its_lanes_told() {
    let (record, history) = control().build();
    let figures = measure(&record, &history);
    let sure = [Finding::valid("effect-verified", "nothing changed")];
    assert_eq!(score(&record, &figures, &sure).verdict, Verdict::Control);
    assert_eq!(score(&record, &figures, &[]).verdict, Verdict::Inconclusive);
    let mut untold = figures.clone();
    untold.events[0].rto = crate::measure::Figure::Missing("too few".into());
    assert_eq!(
        score(&record, &untold, &sure).verdict,
        Verdict::Inconclusive
    );
}

#[test]
fn a_planned_move_gates_on_its_outage() {
    let mut bench = Bench::with_outage(ms(20_400));
    let moved: &mut Disruption = &mut bench.record.disruptions[0].1;
    moved.kind = DisruptionKind::Switchover;
    moved.name = "switchover".into();
    bench.record.opened.scenario.drill[1] =
        crate::scenario::Step::Switchover(crate::scenario::Move::default());
    bench.targets().rto = None;
    bench.targets().outage = Some(seconds(1.0));
    bench.targets().failback = Some(seconds(1.0));
    add_event(
        &mut bench,
        bracket(40_000, 40_000),
        DisruptionKind::Failback,
        "pg2",
    );
    for lane in [W1, W2, R1] {
        bench.fail(lane, ms(40_000), ms(40_300));
    }
    let card = card(bench);
    assert_eq!(card.verdict, Verdict::Pass, "{card:?}");
    assert_eq!(card.lines[0].figure, "outage");
    assert_eq!(line(&card, "failback").state, LineState::Met);
    assert!(
        card.sentence
            .starts_with("The primary was moved in the planned way (from the primary pg1)")
    );
}

#[test]
fn a_checker_that_fails_is_no_pass() {
    let (record, history) = Bench::with_outage(ms(22_000)).build();
    let figures = measure(&record, &history);
    let failed = Finding {
        check: "lost-writes".into(),
        answer: Answer::Unknown,
        summary: "the checker itself failed".into(),
        evidence: vec![],
        touches: vec![Touch::Data],
    };
    let card = score(&record, &figures, &[failed]);
    assert_eq!(card.verdict, Verdict::Inconclusive);
    let reason: &Reason = &card.reasons[0];
    assert_eq!(reason.name, "lost-writes");
}

#[test]
fn consumers_that_are_held_up_have_a_line_of_their_own() {
    let of = |mut bench: Bench, target| {
        bench.targets().rebalance = Some(target);
        card(bench)
    };
    let late = of(crashed(), seconds(10.0));
    assert_eq!(line(&late, "rebalance").state, LineState::Missed);
    assert_eq!(late.verdict, Verdict::Fail);
    let said = &late.sentence;
    assert!(
        said.contains("; every partition was consumed again after 11.002 s"),
        "{said}"
    );
    let near = of(crashed(), seconds(11.0));
    assert_eq!(line(&near, "rebalance").state, LineState::Inconclusive);
    assert_eq!(near.verdict, Verdict::Inconclusive);
    let good = of(crashed(), seconds(12.0));
    assert_eq!(line(&good, "rebalance").state, LineState::Met);
    assert_eq!(good.verdict, Verdict::Pass, "{good:?}");
    // Nothing was consumed of one partition: nothing is told, whatever became of the others.
    let nothing = consumers(|partition, (number, sent, delivered)| {
        (number, sent, delivered.filter(|_| partition != 2))
    });
    let untold = of(nothing, seconds(60.0));
    assert_eq!(line(&untold, "rebalance").state, LineState::Inconclusive);
    assert_eq!(untold.verdict, Verdict::Inconclusive);
    let without = of(Bench::new(), seconds(60.0));
    assert_eq!(line(&without, "rebalance").state, LineState::Inconclusive);
}
