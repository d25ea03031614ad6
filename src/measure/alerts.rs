//! When alerts were pending, fired, arrived and were over, from the headline's fault.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    record::{AlertEvent, AlertMoment, Record},
    scenario::Alerting,
    time::{Bracket, Nanos, Span},
};

use super::Figure;

/// The moments of the alerts of one name. The first of each after the fault counts, whichever node it speaks of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertFigures {
    /// Its name.
    pub alert: String,
    /// Whether the scenario expects it.
    pub wish: AlertWish,
    /// The `instance` of each that fired.
    pub instances: Vec<String>,
    /// By `for:` and the intervals alone, how long after a fault it fires; absent where no rule raises it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<Span>,
    /// Until its condition was seen to hold.
    pub pending: Figure<Span>,
    /// Until it fired in Prometheus.
    pub firing: Figure<Span>,
    /// Until Alertmanager's notification arrived.
    pub delivered: Figure<Span>,
    /// Until Prometheus had it no more.
    pub ended: Figure<Span>,
    /// Until Alertmanager's notification that it is over arrived.
    pub resolved: Figure<Span>,
}

/// Whether a scenario expects an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertWish {
    /// It must fire.
    Expected,
    /// It may.
    Allowed,
    /// It is a wrong one.
    Unexpected,
}

/// Why there is no figure of alerts at all, if so: there is no fault, or alerting was not proven to work.
pub fn unmeasured(record: &Record) -> Option<String> {
    match &record.alerting {
        None => Some("alerting did not come up".into()),
        Some(alerting) => match &alerting.proof {
            Err(why) => Some(format!("alerting was not proven to work: {why}")),
            Ok(_) if record.headline().is_none() => Some("no disruptive step was taken".into()),
            Ok(_) => None,
        },
    }
}

/// The expected alerts in the scenario's order, then every other that fired.
pub fn alerts(record: &Record) -> Vec<AlertFigures> {
    let Some(spec) = &record.opened.scenario.alerting else {
        return Vec::new();
    };
    let expected: Vec<&str> = spec.expect.iter().map(|one| one.alert.as_str()).collect();
    let fired: BTreeSet<&str> = record
        .alerts
        .iter()
        // One that arrived has fired, whether or not that was seen.
        .filter(|(_, event)| [AlertMoment::Firing, AlertMoment::Delivered].contains(&event.moment))
        .map(|(_, event)| event.alert.as_str())
        .collect();
    let others = fired.into_iter().filter(|name| !expected.contains(name));
    let names = expected.iter().copied().chain(others);
    names.map(|name| of_alert(record, spec, name)).collect()
}

/// The longest time in which alerts could not be seen, if an alert that nothing names could have fired and ended in it:
/// one fires for as long as its rule is not looked at again, at least.
pub fn blind(record: &Record) -> Option<Duration> {
    let spec = record.opened.scenario.alerting.as_ref()?;
    let rules = record.alerting.iter().flat_map(|it| &it.rules);
    let unnamed = rules.filter(|rule| wish(spec, &rule.alert) == AlertWish::Unexpected);
    let least = unnamed
        .map(|rule| Duration::from_nanos(rule.every_ns))
        .min()?;
    let unseen = record.alerts_unseen.iter().map(|(at, _)| at.width());
    unseen.filter(|width| *width > least).max()
}

fn wish(spec: &Alerting, name: &str) -> AlertWish {
    if spec.expect.iter().any(|one| one.alert == name) {
        AlertWish::Expected
    } else if spec.may_fire.iter().any(|one| one == name) {
        AlertWish::Allowed
    } else {
        AlertWish::Unexpected
    }
}

