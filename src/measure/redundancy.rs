//! When every member was back in sync: from the node's return, and from the fault.

use crate::{
    record::{DisruptionKind, Record, StepResult},
    scenario::{Expect, Step},
    time::{Bracket, Nanos, Span},
};

use super::Figure;

/// `redundancy_restored` from the return of the headline's victims, and the same from its fault.
///
/// The return is the last `returned` of a victim, else the healing of the fault. What is seen once one of the victims has
/// been hit again speaks of that.
pub fn redundancy(record: &Record) -> (Figure<Span>, Figure<Span>) {
    let missing = |why: &str| {
        (
            Figure::Missing(why.to_owned()),
            Figure::Missing(why.to_owned()),
        )
    };
    let Some((at, disruption)) = record.headline() else {
        return missing("no disruptive step was taken");
    };
    if disruption.kind == DisruptionKind::Control {
        return missing("a control takes no node away");
    }
    let again = record.disruptions.iter().find(|(when, other)| {
        let mut victims = other.victims.iter();
        when.low > at.low && victims.any(|node| disruption.victims.contains(node))
    });
    let until = again.map_or(Nanos(u64::MAX), |(when, _)| when.low);
    let own = |when: &Bracket| when.low >= at.low && when.high <= until;
    let back = record
        .returned
        .iter()
        .filter(|(when, node)| disruption.victims.contains(node) && own(when))
        .map(|(when, _)| *when)
        .max_by_key(|when| when.high)
        .or_else(|| {
            record
                .healed
                .iter()
                .find(|(when, step)| *step == disruption.step && own(when))
                .map(|(when, _)| *when)
        });
    let from = back.unwrap_or(*at);
    let restored = record
        .redundant
        .iter()
        .find(|when| when.low >= from.low && when.high <= until)
        .map_or_else(
            || unmet(record, from.high, until).map(Err),
            |when| Some(Ok(*when)),
        );
    match restored {
        None if again.is_some() => {
            missing("no step waited for redundancy before a victim was hit again")
        }
        None => missing("no step waited for redundancy after the node's return"),
        Some(end) => (
            match back {
                Some(back) => Figure::Measured(span(back, end)),
                None => Figure::Missing("the node's return was not seen".into()),
            },
            Figure::Measured(span(*at, end)),
        ),
    }
}

fn span(from: Bracket, end: Result<Bracket, Nanos>) -> Span {
    match end {
        Ok(when) => Span::between(when.low.since(from.high), when.high.since(from.low)),
        Err(waited) => Span::at_least(waited.since(from.high)),
    }
}

/// The end of the last step that waited for redundancy in vain after `from` and by `until`.
fn unmet(record: &Record, from: Nanos, until: Nanos) -> Option<Nanos> {
    record
        .steps
        .iter()
        .filter(|(when, step, result)| {
            when.high >= from
                && when.high <= until
                && matches!(
                    record.opened.scenario.drill.get(*step),
                    Some(Step::Expect(Expect::Redundant(_)))
                )
                && matches!(result, StepResult::Unmet(_))
        })
        .map(|(when, _, _)| when.high)
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::NodeName,
        measure::fixture::{Bench, add_event, bracket, control},
        scenario::{Dur, Within},
    };

    fn of(returned: Option<u64>, redundant: &[u64]) -> (Figure<Span>, Figure<Span>) {
        let mut bench = Bench::new();
        let back = returned.map(|at| (bracket(at, at + 10), NodeName::new("pg1")));
        bench.record.returned.extend(back);
        bench.record.redundant = redundant.iter().map(|at| bracket(*at, at + 5)).collect();
        redundancy(&bench.record)
    }

    fn ms(low: u64, high: u64) -> Figure<Span> {
        Figure::Measured(Span {
            low_ns: low * 1_000_000,
            high_ns: Some(high * 1_000_000),
        })
    }

    #[test]
    fn redundancy_is_counted_from_the_return_and_from_the_fault() {
        let (back, fault) = of(Some(30_000), &[1_000, 35_000, 40_000]);
        assert_eq!(back, ms(4_990, 5_005));
        assert_eq!(fault, ms(14_998, 15_005));
        // A member that was in sync before the return does not count.
        assert_eq!(of(Some(30_000), &[25_000, 35_000]).0, ms(4_990, 5_005));
    }

    #[test]
    fn unwatched_redundancy_is_missing_and_waited_for_in_vain_unseen() {
        let (back, fault) = of(Some(30_000), &[]);
        assert!(back.value().is_none() && fault.value().is_none());
        let mut bench = Bench::new();
        bench
            .record
            .returned
            .push((bracket(30_000, 30_000), NodeName::new("pg1")));
        let step = bench.record.opened.scenario.drill.len();
        let within = Within {
            within: Dur(std::time::Duration::from_secs(20)),
        };
        bench
            .record
            .opened
            .scenario
            .drill
            .push(Step::Expect(Expect::Redundant(within)));
        let unmet = StepResult::Unmet("pg1 lags".into());
        bench
            .record
            .steps
            .push((bracket(31_000, 51_000), step, unmet));
        let (back, _) = redundancy(&bench.record);
        assert_eq!(
            back,
            Figure::Measured(Span::at_least(std::time::Duration::from_secs(21)))
        );
    }

    #[test]
    fn what_is_seen_once_a_victim_was_hit_again_is_not_its_redundancy() {
        let with = |redundant: &[u64]| {
            let mut bench = Bench::new();
            let again = bracket(46_000, 46_001);
            add_event(&mut bench, again, DisruptionKind::Fault, "pg1");
            for at in [25_000, 50_000] {
                let back = (bracket(at, at + 10), NodeName::new("pg1"));
                bench.record.returned.push(back);
            }
            bench.record.redundant = redundant.iter().map(|at| bracket(*at, at + 5)).collect();
            redundancy(&bench.record).0
        };
        assert_eq!(with(&[45_000, 52_000]), ms(19_990, 20_005));
        assert!(with(&[52_000]).value().is_none());
    }

    #[test]
    fn without_a_return_only_the_time_from_the_fault_is_known() {
        let (back, fault) = of(None, &[35_000]);
        assert!(back.value().is_none());
        assert_eq!(fault, ms(14_998, 15_005));
        assert!(redundancy(&control().record).0.value().is_none());
    }
}
