//! How far the successor was behind the old primary in the engine's own log, by what both said of themselves.

use crate::{
    record::{Disruption, Record, Role, View},
    time::{Bracket, Nanos},
};

use super::{Distance, EventFigures};

/// The log that the old primary had and its successor had not, in the engine's unit.
///
/// Observers ask every few hundred milliseconds, so this is a bracket: at least what the old primary said
/// last by `t_f-`, less the successor's position when it first called itself primary; at most what the old
/// primary said when it was seen again as primary, less what the successor said last as a replica. Missing where
/// either never said a position.
pub fn distance(record: &Record, event: &EventFigures) -> Option<Distance> {
    let successor = event.successor.as_ref()?;
    let disruption = disruption(record, event)?;
    let old = |(_, view): &&(Bracket, View)| {
        disruption.victims.contains(&view.node) && view.role == Role::Primary
    };
    let new = |role: Role| {
        move |(_, view): &&(Bracket, View)| view.node == *successor && view.role == role
    };
    let (low, high) = (event.at.low, event.at.high);
    let before = last(record, low, old)?;
    let took_over = first(record, high, new(Role::Primary))?;
    let behind = last(record, took_over.0, new(Role::Replica));
    // Later it may be primary by right.
    let next = record.disruptions.iter().map(|(at, _)| at.low);
    let next = next.filter(|next| high < *next).min();
    let again = first(record, high, old).filter(|again| next.is_none_or(|next| again.0 < next));
    Some(Distance {
        low: before.1.saturating_sub(took_over.1),
        high: again
            .zip(behind)
            .map(|(again, behind)| again.1.saturating_sub(behind.1)),
    })
}

fn disruption<'a>(record: &'a Record, event: &EventFigures) -> Option<&'a Disruption> {
    let mut all = record.disruptions.iter().map(|(_, d)| d);
    all.find(|disruption| disruption.step == event.step)
}

/// The newest view that had ended by `until`, and its position.
fn last(
    record: &Record,
    until: Nanos,
    fits: impl Fn(&&(Bracket, View)) -> bool,
) -> Option<(Nanos, u64)> {
    let ended = |(at, _): &&(Bracket, View)| at.high <= until;
    let views = record.views.iter().rev().filter(ended).filter(fits);
    at_position(views)
}

/// The oldest view that was asked for after `from`, and its position.
fn first(
    record: &Record,
    from: Nanos,
    fits: impl Fn(&&(Bracket, View)) -> bool,
) -> Option<(Nanos, u64)> {
    let views = record.views.iter().filter(|(at, _)| from < at.low);
    at_position(views.filter(fits))
}

fn at_position<'a>(mut views: impl Iterator<Item = &'a (Bracket, View)>) -> Option<(Nanos, u64)> {
    views.find_map(|(at, view)| Some((at.low, view.position?)))
}

#[cfg(test)]
mod tests {
    use crate::{
        id::NodeName,
        measure::{
            fixture::{Bench, ms},
            measure,
        },
    };

    use super::*;

    fn view(at: u64, node: &str, role: Role, position: u64) -> (Bracket, View) {
        let view = View {
            node: NodeName::new(node),
            role,
            term: None,
            position: Some(position),
            lag: None,
            follows: None,
            eligible: None,
        };
        let at = Bracket {
            low: ms(at),
            high: ms(at + 1),
        };
        (at, view)
    }

    #[test]
    fn what_both_said_brackets_the_distance() {
        let mut bench = Bench::with_outage(ms(22_000));
        bench.change(crate::measure::fixture::W1, ms(22_000), ms(60_000), |op| {
            op.node = Some(1)
        });
        bench.change(crate::measure::fixture::W2, ms(22_000), ms(60_000), |op| {
            op.node = Some(1)
        });
        bench.record.views = vec![
            view(19_000, "pg1", Role::Primary, 900),
            view(19_800, "pg1", Role::Primary, 1_000),
            view(19_900, "pg2", Role::Replica, 700),
            view(21_000, "pg2", Role::Primary, 750),
        ];
        let of = |bench: Bench| {
            let (record, history) = bench.build();
            let figures = measure(&record, &history);
            distance(&record, &figures.events[0])
        };
        let seen = Some(Distance {
            low: 250,
            high: None,
        });
        let mut again = bench.clone();
        assert_eq!(of(bench), seen);
        again
            .record
            .views
            .push(view(30_000, "pg1", Role::Primary, 1_100));
        let seen = Some(Distance {
            low: 250,
            high: Some(400),
        });
        assert_eq!(of(again.clone()), seen);
        again
            .record
            .views
            .retain(|(_, view)| view.node.as_str() != "pg2");
        assert_eq!(of(again), None);
    }
}
