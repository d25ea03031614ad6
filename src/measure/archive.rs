//! How old what was written had become when it was not yet kept apart from the stack.

use std::time::Duration;

use crate::{
    history::{History, Outcome},
    record::{LogKept, Record},
    time::{Bracket, Nanos, Span},
};

use super::{Figure, lane::write_lanes};

/// The oldest age at any look from the first step to the clients' end: what a disaster at the worst moment would have taken, by
/// the log's positions. None where no log is kept.
///
/// Of a look at `[t-, t+]` that found the log kept up to k, let j be the newest look up to this one that found no more than k
/// written. What is not kept was written after j, and by the look after it at the latest: its age is in
/// `[t- - end of the look after j, t+ - start of j]`, and from 0 on where j is this look. Positions of another primary's log say
/// nothing of this one's: its looks count as kept once all that this one had written at its first look is. Until the next look, or
/// the clients' end, the age may be as long as from j to the last write that was acknowledged by then.
pub fn archive_lag(record: &Record, history: &History) -> Option<Figure<Span>> {
    let looks = &record.log_kept;
    if looks.is_empty() {
        let wanted = record.opened.scenario.targets.archive_lag.is_some();
        return wanted.then(|| Figure::Missing("nobody saw the log being kept".into()));
    }
    let begun = record.steps.first().map(|(at, ..)| at.low);
    let until = record.load.map(|(_, end)| end);
    let written = written_until_next(looks, record, history);
    let mut worst: Option<Span> = None;
    // The first look whose log is not kept yet, and the first of the primary of now.
    let (mut next, mut turn) = (0, 0);
    for (place, (at, look)) in looks.iter().enumerate() {
        if looks[turn].1.node != look.node {
            turn = place;
        }
        let is_kept = |earlier: usize| {
            let written = looks[earlier.max(turn)].1.written;
            look.kept.is_some_and(|kept| written <= kept)
        };
        while next <= place && is_kept(next) {
            next += 1;
        }
        let begun = begun.is_some_and(|begun| begun <= at.high);
        if begun && until.is_none_or(|until| at.low <= until) {
            let age = age(looks, next, place);
            // Until the next look nobody knows: what was acknowledged meanwhile may not have been kept.
            let since = looks[next.saturating_sub(1)].0.low;
            let blind = written[place].map_or(Duration::ZERO, |end| end.since(since));
            let age = age.max(Span::between(Duration::ZERO, blind));
            worst = Some(worst.map_or(age, |worst| worst.max(age)));
        }
    }
    let unseen = "nobody saw the log being kept while the drill's steps were taken";
    Some(worst.map_or_else(|| Figure::Missing(unseen.into()), Figure::Measured))
}

/// Of each look, when the last write was acknowledged after it and up to the next one; none where none was.
fn written_until_next(
    looks: &[(Bracket, LogKept)],
    record: &Record,
    history: &History,
) -> Vec<Option<Nanos>> {
    let mut last = vec![None; looks.len()];
    let ops = write_lanes(record).flat_map(|lane| history.lane(lane.id));
    let ends = ops.filter(|op| op.outcome == Outcome::Ok);
    for end in ends.filter_map(|op| op.done) {
        let next = looks.partition_point(|(at, _)| at.high < end);
        if let Some(place) = next.checked_sub(1) {
            last[place] = last[place].max(Some(end));
        }
    }
    last
}

