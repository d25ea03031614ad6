//! How long a failover may take by the effective settings: what it waits for, one thing after the other.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Span;

use super::Milestone;

/// How long the failover may take after one kind of fault, by the effective settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// The fault in a word, for instance `kill`, and the victim's role.
    pub fault: String,
    /// The bounds of the client-observed recovery.
    pub rto: Span,
    /// The arithmetic, for a reader.
    pub basis: String,
    /// Whether drills on the real component have confirmed the lower bound.
    pub confirmed: bool,
    /// What `rto` is the sum of, in the order of time; runs of older versions have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<Wait>,
}

/// One thing that a recovery waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// The milestone that shows its end.
    pub until: Milestone,
    /// What is waited for, in a few words.
    pub what: String,
    /// What makes it as long as it is: settings with their values, or a property of the server.
    pub by: String,
    /// How long that is.
    pub span: Span,
}

impl Wait {
    /// A wait of `from` at least and `to` at most.
    pub fn new(
        until: Milestone,
        what: &str,
        by: impl Into<String>,
        [from, to]: [Duration; 2],
    ) -> Self {
        Self {
            until,
            what: what.to_owned(),
            by: by.into(),
            span: Span::between(from, to),
        }
    }

    /// A wait of `most` at most.
    pub fn upto(until: Milestone, what: &str, by: impl Into<String>, most: Duration) -> Self {
        Self::new(until, what, by, [Duration::ZERO, most])
    }

    /// A wait whose end no setting determines.
    pub fn open(until: Milestone, what: &str, by: impl Into<String>) -> Self {
        Self {
            span: Span::at_least(Duration::ZERO),
            ..Self::upto(until, what, by, Duration::ZERO)
        }
    }

    /// What, how long, and why: `next ping: <= 1s: fixed in Sentinel`.
    fn told(&self) -> String {
        let Self { what, by, span, .. } = self;
        let long = match (span.low(), span.high()) {
            (low, Some(high)) if low == high => format!("{high:?}"),
            (Duration::ZERO, Some(high)) => format!("<= {high:?}"),
            (low, Some(high)) => format!("[{low:?}, {high:?}]"),
            (Duration::ZERO, None) => "no upper bound".into(),
            (low, None) => format!(">= {low:?}"),
        };
        format!("{what}: {long}: {by}")
    }
}

impl Bound {
    /// The bound after a fault, by what the recovery waits for one after the other. `besides` says what may come on top
    /// of it, and is not in it.
    pub fn of(fault: impl Into<String>, waits: Vec<Wait>, besides: &str) -> Self {
        let sum = |sum: Span, wait: &Wait| sum.plus(wait.span);
        let told: Vec<String> = waits.iter().map(Wait::told).collect();
        let mut basis = told.join("; ");
        if !besides.is_empty() {
            basis = format!("{basis}; not in it: {besides}");
        }
        Self {
            fault: fault.into(),
            rto: waits.iter().fold(Span::ZERO, sum),
            basis,
            confirmed: false,
            waits,
        }
    }

    /// The same, by whether drills on the real component have confirmed it.
    #[must_use]
    pub fn confirmed(self, confirmed: bool) -> Self {
        Self { confirmed, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_the_sum_of_what_is_waited_for() {
        let ms = Duration::from_millis;
        let waits = vec![
            Wait::new(Milestone::Declared, "lease", "ttl 2s", [ms(1500), ms(2000)]),
            Wait::upto(Milestone::Accepts, "race", "fixed", ms(300)),
        ];
        let bound = Bound::of("kill primary", waits.clone(), "a second race");
        assert_eq!(bound.rto, Span::between(ms(1500), ms(2300)));
        assert_eq!(
            bound.basis,
            "lease: [1.5s, 2s]: ttl 2s; race: <= 300ms: fixed; not in it: a second race"
        );
        let person = Wait::open(Milestone::Accepts, "a person", "no setting");
        let open = Bound::of("kill primary", [waits, vec![person]].concat(), "");
        assert_eq!(open.rto, Span::at_least(ms(1500)));
    }
}