fn of_alert(record: &Record, spec: &Alerting, name: &str) -> AlertFigures {
    let instances: BTreeSet<&String> = record
        .alerts
        .iter()
        .filter(|(_, event)| event.alert == name && event.moment == AlertMoment::Firing)
        .filter_map(|(_, event)| event.labels.get("instance"))
        .collect();
    let alerting = record.alerting.as_ref();
    let reach = alerting.and_then(|it| {
        let all = it.rules_of(name).map(|rule| rule.reach(it));
        all.reduce(Span::min)
    });
    let times = Times::of(record, name);
    let figure = |moment| match &times {
        Ok(times) => times.figure(moment),
        Err(why) => Figure::Missing(why.clone()),
    };
    AlertFigures {
        alert: name.to_owned(),
        wish: wish(spec, name),
        instances: instances.into_iter().cloned().collect(),
        reach,
        pending: figure(AlertMoment::Pending),
        firing: figure(AlertMoment::Firing),
        delivered: figure(AlertMoment::Delivered),
        ended: figure(AlertMoment::Ended),
        resolved: figure(AlertMoment::Resolved),
    }
}

/// The first of each moment after the fault.
struct Times {
    fault: Bracket,
    first: BTreeMap<AlertMoment, Bracket>,
    /// How long after the fault alerts were watched.
    watched: Duration,
    /// Why what was not seen may have happened all the same.
    unseen: Option<String>,
}

impl Times {
    fn of(record: &Record, name: &str) -> Result<Self, String> {
        if let Some(why) = unmeasured(record) {
            return Err(why);
        }
        let (fault, _) = record.headline().ok_or("no disruptive step was taken")?;
        let own: Vec<&(Bracket, AlertEvent)> = record
            .alerts
            .iter()
            .filter(|(_, event)| event.alert == name)
            .collect();
        if active_at(&own, fault.low) {
            return Err("it was active before the fault already".into());
        }
        let mut first = BTreeMap::new();
        for (at, event) in own.iter().filter(|(at, _)| at.high > fault.low) {
            let after = match event.moment {
                AlertMoment::Pending | AlertMoment::Firing | AlertMoment::Delivered => None,
                AlertMoment::Ended => Some(AlertMoment::Firing),
                AlertMoment::Resolved => Some(AlertMoment::Delivered),
            };
            if after.is_none_or(|before| first.contains_key(&before)) {
                first.entry(event.moment).or_insert(*at);
            }
        }
        // Without `for:` it fires as soon as its condition holds.
        if let Some(firing) = first.get(&AlertMoment::Firing).copied() {
            first.entry(AlertMoment::Pending).or_insert(firing);
        }
        let end = record.steps.iter().map(|(at, _, _)| at.high).max();
        let end = end.unwrap_or(fault.high);
        let unseen = record
            .alerts_unseen
            .iter()
            .find(|(at, _)| at.high > fault.low && at.low < end)
            .map(|(at, why)| {
                let lasted = at.width().as_secs_f64();
                format!("alerts could not be seen for {lasted:.1} s: {why}")
            });
        Ok(Self {
            fault: *fault,
            first,
            watched: end.since(fault.high),
            unseen,
        })
    }

    fn figure(&self, moment: AlertMoment) -> Figure<Span> {
        let fault = self.fault;
        if let Some(at) = self.first.get(&moment) {
            return Figure::Measured(Span::between(
                at.low.since(fault.high),
                at.high.since(fault.low),
            ));
        }
        let fired = self.first.contains_key(&AlertMoment::Firing);
        let delivered = self.first.contains_key(&AlertMoment::Delivered);
        let of_prometheus = match moment {
            AlertMoment::Pending | AlertMoment::Firing | AlertMoment::Ended => true,
            AlertMoment::Delivered | AlertMoment::Resolved => false,
        };
        match (moment, &self.unseen) {
            (AlertMoment::Ended, _) if !fired => Figure::Missing("it did not fire".into()),
            (AlertMoment::Resolved, _) if !delivered => {
                Figure::Missing("it was not delivered".into())
            }
            (_, Some(why)) if of_prometheus => Figure::Missing(why.clone()),
            _ => Figure::Measured(Span::at_least(self.watched)),
        }
    }
}

