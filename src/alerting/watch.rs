//! Watches which alerts Prometheus has, by looking again and again: each change lies between two looks.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    record::{AlertMoment, Emitter, WATCHDOG, What},
    time::{Bracket, Nanos},
};

use super::{
    api::{self, ActiveAlert},
    receiver::event,
    seen::{Labels, NAME, Seen},
};

/// How often is looked: a tenth of the shortest evaluation interval that a scenario may have.
pub const LOOK: Duration = Duration::from_millis(100);

/// A silence of Prometheus longer than this is told; a shorter one only widens the brackets.
const SILENCE: Duration = Duration::from_secs(1);

/// Whether an alert is firing yet.
type States = BTreeMap<Labels, bool>;

/// Looks until told to stop.
pub async fn watch(prometheus: SocketAddr, emitter: Emitter, seen: Seen, stop: CancellationToken) {
    let mut known = States::new();
    // What was active before the first look is told as of then.
    let mut last = emitter.now();
    let mut silent: Option<String> = None;
    loop {
        let (at, answer) = emitter.time(api::active(prometheus)).await;
        match answer.and_then(states) {
            Ok(now) => {
                tell_silence(&emitter, silent.take(), last, at.low);
                let between = Bracket {
                    low: last,
                    high: at.high,
                };
                for (labels, moment) in changes(&known, &now) {
                    if let Some(event) = event(labels, moment) {
                        emitter.say_at(between, What::Alert(event));
                    }
                }
                seen.active(now.keys().cloned().collect());
                known = now;
                last = at.low;
            }
            Err(why) => silent = Some(why),
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = sleep(LOOK) => {}
        }
    }
    tell_silence(&emitter, silent, last, emitter.now());
}

fn tell_silence(emitter: &Emitter, silent: Option<String>, low: Nanos, high: Nanos) {
    if let Some(why) = silent
        && high.since(low) > SILENCE
    {
        emitter.say_at(Bracket { low, high }, What::AlertsUnseen { why });
    }
}

/// The alerts that Prometheus has; without a firing watchdog, rules are not evaluated.
fn states(alerts: Vec<ActiveAlert>) -> Result<States, String> {
    let states: States = alerts
        .into_iter()
        .map(|alert| (alert.labels, alert.state == "firing"))
        .collect();
    let watched = states
        .iter()
        .any(|(labels, firing)| *firing && labels.get(NAME).is_some_and(|name| name == WATCHDOG));
    if watched {
        Ok(states)
    } else {
        Err("the watchdog does not fire".into())
    }
}

/// What changed between two looks, in the order of alerts.
fn changes(before: &States, now: &States) -> Vec<(Labels, AlertMoment)> {
    let mut changes = Vec::new();
    for (labels, firing) in now {
        let moment = match (before.get(labels), firing) {
            (None | Some(false), true) => AlertMoment::Firing,
            (None, false) => AlertMoment::Pending,
            // It was over and is pending again, all between two looks.
            (Some(true), false) => {
                changes.push((labels.clone(), AlertMoment::Ended));
                AlertMoment::Pending
            }
            (Some(false), false) | (Some(true), true) => continue,
        };
        changes.push((labels.clone(), moment));
    }
    let gone = before.keys().filter(|labels| !now.contains_key(*labels));
    changes.extend(gone.map(|labels| (labels.clone(), AlertMoment::Ended)));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(name: &str) -> Labels {
        [(NAME.to_owned(), name.to_owned())].into()
    }

    fn look(alerts: &[(&str, bool)]) -> States {
        alerts
            .iter()
            .map(|(name, firing)| (labels(name), *firing))
            .collect()
    }

    #[test]
    fn changes_between_two_looks_are_moments() {
        let of = |before: &[(&str, bool)], now: &[(&str, bool)]| -> Vec<AlertMoment> {
            let changes = changes(&look(before), &look(now));
            changes.into_iter().map(|(_, moment)| moment).collect()
        };
        use AlertMoment::{Ended, Firing, Pending};
        assert_eq!(of(&[], &[("a", false)]), [Pending]);
        assert_eq!(of(&[("a", false)], &[("a", true)]), [Firing]);
        assert_eq!(of(&[], &[("a", true)]), [Firing]);
        assert_eq!(of(&[("a", true)], &[]), [Ended]);
        assert_eq!(of(&[("a", true)], &[("a", false)]), [Ended, Pending]);
        assert_eq!(of(&[("a", true)], &[("a", true)]), []);
    }

    #[test]
    fn without_a_watchdog_nothing_is_known() {
        let alert = |name: &str, state: &str| ActiveAlert {
            labels: labels(name),
            state: state.into(),
        };
        assert!(states(vec![alert("Down", "firing")]).is_err());
        assert!(states(vec![alert(WATCHDOG, "pending")]).is_err());
        assert_eq!(
            states(vec![alert(WATCHDOG, "firing")]).map(|all| all.len()),
            Ok(1)
        );
    }
}
