//! Recovery of each lane from one event, and the worst and best over lanes.

use std::time::Duration;

use crate::{
    history::Lane,
    time::{Bracket, Nanos, Span},
};

use super::{
    Extent, Figure, LaneOutage, NotMeasured, Undetected,
    availability::resolution as longest_unseen,
    cause::{Cause, causes},
    lane::{SUSTAIN_OPS, covers, effect, is_available, sustain},
    outage::{End, Outage},
    scan::{Scan, Scanned},
};

/// What one lane saw of one event.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// An outage.
    Outage(LaneOutage),
    /// No failed operation over W; an outage up to the resolution could have gone unseen.
    Calm(Duration),
    /// It cannot be told.
    Unknown(NotMeasured),
}

impl Seen {
    /// What it leaves open of an outage that it did not show.
    pub fn undetected(&self, lane: &Lane) -> Option<Undetected> {
        let extent = match self {
            Self::Outage(_) => return None,
            Self::Calm(resolution) => Extent::UpTo(*resolution),
            Self::Unknown(missing) => Extent::NotMeasured(missing.clone()),
        };
        let lane = lane.id;
        Some(Undetected { lane, extent })
    }

    /// The recovery time from the event.
    pub fn rto(&self) -> Figure<Span> {
        match self {
            Self::Outage(outage) => Figure::Measured(outage.rto),
            Self::Calm(resolution) => calm(*resolution),
            Self::Unknown(missing) => Figure::Missing(missing.why.clone()),
        }
    }

    /// The outage's length from its onset.
    pub fn length(&self) -> Figure<Span> {
        match self {
            Self::Outage(outage) => Figure::Measured(outage.length),
            Self::Calm(resolution) => calm(*resolution),
            Self::Unknown(missing) => Figure::Missing(missing.why.clone()),
        }
    }
}

fn calm(resolution: Duration) -> Figure<Span> {
    Figure::Measured(Span::between(Duration::ZERO, resolution))
}

/// What a lane saw of the event at `index` (from 0): the first outage that the event itself caused.
pub fn seen(scan: &Scan<'_>, scanned: &Scanned<'_>, index: usize) -> Seen {
    let at = scan.record.disruptions[index].0;
    if let Some(before) = absorbed(scanned, index, at) {
        return Seen::Unknown(NotMeasured {
            why: format!(
                "{} had not recovered from an outage when the step began",
                scanned.lane.name
            ),
            other: before.event.checked_sub(1),
        });
    }
    match causes(scan, scanned, index).find(|(cause, _)| *cause == Cause::Event) {
        Some((_, outage)) => Seen::Outage(lane_outage(scanned, outage, at)),
        None => calm_or_unknown(scan, scanned, index, at),
    }
}

/// The outage that began before the event and still went on when it struck, if there is one.
fn absorbed<'a>(scanned: &'a Scanned<'_>, index: usize, at: Bracket) -> Option<&'a Outage> {
    scanned
        .outages
        .iter()
        .filter(|outage| outage.event <= index)
        .find(|outage| match outage.end {
            End::Recovered(back) => outage.latest >= at.low && back >= at.low,
            End::Unseen => outage.latest >= at.low,
            End::Struck { .. } => false,
        })
}

/// An outage with its times from the event, or from what was undone, at `at`.
pub fn lane_outage(scanned: &Scanned<'_>, outage: &Outage, at: Bracket) -> LaneOutage {
    let rto_low = outage
        .last_sent
        .map_or(Duration::ZERO, |s| s.since(at.high));
    let length_low = outage.shortest();
    let (rto, length) = match outage.over_by() {
        Some(over) => (
            Span::between(rto_low, over.since(at.low)),
            Span::between(length_low, over.since(outage.onset.low)),
        ),
        None => (Span::at_least(rto_low), Span::at_least(length_low)),
    };
    LaneOutage {
        lane: scanned.lane.id,
        onset: outage.onset,
        last_failed: outage.last_sent.unwrap_or(outage.last_intended),
        recovered: outage.recovered(),
        failed: outage.failed,
        rto,
        length,
    }
}

