//! Acknowledged data that is gone: writes that clients were told of against the final reads.

use std::time::Duration;

use crate::{
    history::{History, Lane, Ops, Outcome},
    id::LaneId,
    record::{Disruption, Holdings, Record, Source},
    time::{Bracket, Nanos, Span},
};

use super::{
    EventLoss, Exposure, Figure, Integrity, Loss, LostWrite, dual, lane::write_lanes,
    leaders::Leaders,
};

/// The exposure's window where no RPO target in seconds is set, or it is zero.
pub const EXPOSURE: Duration = Duration::from_secs(1);

/// How many phantom elements are listed at most: a broken read must not fill the memory.
const LISTED: usize = 10_000;

/// The final read that loss is judged by.
///
/// # Errors
/// Why there is none: convergence not reached, a pass missing or failed, or the passes unequal.
pub fn authority(record: &Record) -> Result<&Holdings, String> {
    match &record.converged {
        Some((true, _)) => {}
        Some((false, evidence)) => {
            let evidence = evidence.join("; ");
            return Err(format!("convergence was not reached: {evidence}"));
        }
        None => return Err("convergence was not checked".into()),
    }
    let pass = |pass| match record.final_read(&Source::Authority { pass }) {
        Some(Ok(holdings)) => Ok(holdings),
        Some(Err(why)) => Err(format!("final read {pass} failed: {why}")),
        None => Err(format!("final read {pass} was not made")),
    };
    let (first, second) = (pass(1)?, pass(2)?);
    if first == second {
        Ok(first)
    } else {
        Err("the two final reads differ".into())
    }
}

/// Loss by the final read; missing with the reason where it cannot be told.
pub fn loss(record: &Record, history: &History, integrity: &Integrity) -> Figure<Loss> {
    let Some((at, _)) = record.headline() else {
        return Figure::Missing("no disruptive step was taken".into());
    };
    if write_lanes(record).next().is_none() {
        return Figure::Missing("no lane writes".into());
    }
    let holdings = match authority(record) {
        Ok(holdings) => holdings,
        Err(why) => return Figure::Missing(why),
    };
    let leaders = Leaders::new(record, history);
    let mut gone = Gone::default();
    let (mut acknowledged, mut info, mut recovered) = (0, 0, 0);
    for lane in write_lanes(record) {
        let ops = history.lane(lane.id);
        let newest_survivor = newest_survivor(lane, ops, holdings, *at);
        for op in ops {
            match op.outcome {
                Outcome::Ok => acknowledged += 1,
                Outcome::Info => {
                    info += 1;
                    recovered += u64::from(holdings.has(lane.id, op.seq));
                    continue;
                }
                Outcome::Conflict | Outcome::Fail | Outcome::Shed => continue,
            }
            let (Some(sent), Some(done)) = (op.sent, op.done) else {
                continue;
            };
            if holdings.has(lane.id, op.seq) {
                continue;
            }
            let write = LostWrite {
                lane: lane.id,
                seq: op.seq,
                sent,
                done,
                node: op.node,
            };
            gone.put(blame(record, &leaders, &write), write, newest_survivor);
        }
    }
    let Gone {
        lost,
        split_brain,
        holes,
        later,
    } = gone;
    let bytes = record.stack.as_ref().map_or(0, |s| s.element_bytes);
    Figure::Measured(Loss {
        acknowledged,
        info,
        rpo_seconds: rpo_seconds(&lost, *at),
        engine: None,
        rpo_bytes: u64::from(bytes).saturating_mul(lost.len() as u64),
        split_brain_window: window(&split_brain),
        dual_primary: integrity.dual_primary.clone(),
        exposure: exposure(record, history, *at),
        recovered,
        resurrected: integrity.resurrected.clone(),
        phantom: integrity.phantom.clone(),
        duplicate: integrity.duplicate.clone(),
        corrupt: integrity.corrupt.clone(),
        lost,
        split_brain,
        holes,
        later,
    })
}

/// Lost writes by what they are put down to.
#[derive(Default)]
struct Gone {
    lost: Vec<LostWrite>,
    split_brain: Vec<LostWrite>,
    holes: Vec<(LaneId, u64)>,
    later: Vec<EventLoss>,
}

