//! The figures of one disruptive step.

use std::time::Duration;

use crate::{
    history::{Access, Ops},
    time::{Bracket, Nanos, Span},
};

use super::{
    EventFigures, Figure, LaneOutage, Uncertainty, Undetected,
    availability::union,
    cause::{Cause, causes},
    phases::{phases, unexplained},
    rebalance::rebalance,
    recovery::{fencing, recovered_by},
    rto::{Seen, best, deciding, lane_outage, seen, worst},
    scan::{Scan, Scanned},
    shard::{of_struck, shards, struck},
    why::why,
};

/// About fault, onset and recovery, how far lateness of the harness matters.
pub const CRITICAL: Duration = Duration::from_secs(1);

/// The figures of the event at `index`. `service_ns` is the median latency of the baseline.
pub fn event(scan: &Scan<'_>, index: usize, service_ns: u64) -> EventFigures {
    let (at, disruption) = &scan.record.disruptions[index];
    let of = |lanes: &[Scanned<'_>]| -> Vec<Seen> {
        lanes.iter().map(|lane| seen(scan, lane, index)).collect()
    };
    let (service, app) = (of(&scan.service), of(&scan.app));
    let access = |access: Access| {
        let pairs = scan.service.iter().zip(&service);
        worst(
            pairs
                .filter(|(scanned, _)| scanned.lane.access == access)
                .map(|(_, seen)| seen.rto()),
        )
    };
    let first: Vec<LaneOutage> = service
        .iter()
        .filter_map(|seen| match seen {
            Seen::Outage(outage) => Some(outage.clone()),
            Seen::Calm(_) | Seen::Unknown(_) => None,
        })
        .collect();
    let rto = worst(service.iter().map(Seen::rto));
    let struck = struck(scan.record, disruption);
    let deciders = of_struck(scan.record, &struck, &first);
    let (recovered_by, successor) = recovered_by(scan, index, &deciders);
    let phases = phases(scan, index, &first);
    let mut event = EventFigures {
        step: disruption.step,
        kind: disruption.kind,
        name: disruption.name.clone(),
        victims: disruption.victims.clone(),
        at: *at,
        outage_seen: !first.is_empty(),
        rto_write: access(Access::Write),
        rto_read: access(Access::Read),
        rto_first: best(service.iter().map(Seen::rto)),
        rto_all: rto.clone(),
        rto_app: if scan.app.is_empty() {
            Figure::Missing("there are no app lanes".into())
        } else {
            worst(app.iter().map(Seen::rto))
        },
        outage: worst(service.iter().map(Seen::length)),
        fencing: fencing(scan, index, (&recovered_by, successor.as_ref())),
        recovered_by,
        successor,
        rebalance: rebalance(scan.record, index),
        unexplained: unexplained(&phases),
        uncertainty: uncertainty(scan, index, &first, &rto, service_ns),
        phases,
        rto,
        shards: shards(scan, index, &service),
        lanes: own(scan, index, |cause| !matches!(cause, Cause::Undone(_))),
        undetected: undetected(&scan.service, &service)
            .chain(undetected(&scan.app, &app))
            .collect(),
        late: own(scan, index, |cause| cause == Cause::Late),
        why: Vec::new(),
    };
    event.why = why(scan.record, &event);
    event
}

/// What the lanes without an outage leave open.
fn undetected<'a>(
    lanes: &'a [Scanned<'_>],
    seen: &'a [Seen],
) -> impl Iterator<Item = Undetected> + 'a {
    let pairs = lanes.iter().zip(seen);
    pairs.filter_map(|(scanned, seen)| seen.undetected(scanned.lane))
}

/// The outages of service and app lanes that belong to the event, of some causes.
fn own(scan: &Scan<'_>, index: usize, fits: impl Fn(Cause) -> bool) -> Vec<LaneOutage> {
    let at = scan.record.disruptions[index].0;
    let lanes = scan.service.iter().chain(&scan.app);
    lanes
        .flat_map(|scanned| {
            causes(scan, scanned, index)
                .filter(|(cause, _)| fits(*cause))
                .map(|(_, outage)| lane_outage(scanned, outage, at))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The times about an event's fault, and its outages' onsets and recoveries, in which lateness of the
/// harness would spoil its recovery times.
pub fn critical(at: Bracket, outages: &[LaneOutage]) -> Vec<(Nanos, Nanos)> {
    let about = |low: Nanos, high: Nanos| (low.before(CRITICAL), high.after(CRITICAL));
    let mut windows = vec![about(at.low, at.high)];
    for outage in outages {
        windows.push(about(outage.onset.low, outage.onset.high));
        let end = outage.recovered.unwrap_or(outage.last_failed);
        windows.push(about(outage.last_failed.min(end), end));
    }
    union(windows)
}

/// The largest `sent - intended` of a lane's operations intended within windows.
pub fn lateness(ops: Ops<'_>, windows: &[(Nanos, Nanos)]) -> Duration {
    let mut worst = Duration::ZERO;
    for (start, end) in windows {
        let from = ops.partition_point(|op| op.intended < *start);
        let to = ops.partition_point(|op| op.intended <= *end);
        for op in ops.part(from..to) {
            worst = worst.max(
                op.sent
                    .map_or(Duration::ZERO, |sent| sent.since(op.intended)),
            );
        }
    }
    worst
}

fn uncertainty(
    scan: &Scan<'_>,
    index: usize,
    first: &[LaneOutage],
    rto: &Figure<Span>,
    service_ns: u64,
) -> Uncertainty {
    let ns = |duration: Duration| Nanos::from_duration(duration).0;
    let at = scan.record.disruptions[index].0;
    let decider = deciding(first.iter()).map(|outage| outage.lane);
    let interval = scan
        .service
        .iter()
        .filter(|scanned| decider.is_none_or(|lane| lane == scanned.lane.id))
        .map(|scanned| scanned.lane.interval)
        .max()
        .unwrap_or_default();
    let windows = critical(at, first);
    let late = scan.service.iter().map(|s| lateness(s.ops, &windows)).max();
    let width = rto
        .value()
        .and_then(|span| Some(span.high_ns?.saturating_sub(span.low_ns)));
    Uncertainty {
        injection_ns: ns(at.width()),
        interval_ns: ns(interval),
        lateness_ns: ns(late.unwrap_or_default()),
        service_ns,
        standard_ns: width.map_or(0, |width| (width as f64 / 12f64.sqrt()).round() as u64),
    }
}