fn calm_or_unknown(scan: &Scan<'_>, scanned: &Scanned<'_>, index: usize, at: Bracket) -> Seen {
    let (lane, ops) = (scanned.lane, scanned.ops);
    let until = at.high.after(sustain(lane));
    let next = scan.events.get(index + 1);
    let from = ops.partition_point(|op| op.intended <= at.high);
    let count = ops.skip(from).partition_point(|op| op.intended <= until);
    if count < SUSTAIN_OPS as usize || !covers(lane, ops, until) {
        return Seen::Unknown(NotMeasured {
            why: format!(
                "{} has only {count} operations in the {} s after the step, or ends within them",
                lane.name,
                sustain(lane).as_secs_f64()
            ),
            other: None,
        });
    }
    if next.is_some_and(|next| *next < until) {
        return Seen::Unknown(NotMeasured {
            why: format!(
                "the next step struck within {} s, before {} could tell",
                sustain(lane).as_secs_f64(),
                lane.name
            ),
            other: Some(index + 1),
        });
    }
    Seen::Calm(resolution(scanned, at))
}

/// The longest outage that could have gone unseen about the event: the longest time from the start of
/// an available operation to the end of the next one, up to W after it.
fn resolution(scanned: &Scanned<'_>, at: Bracket) -> Duration {
    let (lane, ops) = (scanned.lane, scanned.ops);
    let until = at.high.after(sustain(lane));
    let end = ops.partition_point(|op| op.intended <= until);
    let first = ops
        .part(0..end)
        .iter()
        .position(|op| effect(&op) >= at.low)
        .unwrap_or(end);
    let start = ops
        .part(0..first)
        .iter()
        .rposition(|op| is_available(lane, &op))
        .unwrap_or(first);
    longest_unseen(lane, ops.part(start..end)).unwrap_or(lane.interval)
}

/// The worst over lanes. A lane that cannot be told makes the end unseen, and without any lower bound
/// the figure missing; so does the absence of lanes.
pub fn worst(figures: impl Iterator<Item = Figure<Span>>) -> Figure<Span> {
    let mut worst: Option<Span> = None;
    let mut missing: Option<String> = None;
    for figure in figures {
        match figure {
            Figure::Measured(span) => worst = Some(worst.map_or(span, |w| w.max(span))),
            Figure::Missing(why) => missing = missing.or(Some(why)),
        }
    }
    match (worst, missing) {
        (Some(span), None) => Figure::Measured(span),
        (Some(span), Some(_)) if span.low_ns > 0 => Figure::Measured(Span::at_least(span.low())),
        (_, Some(why)) => Figure::Missing(why),
        (None, None) => Figure::Missing("there is no such lane".into()),
    }
}

/// The best over lanes that could be told.
pub fn best(figures: impl Iterator<Item = Figure<Span>>) -> Figure<Span> {
    let mut best: Option<Span> = None;
    let mut missing: Option<String> = None;
    for figure in figures {
        match figure {
            Figure::Measured(span) => best = Some(best.map_or(span, |b| b.min(span))),
            Figure::Missing(why) => missing = missing.or(Some(why)),
        }
    }
    match (best, missing) {
        (Some(span), _) => Figure::Measured(span),
        (None, Some(why)) => Figure::Missing(why),
        (None, None) => Figure::Missing("there is no such lane".into()),
    }
}