impl Gone {
    fn put(&mut self, blame: Blame<'_>, write: LostWrite, newest_survivor: Option<Nanos>) {
        match blame {
            Blame::Headline => {
                if newest_survivor.is_some_and(|survivor| survivor > write.done) {
                    self.holes.push((write.lane, write.seq));
                }
                self.lost.push(write);
            }
            Blame::Second => self.split_brain.push(write),
            Blame::Later(event) => add(&mut self.later, event, write),
        }
    }
}

/// What a lost write is put down to.
enum Blame<'a> {
    /// The fault that `t_f` means.
    Headline,
    /// A node that took writes though another had taken over.
    Second,
    /// Another event.
    Later(&'a (Bracket, Disruption)),
}

/// What a lost write is put down to, by who led. `docs/measurement.md`, section 3, *Whose loss*.
fn blame<'a>(record: &'a Record, leaders: &Leaders<'_>, write: &LostWrite) -> Blame<'a> {
    let events = &record.disruptions;
    let headline = record.headline().and_then(|headline| {
        let step = headline.1.step;
        events.iter().position(|(_, event)| event.step == step)
    });
    let node = write.node.and_then(|node| record.node_name(node));
    let deposed = |index: usize| node.is_some_and(|it| leaders.deposed(it, write.done, index));
    let pending = headline.filter(|index| write.sent <= events[*index].0.high);
    if pending.is_some_and(|index| !deposed(index)) {
        return Blame::Headline;
    }
    let next = events.iter().position(|(at, _)| at.high >= write.sent);
    let before = next.unwrap_or(events.len()).checked_sub(1);
    let struck = before.zip(node).is_some_and(|(last, node)| {
        events[last].1.victims.contains(node) && leaders.replaced(node, last)
    });
    match next {
        Some(index) if node.is_some() && !struck && !deposed(index) => Blame::Later(&events[index]),
        _ => Blame::Second,
    }
}

fn add(later: &mut Vec<EventLoss>, (at, event): &(Bracket, Disruption), write: LostWrite) {
    let place = later.iter().position(|loss| loss.step == event.step);
    let index = place.unwrap_or_else(|| {
        later.push(EventLoss {
            step: event.step,
            lost: Vec::new(),
            rpo_seconds: Span::ZERO,
        });
        later.len() - 1
    });
    let age = rpo_seconds(&[write], *at);
    later[index].rpo_seconds = later[index].rpo_seconds.max(age);
    later[index].lost.push(write);
}

/// When the newest surviving write of a lane that was acknowledged by `t_f+` was sent. One that was
/// acknowledged later went to the successor and says nothing about order.
fn newest_survivor(lane: &Lane, ops: Ops<'_>, holdings: &Holdings, at: Bracket) -> Option<Nanos> {
    ops.iter()
        .filter(|op| {
            op.outcome == Outcome::Ok
                && op.done.is_some_and(|done| done <= at.high)
                && holdings.has(lane.id, op.seq)
        })
        .filter_map(|op| op.sent)
        .max()
}

/// `[max(0, t_f- - min d), t_f+ - min s]` over the lost writes.
fn rpo_seconds(lost: &[LostWrite], at: Bracket) -> Span {
    let oldest_done = lost.iter().map(|write| write.done).min();
    let oldest_sent = lost.iter().map(|write| write.sent).min();
    match oldest_done.zip(oldest_sent) {
        Some((done, sent)) => Span::between(at.low.since(done), at.high.since(sent)),
        None => Span::ZERO,
    }
}

fn window(lost: &[LostWrite]) -> Option<Bracket> {
    Some(Bracket {
        low: lost.iter().map(|write| write.done).min()?,
        high: lost.iter().map(|write| write.done).max()?,
    })
}

/// Writes acknowledged in `[t_f- - x, t_f-]`, x = the RPO target in seconds, else `EXPOSURE`.
pub fn exposure(record: &Record, history: &History, at: Bracket) -> Exposure {
    let rpo = record.opened.scenario.targets.rpo.as_ref();
    let window = rpo
        .and_then(|rpo| rpo.seconds)
        .and_then(crate::scenario::Goal::limit)
        .map(|limit| limit.0)
        .filter(|limit| !limit.is_zero())
        .unwrap_or(EXPOSURE);
    let start = at.low.before(window);
    let mut acknowledged: Vec<Nanos> = write_lanes(record)
        .flat_map(|lane| history.lane(lane.id))
        .filter(|op| op.outcome == Outcome::Ok)
        .filter_map(|op| op.done)
        .filter(|done| start <= *done && *done <= at.low)
        .collect();
    acknowledged.sort_unstable();
    let period = write_lanes(record).map(|lane| lane.interval).min();
    let recent = acknowledged
        .last()
        .zip(period)
        .is_some_and(|(last, period)| at.low.since(*last) <= period * 2);
    let spacing = acknowledged.windows(2).map(|pair| pair[1].since(pair[0]));
    Exposure {
        writes: acknowledged.len() as u64,
        window_ns: Nanos::from_duration(window).0,
        recent,
        spacing_ns: spacing.max().map_or(0, |gap| Nanos::from_duration(gap).0),
    }
}

