//! Why the recovery took as long as it did: what each part of the recovery time waited for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    history::{Access, Group, Lane},
    record::{DisruptionKind, Milestone, Record, Wait},
    scenario::RecoveredBy,
    time::{Bracket, Nanos, Span},
};

use super::{
    EventFigures, Figure, LaneOutage, Phase,
    bounds::of_run,
    format::{self, Round},
};

/// The bound of a failover after the primary died.
const KILLED: &str = "kill primary";

/// A part of the recovery time, and what it waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The milestone at its end; it begins where the part before it ended.
    pub until: Milestone,
    /// Its share of the upper end of the RTO: the shares sum up to it.
    pub took_ns: u64,
    /// What was waited for. Nothing is known where it is empty.
    pub waits: Vec<Wait>,
    /// How much of its share nothing explains.
    pub unexplained_ns: u64,
}

impl Part {
    /// How long its waits may take together; none where nothing is known of it.
    pub fn allowed(&self) -> Option<Span> {
        together(&self.waits)
    }
}

fn together(waits: &[Wait]) -> Option<Span> {
    let spans = waits.iter().map(|wait| wait.span);
    spans.reduce(Span::plus)
}

/// The parts of an event's recovery time, in the order of time; none without an outage that ended, nor in runs of versions
/// that did not record what a failover waits for.
///
/// A wait belongs to the first phase by whose end it must be over: that of its own milestone or, where nobody saw that one,
/// of a later one; and of a later one where less time has passed than it takes at the least: one member may take the
/// primary for lost long before an election is due, and a read may come back while writes fail. A part is as many phases as that takes. Of a part, what its waits cannot
/// have taken is not explained; and all of it where there is no wait.
pub fn why(record: &Record, event: &EventFigures) -> Vec<Part> {
    let ended = event.phases.last().map(|phase| phase.until) == Some(Milestone::Sustained);
    let Some(waits) = waits(record, event).filter(|_| ended) else {
        return Vec::new();
    };
    let mut waits = waits.into_iter().peekable();
    let mut parts = Vec::new();
    // The upper end of the RTO counts from the earliest time of the fault.
    let (mut from, mut began) = (event.at, event.at.low);
    let mut due = Vec::new();
    for (index, phase) in event.phases.iter().enumerate() {
        while let Some(wait) = waits.next_if(|wait| wait.until <= phase.until) {
            due.push(wait);
        }
        let took = phase.at.high.since(began);
        let over =
            together(&due).is_some_and(|span| span.low() <= took) && shows_it(record, event, phase);
        if over || index + 1 == event.phases.len() {
            let least = phase.at.low.since(from.high);
            parts.push(part(phase.until, took, least, std::mem::take(&mut due)));
            (from, began) = (phase.at, phase.at.high);
        }
    }
    parts
}

/// Whether the end of this phase shows that what came before is over. A read that came back first does not, where writes still
/// fail: another member may serve it.
fn shows_it(record: &Record, event: &EventFigures, phase: &Phase) -> bool {
    let writes = |lane: &Lane| lane.group == Group::Service && lane.access == Access::Write;
    let lane_of = |outage: &LaneOutage| record.lanes.get(usize::from(outage.lane.0));
    let writes_failed = event.lanes.iter().filter_map(lane_of).any(writes);
    let first = record.lanes.iter().find(|lane| lane.name == phase.source);
    let read = first.is_some_and(|lane| lane.access == Access::Read);
    phase.until != Milestone::FirstSuccess || !(read && writes_failed)
}

/// A part that took so long at most and at least. What is certain not to have been waited for is not explained: the least
/// counts.
fn part(until: Milestone, took: Duration, least: Duration, waits: Vec<Wait>) -> Part {
    let ns = |duration| Nanos::from_duration(duration).0;
    let mut part = Part {
        until,
        took_ns: ns(took),
        waits,
        unexplained_ns: 0,
    };
    part.unexplained_ns = match part.allowed().map(|span| span.high_ns) {
        None => part.took_ns,
        Some(None) => 0,
        Some(Some(most)) => ns(least).saturating_sub(most).min(part.took_ns),
    };
    part
}