/// Whether an alert of these was pending or firing at a moment, by what was seen until then.
fn active_at(own: &[&(Bracket, AlertEvent)], moment: Nanos) -> bool {
    let mut active = BTreeMap::new();
    for (_, event) in own.iter().filter(|(at, _)| at.high <= moment) {
        match event.moment {
            AlertMoment::Pending | AlertMoment::Firing => active.insert(&event.labels, true),
            AlertMoment::Ended => active.insert(&event.labels, false),
            AlertMoment::Delivered | AlertMoment::Resolved => None,
        };
    }
    active.values().any(|active| *active)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fixture::{Bench, alerted, bracket};

    fn ms(figure: &Figure<Span>) -> Option<(u64, Option<u64>)> {
        let span = figure.value()?;
        Some((
            span.low_ns / 1_000_000,
            span.high_ns.map(|high| high / 1_000_000),
        ))
    }

    #[test]
    fn moments_are_brackets_from_the_fault() {
        let bench = alerted(&[
            (21_000, 21_100, AlertMoment::Pending),
            (26_000, 26_100, AlertMoment::Firing),
            (27_000, 27_001, AlertMoment::Delivered),
            (41_000, 41_100, AlertMoment::Ended),
        ]);
        let [of] = &alerts(&bench.record)[..] else {
            panic!("one alert");
        };
        assert_eq!(of.wish, AlertWish::Expected);
        assert_eq!(ms(&of.pending), Some((998, Some(1_100))));
        assert_eq!(ms(&of.firing), Some((5_998, Some(6_100))));
        assert_eq!(ms(&of.delivered), Some((6_998, Some(7_001))));
        assert_eq!(ms(&of.ended), Some((20_998, Some(21_100))));
        assert_eq!(ms(&of.resolved), Some((29_998, None)));
        assert_eq!(of.instances, ["pg1"]);
    }

    #[test]
    fn an_alert_that_was_active_before_the_fault_tells_nothing() {
        let bench = alerted(&[(3_000, 3_100, AlertMoment::Firing)]);
        let of = alerts(&bench.record);
        assert!(matches!(&of[0].firing, Figure::Missing(why) if why.contains("before the fault")));
        // What was over again does not stand in the way.
        let bench = alerted(&[
            (3_000, 3_100, AlertMoment::Firing),
            (9_000, 9_100, AlertMoment::Ended),
            (26_000, 26_100, AlertMoment::Firing),
        ]);
        assert_eq!(
            ms(&alerts(&bench.record)[0].firing),
            Some((5_998, Some(6_100)))
        );
    }

    #[test]
    fn what_never_fired_is_known_to_be_late_only_if_it_was_watched() {
        let bench = alerted(&[]);
        let of = &alerts(&bench.record)[0];
        assert_eq!(ms(&of.firing), Some((29_998, None)));
        assert!(of.ended.value().is_none());
        let mut blind = bench.clone();
        let gap = (bracket(25_000, 29_000), "no answer".to_owned());
        blind.record.alerts_unseen.push(gap);
        assert!(alerts(&blind.record)[0].firing.value().is_none());
        let mut unproven = bench;
        if let Some(alerting) = &mut unproven.record.alerting {
            alerting.proof = Err("a target is down".into());
        }
        assert!(alerts(&unproven.record)[0].delivered.value().is_none());
    }

    #[test]
    fn an_alert_that_no_expectation_names_is_unexpected() {
        let mut bench = alerted(&[]);
        let labels = BTreeMap::new();
        for name in ["Other", "Allowed"] {
            let event = AlertEvent {
                alert: name.into(),
                labels: labels.clone(),
                moment: AlertMoment::Firing,
            };
            bench.record.alerts.push((bracket(24_000, 24_100), event));
        }
        let wishes: Vec<_> = alerts(&bench.record)
            .into_iter()
            .map(|of| (of.alert, of.wish))
            .collect();
        assert_eq!(
            wishes,
            [
                ("Down".to_owned(), AlertWish::Expected),
                ("Allowed".to_owned(), AlertWish::Allowed),
                ("Other".to_owned(), AlertWish::Unexpected),
            ]
        );
        assert!(alerts(&Bench::new().record).is_empty());
    }
}
