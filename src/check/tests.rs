//! Golden histories for each checker: valid, invalid, unknown, and the least anomaly that it must see.

use std::time::Duration;

use crate::{
    history::{Group, Outcome},
    id::{LaneId, NodeName},
    measure::{
        fixture::{Bench, FAULT, P1, P2, R1, W1, W2, add_event, bracket, control, ms},
        measure,
    },
    record::{
        Bound, Cause, Change, ControlEvent, DisruptionKind, EffectState, FinalRead, Holdings,
        Rearmed, Residue, Source, StepResult, Unexplained, Watched,
    },
    scenario::{Condition, Dur, Fault, Goal, Rpo, Selector, Step, Steps},
    time::{Nanos, Span},
};

use super::{
    Answer::{self, Invalid, Remark, Unknown, Valid},
    CHECKERS, Checker, Finding, Touch, all, baseline, complete, convergence, corrupt, divergence,
    dropped, duplicates, effect, exposure, holes, lateness, lost_writes, phantom, plausibility,
    relapse, residue, resurrected, run, shed, split_brain, steps, unexplained,
};

fn finding(bench: Bench, name: &str) -> Finding {
    let (record, history) = bench.build();
    let figures = measure(&record, &history);
    all(&record, &history, &figures)
        .into_iter()
        .find(|finding| finding.check == name)
        .expect("the checker is in the list")
}

/// The answer of a checker on the usual drill after a change.
fn answer(name: &str, plant: impl FnOnce(&mut Bench)) -> Answer {
    let mut bench = Bench::with_outage(ms(22_000));
    plant(&mut bench);
    finding(bench, name).answer
}

fn unchanged(_: &mut Bench) {}

#[test]
fn a_sound_drill_is_valid_throughout() {
    let (record, history) = Bench::with_outage(ms(22_000)).build();
    let figures = measure(&record, &history);
    for finding in all(&record, &history, &figures) {
        assert_eq!(finding.answer, Valid, "{finding:?}");
    }
}

#[test]
fn names_are_unique_and_a_failing_checker_is_unknown() {
    let mut names: Vec<&str> = CHECKERS.iter().map(|checker| checker.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CHECKERS.len());
    let broken = Checker {
        name: "broken",
        touches: &[Touch::Data],
        check: |_, _, _| panic!("out of order"),
    };
    let (record, history) = Bench::new().build();
    let found = run(&broken, &record, &history, &measure(&record, &history));
    assert_eq!((found.answer, found.touches), (Unknown, vec![Touch::Data]));
    assert!(found.summary.contains("out of order"));
}

#[test]
fn what_an_outsider_or_nobody_knows_who_did_voids_and_an_own_end_is_a_remark() {
    let ended = |by: Cause| {
        let mut bench = Bench::with_outage(ms(22_000));
        let one = Unexplained {
            node: Some(NodeName::new("n3")),
            change: Change::Ended {
                code: 137,
                out_of_memory: false,
            },
            by,
            engine_time: None,
        };
        bench
            .record
            .unexplained
            .push((bracket(21_000, 21_000), one));
        let found = finding(bench, unexplained::NAME);
        (found.answer, found.touches)
    };
    assert_eq!(ended(Cause::Itself), (Remark, vec![]));
    assert_eq!(ended(Cause::Outsider), (Unknown, vec![Touch::All]));
    assert_eq!(ended(Cause::Untold), (Unknown, vec![Touch::All]));
    assert_eq!(answer(unexplained::NAME, unchanged), Valid);
    let unseen = |ns| {
        answer(unexplained::NAME, |bench| {
            if let Some(watched) = &mut bench.record.watched {
                watched.longest_ns = ns;
            }
        })
    };
    assert_eq!(unseen(5_000_000_000), Valid);
    assert_eq!(unseen(5_000_000_001), Unknown);
    let mut begun = Bench::with_outage(ms(22_000));
    begun.record.watched = Some(Watched::default());
    let found = finding(begun, unexplained::NAME);
    assert_eq!((found.answer, found.touches), (Unknown, vec![Touch::All]));
    let mut old = Bench::with_outage(ms(22_000));
    old.record.watched = None;
    let found = finding(old, unexplained::NAME);
    assert_eq!((found.answer, found.touches), (Unknown, vec![]));
}

