//! Lines of backups and restores: how far behind the log is kept, how long a restore took, what it lacks of before its point, and
//! what it holds of after it.

use crate::{
    check::Touch,
    measure::{Figure, Figures, Harm, Pitr, RestoreFigures},
    record::Record,
    scenario::{Dur, Goal, Point, Step},
};

use super::{
    LineState,
    lines::{Judged, count_line, number, time_line},
};

/// The lines of each restore that the scenario asks for: what it brought back is always judged.
pub fn lines(record: &Record, figures: &Figures) -> Vec<Judged> {
    let steps = record.opened.scenario.drill.iter().enumerate();
    let wanted = steps.filter_map(|(index, step)| match step {
        Step::Restore(restore) => Some((index, restore.to == Point::Latest)),
        _ => None,
    });
    let wanted: Vec<(usize, bool)> = wanted.collect();
    let several = wanted.len() > 1;
    let lines = wanted.into_iter().flat_map(|(step, latest)| {
        let of = figures.restores.iter().find(|of| of.step == step);
        let suffix = match several {
            true => format!("_step_{step}"),
            false => String::new(),
        };
        of_step(record, latest, of, &suffix)
    });
    archive_lag(record, figures)
        .into_iter()
        .chain(lines)
        .collect()
}

/// How old what was written had become when it was not kept yet, where the scenario sets a target for it.
fn archive_lag(record: &Record, figures: &Figures) -> Option<Judged> {
    let goal = record.opened.scenario.targets.archive_lag?;
    let unseen = || Figure::Missing("nobody saw the log being kept".into());
    let lag = figures.archive_lag.clone().unwrap_or_else(unseen);
    Some(time_line("archive_lag", goal, &lag, Touch::Time))
}

fn of_step(
    record: &Record,
    latest: bool,
    of: Option<&RestoreFigures>,
    suffix: &str,
) -> [Judged; 3] {
    let targets = &record.opened.scenario.targets;
    let unmade = || "nothing was restored".to_owned();
    let rto = of.map_or_else(|| Figure::Missing(unmade()), |of| of.rto.clone());
    let held = of.map_or_else(|| Figure::Missing(unmade()), |of| of.held.clone());
    let name = format!("restore_rto{suffix}");
    let goal = targets.restore_rto.unwrap_or(Goal::Any);
    let mut time = time_line(&name, goal, &rto, Touch::Time);
    if let (Some(refused), Goal::Limit(_)) = (of.filter(|of| of.refused), goal) {
        // The tool was asked, and did not do it: no time would have been enough.
        time.family = Touch::Data;
        time.line.state = LineState::Missed;
        let why = refused.held.why().unwrap_or_default();
        time.line.why = format!("it was not restored: {why}");
    }
    let zero = Goal::Limit(0);
    let missing = if latest {
        rpo(targets.restore_rpo.unwrap_or(Goal::Any), &held, suffix)
    } else {
        let goal = targets.pitr_missing.unwrap_or(zero);
        counted(&format!("pitr_missing{suffix}"), goal, &held, |it| {
            it.missing
        })
    };
    let extra = format!("pitr_extra{suffix}");
    let goal = targets.pitr_extra.unwrap_or(zero);
    let mut extra = counted(&extra, goal, &held, |pitr| pitr.extra);
    match held.value().map(|pitr| &pitr.harm) {
        Some(Harm::Present) if goal != Goal::Any => {
            extra.line.state = LineState::Missed;
            extra.line.why = "what shows the mistake's harm shows it in what was restored".into();
        }
        Some(Harm::Unseen(why)) if extra.line.state == LineState::Met => {
            extra.line.state = LineState::Inconclusive;
            extra.line.why = format!("the mistake's harm could not be looked for: {why}");
        }
        _ => {}
    }
    [time, missing, extra]
}

/// How old what a restore to the latest point lacks was when the last write was acknowledged.
fn rpo(goal: Goal<Dur>, held: &Figure<Pitr>, suffix: &str) -> Judged {
    let age = match held {
        Figure::Measured(pitr) => match (pitr.rpo, pitr.doubt()) {
            (Some(age), None) => Figure::Measured(age),
            (_, why) => Figure::Missing(why.unwrap_or_else(|| "it was not restored".into())),
        },
        Figure::Missing(why) => Figure::Missing(why.clone()),
    };
    time_line(&format!("restore_rpo{suffix}"), goal, &age, Touch::Data)
}