/// How old what is not kept is at a look, where the looks before `next` found nothing that is not kept by now. Before the first
/// look nobody knows: the age counts from there.
fn age(looks: &[(Bracket, LogKept)], next: usize, place: usize) -> Span {
    let at = looks[place].0;
    let since = looks[next.saturating_sub(1)].0.low;
    let low = match next <= place {
        true => at.low.since(looks[next].0.high),
        false => Duration::ZERO,
    };
    Span::between(low, at.high.since(since))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::NodeName,
        measure::fixture::{Bench, bracket, ms},
        scenario::Goal,
    };

    /// Looks at these milliseconds: who was primary, how much it had written, and how much of it was kept.
    fn lag(looks: &[(u64, &str, u64, Option<u64>)]) -> Option<(u64, u64)> {
        lag_of(looks, 30_000)
    }

    /// The same where the last write was acknowledged by then.
    fn lag_of(looks: &[(u64, &str, u64, Option<u64>)], last: u64) -> Option<(u64, u64)> {
        let mut bench = Bench::new();
        bench.history.ops.retain(|op| op.intended < ms(last));
        let (mut record, history) = bench.build();
        record.log_kept = looks
            .iter()
            .map(|(at, node, written, kept)| {
                let look = LogKept {
                    node: NodeName::new(*node),
                    written: *written,
                    kept: *kept,
                };
                (bracket(*at, at + 2), look)
            })
            .collect();
        let span = *archive_lag(&record, &history)?.value()?;
        Some((span.low_ns / 1_000_000, span.high_ns? / 1_000_000))
    }

    #[test]
    fn what_was_acknowledged_while_nobody_could_look_may_not_have_been_kept() {
        let mut looks: Vec<_> = (0..40)
            .map(|n| (20_000 + n * 250, "pg1", n * 100, Some(n * 100)))
            .collect();
        // Nobody could look from 22 s to 27 s.
        looks.retain(|(at, ..)| !(22_001..27_000).contains(at));
        assert_eq!(lag(&looks), Some((0, 4_963)));
    }

    #[test]
    fn what_was_acknowledged_after_the_last_look_may_not_be_kept() {
        let looks: Vec<_> = (0..40)
            .map(|n| (20_000 + n * 250, "pg1", n * 100, Some(n * 100)))
            .collect();
        // The last write before 45 s was acknowledged at 44.963 s; the last look began at 29.75 s.
        assert_eq!(lag_of(&looks, 45_000), Some((0, 15_213)));
    }

    #[test]
    fn what_is_kept_at_once_is_as_old_as_a_look_takes() {
        let looks: Vec<_> = (0..40)
            .map(|n| (20_000 + n * 250, "pg1", n * 100, Some(n * 100)))
            .collect();
        // The last write before the next look was acknowledged 250 ms after one.
        assert_eq!(lag(&looks), Some((0, 243)));
    }

    #[test]
    fn what_is_kept_no_more_ages() {
        // Kept up to what the look at 21 s found written; the last look is at 29.75 s.
        let looks: Vec<_> = (0..40)
            .map(|n| (20_000 + n * 250, "pg1", n * 100, Some((n * 100).min(400))))
            .collect();
        assert_eq!(lag(&looks), Some((8_498, 8_963)));
    }

    #[test]
    fn another_primary_whose_log_nobody_keeps_is_not_kept_by_its_positions() {
        let mut looks: Vec<_> = (0..8)
            .map(|n| (20_000 + n * 250, "pg1", n * 100, Some(n * 100)))
            .collect();
        looks.extend((8..20).map(|n| (20_000 + n * 250, "pg2", n * 50, None)));
        assert_eq!(lag_of(&looks, 24_000), Some((2_748, 3_002)));
    }

    #[test]
    fn another_primary_with_less_in_its_log_is_kept_once_its_own_log_is() {
        let mut looks: Vec<_> = (0..8)
            .map(|n| (20_000 + n * 250, "pg1", n * 100, Some(n * 100)))
            .collect();
        // 200 of the old one's log were never replicated; half a second until the receiver has turned to the new one.
        looks.extend((8..10).map(|n| (20_000 + n * 250, "pg2", n * 50, None)));
        looks.extend((10..20).map(|n| (20_000 + n * 250, "pg2", n * 50, Some(n * 50))));
        // Until the look that found it kept, nobody knew.
        assert_eq!(lag_of(&looks, 24_000), Some((248, 733)));
    }

    #[test]
    fn without_looks_there_is_a_figure_only_where_one_was_asked_for() {
        let (mut record, history) = Bench::new().build();
        assert_eq!(archive_lag(&record, &history), None);
        record.opened.scenario.targets.archive_lag = Some(Goal::Any);
        assert!(matches!(
            archive_lag(&record, &history),
            Some(Figure::Missing(_))
        ));
    }
}
