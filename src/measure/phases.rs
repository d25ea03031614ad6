//! What the recovery time is made of: milestones in the order of time, and what no source names.

use serde::{Deserialize, Serialize};

use crate::{
    history::{Access, Group, Op, Outcome},
    id::NodeName,
    record::Milestone,
    time::{Bracket, Nanos, Span},
};

use super::{Figure, LaneOutage, rto::deciding, scan::Scan, shard::struck};

/// One phase of the recovery: from the milestone before to `until`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// The milestone that ends it.
    pub until: Milestone,
    /// When that was.
    pub at: Bracket,
    /// How long it took, at least and at most.
    pub took: Span,
    /// Who said so.
    pub source: String,
}

/// All milestones, in their canonical order.
const ORDER: [Milestone; 6] = [
    Milestone::FirstFailure,
    Milestone::Declared,
    Milestone::Accepts,
    Milestone::Routed,
    Milestone::FirstSuccess,
    Milestone::Sustained,
];

/// The phases of the event at `index` from its service outages; none without an outage.
pub fn phases(scan: &Scan<'_>, index: usize, outages: &[LaneOutage]) -> Vec<Phase> {
    let at = scan.record.disruptions[index].0;
    let mut milestones = client_milestones(scan, outages);
    if milestones.is_empty() {
        return Vec::new();
    }
    let success = first_success(scan, outages);
    for milestone in [Milestone::Declared, Milestone::Accepts, Milestone::Routed] {
        let said = said(scan, index, milestone, success.as_ref());
        let probed = (milestone == Milestone::Accepts)
            .then(|| accepted(scan, index))
            .flatten();
        let earliest = said.into_iter().chain(probed).min_by_key(|m| m.1.high);
        milestones.extend(earliest);
    }
    milestones.sort_by_key(|(milestone, moment, _)| (moment.high, *milestone));
    let mut sustained = milestones.iter();
    let sustained = sustained.find(|(milestone, _, _)| *milestone == Milestone::Sustained);
    let end = sustained.map_or(Nanos(u64::MAX), |(_, moment, _)| moment.high);
    let mut from = at;
    milestones
        .into_iter()
        // What is said once service is back took nothing of the recovery.
        .filter(|(_, moment, _)| moment.high <= end)
        .map(|(until, moment, source)| {
            let took = Span::between(moment.low.since(from.high), moment.high.since(from.low));
            from = moment;
            Phase {
                until,
                at: moment,
                took,
                source,
            }
        })
        .collect()
}

/// The time of the phases between first failure and first success in which a milestone is missing
/// that no source named: it cannot be told what happened in them. Never negative, and at most their shares of the RTO.
pub fn unexplained(phases: &[Phase]) -> Figure<Span> {
    let place = |milestone| ORDER.iter().position(|m| *m == milestone);
    let failure = phases
        .iter()
        .position(|p| p.until == Milestone::FirstFailure);
    let success = phases
        .iter()
        .position(|p| p.until == Milestone::FirstSuccess);
    let (Some(failure), Some(success)) = (failure, success) else {
        return Figure::Missing("no outage with a recovery was seen".into());
    };
    let named = |milestone: &Milestone| phases.iter().any(|p| p.until == *milestone);
    let mut total = Span::ZERO;
    for index in failure + 1..=success {
        let (from, to) = (place(phases[index - 1].until), place(phases[index].until));
        let (Some(from), Some(to)) = (from, to) else {
            continue;
        };
        let between = ORDER.get(from + 1..to).unwrap_or_default();
        if !between.iter().all(named) {
            let took = phases[index].took.low();
            let share = phases[index].at.high.since(phases[index - 1].at.high);
            total = total.plus(Span::between(took.min(share), share));
        }
    }
    Figure::Measured(total)
}

type Found = (Milestone, Bracket, String);

/// First failure, first success and sustained, from the clients.
fn client_milestones(scan: &Scan<'_>, outages: &[LaneOutage]) -> Vec<Found> {
    let name = |outage: &LaneOutage| -> String {
        scan.record
            .lanes
            .get(usize::from(outage.lane.0))
            .map_or_else(String::new, |lane| lane.name.clone())
    };
    let until = |outage: &LaneOutage, milestone| {
        let recovered = outage.recovered?;
        let at = Bracket {
            low: outage.last_failed.min(recovered),
            high: recovered,
        };
        Some((milestone, at, name(outage)))
    };
    let first = outages.iter().min_by_key(|outage| outage.onset.high);
    let mut found: Vec<Found> = first
        .map(|outage| (Milestone::FirstFailure, outage.onset, name(outage)))
        .into_iter()
        .collect();
    let success = outages
        .iter()
        .filter(|outage| outage.recovered.is_some())
        .min_by_key(|outage| outage.recovered);
    found.extend(success.and_then(|outage| until(outage, Milestone::FirstSuccess)));
    found.extend(deciding(outages.iter()).and_then(|outage| until(outage, Milestone::Sustained)));
    found
}