#[test]
fn effects_must_be_verified() {
    let state = |state| answer(effect::NAME, |b| b.record.effects[0].state = state);
    assert_eq!(state(EffectState::Verified), Valid);
    assert_eq!(state(EffectState::NotVerified), Unknown);
    assert_eq!(state(EffectState::Unchanged), Unknown);
    assert_eq!(answer(effect::NAME, |b| b.record.effects.clear()), Unknown);
    assert_eq!(
        answer(effect::NAME, |b| b.record.disruptions.clear()),
        Unknown
    );
    assert_eq!(finding(control(), effect::NAME).answer, Valid);
    let mut changed = control();
    changed.record.effects[0].state = EffectState::Verified;
    assert_eq!(finding(changed, effect::NAME).answer, Unknown);
}

#[test]
fn the_baseline_must_be_long_healthy_and_the_victim_right() {
    let name = baseline::NAME;
    // 1,497 operations lie in the window; 1 of 1,000 may fail.
    assert_eq!(answer(name, |b| b.fail(W1, ms(1_000), ms(1_040))), Valid);
    assert_eq!(answer(name, |b| b.fail(W1, ms(1_000), ms(1_080))), Unknown);
    let conflict = |b: &mut Bench| {
        b.change(W1, ms(1_000), ms(1_400), |op| {
            op.outcome = Outcome::Conflict
        });
    };
    assert_eq!(answer(name, conflict), Valid);
    let short = |b: &mut Bench| b.record.steady[0].0 = ms(7_000);
    assert_eq!(answer(name, short), Unknown);
    // What the run before lends fills a short baseline up, and heals none that was not healthy.
    let lend = |b: &mut Bench, lent: u64| {
        short(b);
        b.record.rearmed = Some(Rearmed {
            stack_of: b.record.opened.run.clone(),
            after: b.record.opened.run.clone(),
            nth: 2,
            lent,
            evidence: Vec::new(),
        });
    };
    assert_eq!(answer(name, |b| lend(b, 1_000)), Valid);
    assert_eq!(answer(name, |b| lend(b, 1)), Unknown);
    let unhealthy = |b: &mut Bench| {
        lend(b, 100_000);
        b.fail(W1, ms(8_000), ms(8_080));
    };
    assert_eq!(answer(name, unhealthy), Unknown);
    // An application that answers late was not healthy; one late answer of few shows nothing.
    let app = |b: &mut Bench, until: Nanos| {
        let lane = &mut b.record.lanes[3];
        (lane.group, lane.pinned) = (Group::App, None);
        lane.objective = Some(Duration::from_millis(100));
        b.record.opened.scenario.targets.rto_app = Some(Goal::Any);
        b.change(LaneId(3), ms(8_000), until, |op| {
            op.done = op.done.map(|done| done.after(Duration::from_millis(200)));
        });
    };
    assert_eq!(answer(name, |b| app(b, ms(8_000))), Valid);
    assert_eq!(answer(name, |b| app(b, ms(8_100))), Valid);
    assert_eq!(answer(name, |b| app(b, ms(8_200))), Unknown);
    assert_eq!(answer(name, |b| b.record.ready_at = None), Unknown);
    assert_eq!(
        answer(name, |b| b.record.ready_at = Some(ms(21_000))),
        Unknown
    );
    let missed = |b: &mut Bench| b.record.disruptions[0].1.primary_hit = false;
    assert_eq!(answer(name, missed), Unknown);
    let replica = |b: &mut Bench| {
        if let Step::Fault(Fault::Kill(victim)) = &mut b.record.opened.scenario.drill[1] {
            victim.0.node = Selector::Replica(Some(0));
        }
    };
    assert_eq!(answer(name, replica), Unknown);
}