/// A count that is only met where the run could have shown another one.
fn counted(
    name: &str,
    goal: Goal<u64>,
    held: &Figure<Pitr>,
    pick: impl Fn(&Pitr) -> u64,
) -> Judged {
    let mut judged = count_line(name, Some(goal), held, |pitr| number(pick(pitr)));
    if judged.line.state == LineState::Met
        && let Some(why) = held.value().and_then(Pitr::doubt)
    {
        judged.line.state = LineState::Inconclusive;
        judged.line.why = why;
    }
    judged
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        history::History,
        id::NodeName,
        measure::{
            fixture::{Bench, W1, W2, bracket, control, ms},
            measure,
        },
        record::{HarmSeen, Holdings, RestoreStage, Restored, StageName, StepResult},
        scenario::{Dur, Point, Restore},
        score::{Verdict, judge},
    };

    /// A restore at 40 s to 30 s that hit its point and took a second, as it was changed; the states of its lines: time, missing, extra.
    fn states(plant: impl FnOnce(&mut Restored)) -> [LineState; 3] {
        let (record, history) = planted(Bench::new(), plant);
        let lines = lines(&record, &measure(&record, &history));
        [0, 1, 2].map(|place| lines[place].line.state)
    }

    /// A drill with such a restore as its last step.
    fn planted(mut bench: Bench, plant: impl FnOnce(&mut Restored)) -> (Record, History) {
        let targets = bench.targets();
        targets.restore_rto = Some(Goal::Limit(Dur(Duration::from_secs(5))));
        let to = Point::BeforeMistake;
        let drill = &mut bench.record.opened.scenario.drill;
        drill.push(Step::Restore(Restore { to }));
        let step = drill.len() - 1;
        let writes = bench.history.ops.iter();
        let writes = writes.filter(|op| [W1, W2].contains(&op.lane) && op.done <= Some(ms(30_005)));
        let held = Holdings::collect(writes.map(|op| (op.lane, op.seq, true)));
        let mut restored = Restored {
            step,
            to,
            node: NodeName::new("backup1"),
            point_ns: 0,
            point: bracket(30_000, 30_010),
            begun: ms(40_000),
            stages: vec![RestoreStage {
                name: StageName::Writes,
                at: bracket(41_000, 41_010),
                said: String::new(),
            }],
            harm: None,
            held: Ok(held),
            refused: false,
        };
        plant(&mut restored);
        let at = bracket(40_000, 42_000);
        bench.record.steps.push((at, step, StepResult::Done));
        bench.record.restores.push((at, restored));
        bench.build()
    }

    #[test]
    fn the_latest_point_is_held_against_how_much_it_may_lack() {
        let state = |seconds: u64, plant: fn(&mut Restored)| {
            let mut bench = Bench::new();
            bench.targets().restore_rpo = Some(Goal::Limit(Dur(Duration::from_secs(seconds))));
            let (mut record, history) = planted(bench, |restored| {
                restored.to = Point::Latest;
                plant(restored);
            });
            let step = record.opened.scenario.drill.last_mut().expect("a step");
            *step = Step::Restore(Restore { to: Point::Latest });
            let lines = lines(&record, &measure(&record, &history));
            assert_eq!(lines[1].line.figure, "restore_rpo");
            (lines[1].line.state, lines[2].line.state)
        };
        // It holds what was acknowledged by 30.005 s, and was decided on at 40 s.
        assert_eq!(state(11, |_| {}), (LineState::Met, LineState::Met));
        assert_eq!(state(9, |_| {}), (LineState::Missed, LineState::Met));
        // Nothing had been acknowledged by then.
        let before = |restored: &mut Restored| restored.begun = ms(0);
        let unknown = LineState::Inconclusive;
        assert_eq!(state(11, before), (unknown, unknown));
    }

    #[test]
    fn a_control_shows_no_more_of_a_restore_than_was_looked_up() {
        let verdict = |plant: fn(&mut Restored)| {
            let (record, history) = planted(control(), plant);
            judge(&record, &history).scorecard.verdict
        };
        assert_eq!(verdict(|_| {}), Verdict::Control);
        let refused = |restored: &mut Restored| {
            restored.stages.clear();
            restored.held = Err("it did not verify".into());
            restored.refused = true;
        };
        assert_eq!(verdict(refused), Verdict::Fail);
        let unread = |restored: &mut Restored| {
            restored.held = Err("the connection was closed".into());
        };
        assert_eq!(verdict(unread), Verdict::Inconclusive);
        let coarse = |restored: &mut Restored| restored.point = bracket(28_000, 31_000);
        assert_eq!(verdict(coarse), Verdict::Inconclusive);
    }

    #[test]
    fn a_restore_that_hit_its_point_meets_all_three() {
        assert_eq!(states(|_| {}), [LineState::Met; 3]);
    }

    #[test]
    fn what_the_tool_refuses_is_missed_and_what_else_fails_is_not_told() {
        let [missed, told] = [LineState::Missed, LineState::Inconclusive];
        let failed = |refused: bool| {
            states(|restored| {
                restored.stages.clear();
                restored.held = Err("it did not verify".into());
                restored.refused = refused;
            })
        };
        assert_eq!(failed(true), [missed, told, told]);
        assert_eq!(failed(false), [told; 3]);
    }

    #[test]
    fn harm_that_came_back_is_missed_and_harm_that_nobody_saw_is_not_told() {
        let harm = |said: Result<&str, &str>| {
            let said = said.map(str::to_owned).map_err(str::to_owned);
            states(|restored| {
                restored.harm = Some(HarmSeen {
                    shows: "count".into(),
                    expect: "0".into(),
                    said,
                });
            })[2]
        };
        assert_eq!(harm(Ok("0")), LineState::Missed);
        assert_eq!(harm(Ok("7")), LineState::Met);
        assert_eq!(harm(Err("no answer")), LineState::Inconclusive);
    }

    #[test]
    fn a_point_that_is_too_coarse_meets_no_count() {
        let coarse = states(|restored| restored.point = bracket(28_000, 31_000));
        assert_eq!(coarse[1..], [LineState::Inconclusive; 2]);
    }
}
