//! The run's one clock, and moments and durations that are known to lie between two bounds.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Nanoseconds since the run's start on the monotonic clock that clients and injector share.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Nanos(pub u64);

impl Nanos {
    /// Builds a moment from a duration since the run's start.
    pub fn from_duration(since_start: Duration) -> Self {
        Self(u64::try_from(since_start.as_nanos()).expect("a run lasts less than 584 years"))
    }

    /// The time since the run's start.
    pub fn since_start(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// Seconds since the run's start, for pictures and text.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The moment `later` after this one.
    pub fn after(self, later: Duration) -> Self {
        Self(self.0.saturating_add(Self::from_duration(later).0))
    }

    /// The moment `earlier` before this one, at the earliest the run's start.
    pub fn before(self, earlier: Duration) -> Self {
        Self(self.0.saturating_sub(Self::from_duration(earlier).0))
    }

    /// The time from `earlier` to this moment, zero when it lies the other way round.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// The time that is left until a deadline, zero once it has passed.
pub fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// A moment known to lie in `[low, high]`: taken just before and just after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bracket {
    /// Taken just before.
    pub low: Nanos,
    /// Taken just after.
    pub high: Nanos,
}

impl Bracket {
    /// A moment known exactly.
    pub fn at(moment: Nanos) -> Self {
        Self {
            low: moment,
            high: moment,
        }
    }

    /// The width of the bracket.
    pub fn width(self) -> Duration {
        self.high.since(self.low)
    }
}

/// A duration known to lie in `[low, high]`; without `high` its end was not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Nanoseconds that it took at least.
    pub low_ns: u64,
    /// Nanoseconds that it took at most; `None` when the end was not seen within the run (+inf in statistics).
    pub high_ns: Option<u64>,
}

impl Span {
    /// A duration between two bounds.
    pub fn between(low: Duration, high: Duration) -> Self {
        let ns = |d: Duration| Nanos::from_duration(d).0;
        Self {
            low_ns: ns(low),
            high_ns: Some(ns(high)),
        }
    }

    /// A duration whose end was not seen.
    pub fn at_least(low: Duration) -> Self {
        Self {
            low_ns: Nanos::from_duration(low).0,
            high_ns: None,
        }
    }

    /// A duration of zero, exactly.
    pub const ZERO: Self = Self {
        low_ns: 0,
        high_ns: Some(0),
    };

    /// The lower bound.
    pub fn low(self) -> Duration {
        Duration::from_nanos(self.low_ns)
    }

    /// The upper bound, if the end was seen.
    pub fn high(self) -> Option<Duration> {
        self.high_ns.map(Duration::from_nanos)
    }

    /// One after the other.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let ends = self.high_ns.zip(other.high_ns);
        Self {
            low_ns: self.low_ns.saturating_add(other.low_ns),
            high_ns: ends.map(|(a, b)| a.saturating_add(b)),
        }
    }

    /// The larger of two, an unseen end being largest; bounds are taken apart so that the result
    /// brackets the maximum.
    pub fn max(self, other: Self) -> Self {
        Self {
            low_ns: self.low_ns.max(other.low_ns),
            high_ns: match (self.high_ns, other.high_ns) {
                (Some(a), Some(b)) => Some(a.max(b)),
                _ => None,
            },
        }
    }

    /// From the lower of two lower bounds to the higher of two upper ones.
    pub fn hull(self, other: Self) -> Self {
        Self {
            low_ns: self.low_ns.min(other.low_ns),
            high_ns: self.high_ns.zip(other.high_ns).map(|(a, b)| a.max(b)),
        }
    }

    /// The smaller of two; bounds are taken apart so that the result brackets the minimum.
    pub fn min(self, other: Self) -> Self {
        Self {
            low_ns: self.low_ns.min(other.low_ns),
            high_ns: match (self.high_ns, other.high_ns) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
        }
    }
}

/// The wall clock now, for ages and labels. Durations within a run never use it.
pub fn wall_now() -> Timestamp {
    Timestamp::now()
}

/// The run's clock: monotonic, with one wall-clock reading at its start for labels.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
    wall: Timestamp,
}

impl Clock {
    /// Starts the clock now.
    pub fn start() -> Self {
        Self {
            origin: Instant::now(),
            wall: Timestamp::now(),
        }
    }

    /// The current moment.
    pub fn now(&self) -> Nanos {
        Nanos::from_duration(self.origin.elapsed())
    }

    /// The moment of an `Instant` taken in this process; zero if it lies before the start.
    pub fn moment(&self, instant: Instant) -> Nanos {
        Nanos::from_duration(instant.saturating_duration_since(self.origin))
    }

    /// The `Instant` of a moment, for sleeping until it.
    pub fn instant(&self, moment: Nanos) -> Instant {
        self.origin + moment.since_start()
    }

    /// The wall-clock time at the run's start. Durations never use it.
    pub fn wall_start(&self) -> Timestamp {
        self.wall
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unseen_end_is_larger_than_any_other() {
        let seen = Span::between(Duration::from_secs(1), Duration::from_secs(9));
        let unseen = Span::at_least(Duration::from_secs(3));
        assert_eq!(
            seen.max(unseen),
            Span {
                low_ns: 3_000_000_000,
                high_ns: None
            }
        );
        assert_eq!(seen.min(unseen).high(), Some(Duration::from_secs(9)));
    }

    #[test]
    fn moments_do_not_go_below_the_start() {
        assert_eq!(Nanos(5).before(Duration::from_nanos(9)), Nanos(0));
        assert_eq!(Nanos(5).since(Nanos(9)), Duration::ZERO);
    }
}