#[test]
fn clients_run_until_they_are_told_to_stop_and_what_is_under_way_may_take_longer() {
    let told = |stopping: u64| {
        answer(complete::NAME, |b| {
            b.record.load = Some((Nanos(0), ms(66_000)));
            b.record.stopping = Some(ms(stopping));
        })
    };
    assert_eq!(told(60_100), Valid);
    assert_eq!(told(66_000), Unknown);
}

#[test]
fn a_history_with_a_dropped_or_shifted_operation_is_unknown() {
    let name = complete::NAME;
    let drop = |lane: LaneId, seq: u64| {
        answer(name, |b| {
            b.history.ops.retain(|op| (op.lane, op.seq) != (lane, seq))
        })
    };
    assert_eq!(drop(W1, 700), Unknown);
    assert_eq!(drop(W1, 0), Unknown);
    assert_eq!(drop(P2, 300), Unknown);
    let shift = |by: u64| {
        move |b: &mut Bench| {
            b.history
                .ops
                .iter_mut()
                .filter(|op| op.lane == W2)
                .for_each(|op| op.seq += by);
        }
    };
    assert_eq!(answer(name, shift(1)), Unknown);
    assert_eq!(answer(name, |b| b.op(R1, 600).version = Some(602)), Unknown);
    assert_eq!(
        answer(name, |b| b.op(R1, 600).version = Some(9_999)),
        Unknown
    );
    assert_eq!(answer(name, |b| b.op(W1, 9).done = Some(ms(1))), Unknown);
    assert_eq!(answer(name, |b| b.op(W1, 9).sent = None), Unknown);
    assert_eq!(
        answer(name, |b| b.op(W1, 9).outcome = Outcome::Shed),
        Unknown
    );
    let early = |b: &mut Bench| {
        let sent = b.op(W1, 9).intended.0 - 1;
        b.op(W1, 9).sent = Some(Nanos(sent));
    };
    assert_eq!(answer(name, early), Unknown);
    let swap = |b: &mut Bench| b.op(W1, 9).intended = ms(10);
    assert_eq!(answer(name, swap), Unknown);
    let ended = |b: &mut Bench| b.history.ops.retain(|op| op.lane != W1 || op.seq < 1_450);
    assert_eq!(answer(name, ended), Unknown);
    let running = |b: &mut Bench| b.record.load = Some((ms(0), ms(0)));
    assert_eq!(answer(name, running), Unknown);
    assert_eq!(answer(name, |b| b.op(W1, 9).node = Some(7)), Unknown);
    let twice = |b: &mut Bench| {
        let op = *b.op(W1, 9);
        b.history.ops.insert(0, op);
    };
    assert_eq!(answer(name, twice), Unknown);
}

#[test]
fn steps_must_have_been_taken() {
    let result = |result| answer(steps::NAME, |b| b.record.steps[1].2 = result);
    assert_eq!(result(StepResult::Done), Valid);
    // Of a fault it is a remark; of an expectation it has a line of its own.
    assert_eq!(result(StepResult::Unmet("late".into())), Remark);
    assert_eq!(result(StepResult::Failed("no such node".into())), Unknown);
    let missing = |b: &mut Bench| {
        b.record.steps.pop();
    };
    assert_eq!(answer(steps::NAME, missing), Unknown);
}

#[test]
fn shedding_before_the_fault_is_the_harness_itself() {
    let name = shed::NAME;
    // 15 of 1,500 are 1 %.
    assert_eq!(answer(name, |b| b.shed(W1, ms(1_000), ms(1_600))), Valid);
    assert_eq!(answer(name, |b| b.shed(W1, ms(1_000), ms(1_640))), Unknown);
    assert_eq!(answer(name, |b| b.shed(W1, ms(20_000), ms(22_000))), Valid);
}

