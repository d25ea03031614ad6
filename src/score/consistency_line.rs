//! The target line of the consistency clients.

use crate::{
    check::Touch,
    measure::{ConsistencyFigures, Figure, Figures, format},
    record::Record,
    scenario::Consistency,
};

use super::{
    Line, LineState,
    lines::{JUST_MEASURED, Judged, NOT_MEASURED},
};

/// The line, where the scenario sets a target for it.
pub fn line(record: &Record, figures: &Figures) -> Option<Judged> {
    let goal = record.opened.scenario.targets.consistency?;
    let found = match &figures.consistency {
        Some(Figure::Measured(found)) => Ok(found),
        Some(Figure::Missing(why)) => Err(why.clone()),
        None => Err("there are no such clients".to_owned()),
    };
    let (state, why) = match (&found, goal) {
        (Err(why), _) => (LineState::Inconclusive, why.clone()),
        (Ok(_), Consistency::Any) => (LineState::Any, JUST_MEASURED.into()),
        (Ok(found), Consistency::Linearizable) if found.anomalies == 0 => {
            (LineState::Met, "some order explains every answer".into())
        }
        (Ok(found), Consistency::ConstantTotal) if found.anomalies == 0 => {
            (LineState::Met, "every read showed the same total".into())
        }
        (Ok(found), _) if found.anomalies == 0 => {
            (LineState::Met, "nothing that it rules out was read".into())
        }
        (Ok(_), Consistency::Linearizable) => {
            (LineState::Missed, "no order explains the answers".into())
        }
        (Ok(_), Consistency::ConstantTotal) => {
            (LineState::Missed, "reads showed another total".into())
        }
        (
            Ok(_),
            Consistency::ReadCommitted
            | Consistency::SnapshotIsolation
            | Consistency::Serializable
            | Consistency::StrictSerializable,
        ) => (
            LineState::Missed,
            "transactions show what it rules out".into(),
        ),
    };
    Some(Judged {
        line: Line {
            figure: "consistency".into(),
            target: goal.to_string(),
            measured: found
                .as_ref()
                .map_or_else(|_| NOT_MEASURED.into(), |found| measured(found)),
            bracket: String::new(),
            value: found.as_ref().ok().map(|found| found.anomalies as f64),
            limit: (goal != Consistency::Any).then_some(0.0),
            state,
            why,
        },
        family: Touch::Data,
    })
}

fn measured(found: &ConsistencyFigures) -> String {
    match found.anomalies {
        0 => found.model.unwrap_or(found.kind.model()).to_string(),
        1 => "1 anomaly".into(),
        many => format!("{} anomalies", format::count(many)),
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        check::{Answer, consistency::NAME},
        history::{Outcome, register_value},
        measure::fixture::{Bench, REGISTER_READ, REGISTER_WRITE, lists, registers},
        score::{Judgement, Verdict, judge},
    };

    use super::*;

    fn of(bench: Bench) -> Judgement {
        let (record, history) = bench.build();
        judge(&record, &history)
    }

    fn line_of(judgement: &Judgement) -> &Line {
        let mut lines = judgement.scorecard.lines.iter();
        lines.find(|line| line.figure == NAME).expect("a line")
    }

    fn answer(judgement: &Judgement) -> Answer {
        let mut findings = judgement.findings.iter();
        findings
            .find(|it| it.check == NAME)
            .expect("a finding")
            .answer
    }

    /// The drill in which the last write before the failover is gone after it.
    fn lossy() -> Bench {
        let mut bench = registers();
        bench.op(REGISTER_READ, 20).version = Some(register_value(REGISTER_WRITE, 19));
        bench
    }

    #[test]
    fn registers_that_some_order_explains_pass() {
        let judgement = of(registers());
        assert_eq!(judgement.scorecard.verdict, Verdict::Pass);
        assert_eq!(line_of(&judgement).state, LineState::Met);
        assert_eq!(answer(&judgement), Answer::Valid);
    }

    #[test]
    fn an_anomaly_fails_the_drill_even_where_final_reads_are_missing() {
        let mut bench = lossy();
        bench.record.converged = None;
        let judgement = of(bench);
        assert_eq!(judgement.scorecard.verdict, Verdict::Fail);
        assert_eq!(line_of(&judgement).state, LineState::Missed);
        assert_eq!(line_of(&judgement).measured, "1 anomaly");
        let sentence = &judgement.scorecard.sentence;
        let clause = "; no order explains what was read of 1 of 1 register.";
        assert!(sentence.ends_with(clause), "{sentence}");
        assert_eq!(answer(&judgement), Answer::Invalid);
    }

    #[test]
    fn transactions_pass_by_their_model_fail_with_the_anomaly_named_and_without_final_lists_neither()
     {
        let judgement = of(lists());
        assert_eq!(judgement.scorecard.verdict, Verdict::Pass);
        assert_eq!(line_of(&judgement).measured, "serializable");
        let mut lossy = lists();
        for read in &mut lossy.record.finals {
            let held = read.holdings.as_mut().expect("holdings");
            let lists = held.lists.as_mut().expect("lists");
            lists.last_entry().expect("a list").get_mut().pop();
        }
        let judgement = of(lossy);
        assert_eq!(judgement.scorecard.verdict, Verdict::Fail);
        assert_eq!(answer(&judgement), Answer::Invalid);
        let sentence = &judgement.scorecard.sentence;
        let clause = "; transactions were not serializable: lost-append.";
        assert!(sentence.ends_with(clause), "{sentence}");
        let mut blind = lists();
        blind.record.finals.clear();
        let judgement = of(blind);
        assert_eq!(judgement.scorecard.verdict, Verdict::Inconclusive);
        assert_eq!(answer(&judgement), Answer::Unknown);
    }

    #[test]
    fn where_any_answer_is_allowed_an_anomaly_is_told_and_not_judged() {
        let mut bench = lossy();
        bench.targets().consistency = Some(Consistency::Any);
        let judgement = of(bench);
        assert_eq!(judgement.scorecard.verdict, Verdict::Pass);
        assert_eq!(line_of(&judgement).state, LineState::Any);
        assert_eq!(answer(&judgement), Answer::Remark);
    }

    #[test]
    fn registers_that_nobody_read_after_the_fault_are_inconclusive() {
        let mut bench = registers();
        for seq in 20..60 {
            bench.op(REGISTER_READ, seq).outcome = Outcome::Fail;
        }
        let judgement = of(bench);
        assert_eq!(judgement.scorecard.verdict, Verdict::Inconclusive);
        assert_eq!(line_of(&judgement).state, LineState::Inconclusive);
        assert_eq!(answer(&judgement), Answer::Unknown);
    }
}
