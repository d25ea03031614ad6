//! Whether the total of all accounts ever changed, though transfers only move it.

use std::collections::BTreeMap;

use crate::{
    history::{Access, History, Lane, OPENING_BALANCE, Op, Outcome},
    record::{Record, Source},
    scenario::ConsistencyClients,
};

use super::{
    ConsistencyFigures, Figure,
    consistency::{TOLD_MAX, after_all, told},
    format,
};

/// Compares every total that was read, and those of the final reads of the authority, with what the accounts held at
/// first. A transfer may or may not be applied; whatever is applied must be so as a whole, and on what it read.
///
/// Missing where nothing was transferred, where no total was read after the last disruptive step, or where the final
/// reads hold none. What is certainly wrong stands all the same.
pub fn transfers(
    record: &Record,
    history: &History,
    spec: &ConsistencyClients,
    lanes: &[&Lane],
) -> Figure<ConsistencyFigures> {
    let total = u64::from(spec.keys) * OPENING_BALANCE;
    let acknowledged = |access| {
        let lanes = lanes.iter().filter(move |lane| lane.access == access);
        let ops = lanes.flat_map(|lane| history.lane(lane.id));
        ops.filter(|op| op.outcome == Outcome::Ok)
    };
    let written = acknowledged(Access::Write).count() as u64;
    let reads = || acknowledged(Access::Read);
    let shown = |op: &Op| op.version.unwrap_or_default();
    let wrong = || reads().filter(|op| shown(op) != total);
    let other = |shown: u64| {
        let (shown, total) = (format::count(shown), format::count(total));
        format!("a total of {shown} instead of {total}")
    };
    let finals = final_totals(record);
    let held = finals.iter().flatten().filter(|held| **held != total);
    let held: Vec<String> = held
        .map(|held| format!("a final read held {}", other(*held)))
        .collect();
    let words =
        wrong().map(|op| format!("{} showed {}", told(record, &op, "read"), other(shown(&op))));
    let figures = ConsistencyFigures {
        kind: spec.kind,
        keys: spec.keys,
        operations: written + reads().count() as u64,
        broken: 0,
        anomalies: (wrong().count() + held.len()) as u64,
        model: None,
        kinds: BTreeMap::new(),
        told: held.iter().cloned().chain(words).take(TOLD_MAX).collect(),
    };
    let after = |op: Op| op.sent.is_some_and(|sent| after_all(record, sent));
    let missing = if written == 0 {
        Some("no transfer was acknowledged")
    } else if !reads().any(after) {
        Some("no total was read after the last disruptive step")
    } else if finals.is_empty() || finals.contains(&None) {
        Some("a final read holds no total")
    } else {
        None
    };
    match missing {
        Some(why) if figures.anomalies == 0 => Figure::Missing(why.into()),
        _ => Figure::Measured(figures),
    }
}

/// The totals of the authoritative side; none where a pass could not be read or has none.
fn final_totals(record: &Record) -> Vec<Option<u64>> {
    record
        .finals
        .iter()
        .filter(|read| matches!(read.source, Source::Authority { .. }))
        .map(|read| read.holdings.as_ref().ok().and_then(|held| held.total))
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        history::Group,
        measure::{
            consistency::consistency,
            fixture::{Bench, REGISTER_READ as R, REGISTER_WRITE as W, registers},
        },
        scenario::{Consistency, ConsistencyKind},
    };

    use super::*;

    /// The drill with registers, made one with a hundred accounts.
    fn bench() -> Bench {
        let mut bench = registers();
        let spec = bench.record.opened.scenario.clients.consistency.as_mut();
        let spec = spec.expect("clients");
        (spec.kind, spec.keys) = (ConsistencyKind::Transfers, 100);
        bench.targets().consistency = Some(Consistency::ConstantTotal);
        for lane in bench
            .record
            .lanes
            .iter_mut()
            .filter(|lane| lane.keys.is_some())
        {
            (lane.group, lane.keys) = (Group::Transfer, Some(100));
        }
        let reads = bench.history.ops.iter_mut().filter(|op| op.lane == R);
        reads.for_each(|op| op.version = Some(100_000));
        bench
    }

    fn judged(bench: Bench, total: Option<u64>) -> Figure<ConsistencyFigures> {
        let (mut record, history) = bench.build();
        for read in &mut record.finals {
            read.holdings.as_mut().expect("holdings").total = total;
        }
        consistency(&record, &history).expect("there are transfer lanes")
    }

    #[test]
    fn totals_that_stay_are_measured_and_another_one_is_told() {
        let found = judged(bench(), Some(100_000));
        let figures = found.value().expect("measured");
        assert_eq!((figures.operations, figures.anomalies), (120, 0));
        let mut wrong = bench();
        wrong.op(R, 30).version = Some(100_003);
        let found = judged(wrong, Some(100_003));
        let figures = found.value().expect("measured");
        assert_eq!(figures.anomalies, 3, "one read and both passes");
        assert!(
            figures.told[0].contains("a final read held a total of 100,003 instead of 100,000")
        );
        assert!(
            figures.told[2].starts_with("register-read-1 #30 (read by"),
            "{:?}",
            figures.told
        );
    }

    #[test]
    fn without_transfers_reads_after_the_fault_or_a_final_total_nothing_can_be_told() {
        let missing = |bench, total, word: &str| {
            let found = judged(bench, total);
            assert!(
                matches!(&found, Figure::Missing(why) if why.contains(word)),
                "{found:?}"
            );
        };
        missing(bench(), None, "holds no total");
        for (lane, from, word) in [(W, 0, "no transfer"), (R, 20, "no total was read")] {
            let mut deaf = bench();
            for seq in from..60 {
                deaf.op(lane, seq).outcome = Outcome::Fail;
            }
            missing(deaf, Some(100_000), word);
        }
    }
}