/// What stands whatever else is void: seen in either pass of the authority, or by pinned probes.
pub fn integrity(record: &Record, history: &History) -> Integrity {
    let mut found = Integrity {
        dual_primary: dual::dual_primary(record, history),
        unlooked: !dual::looked(record, history),
        ..Integrity::default()
    };
    for pass in [1, 2] {
        let Some(Ok(holdings)) = record.final_read(&Source::Authority { pass }) else {
            continue;
        };
        let repeated = holdings.repeated.iter().map(|r| (r.lane, r.seq, r.times));
        found.duplicate.extend(repeated);
        found.corrupt.extend(&holdings.corrupt);
        found.alien = found.alien.max(holdings.alien);
        compare(record, history, holdings, &mut found);
    }
    // The same element may be repeated differently in the two passes: the larger count stands.
    found.duplicate.sort_unstable_by(|a, b| b.cmp(a));
    found.duplicate.dedup_by_key(|(lane, seq, _)| (*lane, *seq));
    found.duplicate.reverse();
    for list in [
        &mut found.corrupt,
        &mut found.phantom,
        &mut found.resurrected,
    ] {
        list.sort_unstable();
        list.dedup();
    }
    found.phantom.truncate(LISTED);
    found
}

/// Adds what one final read holds and should not.
fn compare(record: &Record, history: &History, holdings: &Holdings, found: &mut Integrity) {
    for (lane_id, ranges) in &holdings.lanes {
        let writes = record
            .lanes
            .get(usize::from(lane_id.0))
            .is_some_and(|lane| {
                lane.access == crate::history::Access::Write && lane.group.appends()
            });
        let ops = history.lane(*lane_id);
        let ops = if writes { ops } else { ops.part(0..0) };
        for range in ranges.iter() {
            let from = ops.before(range.from);
            let to = range
                .to
                .checked_add(1)
                .map_or(ops.len(), |end| ops.before(end));
            let mut next = Some(range.from);
            for op in ops.part(from..to) {
                match op.outcome {
                    Outcome::Ok | Outcome::Info => {}
                    Outcome::Fail | Outcome::Conflict => found.resurrected.push((*lane_id, op.seq)),
                    Outcome::Shed => continue,
                }
                push_phantoms(found, *lane_id, next, op.seq.checked_sub(1));
                next = op.seq.checked_add(1);
            }
            push_phantoms(found, *lane_id, next, Some(range.to));
        }
    }
}

