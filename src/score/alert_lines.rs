//! Target lines of alerts: each that must fire, when it must arrive, and that no other fires.

use crate::{
    check::Touch,
    measure::{
        AlertFigures, AlertWish, Figure, Figures,
        alerts::{blind, unmeasured},
        format::{self, Round},
    },
    record::Record,
};

use super::{
    Line, LineState,
    lines::{Judged, NOT_MEASURED, time_line},
};

/// The lines of a scenario's alerting; none without it.
pub fn lines(record: &Record, figures: &Figures) -> Vec<Judged> {
    let Some(spec) = &record.opened.scenario.alerting else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for expected in &spec.expect {
        let name = &expected.alert;
        let of = figures.alerts.iter().find(|it| it.alert == *name);
        let missing = || Figure::Missing("it was not measured".into());
        let firing = of.map_or_else(missing, |of| of.firing.clone());
        let figure = format!("alert_firing {name}");
        lines.push(time_line(&figure, expected.firing, &firing, Touch::Alerts));
        if let Some(goal) = expected.delivered {
            let delivered = of.map_or_else(missing, |of| of.delivered.clone());
            let figure = format!("alert_delivered {name}");
            lines.push(time_line(&figure, goal, &delivered, Touch::Alerts));
        }
    }
    lines.push(unexpected(record, &figures.alerts));
    lines
}

/// Alerts that fired and that nothing in the scenario names: 0, always.
fn unexpected(record: &Record, alerts: &[AlertFigures]) -> Judged {
    let names: Vec<&str> = alerts
        .iter()
        .filter(|of| of.wish == AlertWish::Unexpected)
        .map(|of| of.alert.as_str())
        .collect();
    let count = names.len() as u64;
    let blind = blind(record).map(|time| {
        let time = format::duration(time, Round::Up);
        format!("alerts could not be seen for {time}, in which one could have fired and ended")
    });
    let (state, why) = match (unmeasured(record).or(blind), names.is_empty()) {
        (_, false) => (LineState::Missed, format!("{} fired", names.join(", "))),
        (None, true) => (LineState::Met, "no other alert fired".into()),
        (Some(why), true) => (LineState::Inconclusive, why),
    };
    let told = state != LineState::Inconclusive;
    Judged {
        line: Line {
            figure: "alerts_unexpected".into(),
            target: "<= 0".into(),
            measured: if told {
                format::count(count)
            } else {
                NOT_MEASURED.into()
            },
            bracket: String::new(),
            value: told.then_some(count as f64),
            limit: Some(0.0),
            state,
            why,
        },
        family: Touch::Alerts,
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        check,
        measure::{
            fixture::{Bench, alerted, bracket},
            measure,
        },
        record::{
            AlertEvent,
            AlertMoment::{Delivered, Firing},
            AlertRule,
        },
        score::{LineState, Scorecard, Verdict, score},
    };

    fn card(bench: Bench) -> Scorecard {
        let (record, history) = bench.build();
        let figures = measure(&record, &history);
        let findings = check::all(&record, &history, &figures);
        score(&record, &figures, &findings)
    }

    fn states(card: &Scorecard) -> Vec<(&str, LineState)> {
        let lines = card
            .lines
            .iter()
            .filter(|line| line.figure.starts_with("alert"));
        lines
            .map(|line| (line.figure.as_str(), line.state))
            .collect()
    }

    #[test]
    fn alerts_have_lines_of_their_own_that_decide_the_verdict() {
        let good = card(alerted(&[
            (26_000, 26_100, Firing),
            (27_000, 27_001, Delivered),
        ]));
        assert_eq!(
            states(&good),
            [
                ("alert_firing Down", LineState::Met),
                ("alert_delivered Down", LineState::Met),
                ("alerts_unexpected", LineState::Met),
            ]
        );
        assert_eq!(good.verdict, Verdict::Pass, "{good:?}");
        let said = &good.sentence;
        assert!(
            said.ends_with("; the alert Down arrived after 7.001 s."),
            "{said}"
        );
        let never = card(alerted(&[]));
        assert_eq!(states(&never)[0].1, LineState::Missed);
        assert_eq!(never.verdict, Verdict::Fail);
    }

    #[test]
    fn one_that_arrived_has_fired_and_what_could_not_be_seen_is_not_passed() {
        let with = |plant: &dyn Fn(&mut Bench)| {
            let mut bench = alerted(&[(26_000, 26_100, Firing), (27_000, 27_001, Delivered)]);
            let why = || "Prometheus does not answer".to_owned();
            let unseen = &mut bench.record.alerts_unseen;
            unseen.push((bracket(30_000, 36_000), why()));
            let alerting = bench.record.alerting.as_mut().unwrap();
            let named = alerting.rules[0].clone();
            let alert = "Other".into();
            alerting.rules.push(AlertRule { alert, ..named });
            plant(&mut bench);
            states(&card(bench))[2].1
        };
        assert_eq!(with(&|_| {}), LineState::Inconclusive);
        let briefly = |b: &mut Bench| b.record.alerts_unseen[0].0 = bracket(30_000, 30_900);
        assert_eq!(with(&briefly), LineState::Met);
        let arrived = |b: &mut Bench| {
            let event = AlertEvent {
                alert: "Other".into(),
                labels: Default::default(),
                moment: Delivered,
            };
            b.record.alerts.push((bracket(33_000, 33_001), event));
        };
        assert_eq!(with(&arrived), LineState::Missed);
    }

    #[test]
    fn alerting_that_never_worked_passes_and_fails_nothing() {
        let mut bench = alerted(&[]);
        if let Some(alerting) = &mut bench.record.alerting {
            alerting.proof = Err("a target is down".into());
        }
        let card = card(bench);
        assert!(
            states(&card)
                .iter()
                .all(|(_, state)| *state == LineState::Inconclusive)
        );
        assert_eq!(card.verdict, Verdict::Inconclusive);
        let rto = card.lines.iter().find(|line| line.figure == "rto");
        assert_eq!(rto.map(|line| line.state), Some(LineState::Met));
    }
}