/// The span of the event: from its `t-` to the next event's.
fn span(scan: &Scan<'_>, index: usize) -> (Nanos, Nanos) {
    let end = scan.events.get(index + 1).copied();
    (scan.events[index], end.unwrap_or(Nanos(u64::MAX)))
}

/// When clients first succeeded again, and the member that answered.
fn first_success(scan: &Scan<'_>, outages: &[LaneOutage]) -> Option<(Nanos, NodeName)> {
    let recovered = outages.iter().filter(|outage| outage.recovered.is_some());
    let first = recovered.min_by_key(|outage| outage.recovered)?;
    let ops = scan.history.lane(first.lane);
    let came = |op: &Op| op.outcome == Outcome::Ok && op.done == first.recovered;
    let node = ops.iter().find(came)?.node?;
    let members = &scan.record.stack.as_ref()?.members;
    let member = members.get(usize::from(node))?;
    Some((first.recovered?, member.name.clone()))
}

/// The first time that the control plane named the milestone. Who looks from time to time may see it after the clients did:
/// that a node accepts, or that they are led there, had happened by the first success if that node answered it.
fn said(
    scan: &Scan<'_>,
    index: usize,
    milestone: Milestone,
    success: Option<&(Nanos, NodeName)>,
) -> Option<Found> {
    let (start, end) = span(scan, index);
    let named =
        scan.record.control.iter().filter(|(at, said)| {
            said.milestone == Some(milestone) && start <= at.low && at.high < end
        });
    let (at, said) = named.min_by_key(|(at, _)| at.high)?;
    let shown = success.filter(|(by, node)| {
        milestone != Milestone::Declared
            && said.node.as_ref() == Some(node)
            && (at.low..at.high).contains(by)
    });
    let high = shown.map_or(at.high, |(by, _)| *by);
    let at = Bracket { high, ..*at };
    Some((milestone, at, said.source.to_string()))
}

