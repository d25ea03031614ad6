//! Whether the alerts that the fault must raise fired and arrived in time, and no wrong one did.

use crate::{
    history::History,
    measure::{
        AlertFigures, AlertWish, Figure, Figures,
        alerts::unmeasured,
        format::{self, Round},
    },
    record::Record,
    scenario::{Dur, ExpectedAlert, Goal},
    time::Span,
};

use super::{Finding, Touch};

/// The checker's name.
pub const NAME: &str = "alerts";

/// Invalid when an expected alert never fired, fired late, did not arrive or arrived late, and when one fired that nothing
/// names. Unknown where that could not be told.
pub fn check(record: &Record, _history: &History, figures: &Figures) -> Finding {
    let expected = record
        .opened
        .scenario
        .alerting
        .as_ref()
        .map_or(&[][..], |spec| &spec.expect);
    let mut wrong = Vec::new();
    let mut untold = Vec::new();
    for one in expected {
        let of = figures.alerts.iter().find(|of| of.alert == one.alert);
        match of.map(|of| of_expected(one, of)) {
            Some(Ok(said)) => wrong.extend(said),
            Some(Err(why)) => untold.push(format!("{}: {why}", one.alert)),
            None => untold.push(format!("{}: it was not measured", one.alert)),
        }
    }
    let unexpected = figures
        .alerts
        .iter()
        .filter(|of| of.wish == AlertWish::Unexpected);
    wrong.extend(unexpected.map(|of| {
        let of_whom = if of.instances.is_empty() {
            String::new()
        } else {
            format!(" for {}", of.instances.join(", "))
        };
        format!(
            "a wrong alert fired: {}{of_whom}, which nothing in the scenario names",
            of.alert
        )
    }));
    if !wrong.is_empty() {
        return Finding::invalid(NAME, &[], wrong.join("; ")).with(untold);
    }
    if let Some(why) = untold.first().cloned().or_else(|| unmeasured(record)) {
        return Finding::unknown(NAME, &[Touch::Alerts], why).with(untold.into_iter().skip(1));
    }
    let summary = match expected.len() {
        0 => "no alert fired that nothing names".to_owned(),
        count => format!(
            "{} fired and arrived as expected, and no other",
            format::counted(count as u64, "alert")
        ),
    };
    Finding::valid(NAME, summary)
}

/// What is wrong with an expected alert, or why it cannot be told.
fn of_expected(expected: &ExpectedAlert, of: &AlertFigures) -> Result<Vec<String>, String> {
    let name = &expected.alert;
    let firing = value(&of.firing)?;
    if firing.high().is_none() {
        let watched = format::duration(firing.low(), Round::Down);
        return Ok(vec![format!(
            "{name} never fired: it was watched for {watched} after the fault"
        )]);
    }
    let mut said: Vec<String> = late(expected.firing, firing)
        .map(|limit| {
            format!(
                "{name} fired late: {}, the target is {limit}",
                format::value(firing)
            )
        })
        .into_iter()
        .collect();
    let delivered = value(&of.delivered)?;
    if delivered.high().is_none() {
        said.push(format!("{name} fired and no notification of it arrived"));
    } else if let Some(limit) = expected.delivered.and_then(|goal| late(goal, delivered)) {
        let took = format::value(delivered);
        said.push(format!(
            "{name} arrived late: {took}, the target is {limit}"
        ));
    }
    Ok(said)
}

fn value(figure: &Figure<Span>) -> Result<Span, String> {
    match figure {
        Figure::Measured(span) => Ok(*span),
        Figure::Missing(why) => Err(why.clone()),
    }
}

