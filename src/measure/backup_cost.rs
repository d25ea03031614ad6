//! What a backup cost the clients while it was made: their latency then against as long just before.

use serde::{Deserialize, Serialize};

use crate::{
    record::Record,
    stats::shift,
    time::{Bracket, Nanos},
};

use super::{
    Figure,
    windows::{Pooled, latencies, within},
};

/// Fewer ok operations than these on either side tell nothing.
const LEAST: usize = 50;

/// Of more than these, evenly many are compared: each of one side is compared with each of the other.
const COMPARED: usize = 400;

/// The level of the interval.
const LEVEL: f64 = 0.95;

/// One backup that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackupFigures {
    /// The step that made it.
    pub step: usize,
    /// How long that took, nanoseconds.
    pub took_ns: u64,
    /// What it cost the clients.
    pub cost: Figure<BackupCost>,
}

/// Latency of service lanes while a backup was made against as long just before, nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackupCost {
    /// The median of all differences (Hodges and Lehmann).
    pub shift_ns: i64,
    /// Its interval at 95 %.
    pub interval_ns: (i64, i64),
    /// Median and 99th percentile before.
    pub before_ns: (u64, u64),
    /// The same while it was made.
    pub during_ns: (u64, u64),
    /// Operations while it was made that were not ok.
    pub not_ok: u64,
    /// All operations while it was made.
    pub operations: u64,
}

/// The backups that were made, in order. `pooled` holds the service lanes' operations by intended time.
pub fn backups(record: &Record, pooled: &Pooled<'_>) -> Vec<BackupFigures> {
    let made = record.backups.iter().filter(|(_, it)| it.made.is_ok());
    made.map(|(at, backup)| {
        let took = at.high.since(at.low);
        BackupFigures {
            step: backup.step,
            took_ns: Nanos::from_duration(took).0,
            cost: match cost(record, pooled, *at) {
                Ok(cost) => Figure::Measured(cost),
                Err(why) => Figure::Missing(why),
            },
        }
    })
    .collect()
}

fn cost(record: &Record, pooled: &Pooled<'_>, at: Bracket) -> Result<BackupCost, String> {
    let took = at.high.since(at.low);
    let start = at.low.before(took);
    let clients = record.load.map_or(at.low, |(begin, _)| begin);
    if at.low.since(clients) < took {
        return Err("the clients had not run as long before it".into());
    }
    let disturbed = |other: &Bracket| start <= other.high && other.low < at.high;
    let faults = record.disruptions.iter().map(|(at, _)| at);
    let heals = record.healed.iter().map(|(at, _)| at);
    if faults.chain(heals).any(disturbed) {
        return Err("something else happened meanwhile".into());
    }
    let (before, during) = ((start, at.low), (at.low, at.high));
    let (x, y) = (sample(pooled, before), sample(pooled, during));
    let few = x.len().min(y.len());
    if few < LEAST {
        return Err(format!(
            "only {few} ok operations to compare, under {LEAST}"
        ));
    }
    let told = shift(&x, &y, LEVEL, record.opened.seed);
    let told = told.and_then(|told| Some((told.estimate, told.interval?)));
    let quantiles = |window| {
        let found = latencies(pooled, &[window])?;
        Some((found.p50_ns, found.p99_ns))
    };
    let (Some((estimate, interval)), Some(before_ns), Some(during_ns)) =
        (told, quantiles(before), quantiles(during))
    else {
        return Err(format!(
            "only {few} ok operations to compare, under {LEAST}"
        ));
    };
    let operations = within(pooled, during).count() as u64;
    let ok = within(pooled, during).filter(|op| op.outcome.available());
    Ok(BackupCost {
        shift_ns: estimate as i64,
        interval_ns: (interval.0 as i64, interval.1 as i64),
        before_ns,
        during_ns,
        not_ok: operations - ok.count() as u64,
        operations,
    })
}

/// Latencies of ok operations of a window, as many as are compared.
fn sample(pooled: &Pooled<'_>, window: (Nanos, Nanos)) -> Vec<f64> {
    let all: Vec<f64> = within(pooled, window)
        .filter_map(|op| super::windows::latency(&op))
        .map(|ns| ns as f64)
        .collect();
    let every = all.len().div_ceil(COMPARED).max(1);
    all.into_iter().step_by(every).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        id::NodeName,
        measure::{
            fixture::{Bench, W1, bracket, ms},
            measure,
        },
        record::BackedUp,
    };

    /// A backup from 12 s to 18 s, made while nothing else happens.
    fn told(plant: impl FnOnce(&mut Bench)) -> BackupFigures {
        let mut bench = Bench::new();
        let backup = BackedUp {
            step: 1,
            node: NodeName::new("backup1"),
            made: Ok("all".into()),
        };
        bench.record.backups = vec![(bracket(12_000, 18_000), backup)];
        plant(&mut bench);
        let (record, history) = bench.build();
        measure(&record, &history).backups[0].clone()
    }

    fn slower(bench: &mut Bench, from: u64, to: u64) {
        for op in &mut bench.history.ops {
            if op.intended >= ms(from) && op.intended < ms(to) {
                op.done = op.done.map(|done| done.after(Duration::from_millis(3)));
            }
        }
    }

    #[test]
    fn clients_that_wait_longer_while_it_is_made_are_told_of() {
        let calm = told(|_| {});
        assert_eq!(calm.took_ns, 6_000_000_000);
        let calm = calm.cost.value().expect("a cost").clone();
        assert_eq!((calm.shift_ns, calm.not_ok), (0, 0));
        let slow = told(|bench| slower(bench, 12_000, 18_000));
        let slow = slow.cost.value().expect("a cost").clone();
        assert_eq!(slow.shift_ns, 3_000_000);
        assert!(slow.interval_ns.0 > 2_000_000, "{slow:?}");
        assert_eq!(slow.during_ns.0 - slow.before_ns.0, 3_000_000);
    }

    #[test]
    fn operations_that_fail_meanwhile_are_counted_and_not_compared() {
        let failed = told(|bench| bench.fail(W1, ms(14_000), ms(15_000)));
        let failed = failed.cost.value().expect("a cost").clone();
        assert!(failed.not_ok >= 20, "{failed:?}");
        assert_eq!(failed.shift_ns, 0);
    }

    #[test]
    fn what_cannot_be_compared_says_why() {
        let why = |figures: BackupFigures| match figures.cost {
            Figure::Missing(why) => why,
            Figure::Measured(cost) => panic!("{cost:?}"),
        };
        let at = |bench: &mut Bench, low, high| bench.record.backups[0].0 = bracket(low, high);
        let short = why(told(|bench| at(bench, 12_000, 12_050)));
        assert!(short.contains("under 50"), "{short}");
        let early = why(told(|bench| at(bench, 500, 18_000)));
        assert!(early.contains("had not run as long"), "{early}");
        let beside = why(told(|bench| at(bench, 18_000, 22_000)));
        assert!(beside.contains("something else"), "{beside}");
    }
}
