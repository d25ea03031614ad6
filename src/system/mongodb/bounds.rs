//! What a replica set's settings let a failover take.

use std::time::Duration;

use crate::{record::Bound, time::Span};

/// The part of the election timeout that a member waits longer at random, at most: the server parameter
/// `replElectionTimeoutOffsetLimitFraction`.
const OFFSET: f64 = 0.15;

/// Votes and the new primary's catch-up and drain, by the server's own test of election times
/// (`election_timing_test.js`: 1 s and 0.2 s).
const ELECTION: Duration = Duration::from_millis(1200);

/// Clients look for the primary again: a round of questions, and a member that hangs.
const CLIENTS: Duration = Duration::from_millis(300);

/// The bounds by fault; each speaks of the primary as its victim.
///
/// A secondary stands for election when it has heard nothing of the primary for the election timeout and a random part
/// of it more. It last heard of it up to one heartbeat before the fault, less where it copies from it all the time. An
/// orderly end hands the role over at once.
pub fn bounds(election: Duration, heartbeat: Duration) -> Vec<Bound> {
    let slowest = election.mul_f64(1.0 + OFFSET);
    let silence = Span::between(
        election.saturating_sub(heartbeat),
        slowest + ELECTION + CLIENTS,
    );
    let silent = format!(
        "low: electionTimeoutMillis {election:?} - age of the last heartbeat <= {heartbeat:?}; high: {slowest:?} with the \
         random part of {OFFSET} + votes, catch-up and drain {ELECTION:?} + clients {CLIENTS:?}; a split vote adds another \
         election timeout and is not in it"
    );
    let handed = format!(
        "the role is handed over at once: votes, catch-up and drain {ELECTION:?} + clients {CLIENTS:?}"
    );
    let bound = |fault: &str, rto: Span, basis: &str, confirmed: bool| Bound {
        fault: format!("{fault} primary"),
        rto,
        basis: basis.to_owned(),
        confirmed,
    };
    vec![
        bound("kill", silence, &silent, false),
        bound("pause", silence, &silent, false),
        bound("partition", silence, &silent, false),
        bound(
            "stop",
            Span::between(Duration::ZERO, ELECTION + CLIENTS),
            &handed,
            false,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_follow_from_the_election_timeout() {
        let bounds = bounds(Duration::from_secs(10), Duration::from_secs(2));
        let of = |fault: &str| {
            bounds
                .iter()
                .find(|bound| bound.fault == fault)
                .map(|bound| bound.rto)
        };
        let kill = of("kill primary").expect("a bound");
        assert_eq!(kill.low(), Duration::from_secs(8));
        assert_eq!(kill.high(), Some(Duration::from_secs(13)));
        let stop = of("stop primary").expect("a bound");
        assert_eq!(
            (stop.low(), stop.high()),
            (Duration::ZERO, Some(Duration::from_millis(1500)))
        );
    }
}
