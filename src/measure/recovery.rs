//! Who brought the service back, and how long the old primary still acknowledged.

use std::time::Duration;

use crate::{
    history::{Access, Group, Lane, Op, Ops, Outcome},
    id::NodeName,
    record::{Disruption, Record},
    scenario::{RecoveredBy, Step},
    time::{Bracket, Nanos, Span},
};

use super::{
    Figure, LaneOutage,
    lane::is_ok,
    scan::{Scan, Scanned},
};

/// Who acknowledged first after the outages of one event, and the node if all lanes agree on one: write
/// lanes if any of them saw an outage, else read lanes. Missing where lanes disagree on the way, no
/// answer names a node, or no recovery was seen.
pub fn recovered_by(
    scan: &Scan<'_>,
    index: usize,
    outages: &[LaneOutage],
) -> (Figure<RecoveredBy>, Option<NodeName>) {
    let missing = |why: &str| (Figure::Missing(why.to_owned()), None);
    let deciders = deciders(scan, outages);
    if deciders.is_empty() {
        return missing("no outage was seen: nothing had to recover");
    }
    let mut answers: Vec<(RecoveredBy, &NodeName)> = Vec::new();
    for (scanned, outage) in deciders {
        let Some(recovered) = outage.recovered else {
            return missing("recovery was not seen");
        };
        let Some(node) = answerer(scan.record, scanned, outage, recovered) else {
            return missing("no answer after the outage names its node");
        };
        match way_of(scan, index, (scanned.lane, outage), (node, recovered)) {
            Ok(way) => answers.push((way, node)),
            Err(why) => return missing(&why),
        }
    }
    let (way, node) = answers[0];
    if answers.iter().any(|(other, _)| *other != way) {
        return missing("lanes came back in different ways");
    }
    let agreed = answers.iter().all(|(_, other)| *other == node);
    (Figure::Measured(way), agreed.then(|| node.clone()))
}

/// The outages that decide, with their lanes.
fn deciders<'a, 'r>(
    scan: &'a Scan<'r>,
    outages: &'a [LaneOutage],
) -> Vec<(&'a Scanned<'r>, &'a LaneOutage)> {
    let of = |access: Access| -> Vec<_> {
        scan.service_of(access)
            .filter_map(|scanned| {
                let first = outages.iter().find(|o| o.lane == scanned.lane.id)?;
                Some((scanned, first))
            })
            .collect()
    };
    let writes = of(Access::Write);
    if writes.is_empty() {
        of(Access::Read)
    } else {
        writes
    }
}

/// The node of the operation that gives `d*`.
fn answerer<'a>(
    record: &'a Record,
    scanned: &Scanned<'_>,
    outage: &LaneOutage,
    recovered: Nanos,
) -> Option<&'a NodeName> {
    let before = scanned
        .ops
        .partition_point(|op| op.intended <= outage.onset.low);
    scanned
        .ops
        .skip(before)
        .iter()
        .find(|op| {
            op.done == Some(recovered) && op.intended > outage.onset.low && is_ok(scanned.lane, op)
        })
        .and_then(|op| record.node_name(op.node?))
}

/// The way on which a lane came back when this node answered it.
fn way_of(
    scan: &Scan<'_>,
    index: usize,
    (lane, outage): (&Lane, &LaneOutage),
    (node, recovered): (&NodeName, Nanos),
) -> Result<RecoveredBy, String> {
    let record = scan.record;
    let (at, disruption) = &record.disruptions[index];
    let began = |moment: &Bracket| moment.low >= at.low && moment.low <= recovered;
    let healed = record
        .healed
        .iter()
        .filter(|(when, step)| *step == disruption.step && began(when))
        .map(|(when, _)| *when)
        .min_by_key(|when| when.low);
    let victim = disruption.victims.contains(node);
    let returned = record.returned.iter().any(|(when, who)| {
        // Whoever answers again since a majority is there needed the victims, not itself, to come back.
        let counts = if victim {
            who == node
        } else {
            disruption.victims.contains(who)
        };
        counts && began(when)
    });
    let back = healed.is_some() || returned;
    match healed {
        Some(undone) if !victim && disruption.primary_hit => {
            takeover(scan, (lane, outage), (node, recovered), undone)
        }
        _ if !victim && (disruption.primary_hit || !back) => Ok(RecoveredBy::OtherNode),
        _ if back && !restarts(record, disruption) => Ok(RecoveredBy::Heal),
        _ => Ok(RecoveredBy::Restart),
    }
}