#[test]
fn lateness_matters_about_fault_onset_and_recovery() {
    let name = lateness::NAME;
    // 1 % of the target of 10 s are 100 ms.
    let late = |at: u64, by: u64| {
        answer(name, |b| {
            b.change(W1, ms(at), ms(at + 40), |op| {
                op.sent = Some(Nanos(op.intended.0 + by * 1_000_000));
                op.done = Some(Nanos(op.intended.0 + (by + 1) * 1_000_000));
            });
        })
    };
    assert_eq!(late(20_000, 100), Valid);
    assert_eq!(late(20_000, 101), Unknown);
    assert_eq!(late(22_900, 101), Unknown);
    assert_eq!(late(30_000, 101), Valid);
    // Within W, where nothing begins or ends, an outage of 250 ms may go unseen.
    assert_eq!(late(27_000, 250), Valid);
    assert_eq!(late(27_000, 251), Unknown);
    assert_eq!(late(32_000, 251), Valid);
    let stall = |at: u64, by: u64| {
        answer(name, |b| {
            let held = bracket(at, at + by);
            b.record.stalls.push((held, Duration::from_millis(by)))
        })
    };
    assert_eq!(stall(20_500, 101), Unknown);
    assert_eq!(stall(20_500, 100), Valid);
    assert_eq!(stall(27_000, 250), Valid);
    assert_eq!(stall(27_000, 251), Unknown);
    assert_eq!(stall(40_000, 900), Valid);
    // It ends within the second before the fault, or before that; it is counted once.
    assert_eq!(stall(18_200, 900), Unknown);
    assert_eq!(stall(18_000, 900), Valid);
}

/// The headline's outage has no end of its own: what bounds it must have been looked at in time, even of an event that is not judged.
#[test]
fn lateness_matters_where_another_event_struck_and_its_recovery_bounds_the_outage() {
    let late = |at: u64, by: u64| {
        answer(lateness::NAME, |b| {
            let struck = bracket(26_000, 26_001);
            add_event(b, struck, DisruptionKind::Fault, "pg2");
            let drill = &mut b.record.opened.scenario.drill;
            let last = drill.len() - 1;
            *drill = Steps::new(drill.to_vec(), [last].into());
            b.fail(W1, ms(26_000), ms(27_000));
            b.change(W1, ms(at), ms(at + 40), |op| {
                op.sent = Some(Nanos(op.intended.0 + by * 1_000_000));
                op.done = Some(Nanos(op.intended.0 + (by + 1) * 1_000_000));
            });
        })
    };
    // W of the headline ends at 30,002 ms; of the recovery at 27,003 ms that bounds its outage, at 37,003 ms.
    assert_eq!(late(33_000, 250), Valid);
    assert_eq!(late(33_000, 251), Unknown);
    assert_eq!(late(36_900, 251), Unknown);
    assert_eq!(late(37_100, 251), Valid);
}

#[test]
fn packets_that_the_machine_dropped_leave_everything_open() {
    let name = dropped::NAME;
    assert_eq!(answer(name, unchanged), Valid);
    assert_eq!(answer(name, |b| b.record.dropped = Some(1)), Unknown);
    let uncounted = |b: &mut Bench| b.record.dropped = None;
    assert_eq!(answer(name, uncounted), Unknown);
    let mut bench = Bench::new();
    uncounted(&mut bench);
    assert_eq!(finding(bench, name).touches, []);
}

#[test]
fn a_recovery_faster_than_a_confirmed_bound_is_doubted() {
    let name = plausibility::NAME;
    let of = |until: u64, plant: &dyn Fn(&mut Bench)| {
        let mut bench = Bench::with_outage(ms(until));
        plant(&mut bench);
        finding(bench, name)
    };
    assert_eq!(of(22_000, &|_| {}).answer, Valid);
    assert_eq!(of(20_800, &|_| {}).answer, Unknown);
    let unconfirmed = of(20_800, &|b: &mut Bench| {
        b.record.stack.as_mut().unwrap().bounds[0].confirmed = false;
    });
    assert_eq!(unconfirmed.answer, Remark);
    assert!(unconfirmed.summary.contains("no drill has confirmed"));
    let far = of(28_000, &|_| {});
    assert_eq!(far.answer, Remark);
    assert!(far.summary.contains("far above"), "{}", far.summary);
    let replica = of(20_800, &|b: &mut Bench| {
        b.record.disruptions[0].1.primary_hit = false
    });
    assert_eq!(replica.answer, Valid);
    // No outage at all is faster than any bound.
    assert_eq!(finding(Bench::new(), name).answer, Unknown);
}

