//! What was heard and seen of alerts so far, for steps that wait for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{record::WATCHDOG, time::Nanos};

/// An alert by all its labels.
pub type Labels = BTreeMap<String, String>;

/// The label that names an alert.
pub const NAME: &str = "alertname";

/// What was heard and seen so far, shared by the watcher, the receiver and the steps.
#[derive(Debug, Clone, Default)]
pub struct Seen(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Alerts that Prometheus has now.
    active: BTreeSet<Labels>,
    /// Alerts of which a notification came, with the last such moment and whether it said that they are over.
    heard: BTreeMap<Labels, (Nanos, bool)>,
    /// When each alert was first delivered after being over, by its name.
    delivered: Vec<(Nanos, String)>,
}

impl Seen {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prometheus has these now.
    pub fn active(&self, active: BTreeSet<Labels>) {
        self.state().active = active;
    }

    /// A notification came; returns whether it is news.
    pub fn heard(&self, at: Nanos, labels: &Labels, over: bool) -> bool {
        let mut state = self.state();
        let before = state.heard.insert(labels.clone(), (at, over));
        let news = before.is_none_or(|(_, was_over)| was_over != over);
        if news && !over {
            let name = labels.get(NAME).cloned().unwrap_or_default();
            state.delivered.push((at, name));
        }
        news
    }

    /// Whether the watchdog was delivered.
    pub fn watched(&self) -> bool {
        let state = self.state();
        state.delivered.iter().any(|(_, name)| name == WATCHDOG)
    }

    /// The first of these alerts that was not delivered since a moment.
    pub fn undelivered<'a>(
        &self,
        mut alerts: impl Iterator<Item = &'a str>,
        since: Nanos,
    ) -> Option<&'a str> {
        let state = self.state();
        let delivered = |alert: &str| {
            let mut all = state.delivered.iter();
            all.any(|(at, name)| *at >= since && name == alert)
        };
        alerts.find(|alert| !delivered(alert))
    }

    /// An alert, besides the watchdog and others, that is still active or was not told to be over.
    pub fn unresolved(&self, others: &[String]) -> Option<String> {
        let state = self.state();
        let told = state.heard.iter().filter(|(_, (_, over))| !over);
        let all = state.active.iter().chain(told.map(|(labels, _)| labels));
        let mut names = all.filter_map(|labels| labels.get(NAME));
        names
            .find(|name| *name != WATCHDOG && !others.contains(name))
            .cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(name: &str, instance: &str) -> Labels {
        [(NAME, name), ("instance", instance)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    }

    #[test]
    fn a_repeated_notification_is_no_news_and_an_alert_is_over_only_when_both_say_so() {
        let seen = Seen::default();
        let down = labels("Down", "a");
        assert!(seen.heard(Nanos(1), &labels(WATCHDOG, ""), false));
        assert!(seen.watched() && seen.unresolved(&[]).is_none());
        assert!(seen.heard(Nanos(5), &down, false));
        assert!(!seen.heard(Nanos(6), &down, false));
        seen.active([down.clone()].into());
        assert_eq!(seen.undelivered(["Down"].into_iter(), Nanos(4)), None);
        assert_eq!(
            seen.undelivered(["Down"].into_iter(), Nanos(6)),
            Some("Down")
        );
        assert!(seen.heard(Nanos(7), &down, true));
        assert_eq!(seen.unresolved(&[]).as_deref(), Some("Down"));
        assert_eq!(seen.unresolved(&["Down".into()]), None);
        seen.active(BTreeSet::new());
        assert_eq!(seen.unresolved(&[]), None);
    }
}
