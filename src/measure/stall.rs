//! Where operations that were all answered leave room for an outage between them: sent late, or answered late.

use std::time::Duration;

use crate::{
    scenario::{Goal, Targets},
    time::{Bracket, Nanos},
};

use super::{lane::is_available, scan::Scanned};

/// A stretch of time in which outages up to some length could have gone unseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// From the start of the first operation.
    from: Nanos,
    /// To the end of the last one.
    to: Nanos,
    /// The longest time from the start of an operation to the end of the next one.
    longest: Duration,
}

/// The stretches of a lane in which an outage of more than `least` could have gone unseen between two operations that follow
/// each other and were both available: disjoint and in order. One pass.
pub fn stalls(scanned: &Scanned<'_>, least: Duration) -> Vec<Stall> {
    let mut found: Vec<Stall> = Vec::new();
    let mut before: Option<Nanos> = None;
    for op in scanned.ops {
        if !is_available(scanned.lane, &op) {
            before = None;
            continue;
        }
        if let (Some(from), Some(to)) = (before, op.done)
            && to.since(from) > least
        {
            let longest = to.since(from);
            match found.last_mut() {
                Some(last) if from <= last.to => {
                    last.to = last.to.max(to);
                    last.longest = last.longest.max(longest);
                }
                _ => found.push(Stall { from, to, longest }),
            }
        }
        before = op.sent;
    }
    found
}

/// The longest outage that could have gone unseen from a moment until `window` after it, if there is a stall then.
pub fn longest(stalls: &[Stall], at: Bracket, window: Duration) -> Option<Duration> {
    let until = at.high.after(window);
    let first = stalls.partition_point(|stall| stall.to < at.low);
    let own = stalls.get(first..).unwrap_or_default().iter();
    own.take_while(|stall| stall.from <= until)
        .map(|stall| stall.longest)
        .max()
}

/// The shortest time that a recovery may take by the targets; none where no target limits any.
pub fn shortest_target(targets: &Targets) -> Option<Duration> {
    let goals = [
        targets.rto,
        targets.rto_write,
        targets.rto_read,
        targets.rto_app,
    ];
    let limits = goals.into_iter().flatten().filter_map(Goal::limit);
    limits.map(|limit| limit.0).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{
        fixture::{Bench, W1, bracket, ms},
        scan::Scan,
    };

    #[test]
    fn a_stall_reaches_from_the_start_of_one_operation_to_the_end_of_the_next() {
        let mut bench = Bench::new();
        bench.change(W1, ms(45_000), ms(52_000), |op| {
            op.sent = Some(ms(52_000));
            op.done = Some(ms(52_002));
        });
        bench.fail(W1, ms(55_000), ms(59_000));
        let (record, history) = bench.build();
        let scan = Scan::new(&record, &history);
        let found = stalls(&scan.service[0], Duration::from_secs(1));
        // The last one sent before was sent at 44,961.1 ms. What failed is an outage, not a stall.
        let all = Stall {
            from: Nanos(44_961_100_000),
            to: ms(52_002),
            longest: Duration::from_micros(7_040_900),
        };
        assert_eq!(found, vec![all]);
        let w = Duration::from_secs(10);
        assert_eq!(
            longest(&found, bracket(40_000, 40_001), w),
            Some(all.longest)
        );
        assert_eq!(
            longest(&found, bracket(52_002, 52_003), w),
            Some(all.longest)
        );
        assert_eq!(longest(&found, bracket(34_000, 34_001), w), None);
        assert_eq!(longest(&found, bracket(52_003, 52_004), w), None);
    }
}
