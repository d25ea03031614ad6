//! Lines of runbooks of the user's own: whether each ended as it must, and what a recovery takes with the people who bring it
//! about.

use std::time::Duration;

use crate::{
    measure::{EventFigures, Figure, Figures, UndoneFigures, people},
    record::{DisruptionKind, Record, StepResult},
    scenario::{Dur, Goal, OwnRunbook},
    time::{Nanos, Span},
};

use super::{
    LineState,
    later_lines::{goal, is_judged, judges, suffix_of},
    lines::{Judged, NOT_MEASURED, is_planned, span_line, word_line},
};

/// All of them.
pub fn lines(record: &Record, figures: &Figures) -> Vec<Judged> {
    let mut lines = with_people(record, figures);
    lines.extend(ends(record));
    lines
}

/// A recovery time, and its target.
type Row = (&'static str, Option<Goal<Dur>>, Figure<Span>);

/// The recovery times of everything within whose outages people act, with the time that they take.
fn with_people(record: &Record, figures: &Figures) -> Vec<Judged> {
    let mut lines = Vec::new();
    for (index, event) in figures.events.iter().enumerate() {
        let suffix = match Some(index) == figures.headline {
            true => String::new(),
            false => format!("_after_step_{}", event.step),
        };
        let people = people::of_event(record, event);
        let judged = judges(record, event.step);
        lines.extend(added(of_event(record, event), people, judged, &suffix));
    }
    for undone in &figures.undone {
        let people = people::declared(record, undone.at, undone.lanes.iter());
        let suffix = format!("_{}", suffix_of(undone));
        let judged = is_judged(record, undone);
        lines.extend(added(of_undone(record, undone), people, judged, &suffix));
    }
    lines
}

/// Every time from an event on that has a target of its own.
fn of_event(record: &Record, event: &EventFigures) -> Vec<Row> {
    let targets = &record.opened.scenario.targets;
    let mut rows = vec![
        ("rto", targets.rto, event.rto.clone()),
        ("rto_write", targets.rto_write, event.rto_write.clone()),
        ("rto_read", targets.rto_read, event.rto_read.clone()),
        ("rto_app", targets.rto_app, event.rto_app.clone()),
    ];
    if is_planned(event.kind) {
        rows.push(("outage", targets.outage, event.outage.clone()));
    }
    if event.kind == DisruptionKind::Failback {
        rows.push(("failback", targets.failback, event.outage.clone()));
    }
    rows
}

fn of_undone(record: &Record, undone: &UndoneFigures) -> Vec<Row> {
    let targets = &record.opened.scenario.targets;
    let rows = [
        ("rto", targets.rto, undone.rto),
        ("rto_write", targets.rto_write, undone.rto_write),
        ("rto_read", targets.rto_read, undone.rto_read),
        ("rto_app", targets.rto_app, undone.rto_app),
    ];
    let seen = rows.into_iter();
    seen.filter_map(|(name, limit, took)| Some((name, limit, Figure::Measured(took?))))
        .collect()
}

/// The lines of what has a target, and of `rto` without one: with people's time.
fn added(rows: Vec<Row>, people: Duration, judged: bool, suffix: &str) -> Vec<Judged> {
    let rows = rows.into_iter().filter(|_| !people.is_zero());
    let rows = rows.filter(|(name, limit, _)| *name == "rto" || limit.is_some());
    rows.map(|(name, limit, took)| {
        let longer = |ns: u64| Nanos(ns).after(people).0;
        let took = match took {
            Figure::Measured(span) => Figure::Measured(Span {
                low_ns: longer(span.low_ns),
                high_ns: span.high_ns.map(longer),
            }),
            Figure::Missing(why) => Figure::Missing(why),
        };
        span_line(
            &format!("{name}_with_people{suffix}"),
            goal(limit, judged),
            &took,
        )
    })
    .collect()
}

/// How each runbook of the user's own ended, against how it must.
fn ends(record: &Record) -> Vec<Judged> {
    let own: Vec<_> = record.opened.scenario.drill.own_runbooks().collect();
    let several = own.len() > 1;
    let of = |(step, runbook)| {
        let name = match several {
            true => format!("runbook_step_{step}"),
            false => "runbook".into(),
        };
        ended(record, &name, step, runbook)
    };
    own.into_iter().map(of).collect()
}

fn ended(record: &Record, name: &str, step: usize, runbook: &OwnRunbook) -> Judged {
    let must = runbook.expect.to_string();
    let result = record.steps.iter().find(|(_, index, _)| *index == step);
    let untold = |why: String| (NOT_MEASURED.into(), (LineState::Inconclusive, why));
    let (measured, told) = match result.map(|(_, _, result)| result) {
        Some(StepResult::Done) => {
            let why = "it ended as it must".into();
            (must.clone(), (LineState::Met, why))
        }
        Some(StepResult::Unmet(why)) => (format!("not {must}"), (LineState::Missed, why.clone())),
        Some(StepResult::Failed(why)) => untold(why.clone()),
        None => untold("it was not run".into()),
    };
    word_line(name, &must, measured, told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        measure::{
            fixture::{Bench, R1, W1, W2, add_event, add_person, bracket, ms},
            measure,
        },
        scenario::{RunbookEnd, RunbookStep, Step},
        score::{Verdict, judge},
    };

    /// An outage of 4 s that a runbook ends; `steps` is how its step ended.
    fn by_runbook(expect: RunbookEnd, result: Option<StepResult>) -> Bench {
        let mut bench = Bench::with_outage(ms(24_000));
        let own = OwnRunbook {
            file: Some("failover.yaml".into()),
            expect,
            ..OwnRunbook::default()
        };
        let drill = &mut bench.record.opened.scenario.drill;
        drill.push(Step::Runbook(RunbookStep::Own(Box::new(own))));
        let step = drill.len() - 1;
        let at = bracket(21_000, 23_000);
        bench
            .record
            .steps
            .extend(result.map(|result| (at, step, result)));
        bench
    }

    fn states(bench: Bench) -> Vec<(String, LineState)> {
        let (record, history) = bench.build();
        let lines = lines(&record, &measure(&record, &history));
        let told = lines.into_iter().map(|it| (it.line.figure, it.line.state));
        told.collect()
    }

    fn one(name: &str, state: LineState) -> Vec<(String, LineState)> {
        vec![(name.to_owned(), state)]
    }

    #[test]
    fn a_runbook_must_end_as_the_scenario_says() {
        let unmet = || Some(StepResult::Unmet("it did not refuse".into()));
        let failed = Some(StepResult::Failed("the engine is gone".into()));
        let of = |end, result| states(by_runbook(end, result));
        let [done, refused] = [RunbookEnd::Done, RunbookEnd::Refused];
        assert_eq!(
            of(done, Some(StepResult::Done)),
            one("runbook", LineState::Met)
        );
        assert_eq!(
            of(refused, Some(StepResult::Done)),
            one("runbook", LineState::Met)
        );
        assert_eq!(of(done, unmet()), one("runbook", LineState::Missed));
        assert_eq!(of(refused, unmet()), one("runbook", LineState::Missed));
        assert_eq!(of(done, failed), one("runbook", LineState::Inconclusive));
        assert_eq!(of(done, None), one("runbook", LineState::Inconclusive));
    }

    #[test]
    fn a_runbook_that_did_not_end_as_it_must_fails_the_drill() {
        let unmet = Some(StepResult::Unmet("the verification did not hold".into()));
        let (record, history) = by_runbook(RunbookEnd::Done, unmet).build();
        let scorecard = judge(&record, &history).scorecard;
        assert_eq!(scorecard.verdict, Verdict::Fail);
    }

    /// The state of `rto_with_people` for a target, a person taking 30 s at 22 s.
    fn with_target(seconds: u64) -> Vec<(String, LineState)> {
        let mut bench = by_runbook(RunbookEnd::Done, Some(StepResult::Done));
        bench.targets().rto = Some(Goal::Limit(Dur(Duration::from_secs(seconds))));
        add_person(&mut bench, 22_000, Duration::from_secs(30));
        let mut told = states(bench);
        assert_eq!(told.pop(), one("runbook", LineState::Met).pop());
        told
    }

    #[test]
    fn the_target_must_hold_with_the_people_too() {
        let name = "rto_with_people";
        assert_eq!(with_target(35), one(name, LineState::Met));
        assert_eq!(with_target(34), one(name, LineState::Inconclusive));
        assert_eq!(with_target(30), one(name, LineState::Missed));
    }

    /// The lines of a move of this kind that takes 4 s, a person taking 30 s in it, where 35 s and 10 s are asked for.
    fn of_move(kind: DisruptionKind) -> Vec<(String, LineState)> {
        let mut bench = Bench::with_outage(ms(24_000));
        let headline = &mut bench.record.disruptions[0].1;
        headline.kind = kind;
        let targets = bench.targets();
        let limit = |seconds| Some(Goal::Limit(Dur(Duration::from_secs(seconds))));
        (targets.rto, targets.outage, targets.failback) = (limit(35), limit(35), limit(10));
        add_person(&mut bench, 22_000, Duration::from_secs(30));
        states(bench)
    }

    #[test]
    fn a_planned_move_holds_each_of_its_targets_with_the_people_too() {
        let [met, missed] = [LineState::Met, LineState::Missed];
        let line = |name: &str, state| (format!("{name}_with_people"), state);
        let switched = of_move(DisruptionKind::Switchover);
        assert_eq!(switched, [line("rto", met), line("outage", met)]);
        let back = of_move(DisruptionKind::Failback);
        assert_eq!(back[1..], [line("outage", met), line("failback", missed)]);
    }

    #[test]
    fn a_later_event_holds_the_target_with_the_people_too() {
        let mut bench = by_runbook(RunbookEnd::Done, Some(StepResult::Done));
        add_event(
            &mut bench,
            bracket(40_000, 40_002),
            DisruptionKind::Fault,
            "pg2",
        );
        for lane in [W1, W2, R1] {
            bench.fail(lane, ms(40_000), ms(43_000));
        }
        bench.targets().rto = Some(Goal::Limit(Dur(Duration::from_secs(5))));
        add_person(&mut bench, 41_000, Duration::from_secs(30));
        let told = states(bench);
        let later = &told[0];
        assert!(
            later.0.starts_with("rto_with_people_after_step_"),
            "{told:?}"
        );
        assert_eq!(later.1, LineState::Missed);
    }
}