#[test]
fn bounds_fit_by_the_roles_of_the_victims_and_a_late_recovery_shows_the_control_plane() {
    let of = |until: u64, and: bool, unless: bool| {
        let mut bench = Bench::with_outage(ms(until));
        let stack = bench.record.stack.as_mut().unwrap();
        let with_leader = Bound {
            fault: "kill primary and etcd-leader".into(),
            rto: Span::between(Duration::from_secs(3), Duration::from_secs(9)),
            basis: "election".into(),
            confirmed: true,
            waits: Vec::new(),
        };
        // Listed first, it must not be taken for the bound of a plain kill.
        stack.bounds.insert(0, with_leader);
        let leader = Some(Condition::EtcdLeader);
        if let Step::Fault(Fault::Kill(victim)) = &mut bench.record.opened.scenario.drill[1] {
            victim.0.and = leader.filter(|_| and);
            victim.0.unless = leader.filter(|_| unless);
        }
        let said = |at: u64, text: &str| {
            let event = ControlEvent {
                source: NodeName::new("s1"),
                milestone: None,
                node: None,
                text: text.into(),
            };
            (bracket(at, at), event)
        };
        bench.record.control = vec![said(19_000, "before"), said(21_000, "+sdown")];
        finding(bench, plausibility::NAME)
    };
    // The plain bound is [1 s, 4 s].
    assert_eq!(of(22_000, false, true).answer, Valid);
    assert_eq!(of(22_000, true, false).answer, Unknown);
    assert_eq!(of(22_000, false, false).answer, Valid);
    let far = of(28_000, false, true);
    assert!(far.summary.contains("far above"), "{}", far.summary);
    assert_eq!(far.evidence[1..], ["+1.000 s s1: +sdown"]);
    assert!(!of(28_000, true, false).summary.contains("far above"));
}

#[test]
fn a_relapse_without_a_cause_makes_recovery_doubtful() {
    let name = relapse::NAME;
    assert_eq!(answer(name, unchanged), Valid);
    assert_eq!(
        answer(name, |b| b.fail(W1, ms(45_000), ms(45_040))),
        Unknown
    );
    let healed = |b: &mut Bench| {
        b.record.healed.push((bracket(44_000, 44_000), 1));
        b.fail(W1, ms(45_000), ms(45_040));
    };
    assert_eq!(answer(name, healed), Remark);
    let event = |b: &mut Bench| {
        add_event(b, bracket(44_000, 44_000), DisruptionKind::Failback, "pg2");
        b.fail(W1, ms(45_000), ms(45_040));
    };
    assert_eq!(answer(name, event), Valid);
}

#[test]
fn convergence_must_be_reached_and_the_reads_agree() {
    let name = convergence::NAME;
    assert_eq!(answer(name, |b| b.record.converged = None), Unknown);
    assert_eq!(
        answer(name, |b| b.record.converged = Some((false, vec![]))),
        Unknown
    );
    let unequal = |b: &mut Bench| {
        b.record.finals.push(FinalRead {
            source: Source::Authority { pass: 1 },
            holdings: Ok(Holdings::default()),
        });
    };
    assert_eq!(answer(name, unequal), Unknown);
}

#[test]
fn without_writes_at_risk_loss_shows_nothing() {
    let name = exposure::NAME;
    let stop = |from: u64| {
        answer(name, |b| {
            b.fail(W1, ms(from), FAULT.low);
            b.fail(W2, ms(from), FAULT.low);
        })
    };
    assert_eq!(stop(19_961), Valid);
    assert_eq!(stop(19_921), Unknown);
    assert_eq!(stop(18_000), Unknown);
}

