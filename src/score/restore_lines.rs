//! Lines of backups and restores: how far behind the log is kept, how long a restore took, what it lacks of before its point, and
//! what it holds of after it.

use crate::{
    check::Touch,
    measure::{Figure, Figures, Harm, Pitr, RestoreFigures},
    record::Record,
    scenario::{Goal, Step},
};

use super::{
    LineState,
    lines::{Judged, count_line, number, time_line},
};

/// The lines of each restore that the scenario asks for: what it brought back is always judged.
pub fn lines(record: &Record, figures: &Figures) -> Vec<Judged> {
    let steps = record.opened.scenario.drill.iter().enumerate();
    let wanted = steps.filter(|(_, step)| matches!(step, Step::Restore(_)));
    let wanted: Vec<usize> = wanted.map(|(index, _)| index).collect();
    let several = wanted.len() > 1;
    let lines = wanted.into_iter().flat_map(|step| {
        let of = figures.restores.iter().find(|of| of.step == step);
        let suffix = match several {
            true => format!("_step_{step}"),
            false => String::new(),
        };
        of_step(record, of, &suffix)
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

fn of_step(record: &Record, of: Option<&RestoreFigures>, suffix: &str) -> [Judged; 3] {
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
    let missing = format!("pitr_missing{suffix}");
    let goal = targets.pitr_missing.unwrap_or(zero);
    let missing = counted(&missing, goal, &held, |pitr| pitr.missing);
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
