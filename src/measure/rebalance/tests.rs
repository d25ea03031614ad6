//! Planted pauses of consumers.

use super::*;
use crate::{
    measure::fixture::{Beaten, Bench, add_event, bracket, consumers, crashed, ms},
    record::{DisruptionKind, Rebalanced},
};

fn of(bench: &Bench) -> RebalanceFigures {
    rebalance(&bench.record, 0).expect("a group")
}

fn millis(figure: &Figure<Span>) -> Option<(u64, Option<u64>)> {
    let span = figure.value()?;
    Some((
        span.low_ns / 1_000_000,
        span.high_ns.map(|high| high / 1_000_000),
    ))
}

/// Every beat sent within `[from, to)` is delivered at `to` at the earliest.
fn held(wanted: u16, from: u64, to: u64) -> impl Fn(u16, Beaten) -> Beaten {
    move |partition, (number, sent, delivered)| {
        let late = delivered.map(|(_, member)| (to, member));
        let held = partition == wanted && (from..to).contains(&sent);
        (number, sent, if held { late } else { delivered })
    }
}

const RESOLUTION: (u64, Option<u64>) = (0, Some(550));

#[test]
fn nothing_to_see_is_known_to_the_resolution() {
    let figures = of(&consumers(|_, beat| beat));
    assert_eq!(millis(&figures.time), Some(RESOLUTION));
    assert!(!figures.paused);
    assert_eq!(figures.partitions.len(), 3);
    assert_eq!(figures.again, 0);
    assert!(rebalance(&Bench::new().record, 0).is_none());
}

#[test]
fn a_partition_is_consumed_again_with_the_first_beat_after_the_last_late_one() {
    let mut bench = crashed();
    bench.record.consumed[1].1.again = 7;
    let figures = of(&bench);
    // Delivered at 31,002 ms: what was sent at 30,500 ms is late, what was sent at 30,550 ms is not.
    let expected = (30_500 - 20_002, Some(31_002 - 20_000));
    assert_eq!(millis(&figures.time), Some(expected));
    assert!(figures.paused);
    assert_eq!(figures.again, 7);
    let [first, second, third] = &figures.partitions[..] else {
        panic!("three partitions");
    };
    assert_eq!(millis(&first.time), Some(expected));
    let name = |name: &Option<NodeName>| name.as_ref().map(ToString::to_string);
    assert_eq!(name(&first.before).as_deref(), Some("consumer-1"));
    assert_eq!(name(&first.after).as_deref(), Some("consumer-2"));
    let given = Figure::Measured(first.assigned.expect("it was given"));
    assert_eq!(
        millis(&given),
        Some((30_800 - 20_002, Some(30_801 - 20_000)))
    );
    for other in [second, third] {
        assert_eq!(millis(&other.time), Some(RESOLUTION));
        assert_eq!(other.assigned, None);
    }
}

/// An instrument that looked at some partitions only would not see it.
#[test]
fn each_partition_counts_and_the_worst_one_is_told() {
    for partition in 0..3 {
        let figures = of(&consumers(held(partition, 20_000, 24_000)));
        assert_eq!(
            millis(&figures.time),
            Some((3_448, Some(4_000))),
            "{partition}"
        );
    }
}

#[test]
fn a_beat_is_late_beyond_the_limit_and_not_at_it() {
    let limit = |delay| {
        consumers(move |partition, (number, sent, delivered)| {
            let late = delivered.map(|(_, member)| (sent + delay, member));
            let own = partition == 1 && sent == 20_100;
            (number, sent, if own { late } else { delivered })
        })
    };
    assert!(!of(&limit(500)).paused);
    let late = of(&limit(501));
    assert!(late.paused);
    assert_eq!(millis(&late.partitions[1].time), Some((98, Some(152))));
    // Of the others a pause up to the resolution is not ruled out.
    assert_eq!(millis(&late.time), Some((98, Some(550))));
}

#[test]
fn a_pause_within_the_window_goes_on_and_one_after_it_is_another() {
    let twice = |second: u64| {
        let (one, other) = (held(1, 20_000, 22_000), held(2, second, second + 2_000));
        of(&consumers(move |partition, beat| {
            other(partition, one(partition, beat))
        }))
    };
    assert_eq!(
        millis(&twice(28_000).time).map(|it| it.1),
        Some(Some(10_000))
    );
    // The last late beat of the first pause was sent at 21,450 ms: W ends at 31,450 ms.
    assert_eq!(
        millis(&twice(31_400).time).map(|it| it.1),
        Some(Some(13_400))
    );
    assert_eq!(
        millis(&twice(31_500).time).map(|it| it.1),
        Some(Some(2_000))
    );
}

