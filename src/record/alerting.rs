//! Alerting beside the stack: what stood, what its rules allow, and the moments of each alert.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    id::NodeName,
    time::{Nanos, Span},
};

/// The alert that always fires: its notification proves the way from Prometheus to the receiver.
pub const WATCHDOG: &str = "Watchdog";

/// Prometheus and Alertmanager as they stand, before the clients start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alerting {
    /// What stands beside the stack's members.
    pub members: Vec<AlertingMember>,
    /// The longest scrape interval over all targets, read back; nanoseconds.
    pub scrape_ns: u64,
    /// The longest time that a scrape may take, read back; nanoseconds.
    pub scrape_timeout_ns: u64,
    /// How long Alertmanager waits before it tells of a new group, read back; nanoseconds.
    pub group_wait_ns: u64,
    /// The alerts that it can raise, with what their settings let them do.
    pub rules: Vec<AlertRule>,
    /// How all of it was proven to work, one sentence each, or why it was not.
    pub proof: Result<Vec<String>, String>,
}

/// A member of the alerting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertingMember {
    /// Its name.
    pub name: NodeName,
    /// Where it listens.
    pub address: String,
    /// The reference of its image.
    pub image: String,
}

/// A rule as Prometheus says that it evaluates it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertRule {
    /// The alert's name.
    pub alert: String,
    /// Its expression.
    pub expr: String,
    /// `for:`, nanoseconds.
    pub hold_ns: u64,
    /// How often it is evaluated, nanoseconds.
    pub every_ns: u64,
}

impl AlertRule {
    /// How long after a fault the alert fires, by `for:` and the intervals alone. The condition may be true at the first
    /// evaluation after the fault; it is so for certain once every target was scraped, at the longest a scrape interval
    /// and a scrape's time-out later, and evaluated. It fires at the first evaluation at which it has been true for `for:`.
    /// What the expression itself waits for (`rate(...[5m])`, `offset`) comes on top.
    pub fn reach(&self, alerting: &Alerting) -> Span {
        let held = Duration::from_nanos(held(self.hold_ns, self.every_ns));
        let seen = alerting.scrape_ns + alerting.scrape_timeout_ns + self.every_ns;
        Span::between(held, held + Duration::from_nanos(seen))
    }
}

/// `for:` in whole evaluations: the alert is looked at only then.
fn held(hold_ns: u64, every_ns: u64) -> u64 {
    if every_ns == 0 {
        hold_ns
    } else {
        hold_ns.div_ceil(every_ns) * every_ns
    }
}

/// Something that became of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertEvent {
    /// The alert's name.
    pub alert: String,
    /// Its other labels.
    pub labels: BTreeMap<String, String>,
    /// What became of it.
    pub moment: AlertMoment,
}

/// The moments of an alert, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertMoment {
    /// Its condition holds, and not yet for long enough.
    Pending,
    /// It fires in Prometheus.
    Firing,
    /// Alertmanager's notification of it arrived.
    Delivered,
    /// Prometheus has it no more.
    Ended,
    /// Alertmanager's notification that it is over arrived.
    Resolved,
}

impl Alerting {
    /// The rules of an alert; several may carry one name.
    pub fn rules_of<'a>(&'a self, alert: &'a str) -> impl Iterator<Item = &'a AlertRule> {
        self.rules.iter().filter(move |rule| rule.alert == alert)
    }

    /// The soonest that an alert can fire after a fault, over its rules; `None` where no rule raises it.
    pub fn soonest(&self, alert: &str) -> Option<Nanos> {
        let reach = self.rules_of(alert).map(|rule| rule.reach(self).low_ns);
        reach.min().map(Nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_fires_only_at_an_evaluation() {
        const S: u64 = 1_000_000_000;
        let alerting = Alerting {
            members: Vec::new(),
            scrape_ns: 5 * S,
            scrape_timeout_ns: 2 * S,
            group_wait_ns: S,
            rules: Vec::new(),
            proof: Ok(Vec::new()),
        };
        let reach = |hold: u64, every: u64| {
            let rule = AlertRule {
                alert: "Down".into(),
                expr: "up == 0".into(),
                hold_ns: hold * S,
                every_ns: every * S,
            };
            let span = rule.reach(&alerting);
            (span.low().as_secs(), span.high().map(|high| high.as_secs()))
        };
        assert_eq!(reach(0, 5), (0, Some(12)));
        assert_eq!(reach(30, 5), (30, Some(42)));
        assert_eq!(reach(31, 15), (45, Some(67)));
    }
}