#[test]
fn one_lost_write_beyond_the_target_is_invalid() {
    let name = lost_writes::NAME;
    let lose = |b: &mut Bench| b.absent.push((W1, 499));
    assert_eq!(answer(name, lose), Invalid);
    let with = |rpo: Option<Rpo>| {
        answer(name, |b| {
            lose(b);
            b.targets().rpo = rpo;
        })
    };
    let seconds = |limit: u64| Rpo {
        seconds: Some(Goal::Limit(Dur(Duration::from_millis(limit)))),
        count: None,
        bytes: None,
    };
    let count = |goal| Rpo {
        seconds: None,
        count: Some(goal),
        bytes: None,
    };
    assert_eq!(with(Some(count(Goal::Limit(1)))), Valid);
    assert_eq!(with(Some(Rpo::ANY)), Valid);
    assert_eq!(with(None), Unknown);
    // Acknowledged at 19,963: 37 ms before the fault at least.
    assert_eq!(with(Some(seconds(36))), Invalid);
    assert_eq!(with(Some(seconds(37))), Valid);
    let bytes = |limit| Rpo {
        seconds: None,
        count: None,
        bytes: Some(Goal::Limit(limit)),
    };
    assert_eq!(with(Some(bytes(63))), Invalid);
    assert_eq!(with(Some(bytes(64))), Valid);
    assert_eq!(answer(name, |b| b.record.converged = None), Unknown);
    let silent = |b: &mut Bench| {
        b.fail(W1, ms(0), ms(60_000));
        b.fail(W2, ms(0), ms(60_000));
    };
    assert_eq!(answer(name, silent), Unknown);
}

#[test]
fn a_write_lost_after_the_fault_or_two_primaries_are_split_brain() {
    let name = split_brain::NAME;
    assert_eq!(answer(name, |b| b.absent.push((W1, 600))), Invalid);
    let allowed = |b: &mut Bench| {
        b.absent.push((W1, 600));
        b.targets().split_brain = Some(Goal::Limit(1));
    };
    assert_eq!(answer(name, allowed), Valid);
    let both = |b: &mut Bench| {
        b.change(P1, ms(20_000), ms(20_500), |op| {
            op.outcome = Outcome::Ok;
            op.sent = Some(Nanos(op.intended.0 + 50_000_000));
            op.done = Some(Nanos(op.intended.0 + 51_000_000));
        });
    };
    assert_eq!(answer(name, both), Invalid);
    // Seen by probes, it stands even where loss could not be told.
    let unread = |b: &mut Bench| {
        both(b);
        b.record.converged = None;
    };
    assert_eq!(answer(name, unread), Invalid);
    let any = |b: &mut Bench| {
        both(b);
        b.targets().split_brain = Some(Goal::Any);
    };
    assert_eq!(answer(name, any), Valid);
    assert_eq!(answer(name, |b| b.record.converged = None), Unknown);
}