/// What the recovery waited for: what the settings say of such a failover or, where none took place, the end of the fault,
/// or the planned move; then the clients. Nothing where no cause is known, and none where none was recorded.
fn waits(record: &Record, event: &EventFigures) -> Option<Vec<Wait>> {
    let mut waits = match (event.kind, event.recovered_by.value()) {
        (DisruptionKind::Switchover | DisruptionKind::Failback, _) => moved(record, event),
        (_, Some(RecoveredBy::Heal | RecoveredBy::Restart)) => lasted(record, event),
        _ => failover(record, event)?,
    };
    if waits.is_empty() {
        return Some(waits);
    }
    let led = waits
        .iter()
        .any(|wait| wait.until == Milestone::FirstSuccess);
    let clients = own_time(record, event);
    let first = (!led).then(|| Wait {
        until: Milestone::FirstSuccess,
        what: "the first operation that comes after it".into(),
        ..clients.clone()
    });
    waits.extend(first);
    waits.extend(earlier(record, event));
    waits.push(clients);
    waits.sort_by_key(|wait| wait.until);
    Some(waits)
}

/// What a failover waits for, by the settings of the running stack. Where two bounds may hold, the one that the time fits;
/// where none speaks of the fault and another node took over from the primary, the one of a kill.
/// None where a bound was recorded without what it is the sum of.
fn failover(record: &Record, event: &EventFigures) -> Option<Vec<Wait>> {
    let mut hit = record.disruptions.iter();
    let (_, disruption) = hit.find(|(_, it)| it.step == event.step)?;
    let mut bounds = of_run(record, disruption);
    if bounds.is_empty() && disruption.primary_hit && taken_over(event) {
        let stack = record.stack.iter().flat_map(|stack| &stack.bounds);
        bounds = stack.filter(|bound| bound.fault == KILLED).collect();
    }
    let took = event.rto.value();
    let fits =
        |rto: Span| took.is_some_and(|took| rto.high_ns.is_none_or(|high| took.low_ns <= high));
    let fitting = bounds.iter().find(|bound| fits(bound.rto));
    let Some(bound) = fitting.or(bounds.last()) else {
        return Some(Vec::new());
    };
    (!bound.waits.is_empty()).then(|| bound.waits.clone())
}

/// Whether another node took over.
fn taken_over(event: &EventFigures) -> bool {
    event.recovered_by.value() == Some(&RecoveredBy::OtherNode)
}

/// How long the step took that moved the primary.
fn moved(record: &Record, event: &EventFigures) -> Vec<Wait> {
    let mut ends = record
        .steps
        .iter()
        .filter(|(_, step, _)| *step == event.step);
    let took = ends.next().map(|(end, ..)| end.high.since(event.at.low));
    let wait = took.map(|took| {
        let by = "the system's own command, until it had ended";
        Wait::upto(Milestone::Routed, "the planned move", by, took)
    });
    wait.into_iter().collect()
}

/// How long the fault lasted, or its victims were away; and the start of a server that came back.
fn lasted(record: &Record, event: &EventFigures) -> Vec<Wait> {
    let healed = record.healed.iter().filter(|(_, step)| *step == event.step);
    let healed = healed.map(|(at, _)| (*at, "the fault lasted", "until it was healed"));
    let back = record.returned.iter();
    let back = back.filter(|(_, node)| event.victims.contains(node));
    let back = back.map(|(at, _)| (*at, "the node was away", "until it was started again"));
    let ended = healed.chain(back).filter(|(at, ..)| at.low >= event.at.low);
    let first = ended.min_by_key(|(at, ..)| at.high);
    let wait = first.map(|(at, what, by)| Wait {
        until: Milestone::Routed,
        what: what.into(),
        by: by.into(),
        span: Span::between(at.low.since(event.at.high), at.high.since(event.at.low)),
    });
    let restarted = event.recovered_by.value() == Some(&RecoveredBy::Restart);
    let starts = (wait.is_some() && restarted).then(|| {
        Wait::open(
            Milestone::Routed,
            "its server starts and recovers",
            "the log that it replays: no setting",
        )
    });
    wait.into_iter().chain(starts).collect()
}

