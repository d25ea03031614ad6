//! What a replica set's settings let a failover take.

use std::time::Duration;

use crate::record::{Bound, Milestone, Wait};

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
    let ends = [
        Wait::upto(
            Milestone::Accepts,
            "votes, catch-up and drain",
            "the server's own test of election times",
            ELECTION,
        ),
        Wait::upto(
            Milestone::FirstSuccess,
            "clients look for the primary again",
            "a round of questions",
            CLIENTS,
        ),
    ];
    let silence = [
        Wait::new(
            Milestone::Declared,
            "the primary is silent",
            format!(
                "electionTimeoutMillis {election:?}, less the age of the last heartbeat, {heartbeat:?} at most"
            ),
            [election.saturating_sub(heartbeat), election],
        ),
        Wait::upto(
            Milestone::Declared,
            "what a secondary waits longer at random",
            format!("replElectionTimeoutOffsetLimitFraction {OFFSET} of it"),
            election.mul_f64(OFFSET),
        ),
    ];
    let silent = |fault: &str| {
        let waits = silence.iter().chain(&ends).cloned().collect();
        let split = "a split vote, which adds another election timeout";
        Bound::of(format!("{fault} primary"), waits, split)
    };
    let handed = Bound::of("stop primary", ends.to_vec(), "");
    let mut bounds = ["kill", "pause", "partition"].map(silent).to_vec();
    bounds.push(handed);
    bounds
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
