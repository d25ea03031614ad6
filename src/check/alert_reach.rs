//! Whether expected alerts can fire while the outage lasts at all, and whether they arrived while it did.

use std::time::Duration;

use crate::{
    history::History,
    measure::{
        AlertFigures, AlertWish, Figures,
        format::{self, Round},
    },
    record::Record,
    scenario::Goal,
};

use super::Finding;

/// The checker's name.
pub const NAME: &str = "alert-reach";

/// Invalid when `for:` and the evaluation interval, as Prometheus said before the fault, let an expected alert fire only
/// after the longest outage that the RTO target allows: nobody hears of an outage that meets its target while it lasts. That
/// an alert arrived when the measured outage was over is a remark.
pub fn check(record: &Record, _history: &History, figures: &Figures) -> Finding {
    let expected = || {
        let all = figures.alerts.iter();
        all.filter(|of| of.wish == AlertWish::Expected)
    };
    let target = record.opened.scenario.targets.rto.and_then(Goal::limit);
    let late: Vec<String> = target
        .into_iter()
        .flat_map(|target| expected().filter_map(move |of| outlasts(record, of, target.0)))
        .collect();
    let after: Vec<String> = outage(figures)
        .into_iter()
        .flat_map(|outage| expected().filter_map(move |of| arrived_after(of, outage)))
        .collect();
    if !late.is_empty() {
        return Finding::invalid(NAME, &[], late.join("; ")).with(after);
    }
    if let Some(unknown) = expected().find(|of| of.reach.is_none()) {
        let summary = format!("by which rule {} would fire is not known", unknown.alert);
        return Finding::unknown(NAME, &[], summary);
    }
    if !after.is_empty() {
        return Finding::remark(NAME, after.join("; "));
    }
    let summary = match target {
        Some(target) => {
            format!("every expected alert can fire within the RTO target of {target}")
        }
        None => "there is no RTO target that an alert could outlast".into(),
    };
    Finding::valid(NAME, summary)
}

fn outlasts(record: &Record, of: &AlertFigures, target: Duration) -> Option<String> {
    let alerting = record.alerting.as_ref()?;
    let soonest = of.reach?.low();
    let rule = alerting
        .rules_of(&of.alert)
        .min_by_key(|rule| rule.reach(alerting).low_ns)?;
    let told = |ns: u64| format::duration(Duration::from_nanos(ns), Round::Up);
    (soonest > target).then(|| {
        format!(
            "{} cannot fire within the outage: {} after the fault at the soonest (`for:` {}, looked at each {}), and by its \
             target the outage lasts {} at most",
            of.alert,
            format::duration(soonest, Round::Down),
            told(rule.hold_ns),
            told(rule.every_ns),
            format::duration(target, Round::Up),
        )
    })
}

/// The longest that the headline's outage may have lasted, from the fault.
fn outage(figures: &Figures) -> Option<Duration> {
    let event = figures.events.get(figures.headline?)?;
    event.rto.value().filter(|_| event.outage_seen)?.high()
}

fn arrived_after(of: &AlertFigures, outage: Duration) -> Option<String> {
    let delivered = of.delivered.value()?;
    delivered.high()?;
    (delivered.low() > outage).then(|| {
        format!(
            "{} arrived {} after the fault, when the outage of {} was over",
            of.alert,
            format::duration(delivered.low(), Round::Down),
            format::duration(outage, Round::Up)
        )
    })
}