/// The faults of earlier steps that were healed before the recovery was over: it may have waited for them.
fn earlier(record: &Record, event: &EventFigures) -> Vec<Wait> {
    let end = event.phases.last().map_or(event.at, |phase| phase.at);
    let within = |at: &Bracket| at.low >= event.at.low && at.high <= end.high;
    let healed = record.healed.iter();
    let healed = healed.filter(|(at, step)| *step < event.step && within(at));
    healed
        .map(|(at, step)| {
            let lasted = at.high.since(event.at.low);
            let by = format!("until step {} was undone", step + 1);
            let what = "a fault of an earlier step lasted";
            Wait::upto(Milestone::Sustained, what, by, lasted)
        })
        .collect()
}

/// What clients take by themselves: an operation that is under way ends after its timeout at the latest, and the lane's next
/// one is due an interval later.
fn own_time(record: &Record, event: &EventFigures) -> Wait {
    let lanes = event.lanes.iter();
    let lanes = lanes.filter_map(|outage| record.lanes.get(usize::from(outage.lane.0)));
    let service = lanes.filter(|lane| lane.group == Group::Service);
    let longest = service.map(|lane| (lane.timeout + lane.interval, lane.timeout, lane.interval));
    let (most, timeout, interval) = longest.max().unwrap_or_default();
    Wait::upto(
        Milestone::Sustained,
        "operations under way end, and each lane's next one is due",
        format!("clients' timeout {timeout:?}, one operation of a lane every {interval:?}"),
        most,
    )
}

/// How much of the recovery time nothing explains, and the time that it is a part of.
pub fn unexplained(parts: &[Part]) -> (Duration, Duration) {
    let sum = |of: fn(&Part) -> u64| Duration::from_nanos(parts.iter().map(of).sum());
    (sum(|part| part.unexplained_ns), sum(|part| part.took_ns))
}

/// Whether a recovery time was measured of which more than a tenth is not explained.
pub fn loud(event: &EventFigures) -> bool {
    let (unexplained, took) = unexplained(&event.why);
    matches!(event.rto, Figure::Measured(_)) && unexplained * 10 > took
}

/// What the control plane said between two moments, each after the fault at `zero`.
pub fn said(record: &Record, zero: Nanos, (from, to): (Nanos, Nanos)) -> Vec<String> {
    let within = record
        .control
        .iter()
        .filter(|(at, _)| at.high >= from && at.low <= to);
    within
        .map(|(at, control)| {
            let after = format::duration(at.high.since(zero), Round::Up);
            format!("+{after} {}: {}", control.source, control.text)
        })
        .collect()
}