/// Whether a node that was not hit took over by itself, where a lane came back after the fault was undone: it did if
/// it acknowledged something within the outage and before that. If it or the lane still failed once that was
/// done, it had needed what was hit (its vote, its copy): heal.
fn takeover(
    scan: &Scan<'_>,
    (lane, outage): (&Lane, &LaneOutage),
    (node, recovered): (&NodeName, Nanos),
    undone: Bracket,
) -> Result<RecoveredBy, String> {
    let index = scan.record.node_index(node);
    let mut failed_since = false;
    let lanes = scan.record.lanes.iter();
    for other in lanes.filter(|other| other.access == lane.access) {
        let pinned = other.pinned.as_ref() == Some(node);
        let ops = scan.history.lane(other.id);
        let before = ops.partition_point(|op| op.intended <= outage.onset.low);
        let within = ops.skip(before).iter();
        for op in within.take_while(|op| op.intended <= recovered) {
            let Some(sent) = op.sent else { continue };
            if op.outcome == Outcome::Ok {
                let own = pinned || (op.node.is_some() && op.node == index);
                let early = op.done.is_some_and(|done| done <= undone.low);
                if own && early && sent >= outage.onset.high {
                    return Ok(RecoveredBy::OtherNode);
                }
            } else {
                failed_since |= (pinned || other.id == lane.id) && sent >= undone.high;
            }
        }
    }
    if failed_since {
        Ok(RecoveredBy::Heal)
    } else {
        Err(format!(
            "{node} answered only just as the fault was undone: which of both brought the service back cannot be told"
        ))
    }
}

/// Whether starting the victim again is part of the fault itself.
fn restarts(record: &Record, disruption: &Disruption) -> bool {
    let step = record.opened.scenario.drill.get(disruption.step);
    matches!(step, Some(Step::Fault(fault)) if fault.starts_again())
}

/// The last acknowledgement of a write by the old primary, up to the next event.
///
/// Needs a pinned lane to the old primary: only a probe that it did not answer shows that it had
/// stopped. Without a later unanswered probe the end is not seen.
pub fn fencing(
    scan: &Scan<'_>,
    index: usize,
    (by, successor): (&Figure<RecoveredBy>, Option<&NodeName>),
) -> Figure<Span> {
    let record = scan.record;
    let (at, disruption) = &record.disruptions[index];
    if !disruption.primary_hit || disruption.victims.is_empty() {
        return Figure::Missing("the primary was not hit".into());
    }
    match by {
        Figure::Measured(RecoveredBy::OtherNode) => {}
        Figure::Measured(RecoveredBy::Heal)
            if successor.is_some_and(|node| !disruption.victims.contains(node)) => {}
        Figure::Measured(RecoveredBy::Restart | RecoveredBy::Heal) => {
            return Figure::Missing("the old primary led again".into());
        }
        Figure::Missing(why) => return Figure::Missing(why.clone()),
    }
    let until = scan
        .events
        .get(index + 1)
        .copied()
        .unwrap_or(Nanos(u64::MAX));
    let Some((last, stopped, interval)) = old_primary(scan, disruption, *at, until) else {
        return Figure::Missing("no probe was pinned to the old primary".into());
    };
    let low = last.map_or(Duration::ZERO, |op| {
        op.sent.map_or(Duration::ZERO, |sent| sent.since(at.high))
    });
    let high = last
        .and_then(|op| op.done)
        .map_or(Duration::ZERO, |done| done.since(at.low));
    Figure::Measured(match (stopped, last) {
        (false, _) => Span::at_least(low),
        (true, Some(_)) => Span::between(low, high),
        (true, None) => Span::between(low, interval),
    })
}

/// The last write that a victim acknowledged after `t-`, whether a probe pinned to it went unanswered
/// later, and the probe's interval. None without such a probe.
fn old_primary(
    scan: &Scan<'_>,
    disruption: &Disruption,
    at: Bracket,
    until: Nanos,
) -> Option<(Option<Op>, bool, Duration)> {
    let record = scan.record;
    let indices: Vec<u16> = disruption
        .victims
        .iter()
        .filter_map(|victim| record.node_index(victim))
        .collect();
    let within = |op: &Op| {
        op.outcome == Outcome::Ok && op.done.is_some_and(|done| at.low <= done && done < until)
    };
    let mut last: Option<Op> = None;
    let mut probes: Vec<Ops<'_>> = Vec::new();
    let mut interval = Duration::ZERO;
    for lane in record.lanes.iter().filter(|l| l.access == Access::Write) {
        let ops = scan.history.lane(lane.id);
        let pinned = lane.group == Group::Pinned
            && lane
                .pinned
                .as_ref()
                .is_some_and(|node| disruption.victims.contains(node));
        if pinned {
            probes.push(ops);
            interval = interval.max(lane.interval);
        }
        let by_victim = |op: &Op| pinned || op.node.is_some_and(|node| indices.contains(&node));
        let newest = ops
            .iter()
            .filter(within)
            .filter(by_victim)
            .max_by_key(|op| op.done);
        last = last.into_iter().chain(newest).max_by_key(|op| op.done);
    }
    let since = last.and_then(|op| op.done).unwrap_or(at.high);
    let stopped = probes.iter().all(|ops| {
        ops.iter()
            .any(|op| !op.outcome.available() && op.sent.is_some_and(|s| since <= s && s < until))
    });
    (!probes.is_empty()).then_some((last, stopped, interval))
}
