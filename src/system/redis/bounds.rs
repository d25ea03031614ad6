//! What Sentinel's settings let a failover take.

use std::time::Duration;

use crate::record::{Bound, Milestone, Wait};

/// The period of Sentinel's pings; a shorter `down-after-milliseconds` shortens it too. Fixed in `sentinel.c`.
pub const PING_PERIOD: Duration = Duration::from_secs(1);

/// The longest wait before a sentinel asks the others again. Fixed in `sentinel.c`.
const ASK_PERIOD: Duration = Duration::from_secs(1);

/// The longest random wait before a sentinel stands for election. Fixed in `sentinel.c`.
const MAX_DESYNC: Duration = Duration::from_secs(1);

/// The period of `INFO` during a failover: how late the promotion is noticed. Fixed in `sentinel.c`.
const INFO_PERIOD: Duration = Duration::from_secs(1);

/// Sentinel's state machine moves one state per tick of its timer (10 to 20 Hz), five states in all, and
/// clients look for the primary again.
const TICKS: Duration = Duration::from_millis(1000);

/// The bounds by fault; each speaks of the primary as its victim.
///
/// A killed primary resets Sentinel's connection: the clock of `down-after` then runs from the last answer,
/// which is up to one ping period old. One that hangs keeps its connections: the clock runs from the first
/// ping without an answer, which is sent up to one ping period after the fault.
pub fn bounds(down_after: Duration, failover_timeout: Duration) -> Vec<Bound> {
    use Milestone::{Accepts, Declared, FirstSuccess};
    let ping = PING_PERIOD.min(down_after);
    let fixed = "fixed in Sentinel";
    let silence = Wait::new(
        Declared,
        "the primary is silent",
        format!(
            "down-after-milliseconds {down_after:?}, less the age of the last answer, {ping:?} at most"
        ),
        [down_after.saturating_sub(ping), down_after],
    );
    let next = Wait::upto(
        Declared,
        "next ping, which is the first without an answer",
        fixed,
        ping,
    );
    let rest = [
        Wait::upto(Declared, "the sentinels ask each other", fixed, ASK_PERIOD),
        Wait::upto(
            Accepts,
            "random wait before the election",
            fixed,
            MAX_DESYNC,
        ),
        Wait::upto(Accepts, "promotion is noticed by INFO", fixed, INFO_PERIOD),
        Wait::upto(
            FirstSuccess,
            "steps of the failover, and clients ask again",
            "five states at 10 to 20 a second",
            TICKS,
        ),
    ];
    let split =
        format!("a split vote, which adds up to twice failover-timeout {failover_timeout:?}");
    let bound = |fault: &str, first: &[Wait]| {
        let waits = first.iter().chain(&rest).cloned().collect();
        // By drills with `down-after` of 1 s and 3 s; see the stack tests.
        Bound::of(format!("{fault} primary"), waits, &split)
            .confirmed(matches!(fault, "kill" | "pause"))
    };
    let (closed, hung) = ([silence.clone()], [silence, next]);
    vec![
        bound("kill", &closed),
        bound("stop", &closed),
        bound("pause", &hung),
        bound("partition", &hung),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_follow_from_down_after() {
        let seconds = |s: f64| Some(Duration::from_secs_f64(s));
        let bounds = bounds(Duration::from_secs(5), Duration::from_secs(60));
        let of = |fault: &str| {
            bounds
                .iter()
                .find(|bound| bound.fault == fault)
                .map(|bound| bound.rto)
        };
        let kill = of("kill primary").expect("a bound");
        assert_eq!(
            (Some(kill.low()), kill.high()),
            (seconds(4.0), seconds(9.0))
        );
        let pause = of("pause primary").expect("a bound");
        assert_eq!(
            (Some(pause.low()), pause.high()),
            (seconds(4.0), seconds(10.0))
        );
    }

    #[test]
    fn a_short_down_after_shortens_the_ping_period_and_stays_above_zero() {
        let bounds = bounds(Duration::from_millis(300), Duration::from_secs(10));
        assert_eq!(bounds[0].rto.low(), Duration::ZERO);
        assert_eq!(bounds[0].rto.high(), Some(Duration::from_millis(4300)));
    }
}