/// The outage that decides `rto`: the one with the latest end, an unseen end being latest.
pub fn deciding<'a>(outages: impl Iterator<Item = &'a LaneOutage>) -> Option<&'a LaneOutage> {
    outages.max_by_key(|outage| {
        (
            outage.recovered.map_or(Nanos(u64::MAX), |at| at),
            outage.rto.low_ns,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        history::Outcome,
        measure::{
            EventFigures,
            fixture::{Bench, FAULT, P1, P2, R1, W1, W2, add_event, bracket, ms},
            measure,
        },
        record::{DisruptionKind, StepResult},
        scenario::{Dur, Expect, RecoveredBy, Step, Steps, Within},
    };

    fn headline(bench: Bench) -> EventFigures {
        let (record, history) = bench.build();
        measure(&record, &history).events[0].clone()
    }

    /// Slots lie at 1 ms + 40 ms n, are sent 0.1 ms and answered 2 ms later, or refused 1.1 ms later.
    #[test]
    fn rto_reaches_from_the_fault_to_the_first_lasting_ok() {
        let event = headline(Bench::with_outage(ms(24_000)));
        // Last failed at 23,961 ms, sent 23,961.1; first ok at 24,001, done 24,003.
        let expected = Span {
            low_ns: 23_961_100_000 - 20_002_000_000,
            high_ns: Some(24_003_000_000 - 20_000_000_000),
        };
        assert_eq!(event.rto, Figure::Measured(expected));
        assert_eq!(event.rto_write, Figure::Measured(expected));
        assert_eq!(event.rto_read, Figure::Measured(expected));
        assert_eq!(event.rto_first, Figure::Measured(expected));
        assert_eq!(event.rto_all, Figure::Measured(expected));
        assert!(event.outage_seen);
        assert_eq!(event.recovered_by, Figure::Measured(RecoveredBy::OtherNode));
        assert_eq!(event.successor.as_ref().map(|n| n.as_str()), Some("pg2"));
        // Last ok sent 19,961.1; first failure at 20,001 done 20,002.1.
        let outage = Span {
            low_ns: 23_961_100_000 - 20_002_100_000,
            high_ns: Some(24_003_000_000 - 19_961_100_000),
        };
        assert_eq!(event.outage, Figure::Measured(outage));
        assert_eq!(event.lanes.len(), 3);
        assert_eq!(event.lanes[0].failed, 100);
        assert_eq!(event.uncertainty.interval_ns, 40_000_000);
        assert_eq!(event.uncertainty.injection_ns, 2_000_000);
        assert_eq!(event.uncertainty.service_ns, 2_000_000);
        let width = (expected.high_ns.unwrap() - expected.low_ns) as f64;
        let standard = event.uncertainty.standard_ns as f64;
        assert!((standard - width / 12f64.sqrt()).abs() < 1.0);
    }

    #[test]
    fn the_worst_and_the_best_lane_are_told_apart() {
        let mut bench = Bench::with_outage(ms(22_000));
        bench.fail(W2, ms(22_000), ms(25_000));
        bench.fail(R1, ms(20_500), ms(20_600));
        let event = headline(bench);
        let high = |figure: &Figure<Span>| figure.value().unwrap().high_ns.unwrap() / 1_000_000;
        assert_eq!(high(&event.rto), 5_003);
        assert_eq!(high(&event.rto_write), 5_003);
        assert_eq!(high(&event.rto_read), 2_003);
        assert_eq!(high(&event.rto_first), 2_003);
    }

    #[test]
    fn without_a_failure_the_upper_end_is_the_resolution() {
        let event = headline(Bench::new());
        assert!(!event.outage_seen);
        // From the start of one operation to the end of the next: 40 + 1.9 ms.
        assert_eq!(
            event.rto,
            Figure::Measured(Span {
                low_ns: 0,
                high_ns: Some(41_900_000)
            })
        );
        assert!(event.recovered_by.value().is_none());
        assert!(event.lanes.is_empty() && event.phases.is_empty());
    }

    #[test]
    fn a_hang_that_ends_well_widens_the_resolution() {
        let mut bench = Bench::new();
        bench.change(W1, ms(20_000), ms(20_040), |op| op.done = Some(ms(20_430)));
        let event = headline(bench);
        let high = event.rto.value().unwrap().high_ns;
        assert_eq!(high, Some(20_430_000_000 - 19_961_100_000));
    }

    #[test]
    fn conflicts_are_available_and_end_no_outage() {
        let mut bench = Bench::with_outage(ms(24_000));
        for lane in [W1, W2, R1] {
            bench.change(lane, ms(24_000), ms(24_100), |op| {
                op.outcome = Outcome::Conflict
            });
        }
        let event = headline(bench);
        // First ok at 24,121 ms; the last failure stays where it was.
        let span = event.rto.value().unwrap();
        assert_eq!(span.high_ns, Some(24_123_000_000 - 20_000_000_000));
        assert_eq!(span.low_ns, 23_961_100_000 - 20_002_000_000);
    }

    #[test]
    fn one_more_failure_within_w_prolongs_the_outage_and_one_after_does_not() {
        let until = |at: u64| {
            let mut bench = Bench::with_outage(ms(24_000));
            bench.fail(W1, ms(at), ms(at + 40));
            headline(bench).rto.value().unwrap().high_ns.unwrap()
        };
        // n is at 23,961 ms: W ends at 33,961 ms and includes it.
        assert_eq!(until(33_961), 34_003_000_000 - 20_000_000_000);
        assert_eq!(until(34_001), 4_003_000_000);
    }

    #[test]
    fn a_lane_that_ends_within_w_has_no_recovery() {
        let mut bench = Bench::with_outage(ms(24_000));
        bench
            .history
            .ops
            .retain(|op| op.lane != W2 || op.intended < ms(33_900));
        let span = *headline(bench).rto.value().unwrap();
        assert_eq!(
            span,
            Span::at_least(Duration::from_nanos(23_961_100_000 - 20_002_000_000))
        );
    }

    #[test]
    fn a_lane_that_never_recovers_has_an_unseen_end() {
        let event = headline(Bench::with_outage(ms(70_000)));
        assert_eq!(event.rto.value().unwrap().high_ns, None);
        assert!(event.rto.value().unwrap().low_ns > 39_000_000_000);
        assert!(event.recovered_by.value().is_none());
    }

    #[test]
    fn a_lane_without_operations_after_the_fault_is_missing_never_zero() {
        let mut bench = Bench::new();
        bench
            .history
            .ops
            .retain(|op| op.lane != R1 || op.intended < FAULT.low);
        let event = headline(bench);
        assert!(event.rto.value().is_none());
        assert!(event.rto_read.value().is_none());
        assert!(event.rto_write.value().is_some());
        let mut bench = Bench::with_outage(ms(24_000));
        bench
            .history
            .ops
            .retain(|op| op.lane != R1 || op.intended < FAULT.low);
        assert_eq!(headline(bench).rto.value().unwrap().high_ns, None);
        let mut bench = Bench::new();
        bench.history.ops.retain(|op| op.lane != R1);
        assert!(headline(bench).rto.value().is_none());
    }

    #[test]
    fn shed_operations_count_and_end_no_bracket() {
        let mut bench = Bench::with_outage(ms(22_000));
        for lane in [W1, W2, R1] {
            bench.shed(lane, ms(22_000), ms(24_000));
        }
        let event = headline(bench);
        let span = event.rto.value().unwrap();
        assert_eq!(span.high_ns, Some(4_003_000_000));
        // The last one that was sent was intended at 21,961 ms.
        assert_eq!(span.low_ns, 21_961_100_000 - 20_002_000_000);
        let mut bench = Bench::new();
        for lane in [W1, W2, R1] {
            bench.shed(lane, FAULT.low, ms(24_000));
        }
        let event = headline(bench);
        assert_eq!(event.rto.value().unwrap().low_ns, 0);
        assert_eq!(event.rto.value().unwrap().high_ns, Some(4_003_000_000));
        assert_eq!(event.outage.value().unwrap().low_ns, 0);
    }

    #[test]
    fn an_operation_in_flight_at_the_fault_belongs_to_it() {
        let mut bench = Bench::new();
        bench.change(W1, ms(19_961), ms(19_962), |op| {
            op.outcome = Outcome::Info;
            op.done = Some(ms(20_461));
        });
        let event = headline(bench);
        assert!(event.outage_seen);
        assert_eq!(event.lanes[0].failed, 1);
        // Sent before the fault: nothing shows how long the outage lasted at least.
        assert_eq!(event.rto.value().unwrap().low_ns, 0);
    }

    #[test]
    fn a_failure_before_the_fault_does_not_spoil_it() {
        let mut bench = Bench::with_outage(ms(24_000));
        bench.fail(W1, ms(15_000), ms(15_040));
        let event = headline(bench);
        assert_eq!(event.rto.value().unwrap().high_ns, Some(4_003_000_000));
        assert_eq!(event.lanes[0].failed, 100);
        assert_eq!(event.lanes[0].onset.low, Nanos(19_961_100_000));
    }

    #[test]
    fn a_lane_that_was_down_before_the_fault_cannot_tell() {
        let mut bench = Bench::new();
        bench.fail(W1, ms(19_000), ms(24_000));
        assert!(headline(bench).rto_write.value().is_none());
    }

    #[test]
    fn an_outage_is_put_down_to_the_fault_to_what_was_undone_or_to_nothing() {
        let late = |undone: Option<u64>| {
            let mut bench = Bench::new();
            bench.fail(W1, ms(40_000), ms(41_000));
            let heal = undone.map(|at| (bracket(at, at + 10), 1));
            bench.record.healed.extend(heal);
            let (record, history) = bench.build();
            let figures = measure(&record, &history);
            let own = figures.events[0].rto_write.value().unwrap().high_ns;
            assert_eq!(own, Some(41_900_000), "the fault itself did nothing");
            (figures.events[0].late.len(), figures.undone.len())
        };
        assert_eq!(late(None), (1, 0));
        assert_eq!(late(Some(45_000)), (1, 0));
        assert_eq!(late(Some(39_990)), (0, 1));
        // Undone longer than W before it.
        assert_eq!(late(Some(29_000)), (1, 0));
        // Undone longer than W before it, while the drill waited for the member that returned to be in sync.
        let joining = |(from, to): (u64, u64), plant: fn(&mut Bench)| {
            let mut bench = Bench::new();
            bench.fail(W1, ms(40_000), ms(41_000));
            bench.record.healed.push((bracket(29_000, 29_010), 1));
            let within = Within {
                within: Dur(Duration::from_secs(60)),
            };
            let wait = Step::Expect(Expect::Redundant(within));
            bench.record.opened.scenario.drill.push(wait);
            let step = bench.record.opened.scenario.drill.len() - 1;
            let waited = (bracket(from, to), step, StepResult::Done);
            bench.record.steps.push(waited);
            plant(&mut bench);
            let (record, history) = bench.build();
            let figures = measure(&record, &history);
            (figures.events[0].late.len(), figures.undone.len())
        };
        assert_eq!(joining((30_000, 42_000), |_| {}), (0, 1));
        assert_eq!(joining((30_000, 35_000), |_| {}), (1, 0));
        // Nobody waited when it began.
        assert_eq!(joining((40_500, 42_000), |_| {}), (1, 0));
        let never = |bench: &mut Bench| {
            let waited = bench.record.steps.last_mut().unwrap();
            waited.2 = StepResult::Unmet("not in sync".into());
        };
        assert_eq!(joining((30_000, 42_000), never), (1, 0));
        let unjudged = |bench: &mut Bench| {
            let drill = &mut bench.record.opened.scenario.drill;
            *drill = Steps::new(drill.to_vec(), [1].into());
        };
        assert_eq!(joining((30_000, 42_000), unjudged), (1, 0));
        // Undone within W: the fault may still be the cause.
        let mut early = Bench::new();
        early.fail(W1, ms(25_000), ms(26_000));
        early.record.healed.push((bracket(24_990, 25_000), 1));
        assert_eq!(
            headline(early).rto_write.value().unwrap().high_ns,
            Some(6_003_000_000)
        );
    }

    #[test]
    fn a_quiet_event_that_the_next_follows_too_soon_cannot_tell() {
        let next = |at: u64| {
            let mut bench = Bench::new();
            add_event(&mut bench, bracket(at, at), DisruptionKind::Fault, "pg2");
            headline(bench).rto.value().is_some()
        };
        // W ends at 30,002 ms.
        assert!(!next(30_001));
        assert!(next(30_002));
    }

    #[test]
    fn a_recovery_needs_k_operations_and_counts_the_last_of_the_window() {
        // n is at 23,961 ms: the window holds 250 slots, the last at 33,961 ms.
        let keep = |kept: &'static [u64]| {
            let mut bench = Bench::with_outage(ms(24_000));
            bench.history.ops.retain(|op| {
                let slot = op.intended.0 / 1_000_000;
                op.lane != W1 || !(24_000..34_000).contains(&slot) || kept.contains(&slot)
            });
            headline(bench).rto_write.value().unwrap().high_ns
        };
        const TWENTY: [u64; 20] = [
            24_001, 24_041, 24_081, 24_121, 24_161, 24_201, 24_241, 24_281, 24_321, 24_361, 24_401,
            24_441, 24_481, 24_521, 24_561, 24_601, 24_641, 24_681, 24_721, 33_961,
        ];
        assert_eq!(keep(&TWENTY), Some(4_003_000_000));
        assert_eq!(keep(&TWENTY[..19]), None);
    }

    #[test]
    fn an_outage_belongs_to_the_last_event_before_its_onset() {
        let mut bench = Bench::with_outage(ms(22_000));
        add_event(
            &mut bench,
            bracket(40_000, 40_001),
            DisruptionKind::Failback,
            "pg2",
        );
        bench.fail(W1, ms(40_000), ms(41_000));
        let (record, history) = bench.build();
        let events = measure(&record, &history).events;
        assert_eq!(events[0].rto.value().unwrap().high_ns, Some(2_003_000_000));
        assert_eq!(events[1].rto.value().unwrap().high_ns, Some(1_003_000_000));
        assert_eq!(events[1].lanes.len(), 1);
    }

    #[test]
    fn an_event_that_strikes_within_an_outage_has_none_of_its_own() {
        let mut bench = Bench::with_outage(ms(24_000));
        add_event(
            &mut bench,
            bracket(22_000, 22_001),
            DisruptionKind::Fault,
            "pg2",
        );
        let (record, history) = bench.build();
        let events = measure(&record, &history).events;
        assert_eq!(events[0].rto.value().unwrap().high_ns, Some(4_003_000_000));
        assert!(events[1].rto.value().is_none());
    }

    /// Answers for 4 s, then the next event and what it breaks: the outage before was over once that one is.
    #[test]
    fn an_event_that_strikes_before_recovery_is_lasting_leaves_it_a_bound() {
        let run = |until: u64| {
            let mut bench = Bench::with_outage(ms(22_000));
            let at = bracket(26_000, 26_001);
            add_event(&mut bench, at, DisruptionKind::Fault, "pg2");
            for lane in [W1, W2, R1] {
                bench.fail(lane, ms(26_000), ms(until));
            }
            let (record, history) = bench.build();
            measure(&record, &history).events
        };
        let events = run(27_000);
        let rto = *events[0].rto.value().unwrap();
        // Failed last at 21,961 ms; well for W from the second event's recovery on.
        assert_eq!(rto.low_ns, 21_961_100_000 - 20_002_000_000);
        assert_eq!(rto.high_ns, Some(7_003_000_000));
        // From the last answer before it, sent at 19,961.1 ms.
        let length = events[0].outage.value().unwrap();
        assert_eq!(length.high_ns, Some(27_003_000_000 - 19_961_100_000));
        assert!(events[0].recovered_by.value().is_none(), "who led is open");
        assert_eq!(events[1].rto.value().unwrap().high_ns, Some(1_003_000_000));
        // The clients' time ends before the lanes were well for W: nothing bounds either.
        for event in run(70_000) {
            assert_eq!(event.rto.value().unwrap().high_ns, None);
        }
    }

    #[test]
    fn a_slow_lane_gets_the_time_that_k_operations_take() {
        let mut bench = Bench::with_outage(ms(24_000));
        let interval = Duration::from_secs(1);
        bench.record.lanes[usize::from(R1.0)].interval = interval;
        bench
            .history
            .ops
            .retain(|op| op.lane != R1 || op.seq % 25 == 0);
        for (op, seq) in bench
            .history
            .ops
            .iter_mut()
            .filter(|op| op.lane == R1)
            .zip(0..)
        {
            op.seq = seq;
        }
        let event = headline(bench);
        // Failed at 20,001, ..., 23,001; first ok at 24,001.
        assert_eq!(event.rto_read.value().unwrap().high_ns, Some(4_003_000_000));
    }

    #[test]
    fn an_app_operation_is_ok_only_within_its_objective() {
        let mut bench = Bench::new();
        let lane = &mut bench.record.lanes[usize::from(P1.0)];
        lane.group = crate::history::Group::App;
        lane.objective = Some(Duration::from_millis(300));
        lane.pinned = None;
        bench.change(P1, ms(0), ms(60_000), |op| op.outcome = Outcome::Ok);
        bench.change(P1, ms(20_000), ms(23_000), |op| {
            op.done = op.sent.map(|sent| Nanos(sent.0 + 301_000_000));
        });
        let event = headline(bench);
        assert_eq!(event.rto_app.value().unwrap().high_ns, Some(3_003_000_000));
        assert_eq!(event.rto.value().unwrap().high_ns, Some(41_900_000));
    }

    #[test]
    fn recovery_is_told_by_who_answers() {
        let by = |node: Option<u16>, healed: Option<u64>| {
            let mut bench = Bench::with_outage(ms(24_000));
            for lane in [W1, W2, R1] {
                bench.change(lane, ms(24_000), ms(60_000), |op| op.node = node);
            }
            bench
                .record
                .healed
                .extend(healed.map(|at| (bracket(at, at), 1)));
            headline(bench).recovered_by
        };
        assert_eq!(by(Some(1), None), Figure::Measured(RecoveredBy::OtherNode));
        assert_eq!(by(Some(0), None), Figure::Measured(RecoveredBy::Restart));
        assert_eq!(
            by(Some(0), Some(23_900)),
            Figure::Measured(RecoveredBy::Heal)
        );
        assert_eq!(
            by(Some(0), Some(24_500)),
            Figure::Measured(RecoveredBy::Restart)
        );
        assert!(by(None, None).value().is_none());
    }

    #[test]
    fn a_node_that_answers_after_the_heal_took_over_only_if_it_answered_before() {
        // pg2 answers its probe from `accepts` on, and clients from 24,000 on.
        let by = |healed: u64, accepts: u64| {
            let mut bench = Bench::with_outage(ms(24_000));
            for lane in [W1, W2, R1] {
                bench.change(lane, ms(24_000), ms(60_000), |op| op.node = Some(1));
            }
            bench.fail(P2, ms(0), ms(accepts));
            bench.change(P2, ms(accepts), ms(60_000), |op| op.outcome = Outcome::Ok);
            bench.record.healed.push((bracket(healed, healed), 1));
            let event = headline(bench);
            assert!(event.fencing.value().is_some() == event.recovered_by.value().is_some());
            event.recovered_by
        };
        let heal = Figure::Measured(RecoveredBy::Heal);
        let other = Figure::Measured(RecoveredBy::OtherNode);
        assert_eq!(by(23_000, 22_000), other);
        assert_eq!(by(23_000, 24_000), heal);
        // Lanes go on failing after the heal, but the node had answered.
        assert_eq!(by(23_900, 23_000), other);
        // Asked each 40 ms: nothing failed between this heal and the answer.
        assert!(by(23_999, 24_000).value().is_none());
        // Another step's fault was undone.
        let mut bench = Bench::with_outage(ms(24_000));
        for lane in [W1, W2, R1] {
            bench.change(lane, ms(24_000), ms(60_000), |op| op.node = Some(1));
        }
        bench.record.healed.push((bracket(23_000, 23_000), 0));
        assert_eq!(headline(bench).recovered_by, other);
    }

    #[test]
    fn where_the_primary_was_not_hit_who_answers_after_the_heal_took_nothing_over() {
        let by = |healed: u64, returned: Option<u64>| {
            let mut bench = Bench::with_outage(ms(24_000));
            for lane in [W1, W2, R1] {
                bench.change(lane, ms(24_000), ms(60_000), |op| op.node = Some(1));
            }
            let disruption = &mut bench.record.disruptions[0].1;
            disruption.primary_hit = false;
            let victim = disruption.victims[0].clone();
            bench.record.healed.push((bracket(healed, healed), 1));
            let back = returned.map(|at| (bracket(at, at), victim));
            bench.record.returned.extend(back);
            headline(bench).recovered_by
        };
        assert_eq!(by(23_900, None), Figure::Measured(RecoveredBy::Heal));
        assert_eq!(by(24_500, None), Figure::Measured(RecoveredBy::OtherNode));
        assert_eq!(
            by(24_500, Some(23_900)),
            Figure::Measured(RecoveredBy::Heal)
        );
    }

    #[test]
    fn fencing_ends_with_the_last_acknowledgement_of_the_old_primary() {
        let mut bench = Bench::with_outage(ms(24_000));
        let none = headline(Bench::with_outage(ms(24_000))).fencing;
        // No acknowledgement after the fault: within one probe interval.
        assert_eq!(
            none,
            Figure::Measured(Span {
                low_ns: 0,
                high_ns: Some(100_000_000)
            })
        );
        bench.change(P1, ms(20_000), ms(21_000), |op| {
            op.outcome = Outcome::Ok;
            op.node = Some(0);
        });
        // The last at 20,901 ms.
        let expected = Span {
            low_ns: 20_901_100_000 - 20_002_000_000,
            high_ns: Some(903_000_000),
        };
        assert_eq!(headline(bench).fencing, Figure::Measured(expected));
        let mut bench = Bench::with_outage(ms(24_000));
        bench.change(P1, ms(20_000), ms(60_000), |op| op.outcome = Outcome::Ok);
        assert_eq!(headline(bench).fencing.value().unwrap().high_ns, None);
        // It may acknowledge again once it is primary by the next event.
        let mut bench = Bench::with_outage(ms(24_000));
        add_event(
            &mut bench,
            bracket(40_000, 40_000),
            DisruptionKind::Failback,
            "pg2",
        );
        bench.change(P1, ms(40_000), ms(60_000), |op| op.outcome = Outcome::Ok);
        assert_eq!(headline(bench).fencing, none);
        let mut bench = Bench::with_outage(ms(24_000));
        bench.record.lanes[usize::from(P1.0)].pinned = None;
        assert!(headline(bench).fencing.value().is_none());
    }
}
