//! All figures of a run, from its record and its history.

use crate::{history::History, id::LaneId, record::Record, time::Nanos};

use super::{
    Figure, Figures,
    alerts::alerts,
    archive::archive_lag,
    availability::{allowance, availability, max_gap, outcomes, unavailable_total, union},
    backup_cost::backups,
    before::before,
    capacity::rto_capacity,
    consistency::consistency,
    distance::distance,
    divergence::divergence,
    event::event,
    lane::{covers, sustain},
    loss::{integrity, loss},
    outage::End,
    redundancy::redundancy,
    restored::restores,
    scan::{Scan, Scanned},
    staleness::staleness,
    undone::undone,
    visibility::visibility,
    windows::{baseline, baseline_p99, degraded, latencies, pooled, rto_slo, summaries},
};

/// Measures a run. Pure: the same record and history give the same figures. Goes through the operations many times,
/// and keeps of them what was under way at one time.
pub fn measure(record: &Record, history: &History) -> Figures {
    let scan = Scan::new(record, history);
    let pooled = pooled(&scan);
    let steady = latencies(&pooled, &baseline(record));
    let service_ns = steady.map_or(0, |latencies| latencies.p50_ns);
    let events: Vec<_> = (0..record.disruptions.len())
        .map(|index| event(&scan, index, service_ns))
        .collect();
    let headline = headline(record);
    let p99 = baseline_p99(steady);
    let integrity = integrity(record, history);
    let mut loss = loss(record, history, &integrity);
    if let (Figure::Measured(loss), Some(index)) = (&mut loss, headline) {
        loss.engine = distance(record, &events[index]);
    }
    let unavailable_total = unavailable_total(&scan);
    let (redundancy_restored, redundancy_from_fault) = redundancy(record);
    let down = service_outages(&scan);
    let (undone, undone_without_outage) = undone(&scan);
    Figures {
        undone,
        undone_without_outage,
        before: before(&scan),
        unwell: unwell(&scan),
        rto_slo: rto_slo(record, &pooled, &p99),
        rto_capacity: rto_capacity(record, &pooled, &p99),
        max_gap: max_gap(&scan),
        allowance: allowance(record, &unavailable_total),
        unavailable_total,
        degraded: degraded(record, &pooled, &p99, &down),
        availability: availability(&scan),
        redundancy_restored,
        redundancy_from_fault,
        loss,
        visibility: visibility(record, history),
        staleness: staleness(record, history),
        consistency: consistency(record, history),
        divergence_ratio: divergence(record),
        alerts: alerts(record),
        archive_lag: archive_lag(record, history),
        backups: backups(record, &pooled),
        restores: restores(record, history),
        latency: summaries(
            record,
            &pooled,
            headline.and_then(|index| events.get(index)),
        ),
        outcomes: outcomes(history),
        integrity,
        headline,
        events,
    }
}

/// The service lanes that were not well for W when their history ends.
fn unwell(scan: &Scan<'_>) -> Vec<LaneId> {
    let well = |scanned: &&Scanned<'_>| {
        scanned.outages.last().is_none_or(|last| match last.end {
            End::Recovered(_) => true,
            End::Unseen => false,
            End::Struck { .. } => {
                let until = last.last_intended.after(sustain(scanned.lane));
                covers(scanned.lane, scanned.ops, until)
            }
        })
    };
    let lanes = scan.service.iter().filter(|scanned| !well(scanned));
    lanes.map(|scanned| scanned.lane.id).collect()
}

/// The place of the headline among the events.
fn headline(record: &Record) -> Option<usize> {
    let (at, headline) = record.headline()?;
    record
        .disruptions
        .iter()
        .position(|(when, disruption)| when == at && disruption.step == headline.step)
}

/// When any service lane was in an outage, at the longest: disjoint and ascending.
fn service_outages(scan: &Scan<'_>) -> Vec<(Nanos, Nanos)> {
    let intervals = scan.service.iter().flat_map(|scanned| {
        scanned.outages.iter().map(|outage| {
            let end = outage.recovered().unwrap_or(Nanos(u64::MAX));
            (outage.onset.low, end)
        })
    });
    union(intervals.collect())
}

#[cfg(test)]
mod cost {
    use std::time::Duration;

    use super::*;
    use crate::{
        history::{Op, Outcome},
        measure::fixture::{Bench, W1, ms, ok},
        time::Clock,
    };

    /// One lane of so many operations, 60 us apart, of these outcomes by turns; all after the fault.
    fn took(count: u64, outcome: impl Fn(u64) -> Outcome) -> Duration {
        let mut bench = Bench::new();
        bench.history.ops.retain(|op| op.lane != W1);
        let ops = (0..count).map(|seq| Op {
            outcome: outcome(seq),
            ..ok(W1, seq, Nanos(ms(1).0 + seq * 60_000))
        });
        bench.history.ops.extend(ops);
        let history = bench.history();
        bench.history.ops.clear();
        let (record, _) = bench.build();
        let clock = Clock::start();
        measure(&record, &history);
        Duration::from_nanos(clock.now().0)
    }

    /// Twice as many operations may take thrice as long, and not four times.
    #[test]
    fn conflicts_and_failures_by_turns_cost_as_much_as_there_are() {
        let turns = |seq: u64| match seq % 2 {
            0 => Outcome::Conflict,
            _ => Outcome::Fail,
        };
        let (half, whole) = (took(50_000, turns), took(100_000, turns));
        assert!(
            whole < half * 3 + Duration::from_millis(200),
            "{half:?}, {whole:?}"
        );
    }
}