/// The limit, if it is certainly exceeded.
fn late(goal: Goal<Dur>, span: Span) -> Option<Dur> {
    goal.limit().filter(|limit| span.low() > limit.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        check::{Answer, alert_reach, alerting},
        measure::{
            fixture::{Bench, alerted, bracket},
            measure,
        },
        record::AlertMoment::{self, Delivered, Ended, Firing, Pending},
        scenario::Goal,
    };

    const GOOD: &[(u64, u64, AlertMoment)] = &[
        (21_000, 21_100, Pending),
        (26_000, 26_100, Firing),
        (27_000, 27_001, Delivered),
    ];

    type Check = fn(&Record, &History, &Figures) -> Finding;

    fn found(check: Check, bench: Bench) -> Finding {
        let (record, history) = bench.build();
        let figures = measure(&record, &history);
        check(&record, &history, &figures)
    }

    fn is(check: Check, bench: Bench, answer: Answer, text: &str) {
        let finding = found(check, bench);
        assert_eq!(finding.answer, answer, "{finding:?}");
        assert!(finding.summary.contains(text), "{finding:?}");
    }

    #[test]
    fn an_alert_in_time_is_valid_and_every_way_to_miss_it_is_found() {
        is(
            check,
            alerted(GOOD),
            Answer::Valid,
            "1 alert fired and arrived",
        );
        is(check, alerted(&[]), Answer::Invalid, "Down never fired");
        is(
            check,
            alerted(&GOOD[..1]),
            Answer::Invalid,
            "Down never fired",
        );
        let late = [
            (21_000, 21_100, Pending),
            (30_100, 30_200, Firing),
            (30_300, 30_301, Delivered),
        ];
        is(check, alerted(&late), Answer::Invalid, "Down fired late");
        is(
            check,
            alerted(&GOOD[..2]),
            Answer::Invalid,
            "no notification",
        );
        let slow = [GOOD[1], (32_100, 32_101, Delivered)];
        is(check, alerted(&slow), Answer::Invalid, "Down arrived late");
        let before = [(1_000, 1_100, Firing)];
        is(
            check,
            alerted(&before),
            Answer::Unknown,
            "active before the fault",
        );
    }

    #[test]
    fn a_wrong_alert_is_found_even_beside_a_right_one() {
        let mut bench = alerted(GOOD);
        let (at, mut event) = bench.record.alerts[1].clone();
        event.alert = "Other".into();
        bench.record.alerts.push((at, event.clone()));
        is(check, bench.clone(), Answer::Invalid, "Other for pg1");
        bench.record.alerts.pop();
        event.alert = "Allowed".into();
        bench.record.alerts.push((at, event));
        is(check, bench, Answer::Valid, "and no other");
    }

    #[test]
    fn alerting_that_was_not_proven_or_not_seen_is_unknown() {
        is(
            alerting::check,
            alerted(GOOD),
            Answer::Valid,
            "proven to work",
        );
        let mut unproven = alerted(&[]);
        if let Some(alerting) = &mut unproven.record.alerting {
            alerting.proof = Err("a target is down".into());
        }
        is(
            alerting::check,
            unproven.clone(),
            Answer::Unknown,
            "a target is down",
        );
        is(check, unproven, Answer::Unknown, "not proven to work");
        let mut absent = alerted(&[]);
        absent.record.alerting = None;
        is(alerting::check, absent, Answer::Unknown, "did not come up");
        let mut blind = alerted(&[]);
        let gap = (bracket(25_000, 29_000), "no answer".to_owned());
        blind.record.alerts_unseen.push(gap);
        is(alerting::check, blind.clone(), Answer::Unknown, "all along");
        is(check, blind, Answer::Unknown, "could not be seen for 4.0 s");
    }

    #[test]
    fn a_rule_that_outlasts_the_target_is_found_and_one_that_outlasts_the_outage_is_told() {
        // The outage lasts 2 s, the target is 10 s, the rule waits for 5 s.
        let reach = alert_reach::check;
        is(reach, alerted(GOOD), Answer::Remark, "when the outage of 2");
        is(
            reach,
            alerted(&[]),
            Answer::Valid,
            "can fire within the RTO target",
        );
        let hold = |seconds: u64| {
            let mut bench = alerted(GOOD);
            let alerting = bench.record.alerting.as_mut().expect("alerting");
            alerting.rules[0].hold_ns = seconds * 1_000_000_000;
            bench
        };
        is(reach, hold(10), Answer::Remark, "when the outage of 2");
        is(
            reach,
            hold(11),
            Answer::Invalid,
            "Down cannot fire within the outage: 11.000 s",
        );
        let mut any = hold(11);
        any.targets().rto = Some(Goal::Any);
        is(reach, any, Answer::Remark, "when the outage of 2");
        let mut unknown = alerted(GOOD);
        unknown
            .record
            .alerting
            .as_mut()
            .expect("alerting")
            .rules
            .clear();
        is(reach, unknown, Answer::Unknown, "is not known");
    }

    #[test]
    fn an_alert_that_ended_before_it_fired_is_one_that_never_fired() {
        let flap = [(21_000, 21_100, Pending), (23_000, 23_100, Ended)];
        is(check, alerted(&flap), Answer::Invalid, "never fired");
    }
}