/// So many of the first and of the last words, and how many were left out.
pub fn shortened(words: Vec<String>, most: usize) -> Vec<String> {
    let left_out = words.len().saturating_sub(2 * most);
    if left_out == 0 {
        return words;
    }
    let last = words.len() - most;
    let gap = format!("and {left_out} more");
    let first = words[..most].iter().cloned();
    first
        .chain([gap])
        .chain(words[last..].iter().cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measure::{
            fixture::{Bench, P2, bracket, ms},
            measure,
        },
        record::{Bound, ControlEvent},
    };

    /// A kill at 20 s, declared at 23 s, a node that accepts from 23.5 s on, clients back at `until`.
    fn bench(until: u64, settings: &[(Milestone, u64)]) -> Bench {
        let mut bench = Bench::with_outage(ms(until));
        bench.fail(P2, ms(20_000), ms(23_500));
        let declared = ControlEvent {
            source: crate::id::NodeName::new("sentinel1"),
            milestone: Some(Milestone::Declared),
            node: None,
            text: "+odown".into(),
        };
        bench
            .record
            .control
            .push((bracket(23_000, 23_000), declared));
        let wait = |(until, most): &(Milestone, u64)| {
            Wait::upto(*until, "a wait", "a setting", Duration::from_millis(*most))
        };
        let waits: Vec<Wait> = settings.iter().map(wait).collect();
        let stack = bench.record.stack.as_mut().unwrap();
        stack.bounds = vec![Bound::of("kill primary", waits, "")];
        bench
    }

    fn parts(bench: Bench) -> Vec<Part> {
        let (record, history) = bench.build();
        let event = measure(&record, &history).events[0].clone();
        let (_, all) = unexplained(&event.why);
        if !event.why.is_empty() {
            let rto = event.rto.value().unwrap();
            assert_eq!(Some(all), rto.high(), "the parts are all of the RTO");
        }
        event.why
    }

    fn told(parts: &[Part]) -> Vec<(Milestone, u64, usize)> {
        let part = |part: &Part| {
            (
                part.until,
                part.unexplained_ns / 1_000_000,
                part.waits.len(),
            )
        };
        parts.iter().map(part).collect()
    }

    #[test]
    fn each_part_ends_with_the_milestone_of_what_it_waited_for() {
        use Milestone::{Accepts, Declared, FirstSuccess, Sustained};
        let settings = [(Declared, 3_000), (Accepts, 500), (FirstSuccess, 500)];
        let parts = parts(bench(24_000, &settings));
        let expected = [
            (Declared, 0, 1),
            (Accepts, 0, 1),
            (FirstSuccess, 0, 1),
            (Sustained, 0, 1),
        ];
        assert_eq!(told(&parts), expected);
    }

    #[test]
    fn what_takes_longer_than_its_settings_allow_is_not_explained_and_loud() {
        use Milestone::{Accepts, Declared};
        // Declared within its setting; the node then accepts seconds later than allowed, though the sum would allow it.
        let settings = [(Declared, 9_000), (Accepts, 100)];
        let parts = parts(bench(24_000, &settings));
        let (until, unexplained, _) = told(&parts)[1];
        assert_eq!(until, Accepts);
        // From 23.0 s to 23,401.1 at the least, of which 100 ms are allowed.
        assert_eq!(unexplained, 301);
        let loud = |settings: &[(Milestone, u64)]| {
            let (record, history) = bench(24_000, settings).build();
            loud(&measure(&record, &history).events[0])
        };
        assert!(!loud(&settings), "301 ms of 4 s");
        assert!(loud(&[(Declared, 2_400), (Accepts, 100)]));
    }

    #[test]
    fn a_wait_whose_milestone_nobody_saw_belongs_to_the_next_one_that_was_seen() {
        use Milestone::{Accepts, Declared, FirstSuccess, Routed, Sustained};
        let mut bench = bench(24_000, &[(Declared, 3_000), (Accepts, 500), (Routed, 500)]);
        bench.record.control.clear();
        let expected = [(Accepts, 0, 2), (FirstSuccess, 0, 2), (Sustained, 0, 1)];
        assert_eq!(told(&parts(bench)), expected);
    }

    #[test]
    fn without_a_known_cause_all_of_it_is_unexplained_and_older_runs_say_nothing() {
        let mut unknown = bench(24_000, &[]);
        unknown.record.stack.as_mut().unwrap().bounds.clear();
        let parts = self::parts(unknown);
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].unexplained_ns, parts[0].took_ns);
        // Its bound was recorded without what it is the sum of.
        assert_eq!(self::parts(Bench::with_outage(ms(24_000))), []);
        assert_eq!(self::parts(Bench::new()), [], "no outage");
    }

    #[test]
    fn where_no_failover_took_place_the_fault_s_own_length_counts() {
        // The victim is healed 10 ms before it and answers again at 24 s.
        let mut bench = bench(24_000, &[(Milestone::Declared, 1)]);
        let step = bench.record.disruptions[0].1.step;
        bench.record.healed.push((bracket(23_990, 23_991), step));
        let (record, history) = bench.build();
        let mut event = measure(&record, &history).events[0].clone();
        event.recovered_by = Figure::Measured(RecoveredBy::Heal);
        let parts = why(&record, &event);
        assert_eq!(parts[0].waits[0].what, "the fault lasted");
        assert_eq!(unexplained(&parts).0, Duration::ZERO);
        // Nobody healed it: nothing explains it.
        let nobody = Record {
            healed: Vec::new(),
            ..record
        };
        let parts = why(&nobody, &event);
        let (unexplained, all) = unexplained(&parts);
        assert_eq!(unexplained, all);
    }

    #[test]
    fn a_takeover_after_a_fault_without_a_bound_waits_for_what_a_kill_would() {
        let of = |recovered_by: RecoveredBy| {
            let mut bench = bench(24_000, &[(Milestone::Declared, 3_000)]);
            bench.record.disruptions[0].1.name = "disk-errors".into();
            let (record, history) = bench.build();
            let mut event = measure(&record, &history).events[0].clone();
            event.recovered_by = Figure::Measured(recovered_by);
            let parts = why(&record, &event);
            parts[0].waits.first().map(|wait| wait.what.clone())
        };
        assert_eq!(of(RecoveredBy::OtherNode).as_deref(), Some("a wait"));
        assert_eq!(of(RecoveredBy::Heal), None);
    }

    #[test]
    fn a_milestone_that_comes_before_its_wait_can_be_over_does_not_end_it() {
        use Milestone::{Accepts, Declared, FirstSuccess, Sustained};
        // Declared at once, though the settings wait for 3 s and more.
        let mut bench = bench(24_000, &[(Declared, 3_300), (Accepts, 500)]);
        bench.record.stack.as_mut().unwrap().bounds[0].waits[0].span =
            Span::between(Duration::from_secs(3), Duration::from_millis(3_300));
        bench.record.control[0].0 = bracket(20_100, 20_100);
        let parts = parts(bench);
        let expected = [(Accepts, 0, 2), (FirstSuccess, 0, 1), (Sustained, 0, 1)];
        assert_eq!(told(&parts), expected);
    }

    #[test]
    fn a_recovery_may_have_waited_for_the_end_of_an_earlier_fault() {
        let of = |healed: u64| {
            let mut bench = bench(24_000, &[(Milestone::Declared, 100)]);
            bench.record.disruptions[0].1.step = 3;
            bench.record.healed.push((bracket(healed, healed), 1));
            let parts = parts(bench);
            let last = parts.last().unwrap();
            last.waits
                .iter()
                .filter(|wait| wait.by.contains("step 2"))
                .count()
        };
        assert_eq!(of(23_900), 1);
        assert_eq!(of(24_900), 0, "it was healed once the service was back");
        assert_eq!(of(19_000), 0, "it was over before");
    }

    #[test]
    fn a_read_that_comes_back_first_does_not_show_that_writes_do() {
        use Milestone::{Accepts, Declared, FirstSuccess, Sustained};
        let settings = [(Declared, 3_000), (Accepts, 500), (FirstSuccess, 500)];
        let (record, history) = bench(24_000, &settings).build();
        let mut event = measure(&record, &history).events[0].clone();
        event.phases.retain(|phase| phase.until != Accepts);
        let of = |source: &str, event: &mut EventFigures| {
            let success = event.phases.iter_mut();
            let success = success.filter(|phase| phase.until == FirstSuccess);
            success.for_each(|phase| phase.source = source.into());
            let parts = why(&record, event);
            parts.iter().map(|part| part.until).collect::<Vec<_>>()
        };
        assert_eq!(
            of("write-1", &mut event),
            [Declared, FirstSuccess, Sustained]
        );
        assert_eq!(of("read-1", &mut event), [Declared, Sustained]);
    }
}