#[test]
fn what_is_not_consumed_again_has_no_end() {
    let never = consumers(|partition, (number, sent, delivered)| {
        let gone = partition == 2 && sent >= 20_000;
        (number, sent, delivered.filter(|_| !gone))
    });
    // The clients end at 60,100 ms; a beat of 59,600 ms could have been in time until then.
    assert_eq!(millis(&of(&never).time), Some((59_600 - 20_002, None)));
    let late = consumers(held(0, 20_000, 55_000));
    assert_eq!(millis(&of(&late).time), Some((54_450 - 20_002, None)));
}

#[test]
fn beats_that_nobody_was_ever_delivered_are_late() {
    let skipped = consumers(|partition, (number, sent, delivered)| {
        let lost = partition == 1 && (20_000..23_000).contains(&sent);
        (number, sent, delivered.filter(|_| !lost))
    });
    // The last beat before was sent just before the fault: nothing is certain of when the missing ones were.
    assert_eq!(millis(&of(&skipped).time), Some((0, Some(3_002))));
}

#[test]
fn a_group_that_was_not_stable_before_tells_nothing() {
    let missing = |bench: &Bench, word: &str| {
        let figures = of(bench);
        assert!(
            matches!(&figures.time, Figure::Missing(why) if why.contains(word)),
            "{figures:?}"
        );
    };
    // 10 beats are late, and 6 of the 600 of the last 10 s may be.
    missing(&consumers(held(1, 15_000, 16_000)), "10 beats were late");
    let few = of(&consumers(held(1, 15_000, 15_800)));
    assert_eq!(millis(&few.time), Some(RESOLUTION));
    missing(
        &consumers(held(1, 19_000, 22_000)),
        "partition 1 was not consumed in time",
    );
    // More than W before the event, it is over.
    assert_eq!(
        millis(&of(&consumers(held(1, 5_000, 6_000))).time),
        Some(RESOLUTION)
    );
    let mut bench = crashed();
    let moved = Rebalanced {
        member: NodeName::new("consumer-3"),
        moment: RebalanceMoment::Revoked,
        partitions: vec![2],
    };
    bench
        .record
        .rebalanced
        .push((bracket(15_000, 15_000), moved));
    missing(&bench, "the partitions of consumer-3 changed");
    bench
        .record
        .rebalanced
        .retain(|(at, _)| at.low > ms(16_000));
    assert!(of(&bench).time.value().is_some());
}

#[test]
fn a_partition_of_which_nothing_was_consumed_tells_nothing() {
    let bench = consumers(|partition, (number, sent, delivered)| {
        (number, sent, delivered.filter(|_| partition != 1))
    });
    let why = "nothing was consumed of partition 1";
    assert_eq!(of(&bench).time, Figure::Missing(why.into()));
}

#[test]
fn an_event_ends_the_watch_of_the_one_before() {
    let mut bench = crashed();
    add_event(
        &mut bench,
        bracket(35_000, 35_001),
        DisruptionKind::Fault,
        "pg2",
    );
    // All were consumed in time for W across it: its end is known.
    assert_eq!(millis(&of(&bench).time), Some((10_498, Some(11_002))));
    let second = rebalance(&bench.record, 1).expect("a group");
    assert!(second.time.value().is_none(), "{second:?}");
    let mut later = crashed();
    add_event(
        &mut later,
        bracket(42_000, 42_001),
        DisruptionKind::Fault,
        "pg2",
    );
    assert_eq!(millis(&of(&later).time), Some((10_498, Some(11_002))));
    let second = rebalance(&later.record, 1).expect("a group");
    assert_eq!(millis(&second.time), Some(RESOLUTION));
}

/// Partition 0 is consumed again at 31 s; another event at 35 s holds partition 1 up until 38 s.
#[test]
fn a_pause_that_another_event_struck_is_bounded_by_what_followed() {
    let plant = |until: u64, last: u64| {
        let mut bench = consumers(move |partition, beat| {
            held(1, 35_000, until)(partition, held(0, 20_000, 31_000)(partition, beat))
        });
        let mut strike = |at| {
            add_event(
                &mut bench,
                bracket(at, at + 1),
                DisruptionKind::Fault,
                "pg2",
            );
        };
        strike(35_000);
        strike(last);
        millis(&of(&bench).time)
    };
    let low = 30_450 - 20_002;
    assert_eq!(plant(38_000, 55_000), Some((low, Some(38_000 - 20_000))));
    // W of what followed was cut short as well, and the next one was seen.
    assert_eq!(plant(38_000, 45_000), Some((low, Some(38_000 - 20_000))));
    // It never came back: nothing bounds it.
    assert_eq!(plant(59_900, 55_000), Some((low, None)));
}