#[test]
fn one_wrong_element_is_seen_by_its_checker() {
    let extra = |name: &str, element: (LaneId, u64, bool)| answer(name, |b| b.extra.push(element));
    assert_eq!(extra(duplicates::NAME, (W1, 5, true)), Invalid);
    assert_eq!(extra(corrupt::NAME, (W1, 5, false)), Invalid);
    assert_eq!(extra(phantom::NAME, (W1, 1_500, true)), Invalid);
    // 510 was refused during the outage.
    assert_eq!(extra(resurrected::NAME, (W1, 510, true)), Invalid);
    assert_eq!(extra(phantom::NAME, (W1, 510, true)), Valid);
    assert_eq!(answer(holes::NAME, |b| b.absent.push((W1, 400))), Invalid);
    assert_eq!(answer(holes::NAME, |b| b.absent.push((W1, 499))), Valid);
    let repeatable = |b: &mut Bench| {
        b.extra.push((W1, 5, true));
        b.record.stack.as_mut().unwrap().idempotent = false;
    };
    assert_eq!(answer(duplicates::NAME, repeatable), Remark);
    let alien = |b: &mut Bench| {
        let mut holdings = b.holdings();
        holdings.alien = 1;
        b.record.finals.push(FinalRead {
            source: Source::Authority { pass: 1 },
            holdings: Ok(holdings),
        });
    };
    assert_eq!(answer(corrupt::NAME, alien), Invalid);
    // An element beyond a hole in the history proves no phantom.
    let dropped = |b: &mut Bench| {
        b.extra.push((W1, 700, true));
        b.history.ops.retain(|op| (op.lane, op.seq) != (W1, 700));
    };
    assert_eq!(answer(phantom::NAME, dropped), Unknown);
    let unread = |b: &mut Bench| {
        for pass in [1, 2] {
            b.record.finals.push(FinalRead {
                source: Source::Authority { pass },
                holdings: Err("refused".into()),
            });
        }
    };
    for name in [
        duplicates::NAME,
        corrupt::NAME,
        phantom::NAME,
        resurrected::NAME,
        holes::NAME,
    ] {
        assert_eq!(answer(name, unread), Unknown, "{name}");
    }
}

#[test]
fn a_member_that_differs_after_convergence_is_invalid() {
    let name = divergence::NAME;
    let after = |holdings: fn(&Bench) -> Result<Holdings, String>| {
        answer(name, |b| {
            let holdings = holdings(b);
            b.record.finals.push(FinalRead {
                source: Source::After {
                    node: NodeName::new("pg1"),
                },
                holdings,
            });
        })
    };
    let without_one = |b: &Bench| {
        let mut holdings = b.holdings();
        holdings
            .lanes
            .get_mut(&W1)
            .unwrap()
            .all_mut()
            .last_mut()
            .unwrap()
            .to -= 1;
        Ok(holdings)
    };
    assert_eq!(after(without_one), Invalid);
    let repeated = |b: &Bench| {
        let mut holdings = b.holdings();
        holdings.corrupt.push((W1, 1));
        Ok(holdings)
    };
    assert_eq!(after(repeated), Invalid);
    assert_eq!(after(|b| Ok(b.holdings())), Valid);
    assert_eq!(after(|_| Err("down".into())), Unknown);
    assert_eq!(answer(name, |b| b.record.converged = None), Unknown);
}

#[test]
fn whatever_is_left_is_told_and_touches_no_line() {
    let left = |residue: Option<Residue>| {
        let mut bench = Bench::new();
        bench.record.residue = residue;
        let found = finding(bench, residue::NAME);
        assert!(found.touches.is_empty());
        found.answer
    };
    assert_eq!(left(Some(Residue::default())), Valid);
    let container = Residue {
        left: vec!["container pg1".into()],
        ..Residue::default()
    };
    assert_eq!(left(Some(container)), Invalid);
    let undo = Residue {
        failed: vec!["heal".into()],
        ..Residue::default()
    };
    assert_eq!(left(Some(undo)), Invalid);
    assert_eq!(left(None), Unknown);
    let mut handed_on = Bench::new();
    handed_on.record.handed_on = true;
    handed_on.record.residue = None;
    assert_eq!(finding(handed_on, residue::NAME).answer, Valid);
}

#[test]
fn without_a_disruption_nothing_is_valid_that_needs_one() {
    let mut bench = Bench::new();
    bench.record.disruptions.clear();
    let (record, history) = bench.build();
    let figures = measure(&record, &history);
    for name in [
        effect::NAME,
        baseline::NAME,
        shed::NAME,
        lateness::NAME,
        plausibility::NAME,
        relapse::NAME,
        exposure::NAME,
        lost_writes::NAME,
        split_brain::NAME,
        holes::NAME,
    ] {
        let found = all(&record, &history, &figures)
            .into_iter()
            .find(|f| f.check == name);
        assert_eq!(found.map(|f| f.answer), Some(Unknown), "{name}");
    }
}