/// Lists the elements `from..=to`; either end may be absent, then there are none.
fn push_phantoms(found: &mut Integrity, lane: LaneId, from: Option<u64>, to: Option<u64>) {
    let (Some(from), Some(to)) = (from, to) else {
        return;
    };
    if from <= to {
        let room = (LISTED * 2).saturating_sub(found.phantom.len());
        found
            .phantom
            .extend((from..=to).take(room).map(|seq| (lane, seq)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::NodeName,
        measure::fixture::{Bench, FAULT, W1, W2, add_event, bracket, ms},
        record::{DisruptionKind, FinalRead, Role, View},
        scenario::{Dur, Goal, Rpo},
    };

    fn of(bench: Bench) -> Figure<Loss> {
        let (record, history) = bench.build();
        loss(&record, &history, &integrity(&record, &history))
    }

    fn measured(bench: Bench) -> Loss {
        of(bench).value().cloned().expect("loss was measured")
    }

    #[test]
    fn a_healthy_run_loses_nothing() {
        let loss = measured(Bench::new());
        assert_eq!(loss.acknowledged, 3000);
        assert!(loss.lost.is_empty() && loss.split_brain.is_empty() && loss.holes.is_empty());
        assert_eq!(loss.rpo_seconds, Span::ZERO);
        assert_eq!((loss.exposure.writes, loss.exposure.recent), (50, true));
        assert_eq!(loss.exposure.window_ns, 1_000_000_000);
        // Both lanes write at the same moments.
        assert_eq!(loss.exposure.spacing_ns, 40_000_000);
    }

    #[test]
    fn the_newest_writes_lost_are_counted_and_their_age_is_bracketed() {
        let mut bench = Bench::new();
        // 497, 498, 499 of lane 1: acknowledged at 19,883, 19,923 and 19,963 ms.
        bench.absent = vec![(W1, 497), (W1, 498), (W1, 499)];
        let loss = measured(bench);
        assert_eq!(loss.lost.len(), 3);
        assert_eq!(loss.rpo_bytes, 192);
        let expected = Span {
            low_ns: 20_000_000_000 - 19_883_000_000,
            high_ns: Some(20_002_000_000 - 19_881_100_000),
        };
        assert_eq!(loss.rpo_seconds, expected);
        // Later writes of the lane survive on the successor: that makes no hole.
        assert!(loss.holes.is_empty());
        assert_eq!(loss.lost[0].node, Some(0));
    }

    #[test]
    fn a_lost_write_before_a_surviving_one_of_its_lane_is_a_hole() {
        let mut bench = Bench::new();
        bench.absent = vec![(W1, 490), (W2, 499)];
        let loss = measured(bench);
        assert_eq!(loss.lost.len(), 2);
        assert_eq!(loss.holes, [(W1, 490)]);
    }

    #[test]
    fn a_write_sent_until_after_the_call_counts_to_the_fault_and_later_to_split_brain() {
        let plant = |sent: Nanos| {
            let mut bench = Bench::new();
            bench.op(W1, 499).sent = Some(sent);
            bench.op(W1, 499).done = Some(Nanos(FAULT.high.0 + 1_000_000));
            bench.absent = vec![(W1, 499)];
            let loss = measured(bench);
            (loss.lost.len(), loss.split_brain.len())
        };
        assert_eq!(plant(FAULT.high), (1, 0));
        assert_eq!(plant(Nanos(FAULT.high.0 + 1)), (0, 1));
        let mut bench = Bench::new();
        bench.absent = vec![(W1, 501), (W2, 505)];
        let loss = measured(bench);
        assert!(loss.lost.is_empty());
        let window = loss.split_brain_window.expect("there is a window");
        assert_eq!((window.low, window.high), (ms(20_043), ms(20_203)));
    }

    #[test]
    fn a_later_event_answers_for_what_a_sound_node_had_acknowledged() {
        // The fault strikes pg1; the failback at 40 s strikes pg2. Writes of 39.9 s, by turns.
        let plant = |node: Option<u16>, failback: bool| {
            let mut bench = Bench::new();
            if failback {
                let mut event = bench.record.disruptions[0].clone();
                event.0 = Bracket {
                    low: ms(40_000),
                    high: ms(40_001),
                };
                event.1.step += 1;
                event.1.victims = vec![NodeName::new("pg2")];
                bench.record.disruptions.push(event);
            }
            bench.op(W1, 997).node = node;
            bench.absent = vec![(W1, 997)];
            measured(bench)
        };
        let by_successor = plant(Some(1), true);
        assert!(by_successor.lost.is_empty() && by_successor.split_brain.is_empty());
        assert_eq!((by_successor.later.len(), by_successor.total()), (1, 1));
        let age = by_successor.later[0].rpo_seconds;
        assert_eq!((age.low_ns, age.high_ns), (117_000_000, Some(119_900_000)));
        for (node, failback) in [(Some(0), true), (None, true), (Some(1), false)] {
            let loss = plant(node, failback);
            assert_eq!((loss.split_brain.len(), loss.later.len()), (1, 0));
            assert_eq!(loss.total(), 1);
        }
    }

    /// Event 1 isolates the replica pg2, which an operator promotes by mistake: pg1 goes on for lane 1, pg2 takes lane 2.
    /// At 40 s something else happens, and what pg1 took is gone. Returns the loss with and without that event.
    #[test]
    fn who_led_decides_and_not_who_was_hit() {
        let plant = |later: bool, headline_later: bool| {
            let mut bench = Bench::new();
            let first = &mut bench.record.disruptions[0].1;
            first.victims = vec![NodeName::new("pg2")];
            first.primary_hit = false;
            let ops = bench.history.ops.iter_mut();
            let after = ops.filter(|op| FAULT.low <= op.intended && op.intended < ms(39_000));
            for op in after.filter(|op| op.lane == W1) {
                op.node = Some(0);
            }
            if later {
                let at = bracket(40_000, 40_001);
                add_event(&mut bench, at, DisruptionKind::Fault, "pg1");
            }
            if headline_later {
                bench.record.opened.scenario.headline = Some(2);
            }
            // Lane 1 from 30 s to 38 s.
            bench.absent = (750..950).map(|seq| (W1, seq)).collect();
            let loss = measured(bench);
            let others: usize = loss.later.iter().map(|event| event.lost.len()).sum();
            (loss.lost.len(), loss.split_brain.len(), others)
        };
        assert_eq!(plant(false, false), (0, 200, 0));
        assert_eq!(plant(true, false), (0, 200, 0));
        // Nor is it the headline's, where that comes after.
        assert_eq!(plant(true, true), (0, 200, 0));
    }

    /// What a node says of itself at some moment, in milliseconds.
    fn says(bench: &mut Bench, node: &str, role: Role, at: u64) {
        let view = View {
            node: NodeName::new(node),
            role,
            term: None,
            position: None,
            lag: None,
            follows: None,
            eligible: None,
        };
        bench.record.views.push((bracket(at, at + 1), view));
    }

    /// Event 1 promotes the replica pg2 by mistake and nobody writes to it; at 40 s pg1 is killed and `heir` takes over.
    /// Lost is what pg1 took from 30 s to 38 s. Returns what the headline, a second primary and the later event are blamed for.
    fn silent(heir: u16, how: impl Fn(&mut Bench)) -> (usize, usize, usize) {
        let mut bench = Bench::new();
        let stack = bench.record.stack.as_mut().expect("a stack");
        let mut third = stack.members[1].clone();
        third.name = NodeName::new("pg3");
        stack.members.push(third);
        bench.record.lanes.retain(|lane| lane.pinned.is_none());
        let first = &mut bench.record.disruptions[0].1;
        (first.victims, first.primary_hit) = (vec![NodeName::new("pg2")], false);
        for op in &mut bench.history.ops {
            op.node = Some(if op.intended < ms(40_000) { 0 } else { heir });
        }
        let at = bracket(40_000, 40_001);
        add_event(&mut bench, at, DisruptionKind::Fault, "pg1");
        bench.absent = (750..950).map(|seq| (W1, seq)).collect();
        how(&mut bench);
        let loss = measured(bench);
        let others: usize = loss.later.iter().map(|event| event.lost.len()).sum();
        (loss.lost.len(), loss.split_brain.len(), others)
    }

    #[test]
    fn a_second_primary_that_nobody_writes_is_known_by_its_own_word() {
        let promoted = |bench: &mut Bench| says(bench, "pg2", Role::Primary, 39_500);
        assert_eq!(silent(1, promoted), (0, 200, 0));
        // Nobody takes over at all: what stays is the second one's.
        let nobody = |bench: &mut Bench| {
            promoted(bench);
            for lane in [W1, W2] {
                bench.fail(lane, ms(40_000), ms(60_000));
            }
        };
        assert_eq!(silent(1, nobody), (0, 200, 0));
        // The same where the event that lost them is the headline.
        let headline = |bench: &mut Bench| {
            promoted(bench);
            bench.record.opened.scenario.headline = Some(2);
        };
        assert_eq!(silent(1, headline), (0, 200, 0));
    }

    #[test]
    fn the_event_lost_them_where_it_made_its_heir_primary() {
        assert_eq!(silent(1, |_| {}), (0, 0, 200));
        let replica = |bench: &mut Bench| {
            says(bench, "pg2", Role::Primary, 30_000);
            says(bench, "pg2", Role::Replica, 39_500);
        };
        assert_eq!(silent(1, replica), (0, 0, 200));
        // A third one takes over: the second primary had no part in it.
        let promoted = |bench: &mut Bench| says(bench, "pg2", Role::Primary, 39_500);
        assert_eq!(silent(2, promoted), (0, 0, 200));
        // Its last word is older than the event before.
        let old = |bench: &mut Bench| says(bench, "pg2", Role::Primary, 19_000);
        assert_eq!(silent(1, old), (0, 0, 200));
        // Several take writes: their words tell nothing.
        let several = |bench: &mut Bench| {
            promoted(bench);
            bench.record.stack.as_mut().expect("a stack").one_writer = false;
        };
        assert_eq!(silent(1, several), (0, 0, 200));
    }

    #[test]
    fn what_may_have_been_applied_is_never_loss() {
        let mut bench = Bench::new();
        bench.op(W1, 499).outcome = Outcome::Info;
        bench.op(W1, 498).outcome = Outcome::Info;
        bench.extra = vec![(W1, 498, true)];
        let loss = measured(bench);
        assert_eq!((loss.info, loss.recovered), (2, 1));
        assert!(loss.lost.is_empty() && loss.resurrected.is_empty());
    }

    #[test]
    fn what_is_there_and_should_not_be_is_told_by_kind() {
        let mut bench = Bench::new();
        bench.op(W1, 10).outcome = Outcome::Fail;
        bench.shed(W1, ms(441), ms(442));
        bench.extra = vec![
            (W1, 10, true),
            (W1, 11, true),
            (W1, 1500, true),
            (W2, 3, true),
            (W2, 4, false),
            (LaneId(9), 0, true),
        ];
        let loss = measured(bench);
        assert_eq!(loss.resurrected, [(W1, 10)]);
        assert_eq!(loss.phantom, [(W1, 11), (W1, 1500), (LaneId(9), 0)]);
        assert_eq!(loss.duplicate, [(W2, 3, 2), (W2, 4, 2)]);
        assert_eq!(loss.corrupt, [(W2, 4)]);
    }

    #[test]
    fn an_endless_range_does_not_fill_the_memory() {
        let mut bench = Bench::new();
        let mut holdings = bench.holdings();
        let endless = crate::record::Range {
            from: 0,
            to: u64::MAX,
        };
        holdings.lanes.insert(W2, vec![endless].into());
        for pass in [1, 2] {
            bench.record.finals.push(FinalRead {
                source: Source::Authority { pass },
                holdings: Ok(holdings.clone()),
            });
        }
        let found = integrity(&bench.record, &bench.history());
        assert_eq!(found.phantom.len(), LISTED);
        assert_eq!(found.phantom[0], (W2, 1500));
    }

    #[test]
    fn without_convergence_or_agreement_loss_is_missing_and_findings_stand() {
        let mut unconverged = Bench::new();
        unconverged.record.converged = Some((false, vec!["pg1 lags".into()]));
        unconverged.extra = vec![(W1, 5, true)];
        let (record, history) = unconverged.build();
        let found = integrity(&record, &history);
        assert_eq!(found.duplicate, [(W1, 5, 2)]);
        assert!(loss(&record, &history, &found).value().is_none());

        let mut unequal = Bench::new();
        let holdings = unequal.holdings();
        unequal.absent = vec![(W1, 499)];
        unequal.record.finals.push(FinalRead {
            source: Source::Authority { pass: 2 },
            holdings: Ok(holdings),
        });
        assert!(of(unequal).value().is_none());

        let mut unread = Bench::new();
        unread.record.finals.push(FinalRead {
            source: Source::Authority { pass: 2 },
            holdings: Err("refused".into()),
        });
        assert!(of(unread).value().is_none());

        let mut unchecked = Bench::new();
        unchecked.record.converged = None;
        assert!(of(unchecked).value().is_none());
    }

    #[test]
    fn exposure_looks_back_as_far_as_the_target() {
        let expose = |seconds: u64, from: u64| {
            let mut bench = Bench::new();
            bench.targets().rpo = Some(Rpo {
                seconds: Some(Goal::Limit(Dur(Duration::from_secs(seconds)))),
                count: None,
                bytes: None,
            });
            for lane in [W1, W2] {
                bench.fail(lane, ms(from), FAULT.low);
            }
            let exposure = measured(bench).exposure;
            (exposure.writes, exposure.recent)
        };
        assert_eq!(expose(2, 20_000), (100, true));
        assert_eq!(expose(0, 20_000), (50, true));
        // Last acknowledged at 19,923: 77 ms ago; two periods are 80 ms.
        assert_eq!(expose(1, 19_961), (48, true));
        assert_eq!(expose(1, 19_921), (46, false));
        assert_eq!(expose(1, 18_000), (0, false));
    }
}
