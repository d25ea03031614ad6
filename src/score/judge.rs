//! The whole judgement of one run: figures, findings, scorecard.

use serde::{Deserialize, Serialize};

use crate::{
    check::{self, Finding},
    history::History,
    measure::{Figures, measure},
    record::Record,
};

use super::{Scorecard, score};

/// What a run comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// What was measured.
    pub figures: Figures,
    /// What was checked.
    pub findings: Vec<Finding>,
    /// How the targets came out.
    pub scorecard: Scorecard,
}

/// Judges a run. Pure: the same record and history give the same judgement. The history must be sorted.
pub fn judge(record: &Record, history: &History) -> Judgement {
    let figures = measure(record, history);
    let findings = check::all(record, history, &figures);
    let scorecard = score(record, &figures, &findings);
    Judgement {
        figures,
        findings,
        scorecard,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        history::Outcome,
        measure::fixture::{Bench, ms},
    };

    /// Failures all over, and no recovery: in quadratic time this would not end within a test run.
    #[test]
    fn half_a_million_operations_are_judged() {
        let mut bench = Bench::with_outage(ms(24_000));
        for lane in &mut bench.record.lanes {
            lane.interval /= 100;
        }
        let mut many = Vec::new();
        for op in &bench.history.ops {
            let step = bench.record.lanes[usize::from(op.lane.0)]
                .interval
                .as_nanos() as u64;
            for part in 0..100 {
                let mut op = *op;
                op.seq = op.seq * 100 + part;
                for moment in [Some(&mut op.intended), op.sent.as_mut(), op.done.as_mut()] {
                    moment.into_iter().for_each(|at| at.0 += part * step);
                }
                if op.seq % 2 == 0 && op.intended > ms(30_000) {
                    op.outcome = [Outcome::Conflict, Outcome::Fail][(op.seq / 2 % 2) as usize];
                }
                many.push(op);
            }
        }
        bench.history.ops = many;
        let (record, history) = bench.build();
        let judgement = judge(&record, &history);
        assert_eq!(judgement.figures.outcomes.iter().sum::<u64>(), 570_000);
    }
}