/// The first write that a node other than the victims acknowledged to a pinned probe, if it had
/// refused one just before: a node that accepted all along marks no moment. Where there are shards, a member of one
/// that was struck.
fn accepted(scan: &Scan<'_>, index: usize) -> Option<Found> {
    let (start, end) = span(scan, index);
    let disruption = &scan.record.disruptions[index].1;
    let victims: &[NodeName] = &disruption.victims;
    let struck = struck(scan.record, disruption);
    let pinned = scan
        .record
        .lanes
        .iter()
        .filter(|lane| lane.group == Group::Pinned && lane.access == Access::Write)
        .filter(|lane| {
            let shard = lane.shard.filter(|_| !struck.is_empty());
            shard.is_none_or(|shard| struck.contains(&shard))
        });
    pinned
        .filter_map(|lane| {
            let node = lane
                .pinned
                .as_ref()
                .filter(|node| !victims.contains(node))?;
            let ops = scan.history.lane(lane.id);
            let first = ops.iter().position(|op| {
                op.outcome == Outcome::Ok
                    && op.sent.is_some_and(|sent| sent >= start)
                    && op.done.is_some_and(|done| done < end)
            })?;
            let refused = ops
                .part(0..first)
                .iter()
                .rev()
                .find(|op| op.sent.is_some())
                .filter(|op| op.outcome != Outcome::Ok)?;
            let done = ops.get(first)?.done?;
            let at = Bracket {
                low: refused.sent?.max(start).min(done),
                high: done,
            };
            Some((Milestone::Accepts, at, format!("probe of {node}")))
        })
        .min_by_key(|found| found.1.high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measure::{
            EventFigures,
            fixture::{Bench, P2, bracket, ms},
            measure,
        },
        record::ControlEvent,
    };

    fn say(bench: &mut Bench, at: u64, milestone: Milestone) {
        let event = ControlEvent {
            source: NodeName::new("sentinel1"),
            milestone: Some(milestone),
            node: None,
            text: String::new(),
        };
        bench.record.control.push((bracket(at, at), event));
    }

    fn event(bench: Bench) -> EventFigures {
        let (record, history) = bench.build();
        measure(&record, &history).events[0].clone()
    }

    #[test]
    fn phases_lie_in_the_order_of_time_and_end_where_sources_say() {
        let mut bench = Bench::with_outage(ms(24_000));
        bench.fail(P2, ms(20_000), ms(23_500));
        say(&mut bench, 15_000, Milestone::Declared);
        say(&mut bench, 22_000, Milestone::Declared);
        say(&mut bench, 23_700, Milestone::Routed);
        let event = event(bench);
        let order: Vec<Milestone> = event.phases.iter().map(|phase| phase.until).collect();
        assert_eq!(order, ORDER);
        let took: Vec<u64> = event
            .phases
            .iter()
            .map(|phase| phase.took.high_ns.unwrap() / 1_000_000)
            .collect();
        // First failure by 20,002.1; declared at 22,000; accepts between 23,401.1 and 23,503; routed at
        // 23,700; first ok and lasting at 24,003.
        assert_eq!(took[0], 2);
        assert_eq!(event.phases[1].at, bracket(22_000, 22_000));
        assert_eq!(event.phases[2].at.high, ms(23_503));
        assert_eq!(event.phases[2].source, "probe of pg2");
        assert_eq!(took[3], 298);
        assert_eq!(event.unexplained, Figure::Measured(Span::ZERO));
    }

    #[test]
    fn who_looks_at_the_route_sees_it_move_after_the_clients_came_that_way() {
        let looks = bracket(23_800, 24_100);
        let routed = |node: &str| {
            let mut bench = Bench::with_outage(ms(24_000));
            bench.fail(P2, ms(20_000), ms(23_500));
            let event = ControlEvent {
                source: NodeName::new("keepalived"),
                milestone: Some(Milestone::Routed),
                node: Some(NodeName::new(node)),
                text: String::new(),
            };
            bench.record.control.push((looks, event));
            let phases = self::event(bench).phases;
            let at = phases.iter().position(|it| it.until == Milestone::Routed);
            at.map(|at| (phases[at].at, phases[at + 1].until, phases[at + 1].at.high))
        };
        let (at, next, success) = routed("pg2").expect("it is a phase");
        assert_eq!(next, Milestone::FirstSuccess);
        assert_eq!((at.low, at.high), (looks.low, success));
        // Another node answered them: it shows nothing of this one.
        assert_eq!(routed("pg1"), None);
    }

    #[test]
    fn what_no_source_names_is_unexplained() {
        let mut bench = Bench::with_outage(ms(24_000));
        bench.fail(P2, ms(20_000), ms(23_500));
        let event = event(bench);
        // From the first failure to acceptance nobody declared, from there nobody routed.
        let span = event.unexplained.value().unwrap();
        let (from, to) = (event.phases[0].at.high, event.phases[2].at.high);
        assert_eq!(event.phases[1].until, Milestone::Accepts);
        assert_eq!(span.high(), Some(to.since(from)));
        assert!(span.high() <= event.rto.value().unwrap().high());
        assert!(span.low_ns > 3_000_000_000);
    }

    #[test]
    fn phases_end_with_the_recovery_so_that_their_parts_sum_to_it() {
        let mut bench = Bench::with_outage(ms(24_000));
        bench.fail(P2, ms(20_000), ms(23_500));
        say(&mut bench, 22_000, Milestone::Declared);
        // Said once service is back: no part of the recovery.
        say(&mut bench, 30_000, Milestone::Routed);
        let event = event(bench);
        let last = event.phases.last().expect("phases");
        assert_eq!(last.until, Milestone::Sustained);
        assert_eq!(
            Some(last.at.high.since(event.at.low)),
            event.rto.value().unwrap().high()
        );
    }

    #[test]
    fn a_control_plane_that_speaks_before_the_clients_notice_makes_no_negative_phase() {
        let mut bench = Bench::with_outage(ms(24_000));
        say(&mut bench, 20_001, Milestone::Declared);
        let event = event(bench);
        assert_eq!(event.phases[0].until, Milestone::Declared);
        assert!(
            event
                .phases
                .iter()
                .all(|p| p.took.high_ns.unwrap() >= p.took.low_ns)
        );
    }
}
