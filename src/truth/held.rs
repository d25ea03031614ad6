//! C0: clients that were held up while a recovery had to last, and what the service did meanwhile.

use crate::{
    check::{Answer, complete, lateness},
    history::{Access, History, Op, Outcome},
    measure::measure,
    record::Record,
    seed::Stream,
    time::{Bracket, Nanos},
};

use super::synthetic::{self, Synthetic, between, ms};

/// The interval of the lane, milliseconds.
const INTERVAL: u64 = 200;

/// W, nanoseconds.
const W: u64 = 10_000_000_000;

/// How late an operation may be about fault, onset and recovery: the interval, as 1 % of the target is less.
const NEAR: u64 = INTERVAL * 1_000_000;

/// How late it may be anywhere in W.
const LASTING: u64 = 250_000_000;

/// What the clients did not see, by the moments of the plant.
pub struct Held {
    /// When the service was back from the outage of the event.
    back: u64,
    /// When it failed once more, while no client asked.
    relapse: Option<(u64, u64)>,
    /// Whether operations of that time were never sent and are not in the history.
    missing: bool,
}

/// An outage from the event on, then a time in which the clients' runtime was held up: what was due in it was sent at its end,
/// or never. In half of the runs the service failed again within it.
pub fn held(record: &Record, random: &mut Stream) -> (Synthetic, Held) {
    let fault = between(random, 3_000, 5_000);
    let at = Bracket {
        low: ms(fault),
        high: ms(fault + 20),
    };
    let back = ms(fault + between(random, 0, 4_000)).0;
    let from = back / 1_000_000 + between(random, 0, 7_500);
    let until = from + between(random, 0, 2_000);
    let middle = (from + until) / 2;
    let relapse = (random.unit() < 0.5).then(|| {
        let begun = between(random, from, middle + 1);
        (ms(begun).0, ms(between(random, middle, until + 1)).0)
    });
    let drops = random.unit() < 0.2;
    let renumbers = random.unit() < 0.5;
    let down = |met: u64| {
        let again = relapse.is_some_and(|(begun, over)| (begun..over).contains(&met));
        again || (at.low.0..back).contains(&met)
    };
    let mut ops: Vec<Op> = Vec::new();
    let mut missing = false;
    for seq in 0..150 {
        let (late, took) = (between(random, 0, 40), between(random, 1, 80));
        let due = seq as u64 * INTERVAL + 1;
        let waits = (from..until).contains(&due);
        if waits && drops {
            missing = true;
            continue;
        }
        let late = if waits { until - due } else { late };
        let mut op = synthetic::op(0, seq, INTERVAL, (Outcome::Ok, late, took));
        let sent = op.sent.unwrap_or_default().0;
        if down(sent + (took as f64 * 1e6 * random.unit()) as u64) {
            op.outcome = Outcome::Fail;
        }
        if renumbers {
            op.seq = ops.len() as u64;
        }
        ops.push(op);
    }
    let lanes = vec![synthetic::lane(0, Access::Write, INTERVAL)];
    let run = synthetic::run(record, lanes, synthetic::history(ops), at);
    let held = Held {
        back,
        relapse,
        missing,
    };
    (run, held)
}

/// Compares what the checkers say of a run with the truth about it.
///
/// # Errors
/// The first difference.
pub fn compare(run: &Synthetic, held: &Held, seen: &History) -> Result<(), String> {
    let figures = measure(&run.record, seen);
    let late = lateness::check(&run.record, seen, &figures).answer;
    let whole = complete::check(&run.record, seen, &figures).answer;
    let told = (late == Answer::Unknown, whole == Answer::Unknown);
    let truth = (doubtful(&run.history.draft().ops, run.at), held.missing);
    if told != truth {
        return Err(format!(
            "late and not whole are {told:?} and should be {truth:?}"
        ));
    }
    let rto = figures.events[0].rto.value();
    let over = rto
        .and_then(|rto| rto.high_ns)
        .map(|rto| run.at.low.0 + rto);
    let hidden = held.relapse.filter(|(begun, over)| {
        let lasts = held.back.max(run.at.high.0);
        *begun >= lasts && *over <= lasts + W && over - begun > LASTING + NEAR
    });
    match (hidden, over) {
        (Some((_, again)), Some(over)) if told == (false, false) && over < again => {
            Err("a relapse within W counts as recovered".into())
        }
        _ => Ok(()),
    }
}

