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
    let unexpected = figures.alerts.iter().filter(|of| of.wish == AlertWish::Unexpected);
    wrong.extend(unexpected.map(|of| {
        let of_whom = if of.instances.is_empty() {
            String::new()
        } else {
            format!(" for {}", of.instances.join(", "))
        };
        format!("a wrong alert fired: {}{of_whom}, which nothing in the scenario names", of.alert)
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
        return Ok(vec![format!("{name} never fired: it was watched for {watched} after the fault")]);
    }
    let mut said: Vec<String> = late(expected.firing, firing)
        .map(|limit| format!("{name} fired late: {}, the target is {limit}", format::value(firing)))
        .into_iter()
        .collect();
    let delivered = value(&of.delivered)?;
    if delivered.high().is_none() {
        said.push(format!("{name} fired and no notification of it arrived"));
    } else if let Some(limit) = expected.delivered.and_then(|goal| late(goal, delivered)) {
        let took = format::value(delivered);
        said.push(format!("{name} arrived late: {took}, the target is {limit}"));
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