/// Whether an operation was sent too late about the event, its outage's onset or recovery, or in the W after it.
fn doubtful(ops: &[Op], at: Bracket) -> bool {
    let about = |low: u64, high: u64| (low.saturating_sub(1_000_000_000), high + 1_000_000_000);
    let mut near = vec![about(at.low.0, at.high.0)];
    let mut lasting = vec![(at.high.0, at.high.0 + W)];
    let bad = |op: &&Op| op.outcome != Outcome::Ok;
    if let Some((first, last)) = ops.iter().find(bad).zip(ops.iter().rfind(bad)) {
        let good = || ops.iter().filter(|op| op.outcome == Outcome::Ok);
        let well = good().filter(|op| op.intended < first.intended && op.done <= first.sent);
        let well = well.filter_map(|op| op.sent).next_back();
        let onset = (well.unwrap_or(ops[0].intended), first.done);
        near.push(about(onset.0.0, onset.1.unwrap_or_default().0));
        let since = last.sent.max(first.done);
        let back = good().filter(|op| op.intended > last.intended && op.sent >= since);
        let back = back.filter_map(|op| op.done).min().unwrap_or_default();
        let n = last.sent.unwrap_or_default();
        near.push(about(n.min(back).0, back.0));
        lasting.push((n.0, n.0 + W));
    }
    let late = |windows: &[(u64, u64)], limit: u64| {
        ops.iter().any(|op| {
            let within = |(low, high): &(u64, u64)| (*low..=*high).contains(&op.intended.0);
            let late = op.sent.map_or(0, |sent: Nanos| sent.0 - op.intended.0);
            windows.iter().any(within) && late > limit
        })
    };
    late(&near, NEAR) || late(&lasting, LASTING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn planted(number: u64) -> (Synthetic, Held) {
        held(&synthetic::blank(), &mut Seed(number).stream("held"))
    }

    /// How many of two hundred runs are told apart from the truth when clients say this of their operations.
    fn red(how: impl Fn(&mut Op)) -> usize {
        let wrong = (0..200).filter(|number| {
            let (run, held) = planted(*number);
            let mut seen = run.history.draft();
            seen.ops.iter_mut().for_each(&how);
            compare(&run, &held, &seen.into()).is_err()
        });
        wrong.count()
    }

    #[test]
    fn lateness_that_is_not_told_turns_it_red() {
        assert_eq!(red(|_| {}), 0);
        // Closed loop: an operation is due when it is sent.
        assert!(red(|op| op.intended = op.sent.unwrap_or(op.intended)) > 0);
        // The time of sending is made up.
        assert!(red(|op| op.sent = Some(op.intended)) > 0);
    }

    #[test]
    fn runs_of_every_kind_are_planted() {
        let all: Vec<_> = (0..200).map(planted).collect();
        let late = |run: &Synthetic| doubtful(&run.history.draft().ops, run.at);
        let count =
            |fits: &dyn Fn(&(Synthetic, Held)) -> bool| all.iter().filter(|it| fits(it)).count();
        assert!(count(&|(run, _)| late(run)) > 20);
        assert!(count(&|(run, held)| !late(run) && !held.missing) > 20);
        assert!(count(&|(_, held)| held.missing) > 10);
        let long = |held: &Held| held.relapse.is_some_and(|(a, b)| b - a > LASTING + NEAR);
        assert!(count(&|(_, held)| long(held)) > 20);
    }
}
